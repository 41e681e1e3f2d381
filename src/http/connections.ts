import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Keys } from './clients.ts'

/** Requests that one connection may have unanswered: clients that mean well send one after another. */
const MOST_UNANSWERED = 32

export interface ConnectionsOptions {
  /**
   * Names the client behind a connection, the same for the same one; null where a connection is
   * that of many people, whose number is nobody's own: loopback, or a trusted proxy.
   */
  readonly clientOf: (socket: Socket) => Keys | null
  /** Connections that one client may have at a time; a site has as many as four. */
  readonly each: number
}

/** Who has an IPv6 /48 is 65,536 clients: without a bound of its own it would have all connections. */
const CLIENTS_OF_A_SITE = 4

interface Line {
  /** To the last request that came. */
  response: ServerResponse | null
  unanswered: number
  readonly answered: () => void
}

/** The open connections of a listener, bounded for each client (threats J7). */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #counts = new Map<string, number>()
  readonly #lines = new WeakMap<Socket, Line>()
  /** Those that asked nothing yet: browsers open some ahead, and Node does not call them idle. */
  readonly #fresh = new Set<Socket>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** A new one. It is closed unanswered where its client has too many. */
  opened(socket: Socket): void {
    const bounds = this.#boundsOf(socket)
    if (bounds.some(({ name, most }) => (this.#counts.get(name) ?? 0) >= most)) {
      socket.destroy()
      return
    }
    for (const { name } of bounds) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.#fresh.add(socket)
    socket.once('close', () => {
      this.#fresh.delete(socket)
      for (const { name } of bounds) this.#less(name)
    })
  }

  #boundsOf(socket: Socket): readonly { readonly name: string; readonly most: number }[] {
    const { clientOf, each } = this.#options
    const keys = clientOf(socket)
    if (keys === null) return []
    return [
      { name: `client ${keys.client}`, most: each },
      { name: `site ${keys.site}`, most: each * CLIENTS_OF_A_SITE },
    ]
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

  #less(name: string): void {
    const left = (this.#counts.get(name) ?? 1) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
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
