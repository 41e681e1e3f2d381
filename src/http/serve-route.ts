import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Awaitable, isPromise } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { Gate } from '../gate/gate.ts'
import type { Incoming, Reply } from '../gate/ports.ts'
import type { Refusal } from '../gate/refusal.ts'
import type { Route } from '../gate/route.ts'
import { type Cors, type Standing, standing } from './cors.ts'
import type { Begun, Receive } from './incoming.ts'

export interface ServeParts {
  readonly gate: Pick<Gate, 'begin' | 'refuse' | 'serve'>
  readonly receive: Receive
  readonly cors: Cors
  reply(request: IncomingMessage, response: ServerResponse, standing: Standing): Reply
}

/** A request that has begun, as Node gives it. */
export interface Came {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly begun: Begun
}

/**
 * Reads the body and lets the gate serve the request. Answers at once if nothing has to be waited
 * for. A path that could be read in two ways is refused after the body was read, and that refusal is
 * logged. Throws or rejects only if the code is wrong.
 */
export function serveRoute(parts: ServeParts, route: Route, came: Came): Awaitable<void> {
  const body = parts.receive.body(came.request, came.begun, route.dialect)
  return isPromise(body)
    ? body.then((received) => serve(parts, route, came, received))
    : serve(parts, route, came, body)
}

function serve(
  { cors, gate, reply: replyTo }: ServeParts,
  route: Route,
  { request, response, begun }: Came,
  received: Result<Incoming, Refusal>,
): Awaitable<void> {
  const { presented } = begun.incoming
  const open = presented.is !== 'credential' && presented.is !== 'payment'
  const reply = replyTo(request, response, standing(cors, request, open))
  if (!received.ok) return gate.refuse(gate.begin(route, begun.incoming, reply), received.error)
  const incoming = received.value
  let over: Awaitable<void>
  try {
    over = gate.serve(gate.begin(route, incoming, reply))
  } catch (bug) {
    incoming.letGoOfBody()
    throw bug
  }
  const letGo = () => incoming.letGoOfBody()
  if (!isPromise(over)) return letGo()
  // One promise; `finally` would make four.
  return over.then(letGo, (bug: unknown) => {
    letGo()
    throw bug
  })
}
