import { type Backend, LONGEST_MODEL } from '../dialects/dialect.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type JsonAnswer, makeUpstream } from './upstream.ts'

/** A model as the upstream lists it, with every field. */
export interface Model {
  readonly id: string
  readonly [field: string]: unknown
}

export interface Probed {
  readonly kind: Backend
  readonly models: readonly Model[]
  /**
   * By model: how many tokens a prompt and its answer may have together, if the backend says so.
   */
  readonly context: Readonly<Record<string, number>>
}

export type NotProbed =
  /** Nobody answers. The text is for the operator. */
  | { readonly why: 'unreachable'; readonly detail: string }
  /** It wants a key, or another key. */
  | { readonly why: 'refused'; readonly status: number }
  /** It answers, but not with a list of models. */
  | { readonly why: 'no_models'; readonly status: number }

export const MODELS_PATH = '/v1/models'

/**
 * Asks an upstream for its models. Its kind is told from that answer alone; nothing else is asked.
 */
export async function probeUpstream(
  base: URL,
  key: string | null,
  world: World,
  deadlineMs = 5_000,
): Promise<Result<Probed, NotProbed>> {
  const upstream = makeUpstream({ world, base, key, timeouts: { connectMs: deadlineMs } })
  try {
    return readProbe(await upstream.getJson(MODELS_PATH, deadlineMs))
  } finally {
    await upstream.close()
  }
}

/** Reads the answer to `GET /v1/models`. */
export function readProbe(answer: Result<JsonAnswer, string>): Result<Probed, NotProbed> {
  if (!answer.ok) return err({ why: 'unreachable', detail: answer.error })
  const { status, headers, json } = answer.value
  if (status === 401 || status === 403) return err({ why: 'refused', status })
  const models = status === 200 ? modelsOf(json) : null
  if (models === null) return err({ why: 'no_models', status })
  const sizes = models.flatMap((model) => {
    const size = contextSize(model)
    return size === null ? [] : [[model.id, size] as const]
  })
  return ok({
    kind: kindOf(models, String(headers.server ?? '')),
    models,
    context: Object.fromEntries(sizes),
  })
}

/**
 * Reads OpenAI's list, or the bare array that some backends send (threats K14). Ollama sends `data:
 * null` if it has no models. Records without an id are left out, and those whose id no request may
 * name.
 */
function modelsOf(json: unknown): Model[] | null {
  const list = Array.isArray(json) ? json : isRecord(json) ? json.data : undefined
  if (list === null) return []
  if (!Array.isArray(list)) return null
  return list.filter((each): each is Model => isRecord(each) && isName(each.id))
}

const isName = (id: unknown): boolean =>
  typeof id === 'string' && id !== '' && id.length <= LONGEST_MODEL

const OWNERS: Readonly<Record<string, Backend>> = {
  library: 'ollama',
  llamacpp: 'llamacpp',
  vllm: 'vllm',
  organization_owner: 'lmstudio',
}

/**
 * Tells the kind by the `Server` header, otherwise by the owner of the models. For a model that the
 * user made, Ollama names the user as its owner.
 */
function kindOf(models: readonly Model[], server: string): Backend {
  if (/^llama\.cpp/i.test(server)) return 'llamacpp'
  for (const { owned_by: by } of models) {
    const kind = typeof by === 'string' && Object.hasOwn(OWNERS, by) ? OWNERS[by] : undefined
    if (kind !== undefined) return kind
  }
  return 'other'
}

/**
 * The context in tokens. llama.cpp lists it as `meta.n_ctx`, vLLM as `max_model_len`, some routers
 * as `context_length`.
 */
export function contextSize(model: Model): number | null {
  const meta = isRecord(model.meta) ? model.meta : {}
  for (const size of [meta.n_ctx, model.max_model_len, model.context_length]) {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size
  }
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The default ports of Ollama, vLLM, LM Studio and llama.cpp. */
const USUAL_PORTS = [11434, 8000, 1234, 8080]

export interface Discovered extends Probed {
  readonly base: URL
}

/** Looks for a backend on this machine. The first of these ports that lists models is used. */
export async function discover(
  world: World,
  ports: readonly number[] = USUAL_PORTS,
  deadlineMs = 1_000,
): Promise<Discovered | null> {
  const all = await Promise.all(
    ports.map(async (port): Promise<Discovered | null> => {
      const base = new URL(`http://127.0.0.1:${port}`)
      const probed = await probeUpstream(base, null, world, deadlineMs)
      return probed.ok ? { base, ...probed.value } : null
    }),
  )
  return all.find((one) => one !== null) ?? null
}
