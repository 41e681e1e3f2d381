import type { Reply } from './ports.ts'

/**
 * Wraps the reply so that the answer carries these headers, whatever happens to the request: its payment
 * was taken (threats L3). They are for this buyer alone, so no cache may store the answer.
 */
export function carrying(carries: Readonly<Record<string, string>>, reply: Reply): Reply {
  return {
    head: (status, headers) =>
      reply.head(status, {
        ...headers,
        ...carries,
        'cache-control': 'private, no-store, no-transform',
      }),
    write: (bytes) => reply.write(bytes),
    end: (bytes, trailers) => reply.end(bytes, trailers),
    onDrain: (then) => reply.onDrain(then),
    onGone: (then) => reply.onGone(then),
    get headSent() {
      return reply.headSent
    },
    get backlog() {
      return reply.backlog
    },
  }
}
