import { FORMATS, GUIDES, TOOLS } from './fields.ts'
import { fold, isObject, type Json, type JsonObject, parse } from './json.ts'

/** The largest counts that a schema may ask for. Past them a grammar's size ends some backends. */
const MOST_ITEMS = 1_000
const MOST_LENGTH = 10_000
/** A tool's arguments are seldom compiled to a grammar, and clients give generous lengths there. */
const MOST_TOOL_LENGTH = 1_000_000
/** Of counts inside counts, multiplied. */
const MOST_NESTED = 1_000_000

/** Of a schema or a grammar that is given as text. */
const MOST_TEXT = 256 * 1024

const ITEMS = new Set(['minitems', 'maxitems', 'minproperties', 'maxproperties', 'mincontains'])
const LENGTHS = new Set(['minlength', 'maxlength'])
const PATTERNS = new Set(['pattern', 'regex', 'grammar'])

/**
 * The key of the first schema, grammar or pattern in a request whose repetition is past the bounds,
 * or null. One Ollama request with a huge `minItems` ends every stream that runs beside it.
 */
export function unbounded(request: JsonObject): string | null {
  for (const key of [...FORMATS, ...GUIDES]) {
    const value = request[key]
    if (typeof value === 'string' && value.length > MOST_TEXT) return key
    const schema = typeof value === 'string' ? (parse(value) ?? value) : value
    if (!bounded(schema ?? null, MOST_LENGTH)) return key
    if (typeof value === 'string' && !boundedPattern(value)) return key
  }
  for (const key of TOOLS) {
    if (!bounded(request[key] ?? null, MOST_TOOL_LENGTH)) return key
  }
  return null
}

/** Walks a schema with the product of the counts around each part. */
function bounded(schema: Json, mostLength: number): boolean {
  const open: { value: Json; around: number }[] = [{ value: schema, around: 1 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, around } = next
    if (Array.isArray(value)) for (const item of value) open.push({ value: item, around })
    if (!isObject(value)) continue
    const times = counts(value, mostLength)
    if (times === null || around * times > MOST_NESTED) return false
    for (const inner of Object.values(value)) open.push({ value: inner, around: around * times })
  }
  return true
}

/** The largest number of items that one object asks for, or null where a count is past its bound. */
function counts(schema: JsonObject, mostLength: number): number | null {
  let items = 1
  for (const [key, value] of Object.entries(schema)) {
    const name = fold(key)
    if (typeof value === 'number') {
      if (ITEMS.has(name) && value > MOST_ITEMS) return null
      if (LENGTHS.has(name) && value > mostLength) return null
      if (ITEMS.has(name)) items = Math.max(items, value)
    }
    if (typeof value === 'string' && PATTERNS.has(name) && !boundedPattern(value)) return null
  }
  return items
}

/** Repetitions `{3}`, `{3,}`, `{3,9}` of a regular expression or a grammar, all multiplied. */
function boundedPattern(pattern: string): boolean {
  let product = 1
  for (const [, counts = ''] of pattern.matchAll(/\{([\d,\s]*)\}/g)) {
    const times = Math.max(1, ...counts.split(',', 2).map(Number))
    if (!(times <= MOST_ITEMS)) return false
    product *= times
  }
  return product <= MOST_NESTED
}
