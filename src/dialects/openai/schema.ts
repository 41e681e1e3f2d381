import type { Backend } from '../dialect.ts'
import { fold, isObject, type Json, type JsonObject, parse } from '../kit/json.ts'
import { FORMATS, GUIDES, TOOLS } from './fields.ts'

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

/** The keys whose values always become a grammar. */
const GRAMMARS = [...FORMATS, ...GUIDES]

const ITEMS = new Set(['minitems', 'maxitems', 'minproperties', 'maxproperties', 'mincontains'])
const LENGTHS = new Set(['minlength', 'maxlength'])
const PATTERNS = new Set(['pattern', 'regex', 'grammar'])

/**
 * The key of the first schema, grammar or pattern in a request that exceeds the bounds, or null.
 * One request with a huge `minItems` makes Ollama crash, and with it every stream that runs.
 */
export function unbounded(request: JsonObject, backend: Backend): string | null {
  for (const key of GRAMMARS) {
    const value = request[key]
    if (value === undefined) continue
    if (typeof value === 'string' && value.length > MOST_TEXT) return key
    const schema = typeof value === 'string' ? (parse(value) ?? value) : value
    if (!bounded(schema, COMPILED)) return key
    if (typeof value === 'string' && !boundedPattern(value, COMPILED)) return key
  }
  for (const key of TOOLS) {
    const tools = request[key]
    if (tools === undefined) continue
    const bounds = compilesTools(request, backend) ? COMPILED_TOOLS : SHOWN
    if (!bounded(tools, bounds)) return key
  }
  return null
}

/**
 * Whether the backend makes a grammar of the schemas of tools (threats K22). llama.cpp always does.
 * Others do if a call is forced or if its arguments must be strict; else they show them to the
 * model.
 */
function compilesTools(request: JsonObject, backend: Backend): boolean {
  if (backend === 'llamacpp') return true
  const { tool_choice: choice, function_call: call } = request
  if (choice === 'required' || isObject(choice) || isObject(call)) return true
  const tools = TOOLS.flatMap((key) => (Array.isArray(request[key]) ? request[key] : []))
  return tools.some((tool) => isStrict(tool) || (isObject(tool) && isStrict(tool.function)))
}

const isStrict = (tool: Json | undefined): boolean => isObject(tool) && tool.strict === true

/** Walks a schema, and multiplies the counts around each part. */
function bounded(schema: Json, bounds: Bounds): boolean {
  const open: { value: Json; around: number }[] = [{ value: schema, around: 1 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, around } = next
    if (Array.isArray(value)) for (const item of value) open.push({ value: item, around })
    if (!isObject(value)) continue
    const times = counts(value, bounds)
    if (times === null || around * times > bounds.nested) return false
    for (const inner of Object.values(value)) open.push({ value: inner, around: around * times })
  }
  return true
}

/** The largest number of items that one object asks for. Null if a count exceeds its bound. */
function counts(schema: JsonObject, bounds: Bounds): number | null {
  let items = 1
  for (const [key, value] of Object.entries(schema)) {
    const name = fold(key)
    if (typeof value === 'number') {
      if (ITEMS.has(name) && value > bounds.items) return null
      if (LENGTHS.has(name) && value > bounds.length) return null
      if (ITEMS.has(name)) items = Math.max(items, value)
    }
    if (typeof value === 'string' && PATTERNS.has(name) && !boundedPattern(value, bounds))
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
