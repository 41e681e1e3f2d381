import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests that one connection may have unanswered: clients that mean well send one after another. */
const MOST_UNANSWERED = 32

export interface ConnectionsOptions {
  /**
   * Names the client behind a connection, the same for the same one; null where a connection is that
   * of many people, whose number is nobody's own: loopback, or a trusted proxy.
   */
  readonly clientOf: (socket: Socket) => string | null
  /** Connections that one client may have at a time. */
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
  readonly #counts = new Map<string, number>()
  readonly #lines = new WeakMap<Socket, Line>()
  /** Those that asked nothing yet: browsers open some ahead, and Node does not call them idle. */
  readonly #fresh = new Set<Socket>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** A new one. It is closed unanswered where its client has too many. */
  opened(socket: Socket): void {
    const client = this.#options.clientOf(socket)
    if (client !== null) {
      const count = this.#counts.get(client) ?? 0
      if (count >= this.#options.each) {
        socket.destroy()
        return
      }
      this.#counts.set(client, count + 1)
    }
    this.#fresh.add(socket)
    socket.once('close', () => {
      this.#fresh.delete(socket)
      if (client !== null) this.#less(client)
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

  #less(client: string): void {
    const left = (this.#counts.get(client) ?? 1) - 1
    if (left > 0) this.#counts.set(client, left)
    else this.#counts.delete(client)
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
