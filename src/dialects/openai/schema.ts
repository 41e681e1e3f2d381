import type { Backend } from '../dialect.ts'
import { fold, isObject, type Json, type JsonObject, parse } from '../kit/json.ts'
import { FORMATS, GUIDES, TOOLS } from './fields.ts'

/** The largest counts that a schema may ask for. */
interface Bounds {
  readonly items: number
  readonly length: number
  /** Of counts inside counts, multiplied. */
  readonly nested: number
}

/** Past them a grammar's size ends some backends. */
const COMPILED: Bounds = { items: 1_000, length: 10_000, nested: 1_000_000 }
/** Clients give generous lengths for a tool's arguments. */
const COMPILED_TOOLS: Bounds = { ...COMPILED, length: 1_000_000 }
/** For who shows schemas to the model alone, as far as we know. */
const SHOWN: Bounds = { items: 1_000_000, length: 1e12, nested: Number.POSITIVE_INFINITY }

/** Of a schema or a grammar that is given as text. */
const MOST_TEXT = 256 * 1024

const ITEMS = new Set(['minitems', 'maxitems', 'minproperties', 'maxproperties', 'mincontains'])
const LENGTHS = new Set(['minlength', 'maxlength'])
const PATTERNS = new Set(['pattern', 'regex', 'grammar'])

/**
 * The key of the first schema, grammar or pattern in a request whose repetition is past the bounds,
 * or null. One Ollama request with a huge `minItems` ends every stream that runs beside it.
 */
export function unbounded(request: JsonObject, backend: Backend): string | null {
  for (const key of [...FORMATS, ...GUIDES]) {
    const value = request[key]
    if (typeof value === 'string' && value.length > MOST_TEXT) return key
    const schema = typeof value === 'string' ? (parse(value) ?? value) : value
    if (!bounded(schema ?? null, COMPILED)) return key
    if (typeof value === 'string' && !boundedPattern(value, COMPILED)) return key
  }
  const bounds = compilesTools(request, backend) ? COMPILED_TOOLS : SHOWN
  for (const key of TOOLS) {
    if (!bounded(request[key] ?? null, bounds)) return key
  }
  return null
}

/**
 * Whether the schemas of tools become a grammar (threats K22): always on llama.cpp, elsewhere where
 * a call is forced or its arguments are to be strict. Others only show them to the model.
 */
function compilesTools(request: JsonObject, backend: Backend): boolean {
  if (backend === 'llamacpp') return true
  const { tool_choice: choice, function_call: call } = request
  if (choice === 'required' || isObject(choice) || isObject(call)) return true
  const tools = TOOLS.flatMap((key) => (Array.isArray(request[key]) ? request[key] : []))
  return tools.some((tool) => isStrict(tool) || (isObject(tool) && isStrict(tool.function)))
}

const isStrict = (tool: Json | undefined): boolean => isObject(tool) && tool.strict === true

/** Walks a schema with the product of the counts around each part. */
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

/** The largest number of items that one object asks for, or null where a count is past its bound. */
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
