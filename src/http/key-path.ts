import type { IncomingMessage } from 'node:http'

/**
 * `dialects.keyPath`: a pass in the path, `/k/<pass>/api/chat`, for programs that can send no header. It
 * is taken out of the path before anything else looks at the request, so that it is in no log, link,
 * error or request to a backend.
 */

/**
 * A pass in base64 may have slashes, so that its secret of 64 hex digits tells where it ends. Signs may
 * be escaped.
 */
const WHOLE = /^\/k\/([A-Za-z0-9+/_=%-]+(?::|%3A)[0-9a-f]{64})(?=[/?]|$)/i
/** Whatever else stands there is read as a wrong key in a header would be. */
const ANY = /^\/k\/([^/?]+)/

const keys = new WeakMap<IncomingMessage, string>()

/** Takes a pass out of the path of a request that has just come. */
export function takeKey(request: IncomingMessage): void {
  const target = request.url ?? ''
  const [all = '', key = ''] = WHOLE.exec(target) ?? ANY.exec(target) ?? []
  if (all === '') return
  keys.set(request, unescaped(key))
  const rest = target.slice(all.length)
  request.url = rest.startsWith('/') ? rest : `/${rest}`
}

/** The headers of a request, names and values in turn. A pass out of the path is one of them. */
export function headersOf(request: IncomingMessage): readonly string[] {
  const key = keys.get(request)
  return key === undefined ? request.rawHeaders : [...request.rawHeaders, 'x-api-key', key]
}

function unescaped(key: string): string {
  if (!key.includes('%')) return key
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
