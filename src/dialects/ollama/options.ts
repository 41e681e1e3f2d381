import type { Malformed } from '../dialect.ts'
import { MOST_LOOKED_BACK, notWhole, refuse } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import type { Inside } from '../kit/sift.ts'

/**
 * The options that pass: how tokens are chosen, and where an answer ends (Ollama Modelfile reference,
 * "Valid Parameters and Values"). Options of the machine, such as `num_ctx`, `num_gpu` and `use_mmap`, load the model
 * anew for everybody, so they are the operator's (threats L20).
 */
const PASSED: ReadonlySet<string> = new Set([
  ...['temperature', 'top_k', 'top_p', 'min_p', 'typical_p', 'tfs_z', 'seed', 'stop', 'num_keep'],
  ...['repeat_last_n', 'repeat_penalty', 'presence_penalty', 'frequency_penalty'],
  ...['mirostat', 'mirostat_eta', 'mirostat_tau', 'penalize_newline'],
])

/** The output limit. It is read, and written anew with the granted limit. */
const LIMIT = 'num_predict'
const KNOWN: ReadonlySet<string> = new Set([...PASSED, LIMIT])

/** -1: no limit. -2: until the context is full. */
const LOWEST_LIMIT = -2

/** Why `options` cannot be read; null if they can. */
export function optionsRefused({ options }: JsonObject): Malformed | null {
  if (options === undefined || options === null) return null
  if (!isObject(options)) {
    return refuse('invalid_type', 'options must be an object, as in {"seed": 1}.', 'options')
  }
  const key = folded(options, KNOWN)
  if (key !== null) {
    const message = `options has a name in another spelling than Ollama’s: write ${key.toLowerCase()}.`
    return refuse('ambiguous_key', message, 'options')
  }
  const back = notWhole(options, 'repeat_last_n', -1, MOST_LOOKED_BACK)
  if (back !== null)
    return { ...back, message: `options.${back.message}`, param: 'options.repeat_last_n' }
  const limit = options[LIMIT]
  if (limit === undefined || limit === null) return null
  if (Number.isSafeInteger(limit) && Number(limit) >= LOWEST_LIMIT) return null
  return refuse(
    'invalid_value',
    `options.${LIMIT} must be a whole number. Leave it out, or send -1, for the usual limit of this gate.`,
    `options.${LIMIT}`,
  )
}

/** The client's own output limit. 0 and less mean no limit to Ollama (threats A15); null then. */
export function limitOf({ options }: JsonObject): number | null {
  const limit = isObject(options) ? options[LIMIT] : null
  return typeof limit === 'number' && limit > 0 ? limit : null
}

/** What passes of the options of a request, without its output limit. */
export function passing(options: Json): Inside {
  if (!isObject(options)) return { passes: options, left: [] }
  const passes: JsonObject = Object.create(null)
  const left: string[] = []
  for (const [key, value] of Object.entries(options)) {
    if (key === LIMIT) continue
    if (PASSED.has(key) && isSetting(key, value)) passes[key] = value
    else if (value !== null) left.push(`options.${key}`)
  }
  return { passes, left }
}

/** A number or a switch; the texts that end an answer may be a list. */
const isSetting = (key: string, value: Json): boolean =>
  key === 'stop'
    ? typeof value === 'string' || (Array.isArray(value) && value.every(isText))
    : value === null || typeof value === 'number' || typeof value === 'boolean'

const isText = (value: Json): boolean => typeof value === 'string'

/** The member `options` as it is sent, with the granted limit. Null: it has no limit. */
export function written(options: Json | undefined, limit: number | null): string {
  const kept = isObject(options) ? options : {}
  return `"options":${JSON.stringify(limit === null ? kept : { ...kept, [LIMIT]: limit })}`
}
