import type { Malformed } from '../dialect.ts'
import { ambiguous, refuse } from '../kit/checks.ts'
import { folded, isObject, type JsonObject } from '../kit/json.ts'

const KEYS: ReadonlySet<string> = new Set(['type', 'ttl'])

/**
 * Refuses a `cache_control` whose entry lives for longer than five minutes: writing it costs more, and
 * the backend reports both kinds of writes in one figure (threats L18).
 */
export function cacheRefused(holder: JsonObject, param: string): Malformed | null {
  const { cache_control: control } = holder
  if (control === undefined || control === null) return null
  const where = `${param}.cache_control`
  if (!isObject(control)) {
    return refuse('invalid_type', `${where} must be an object: {"type": "ephemeral"}.`, where)
  }
  const key = folded(control, KEYS)
  if (key !== null) return ambiguous(key, where)
  const other = Object.keys(control).find((name) => !KEYS.has(name))
  if (other !== undefined) {
    const message = `${where} may have the members type and ttl only: entries of the prompt cache have no other settings here.`
    return refuse('unsupported_parameter', message, where)
  }
  const { ttl } = control
  if (ttl === undefined || ttl === null || ttl === '5m') return null
  return refuse(
    'unsupported_parameter',
    `${where}.ttl is not served: entries of the prompt cache live for five minutes here. Leave ttl out, or write "5m".`,
    `${where}.ttl`,
  )
}
