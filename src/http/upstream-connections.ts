import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { buildConnector, Client } from 'undici'

/**
 * One keep-alive connection over one socket, and what went over it: one request at a time. undici
 * would open another socket by itself, perhaps to another backend than a request was written for.
 */
export class UpstreamConnection {
  readonly client: Client
  /** Answers that came whole. */
  answers = 0
  /** Bytes that were read. */
  bytes = 0
  #connected = false

  constructor(origin: string, connectTimeout: number) {
    const connect = buildConnector({ timeout: connectTimeout })
    this.client = new Client(origin, {
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
      // undici keeps an idle connection for 4 s, less than any known backend does (threats K20).
      connect: (options, done) => {
        if (this.#connected) return done(new ClosedError(), null)
        connect(options, (...result) => {
          if (result[0] === null) this.#opened(result[1])
          done(...result)
        })
      },
    })
  }

  /** Counts what is read, decrypted where there is TLS: `bytesRead` counts its records and alerts. */
  #opened(socket: Socket): void {
    this.#connected = true
    const read = socket.read.bind(socket)
    socket.read = (size?: number) => {
      const chunk: Buffer | null = read(size)
      this.bytes += chunk?.length ?? 0
      return chunk
    }
  }
}

/** The socket was closed before the request was written to it. */
class ClosedError extends Error {
  readonly code = 'ECONNRESET'

  constructor() {
    super('closed before it was used')
  }
}

/**
 * Keep-alive connections, one request on each at a time. A pool of our own rather than undici's:
 * to know when an upstream has let go one must know which connection a request is on, and undici
 * looks through all busy connections for a free one.
 */
export class UpstreamConnections {
  readonly #origin: string
  readonly #connectTimeout: number
  readonly #closedIdle: () => void
  readonly #all = new Set<UpstreamConnection>()
  readonly #idle: UpstreamConnection[] = []

  /** `closedIdle` is called when the other side closes a connection that nobody uses. */
  constructor(origin: string, connectTimeout: number, closedIdle: () => void) {
    this.#origin = origin
    this.#connectTimeout = connectTimeout
    this.#closedIdle = closedIdle
  }

  /** One that is kept, else a new one. */
  take(): UpstreamConnection {
    return this.#idle.pop() ?? this.open()
  }

  giveBack(connection: UpstreamConnection): void {
    if (this.#all.has(connection)) this.#idle.push(connection)
  }

  /** Resolves when the socket is closed. */
  cut(connection: UpstreamConnection): Promise<void> {
    this.#all.delete(connection)
    return connection.client.destroy(new Error('aborted'))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((connection) => this.cut(connection)))
  }

  open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#origin, this.#connectTimeout)
    this.#all.add(connection)
    // What a handler of ours throws, undici says here.
    ;(connection.client as EventEmitter).on('error', () => {
      this.cut(connection).catch(() => undefined)
    })
    connection.client.on('disconnect', (_origin, _targets, error) => {
      const at = this.#idle.indexOf(connection)
      if (at < 0) return
      this.#idle.splice(at, 1)
      // It is gone as it is: nobody waits for its end.
      this.cut(connection).catch(() => undefined)
      if (error.code !== CLOSED_BY_US) this.#closedIdle()
    })
    return connection
  }
}

/** undici's code for a connection that it closed because it was idle for too long. */
const CLOSED_BY_US = 'UND_ERR_INFO'
