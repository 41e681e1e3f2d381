import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { boundsOf, type Member, Quota } from '../floor/quota.ts'

/** How many unanswered requests one connection may have. Honest clients wait for each answer. */
const MOST_UNANSWERED = 32

export interface ConnectionsOptions {
  /**
   * The client behind a connection. Null if many people share the connection (loopback, or a
   * trusted proxy): those are not counted.
   */
  readonly clientOf: (socket: Socket) => Member | null
  /** How many connections one client may have at a time. A site may have four times as many. */
  readonly each: number
}

interface Line {
  /** The response to the last request. */
  response: ServerResponse | null
  unanswered: number
  readonly answered: () => void
}

/** The open connections of a listener, bounded for each client (threats J7). */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #quota = new Quota()
  readonly #lines = new WeakMap<Socket, Line>()
  /**
   * Connections without a request so far. Browsers open some in advance, and Node does not count
   * them as idle.
   */
  readonly #fresh = new Set<Socket>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** A new connection. It is closed without an answer if its client has too many. */
  opened(socket: Socket): void {
    const { clientOf, each } = this.#options
    const keys = clientOf(socket)
    const bounds = keys === null ? [] : boundsOf(keys, each)
    if (!this.#quota.hasRoom(bounds)) {
      socket.destroy()
      return
    }
    const names = bounds.map(([name]) => name)
    this.#quota.add(names)
    this.#fresh.add(socket)
    socket.once('close', () => {
      this.#fresh.delete(socket)
      this.#quota.giveBack(names)
    })
  }

  /**
   * A request came on this connection. Returns false if too many wait there; the connection is then
   * closed.
   */
  asked(socket: Socket, response: ServerResponse): boolean {
    const line = this.#lines.get(socket) ?? newLine()
    this.#lines.set(socket, line)
    this.#fresh.delete(socket)
    if (socket.destroyed) return false
    line.response = response
    line.unanswered += 1
    response.on('close', line.answered)
    if (line.unanswered <= MOST_UNANSWERED) return true
    socket.destroy()
    return false
  }

  /** The response that this connection is sending. */
  answering(socket: Socket): ServerResponse | null {
    return this.#lines.get(socket)?.response ?? null
  }

  /** Closes connections that have sent no request. */
  endUnasked(): void {
    for (const socket of this.#fresh) socket.destroy()
  }
}

function newLine(): Line {
  const line: Line = {
    response: null,
    unanswered: 0,
    answered: () => {
      line.unanswered -= 1
    },
  }
  return line
}
