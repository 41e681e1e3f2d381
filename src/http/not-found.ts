import { nearest } from '../floor/nearest.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { operations } from './openapi-operations.ts'
import type { Terms } from './selling.ts'

/** Endpoints of other APIs, with the endpoint that does the same here. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['/v1/responses', '/v1/chat/completions'],
  ['/v1/messages', '/v1/chat/completions'],
  ['/api/chat', '/v1/chat/completions'],
  ['/api/generate', '/v1/completions'],
  ['/api/embed', '/v1/embeddings'],
  ['/api/embeddings', '/v1/embeddings'],
  ['/api/tags', '/v1/models'],
])

/** Makes the 404 for a path or a method that is not served. It names the nearest paths that are. */
export function makeNotFound(
  terms: Pick<Terms, 'routes' | 'sells' | 'methods'>,
): (method: string, path: string | null) => Refusal {
  const methods = new Map<string, string>()
  for (const { path, method } of operations(terms)) {
    if (method === 'post' || !methods.has(path)) methods.set(path, method.toUpperCase())
  }
  const paths = [...methods.keys()]
  const served = `Served: ${paths.map((path) => `${methods.get(path)} ${path}`).join(', ')}.`
  return (method, path) => {
    const known = path === null ? undefined : methods.get(path)
    const said =
      known === undefined
        ? `There is nothing at this path.${meant(path, paths)}`
        : `${method} is not served here: send ${known} ${path}.`
    return refuse(404, 'not_found', `${said} ${served} The description is at /openapi.json.`)
  }
}

function meant(path: string | null, paths: readonly string[]): string {
  if (path === null || path.length > 80) return ''
  const plain = path.toLowerCase().replace(/\/$/, '')
  const other = INSTEAD.get(plain)
  if (other !== undefined) return ` This API is not served; use ${other} instead.`
  // The client's base URL has no `/v1`, or has it twice.
  const under = `/v1${plain.replace(/^(?:\/v1)+/, '')}`
  const close = paths.includes(under) ? under : nearest(plain, paths)
  return close === null ? '' : ` Did you mean ${close}?`
}
