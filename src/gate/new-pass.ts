import type { Reply } from './ports.ts'

/**
 * Wraps the reply so that the answer carries the pass that its payment has just bought (threats
 * L3).
 */
export function carrying(pass: string, reply: Reply): Reply {
  return {
    head: (status, headers) =>
      reply.head(status, {
        ...headers,
        'cache-control': 'private, no-store, no-transform',
        'x-satgate-pass': pass,
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
