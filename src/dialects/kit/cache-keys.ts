import type { CacheKey } from '../dialect.ts'
import type { JsonObject } from './json.ts'

/** What a request calls its part of a prompt cache: OpenAI, and vLLM, which keeps the parts apart. */
const KEY = 'prompt_cache_key'
const SALT = 'cache_salt'

/**
 * The members of a request that name its part of a prompt cache, for this account (threats L21).
 * `gone` are those of the client, and `added` what is sent instead.
 * @param cacheKey null: nothing is sent
 * @param salted the backend takes a salt, and gets one with every request
 */
export function cacheKeys(
  request: JsonObject,
  cacheKey: CacheKey | null,
  salted: boolean,
): {
  readonly gone: readonly string[]
  readonly added: readonly string[]
  readonly salted: boolean
} {
  const gone = [KEY, SALT].filter((name) => request[name] !== undefined)
  if (cacheKey === null) return { gone, added: [], salted: false }
  const { [KEY]: key, [SALT]: salt } = request
  const added: string[] = []
  if (typeof key === 'string') added.push(`"${KEY}":"${cacheKey(key)}"`)
  const own = typeof salt === 'string' ? salt : typeof key === 'string' ? key : ''
  if (salted || typeof salt === 'string') added.push(`"${SALT}":"${cacheKey(own)}"`)
  return { gone: salted ? [...gone, SALT] : gone, added, salted }
}
