/** The headers that an API key stands in. A token may be one. */
const KEYS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key'])
/** NUT-24. */
const OWN = 'x-cashu'
const SCHEME = /^bearer\s+/i
const TOKEN = /^cashu[AB]/

export const TOKEN_HEADERS = [OWN, ...KEYS]

/**
 * The tokens in the headers of a request, each text once. `X-Cashu` holds nothing else, so whatever
 * stands there counts as one. Reads no token.
 */
export function tokensIn(rawHeaders: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    const value = rawHeaders[at + 1]?.trim() ?? ''
    if (value === '') continue
    if (name === OWN) found.add(value)
    else if (KEYS.has(name)) {
      const key = value.replace(SCHEME, '')
      if (TOKEN.test(key)) found.add(key)
    }
  }
  return [...found]
}

/** Whether a token stands in `X-Cashu`, and none in the place of an API key. */
export function isInOwn(rawHeaders: readonly string[]): boolean {
  let own = false
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (name === OWN) own = true
    else if (KEYS.has(name) && TOKEN.test(rawHeaders[at + 1]?.trim().replace(SCHEME, '') ?? '')) {
      return false
    }
  }
  return own
}
