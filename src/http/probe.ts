import { type Backend, LONGEST_MODEL } from '../dialects/dialect.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type JsonAnswer, makeUpstream } from './upstream.ts'

/** Asks an upstream for its models. Its kind is told from that answer alone; nothing else is asked. */
export interface Model {
  readonly id: string
  readonly [field: string]: unknown
}

export interface Probed {
  readonly kind: Backend
  readonly models: readonly Model[]
  /** Tokens that a prompt and its answer may have together, by model, where the backend says so. */
  readonly context: Readonly<Record<string, number>>
}

export type NotProbed =
  /**
   * Reads OpenAI's list, or the bare array that some backends send (threats K14). Ollama sends
   * `data: null` if it has no models. Records without an id are left out, and those whose id no
   * request may name.
   */
  | { readonly why: 'unreachable'; readonly detail: string }
  /**
   * Tells the kind by the `Server` header, otherwise by the owner of the models. For a model that
   * the user made, Ollama names the user as its owner.
   */
  | { readonly why: 'refused'; readonly status: number }
  /**
   * The context in tokens. llama.cpp lists it as `meta.n_ctx`, vLLM as `max_model_len`, some
   * routers as `context_length`.
   */
  | { readonly why: 'no_models'; readonly status: number }

export const MODELS_PATH = '/v1/models'

/** The default ports of Ollama, vLLM, LM Studio and llama.cpp. */
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

/** Looks for a backend on this machine. The first of these ports that lists models is used. */
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

/** Refusals of the endpoints of the gate itself. */
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

/** @param why for example "unknown here" */
function kindOf(models: readonly Model[], server: string): Backend {
  if (/^llama\.cpp/i.test(server)) return 'llamacpp'
  for (const { owned_by: by } of models) {
    const kind = typeof by === 'string' && Object.hasOwn(OWNERS, by) ? OWNERS[by] : undefined
    if (kind !== undefined) return kind
  }
  return 'other'
}

/** In tokens: llama.cpp has `meta.n_ctx`, vLLM `max_model_len`, some routers `context_length`. */
export function contextSize(model: Model): number | null {
  const meta = isRecord(model.meta) ? model.meta : {}
  for (const size of [meta.n_ctx, model.max_model_len, model.context_length]) {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size
  }
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The path is served, but not with this method. */
const USUAL_PORTS = [11434, 8000, 1234, 8080]

export interface Discovered extends Probed {
  readonly base: URL
}

/** Looks for a backend on this machine; the first port of the list that lists models wins. */
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
