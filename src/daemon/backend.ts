import type { Config } from '../config/config.ts'
import type { Backend } from '../dialects/dialect.ts'
import { plural } from '../floor/plural.ts'
import type { World } from '../floor/world.ts'
import { failedOf, type ModelList, makeModels } from '../http/models.ts'
import type { FailedTry as NotListed } from '../http/presence.ts'
import { discover, MODELS_PATH, type Model, probeUpstream } from '../http/probe.ts'
import { shownTarget } from '../http/target.ts'
import { helpWith } from '../http/unreachable.ts'
import { type HttpUpstream, makeUpstream } from '../http/upstream.ts'
import { Failed } from './failed.ts'

/** The backend of a run: its kind, its models, and the client for it. */
export interface FoundBackend {
  readonly kind: Backend
  readonly url: string
  /** "Ollama at localhost:11434, 3 models". */
  readonly label: string
  readonly first: readonly Model[]
  readonly upstream: HttpUpstream
  readonly models: ModelList
  /**
   * Why the backend lists no models; null if it does. The gate runs nevertheless, reports this, and
   * asks again.
   */
  readonly problem: string | null
  /** Describes a later failure in the same words, for the operator only. */
  readonly explain: (how: NotListed) => string
}

const NAMES: Readonly<Record<Backend, string>> = {
  ollama: 'Ollama',
  vllm: 'vLLM',
  llamacpp: 'llama.cpp',
  lmstudio: 'LM Studio',
  other: 'OpenAI-compatible server',
}

/** Probes the configured upstream, or looks for one on the usual ports. Throws `Failed`. */
export async function findBackend(
  { upstream, upstreamKey, pricing }: Pick<Config, 'upstream' | 'upstreamKey' | 'pricing'>,
  world: World,
): Promise<FoundBackend> {
  const base = upstream === null ? await look(world) : new URL(upstream)
  const key = upstreamKey === null ? null : upstreamKey.reveal()
  const probed = await probeUpstream(base, key, world)
  const client = makeUpstream({
    world,
    base,
    key,
    now: world.now,
    onDoubt: () => models.doubt(),
    behind: { kind: () => models.kind(), isStill: (kind) => models.isStill(kind) },
  })
  const first = probed.ok ? probed.value.models : null
  const kind = probed.ok ? probed.value.kind : 'other'
  const sellsUnlisted = pricing.list.models.some(({ price }) => price.in !== 'refuse')
  const how = failedOf(probed, sellsUnlisted)
  const problem = how === null ? null : why(how, base)
  const models = makeModels({ get: client.getJson, world, sellsUnlisted, first: probed })
  return {
    kind,
    url: base.origin,
    label:
      first === null
        ? `${base.host}, no list of models yet`
        : `${NAMES[kind]} at ${base.host}, ${plural(first.length, 'model')}`,
    first: first ?? [],
    upstream: client,
    models,
    problem,
    explain: (how) => why(how, base),
  }
}

async function look(world: World): Promise<URL> {
  const found = await discover(world)
  if (found !== null) return found.base
  throw new Failed(
    'no backend found on the usual ports (Ollama 11434, vLLM 8000, LM Studio 1234, llama.cpp 8080).\nName yours: satgate --upstream http://localhost:11434\nOr see the whole story first, with play money and a toy model: satgate demo',
  )
}

function why(how: NotListed, base: URL): string {
  const url = shownTarget(base, MODELS_PATH)
  if (how.why === 'unreachable') return helpWith(how.detail, new URL(url))
  if (how.why === 'empty') return `${url} lists no model: ${HOW_TO_LOAD}`
  if (how.why === 'refused') {
    return `${url} answers ${how.status}: it wants a key, or another one (upstreamKey or --upstream-key-file)`
  }
  return `${url} answers ${how.status} and no list of models`
}

const HOW_TO_LOAD = 'load one there, with Ollama for example: ollama pull llama3.2'
