import type { Backend } from '../dialect.ts'
import { fold, isObject, type Json, type JsonObject, parse } from './json.ts'
import { type Member, type Watch, watchFor } from './json-scan.ts'

/** The largest counts that a schema may ask for. */
interface Bounds {
  readonly items: number
  readonly length: number
  /** The product of counts that are inside each other. */
  readonly nested: number
}

/** Larger grammars make some backends crash. */
const COMPILED: Bounds = { items: 1_000, length: 10_000, nested: 1_000_000 }
/** Clients allow generous lengths in the arguments of a tool. */
const COMPILED_TOOLS: Bounds = { ...COMPILED, length: 1_000_000 }
/** The bounds for backends that only show schemas to the model, as far as we know. */
const SHOWN: Bounds = { items: 1_000_000, length: 1e12, nested: Number.POSITIVE_INFINITY }

/** The most characters of a schema or a grammar that is given as text. */
const MOST_TEXT = 256 * 1024

/** Where an API has its schemas. */
export interface Schemas {
  /** The outermost keys whose values always become a grammar. */
  readonly grammars: readonly string[]
  /** The outermost keys of lists of tools. */
  readonly tools: readonly string[]
}

const ITEMS = new Set(['minitems', 'maxitems', 'minproperties', 'maxproperties', 'mincontains'])
const LENGTHS = new Set(['minlength', 'maxlength'])
const PATTERNS = new Set(['pattern', 'regex', 'grammar'])

/** The keys that bound something. A value without any of them has nothing to refuse. */
export const BOUNDING: Watch = watchFor([...ITEMS, ...LENGTHS, ...PATTERNS])

/**
 * The key of the first schema, grammar or pattern in a request that exceeds the bounds, or null.
 * One request with a huge `minItems` makes Ollama crash, and with it every stream that runs.
 * @param members the outermost members, scanned for `BOUNDING`
 */
export function unbounded(
  request: JsonObject,
  {
    backend,
    members,
    schemas,
  }: {
    readonly backend: Backend
    readonly members: readonly Member[]
    readonly schemas: Schemas
  },
): string | null {
  const watched = (key: string): boolean =>
    members.some((member) => member.key === key && member.watched)
  for (const key of schemas.grammars) {
    const value = request[key]
    if (value === undefined) continue
    if (typeof value !== 'string' && !watched(key)) continue
    if (typeof value === 'string' && value.length > MOST_TEXT) return key
    const schema = typeof value === 'string' ? (parse(value) ?? value) : value
    if (!bounded(schema, COMPILED)) return key
    if (typeof value === 'string' && !boundedPattern(value, COMPILED)) return key
  }
  for (const key of schemas.tools) {
    const tools = request[key]
    if (tools === undefined || !watched(key)) continue
    const bounds = compilesTools(request, backend, schemas) ? COMPILED_TOOLS : SHOWN
    if (!bounded(tools, bounds)) return key
  }
  return null
}

/**
 * Whether the backend makes a grammar of the schemas of tools (threats K22). llama.cpp always does.
 * Others do if a call is forced or if its arguments must be strict; else they show them to the
 * model.
 */
function compilesTools(request: JsonObject, backend: Backend, schemas: Schemas): boolean {
  if (backend === 'llamacpp') return true
  const { tool_choice: choice, function_call: call } = request
  if (choice === 'required' || isObject(choice) || isObject(call)) return true
  const tools = schemas.tools.flatMap((key) => (Array.isArray(request[key]) ? request[key] : []))
  return tools.some((tool) => isStrict(tool) || (isObject(tool) && isStrict(tool.function)))
}

const isStrict = (tool: Json | undefined): boolean => isObject(tool) && tool.strict === true

/** Walks a schema, and multiplies the counts around each part. */
function bounded(schema: Json, bounds: Bounds): boolean {
  const open: Json[] = [schema]
  const arounds: number[] = [1]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const around = arounds.pop() ?? 1
    const times = isObject(value) ? counts(value, bounds) : 1
    if (times === null || around * times > bounds.nested) return false
    const inside = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
    for (const inner of inside) {
      if (typeof inner !== 'object' || inner === null) continue
      open.push(inner)
      arounds.push(around * times)
    }
  }
  return true
}

/** The largest number of items that one object asks for. Null if a count exceeds its bound. */
function counts(schema: JsonObject, bounds: Bounds): number | null {
  let items = 1
  for (const key in schema) {
    const value = schema[key]
    if (typeof value === 'number') {
      const name = fold(key)
      if (ITEMS.has(name) && value > bounds.items) return null
      if (LENGTHS.has(name) && value > bounds.length) return null
      if (ITEMS.has(name)) items = Math.max(items, value)
    }
    if (typeof value === 'string' && PATTERNS.has(fold(key)) && !boundedPattern(value, bounds))
      return null
  }
  return items
}

/** Repetitions `{3}`, `{3,}`, `{3,9}` of a regular expression or a grammar, all multiplied. */
function boundedPattern(pattern: string, bounds: Bounds): boolean {
  let product = 1
  for (const [, counts = ''] of pattern.matchAll(/\{([\d,\s]*)\}/g)) {
    const times = Math.max(1, ...counts.split(',', 2).map(Number))
    if (!(times <= bounds.items)) return false
    product *= times
  }
  return product <= bounds.nested
}
