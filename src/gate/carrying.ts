import type { FlatHeaders, Reply } from './ports.ts'

/**
 * Wraps the reply so that the answer carries these headers, whatever happens to the request: its payment
 * was taken (threats L3). They are for this buyer alone, so no cache may store the answer.
 */
export function carrying(carries: Readonly<Record<string, string>>, reply: Reply): Reply {
  const { [RECEIPT]: receipt, ...always } = carries
  const more = { ...always, 'cache-control': 'private, no-store, no-transform' }
  const served = receipt === undefined ? more : { ...more, [RECEIPT]: receipt }
  return {
    head: (status, headers) => reply.head(status, replaced(headers, status < 400 ? served : more)),
    write: (bytes) => reply.write(bytes),
    end: (bytes, trailers) => reply.end(bytes, trailers),
    breakOff: () => reply.breakOff(),
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

/** An answer that is an error must not have it (draft-httpauth-payment, section 5.3). */
const RECEIPT = 'payment-receipt'

/** Adds the headers of `more`. They replace those of the same name, however it is written. */
export function replaced(
  headers: FlatHeaders,
  more: Readonly<Record<string, string>>,
): FlatHeaders {
  const written = Object.keys(more)
  if (written.length === 0) return headers
  const names = new Set(written.map((name) => name.toLowerCase()))
  const kept = headers.filter((_, at) => !names.has(headers[at - (at % 2)]?.toLowerCase() ?? ''))
  return [...kept, ...Object.entries(more).flat()]
}
