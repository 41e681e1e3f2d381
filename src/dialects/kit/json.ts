export type Json = string | number | boolean | null | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** The value, or undefined if the text is not JSON. */
export function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A key as the most forgiving parser may see it: Go's `encoding/json` folds case by Unicode, so
 * that `Max_Tokens` and `max_toKenſ` are both `max_tokens` to it.
 */
export function fold(key: string): string {
  if (key.length > MOST_FOLDED) return key
  let same = true
  for (let at = 0; at < key.length; at += 1) {
    const c = key.charCodeAt(at)
    if (c >= 0x80) return key.normalize('NFKC').toUpperCase().toLowerCase()
    if (c >= 0x41 && c <= 0x5a) same = false
  }
  return same ? key : key.toLowerCase()
}

/**
 * Longer keys are not normalised, because that can take time in the square of their length (J1). No
 * known name is that long in UTF-16, and folding never turns a longer key into one.
 */
const MOST_FOLDED = 128

/** The first key that is not known itself but folds to a known one, or null. */
export function folded(object: JsonObject, known: ReadonlySet<string>): string | null {
  for (const key in object) {
    if (!known.has(key) && known.has(fold(key))) return key
  }
  return null
}

/** A stranger's key for a message: cut short, with control characters escaped. */
export const quoted = (key: string): string => JSON.stringify(key.slice(0, 64))
