import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { boundsOf, type Member, Quota } from '../floor/quota.ts'

/** Requests that one connection may have unanswered: clients that mean well send one after another. */
const MOST_UNANSWERED = 32

export interface ConnectionsOptions {
  /**
   * Names the client behind a connection, the same for the same one; null where a connection is
   * that of many people, whose number is nobody's own: loopback, or a trusted proxy.
   */
  readonly clientOf: (socket: Socket) => Member | null
  /** Connections that one client may have at a time; a site has as many as four. */
  readonly each: number
}

interface Line {
  /** To the last request that came. */
  response: ServerResponse | null
  unanswered: number
  readonly answered: () => void
}

/** The open connections of a listener, bounded for each client (threats J7). */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #quota = new Quota()
  readonly #lines = new WeakMap<Socket, Line>()
  /** Those that asked nothing yet: browsers open some ahead, and Node does not call them idle. */
  readonly #fresh = new Set<Socket>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** A new one. It is closed unanswered where its client has too many. */
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

  /** A request came on it. False: too many of them wait there, and the connection is closed. */
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

  /** The answer that a connection is at. */
  answering(socket: Socket): ServerResponse | null {
    return this.#lines.get(socket)?.response ?? null
  }

  /** Ends those that asked nothing. */
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
