import { isObject, type Json, type JsonObject } from './json.ts'
import { NEVER_PASSED } from './never-passed.ts'

/** A request without what must not pass. */
export interface Sifted {
  /** What is sent of it, apart from limits and stream options. */
  readonly request: JsonObject
  /** The outermost keys whose bytes are left out; null if there are none. */
  readonly gone: ReadonlySet<string> | null
  /** Members as JSON that are written anew, because a part of them is left out. */
  readonly anew: readonly string[]
  /** The names of what was left out, for a header. */
  readonly ignored: readonly string[]
}

const NO_NAMES: readonly string[] = []

/** A request of which everything passes. */
export const untouched = (request: JsonObject): Sifted => ({
  request,
  gone: null,
  anew: NO_NAMES,
  ignored: NO_NAMES,
})

/** Which fields of an API pass. */
export interface Passing {
  readonly passed: ReadonlySet<string>
  /** Those of them that contain settings of a template: only booleans, numbers and words pass. */
  readonly switches: ReadonlySet<string>
  /**
   * Members with a list of their own for what stands inside them: what passes of each, and the names of
   * what is left out.
   */
  readonly inside?: ReadonlyMap<string, (value: Json) => Inside>
}

/** What passes of a member (undefined if nothing does), and the names of what is left out of it. */
export interface Inside {
  readonly passes: Json | undefined
  readonly left: readonly string[]
}

/**
 * Keeps the fields on the list of the API and on the operator's own. A field that never passes is kept
 * only if the list of the API itself has it, because the dialect reads it.
 */
export function sift(
  { passed, switches: switched, inside }: Passing,
  request: JsonObject,
  also: ReadonlySet<string>,
): Sifted {
  // Without a prototype, so that a member named `__proto__` is a member like any other.
  const kept: JsonObject = Object.create(null)
  const gone = new Set<string>()
  const anew: string[] = []
  const ignored: string[] = []
  for (const [key, value] of Object.entries(request)) {
    const known = passed.has(key)
    const { passes, left } =
      known && switched.has(key)
        ? switches(key, value)
        : (inside?.get(key)?.(value) ?? { passes: value, left: NO_NAMES })
    ignored.push(...left)
    if ((known || (also.has(key) && !NEVER_PASSED.has(key))) && passes !== undefined) {
      kept[key] = passes
      if (left.length === 0) continue
      anew.push(`${JSON.stringify(key)}:${JSON.stringify(passes)}`)
    } else if (value !== null && left.length === 0) ignored.push(key)
    gone.add(key)
  }
  return { request: kept, gone, anew, ignored: named(ignored) }
}

/**
 * Members of such settings that a template engine takes as its own arguments. Padding is tokens.
 */
const NO_SWITCH: ReadonlySet<string> = new Set([
  ...NEVER_PASSED,
  ...['conversation', 'tokenize', 'padding', 'truncation', 'return_tensors', 'return_dict'],
  ...['tokenizer_kwargs', 'add_generation_prompt', 'continue_final_message'],
])

function switches(key: string, value: Json): Inside {
  if (!isObject(value)) {
    return isSwitch(value) ? { passes: value, left: [] } : { passes: undefined, left: [key] }
  }
  const good = (entry: [string, Json]) => !NO_SWITCH.has(entry[0]) && isSwitch(entry[1])
  const entries = Object.entries(value)
  const left = entries.filter((entry) => !good(entry)).map(([name]) => `${key}.${name}`)
  return { passes: Object.fromEntries(entries.filter(good)), left }
}

/** A longer text would be a prompt, or a template that runs on the operator's machine. */
const WORD = /^[\w .,:+/-]{0,32}$/

const isSwitch = (value: Json): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && WORD.test(value))

const MOST_NAMED = 20
const NAME = /^[\w.-]{1,64}$/

/** Names that a header may contain. Others are only counted. */
export function named(names: readonly string[]): readonly string[] {
  const shown = names.filter((name) => NAME.test(name)).slice(0, MOST_NAMED)
  const more = names.length - shown.length
  return more === 0 ? shown : [...shown, `+${more}`]
}
