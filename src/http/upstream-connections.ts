import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { buildConnector, Client } from 'undici'

/**
 * One keep-alive connection over one socket, with one request at a time, and what it has carried.
 * undici alone would open another socket by itself, which may lead to another backend than the one
 * that the request was written for.
 */
export class UpstreamConnection {
  readonly client: Client
  /** The number of complete answers. */
  answers = 0
  /** The number of bytes that were read. */
  bytes = 0
  /**
   * Called before the socket is read again, so after all was handled that the last read gave. undici
   * reads until nothing is left or the answer is paused, so the call comes in the same turn of the
   * event loop.
   */
  onReadAgain: (() => void) | null = null
  #connected = false

  constructor(origin: string, connect: Connect) {
    this.client = new Client(origin, {
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
      // undici closes a connection that was idle for 4 s. No known backend closes it earlier
      // (threats K20).
      connect: (options, done) => {
        if (this.#connected) return done(new ClosedError(), null)
        connect(options, (...result) => {
          if (result[0] === null) this.#opened(result[1])
          done(...result)
        })
      },
    })
  }

  /**
   * Counts the bytes that are read. With TLS it counts decrypted bytes, because `bytesRead` also
   * counts TLS records and alerts.
   */
  #opened(socket: Socket): void {
    this.#connected = true
    const read = socket.read.bind(socket)
    socket.read = (size?: number) => {
      if (!this.#wasHandled(socket)) return null
      const chunk: Buffer | null = read(size)
      this.bytes += chunk?.length ?? 0
      return chunk
    }
  }

  /** A mistake of ours ends the connection, as one in a handler of undici does. */
  #wasHandled(socket: Socket): boolean {
    try {
      this.onReadAgain?.()
    } catch (bug) {
      socket.destroy(bug instanceof Error ? bug : new Error('no error was thrown'))
    }
    return !socket.destroyed
  }
}

type Connect = ReturnType<typeof buildConnector>

/** The socket was closed before the request was written to it. */
class ClosedError extends Error {
  readonly code = 'ECONNRESET'

  constructor() {
    super('closed before it was used')
  }
}

/**
 * The keep-alive connections, with one request on each at a time. We use our own pool because we
 * must know the connection of each request to see when the upstream has finished it, and because
 * undici looks through all busy connections for a free one.
 */
export class UpstreamConnections {
  readonly #origin: string
  /** One for all connections, so that TLS sessions are resumed. */
  readonly #connect: Connect
  readonly #closedIdle: () => void
  readonly #all = new Set<UpstreamConnection>()
  readonly #idle: UpstreamConnection[] = []

  /** `closedIdle` is called when the other side closes an unused connection. */
  constructor(origin: string, connectTimeout: number, closedIdle: () => void) {
    this.#origin = origin
    this.#connect = buildConnector({ timeout: connectTimeout })
    this.#closedIdle = closedIdle
  }

  /** Takes a kept connection, or opens a new one. */
  take(): UpstreamConnection {
    return this.#idle.pop() ?? this.open()
  }

  giveBack(connection: UpstreamConnection): void {
    if (this.#all.has(connection)) this.#idle.push(connection)
  }

  /** Closes a connection. Resolves when the socket is closed. */
  cut(connection: UpstreamConnection): Promise<void> {
    this.#all.delete(connection)
    return connection.client.destroy(new Error('aborted'))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((connection) => this.cut(connection)))
  }

  open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#origin, this.#connect)
    this.#all.add(connection)
    // undici reports here what one of our handlers throws.
    ;(connection.client as EventEmitter).on('error', () => {
      this.cut(connection).catch(() => undefined)
    })
    connection.client.on('disconnect', (_origin, _targets, error) => {
      const at = this.#idle.indexOf(connection)
      if (at < 0) return
      this.#idle.splice(at, 1)
      // The connection is closed already, so nobody waits for this.
      this.cut(connection).catch(() => undefined)
      if (error.code !== CLOSED_BY_US) this.#closedIdle()
    })
    return connection
  }
}

/** undici's code for a connection that it closed itself because it was idle too long. */
const CLOSED_BY_US = 'UND_ERR_INFO'
