import { nearest } from '../floor/nearest.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { operations } from './openapi-operations.ts'
import type { Terms } from './selling.ts'

/** Makes the 404 for a path or a method that is not served. It names the nearest paths that are. */
export function makeNotFound(
  terms: Pick<Terms, 'routes' | 'sells' | 'methods'>,
): (method: string, path: string | null) => Refusal {
  const methods = new Map<string, string>()
  for (const { path, method } of operations(terms)) {
    if (method === 'post' || !methods.has(path)) methods.set(path, method.toUpperCase())
  }
  const paths = [...methods.keys()]
  const sold = new Set(terms.routes.map((route) => route.path))
  const [first, ...others] = paths.filter((path) => sold.has(path))
  const named = (path: string) => `${methods.get(path)} ${path}`
  const ofOllama = paths.filter((path) => path.startsWith(OLLAMA))
  // A gate sells some twenty APIs, so that only the first one is named.
  const short = [
    ...(first === undefined ? [] : [first]),
    ...paths.filter((path) => !sold.has(path) && !path.startsWith(OLLAMA)),
  ]
  const more = others.length === 0 ? '' : ', and the other APIs'
  const served = `Served: ${short.map(named).join(', ')}${more}.`
  return (method, path) => {
    if (path?.startsWith(OLLAMA) && ofOllama.length > 0 && !methods.has(path)) {
      const message = `There is nothing at this path. Of Ollama’s API, this gate serves ${ofOllama.map(named).join(', ')}: models are not pulled, made, copied or deleted here.`
      return refuse(404, 'not_found', message)
    }
    const known = path === null ? undefined : methods.get(path)
    const said =
      known === undefined
        ? `There is nothing at this path.${meant(path, paths)}`
        : `${method} is not served here: send ${known} ${path}.`
    return refuse(404, 'not_found', `${said} ${served} The description is at /openapi.json.`)
  }
}

/** The paths of Ollama's own API. Its clients ask for no others, so they are told of no others. */
const OLLAMA = '/api/'

function meant(path: string | null, paths: readonly string[]): string {
  if (path === null || path.length > 80) return ''
  const plain = path.toLowerCase().replace(/\/$/, '')
  // The client's base URL has no `/v1`, or has it twice.
  const under = `/v1${plain.replace(/^(?:\/v1)+/, '')}`
  const close = paths.includes(under) ? under : nearest(plain, paths)
  return close === null ? '' : ` Did you mean ${close}?`
}
