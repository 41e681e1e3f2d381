import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPromise } from '../floor/awaitable.ts'
import type { Route, Routes } from '../gate/route.ts'
import { answerRefusal } from '../gate/write-response.ts'
import { standing } from './cors.ts'
import type { AppParts } from './endpoint.ts'
import { type Begun, canonicalPath } from './incoming.ts'
import { BUG } from './refusals.ts'
import { serveRoute } from './serve-route.ts'

/**
 * A host that no parser of URLs changes or refuses. A request with any other host is judged by
 * Hono's listener.
 */
const PLAIN_HOST = /^[a-z0-9._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/

/**
 * Finds the route of a request that can be served without Hono: its method and its path are those of
 * a route whose pattern is one path, and no endpoint of the gate itself stands there. Null for all
 * others: those go through Hono, and reach the same route if there is one. `endpoints` are the paths
 * of the gate's own, as Hono writes them.
 */
export function directRoutes(
  routes: Routes,
  endpoints: readonly string[],
): (request: IncomingMessage) => Route | null {
  const isOwn = (path: string) =>
    endpoints.some((own) => {
      const parameter = own.indexOf(':')
      return parameter < 0 ? own === path : path.startsWith(own.slice(0, parameter))
    })
  const direct = new Map<string, Route>()
  for (const route of routes.all) {
    const { text } = route.path
    const found = routes.find(route.method, text)
    const first = found.is === 'route' && found.route === route
    if (first && canonicalPath(text) === text && !isOwn(text)) {
      direct.set(`${route.method} ${text}`, route)
    }
  }
  return ({ headers, method, url = '' }) => {
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    const route = direct.get(`${method} ${path}`)
    return route !== undefined && PLAIN_HOST.test(headers.host ?? '') ? route : null
  }
}

/**
 * Serves a request. A bug is answered with a 500. If an answer has begun, or nothing of the request
 * could be read, the connection is closed.
 */
export function serveDirect(
  parts: AppParts,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  let begun: Begun | null = null
  const failed = (bug: unknown): void => {
    parts.onError(bug instanceof Error ? bug : new Error('no error was thrown'))
    if (begun === null || response.headersSent) response.destroy()
    else answerBug(parts, { request, response, begun })
  }
  try {
    begun = parts.receive.begin(request)
    const served = serveRoute(parts, route, { request, response, begun })
    if (isPromise(served)) served.catch(failed)
  } catch (bug) {
    failed(bug)
  }
}

function answerBug(
  { cors, envelopeOf, reply: replyTo }: AppParts,
  came: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly begun: Begun
  },
): void {
  const { request, response, begun } = came
  const { incoming } = begun
  const reply = replyTo(request, response, standing(cors, request, false))
  answerRefusal(envelopeOf(incoming.path), { incoming, reply, refusal: BUG })
}
