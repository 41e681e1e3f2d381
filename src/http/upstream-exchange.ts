import type { Dispatcher } from 'undici'
import type { Backend } from '../dialects/dialect.ts'
import { assert, BrokenBelief } from '../floor/assert.ts'
import type { Sent, UpstreamListener } from '../gate/ports.ts'
import { type Decoder, decoderOf } from './decode.ts'
import type { UpstreamConnection, UpstreamConnections } from './upstream-connections.ts'

export type Headers = Readonly<Record<string, string | string[] | undefined>>
/** A request as it is sent. */
export interface Outgoing {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Uint8Array | null
}

/**
 * What is known about the backend behind the connections. A request that was written for one kind
 * must not be sent to another (threats J8).
 */
export interface Behind {
  kind(): Backend
  /** Lists the models again, and returns whether a backend of that kind is there. */
  isStill(kind: Backend): Promise<boolean>
}

interface Parts {
  readonly connections: UpstreamConnections
  readonly now: () => number
  readonly onDoubt: () => void
  readonly behind: Behind
}

/** One request and its answer, until its connection is free or closed. */
export class UpstreamExchange implements Sent, Dispatcher.DispatchHandler {
  readonly #parts: Parts
  readonly #listener: UpstreamListener
  #request: Outgoing | null = null
  #connection: UpstreamConnection
  #decoder: Decoder | null = null
  /** What came since the socket was read. Mostly it is one piece, in a burst there are more. */
  #piece: Uint8Array | null = null
  #more: Uint8Array[] = []
  /** Called when the connection is open and the request is being sent. */
  readonly #begun: (() => void) | null
  #controller: Dispatcher.DispatchController | null = null
  #sentAt = Number.NaN
  /** The bytes that the connection had read before this request. */
  readonly #bytesBefore: number
  /** The kind of backend that it was written for. */
  readonly #kind: Backend
  #sentTwice = false
  #answered = false
  #holdable = false
  #over = false

  constructor(parts: Parts, listener: UpstreamListener, begun: (() => void) | null) {
    this.#parts = parts
    this.#connection = parts.connections.take()
    this.#bytesBefore = this.#connection.bytes
    this.#kind = parts.behind.kind()
    this.#listener = listener
    this.#begun = begun
  }

  start(request: Outgoing): this {
    this.#request = request
    this.#connection.onReadAgain = this.#readAgain
    const { body, headers, method, path } = request
    this.#connection.client.dispatch({ body, headers, method, path, blocking: false }, this)
    return this
  }

  resume(): void {
    if (this.#decoder === null) this.#resume()
    else this.#decoder.resume()
  }

  #resume(): void {
    // Not while another answer's data is handled, because undici's parser cannot be entered twice.
    queueMicrotask(() => {
      if (!this.#over) this.#controller?.resume()
    })
  }

  abort(): void {
    this.#decoder?.stop()
    if (this.#over) return
    this.#over = true
    this.#cut()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#sentAt = this.#parts.now()
    this.#begun?.()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // A status such as 103 is not the answer yet.
    if (this.#over || status < 200) return
    this.#answered = true
    this.#holdable = keepsAlive(headers)
    if (NOBODY_BEHIND.has(status)) this.#parts.onDoubt()
    // It is never sent again once an answer has begun.
    this.#request = null
    this.#listener.onHead(status, headers)
    const encoding = headers['content-encoding']
    if (encoding !== undefined && !this.#over) this.#decode(encoding)
  }

  #decode(encoding: string | string[]): void {
    const decoder = decoderOf(encoding, this.#listener, () => this.#resume())
    if (decoder === 'none') return
    if (decoder !== null) {
      this.#decoder = decoder
      return
    }
    this.abort()
    this.#listener.onError('broken', 'an answer in an encoding that is not known')
  }

  /**
   * The pieces of one read of the socket are joined, so that who listens has them at once: a model
   * that is fast sends many events together, each in a piece of its own. A piece that comes while the
   * answer is paused waits here: undici does not read again before it is resumed.
   */
  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#over) return
    if (this.#piece === null) this.#piece = chunk
    else this.#more.push(chunk)
  }

  /** Node itself reads too, to look whether more has come. Then a paused answer stays paused. */
  readonly #readAgain = (): void => {
    if (this.#piece !== null && this.#controller?.paused !== true) this.#deliver()
  }

  #deliver(): void {
    const piece = this.#piece
    if (piece === null) return
    this.#piece = null
    let chunk = piece
    if (this.#more.length > 0) {
      chunk = Buffer.concat([piece, ...this.#more])
      this.#more = []
    }
    if (this.#over) return
    if (this.#decoder === null ? this.#listener.onData(chunk) : this.#decoder.write(chunk)) return
    if (this.#holdable && !this.#over) this.#controller?.pause()
  }

  onResponseEnd(): void {
    this.#deliver()
    if (this.#over) return
    this.#over = true
    this.#connection.onReadAgain = null
    this.#request = null
    this.#connection.answers += 1
    this.#parts.connections.giveBack(this.#connection)
    if (this.#decoder === null) this.#listener.onEnd()
    else this.#decoder.end(() => this.#listener.onEnd())
    this.#listener.onReleased()
  }

  onResponseError(_: unknown, error: Error): void {
    // undici catches what its handlers throw. A failed assertion of ours must not look like a
    // failure of the upstream.
    if (error instanceof BrokenBelief) {
      queueMicrotask(() => {
        throw error
      })
    }
    this.#deliver()
    if (this.#over) return
    this.#parts.onDoubt()
    if (!this.#wasClosedUnder(error)) this.#fail(error)
    else this.#sendAgain(error).catch((broken) => this.#fail(broken))
  }

  #fail(error: Error): void {
    this.#over = true
    this.#cut()
    const tell = () =>
      this.#listener.onError(this.#answered ? 'broken' : 'unreachable', detailOf(error))
    if (this.#decoder === null) tell()
    else this.#decoder.end(tell)
  }

  /**
   * Whether the backend had closed a kept connection before it took this request. If the request
   * itself made the backend crash, more time passes, and it must not be sent again.
   */
  #wasClosedUnder(error: Error): boolean {
    const { answers, bytes } = this.#connection
    const kept = answers > 0 && !this.#sentTwice && 'code' in error && CLOSED.has(error.code)
    if (!kept || bytes > this.#bytesBefore) return false
    return this.#controller === null || this.#parts.now() - this.#sentAt <= CLOSED_WITHIN
  }

  /**
   * Sends the request once more on a new connection, because the other kept connections are as old
   * as this one.
   */
  async #sendAgain(error: Error): Promise<void> {
    const { connections, behind } = this.#parts
    const request = this.#request
    assert(request !== null, 'a request that runs is kept')
    this.#sentTwice = true
    // A GET of the models may go to any backend; it is how the kind of backend is found out.
    const same = request.method === 'GET' || (await behind.isStill(this.#kind))
    if (this.#over) return
    if (!same) return this.#fail(error)
    connections.cut(this.#connection).catch(() => undefined)
    this.#controller = null
    this.#connection = connections.open()
    this.start(request)
  }

  #cut(): void {
    this.#request = null
    const released = () => this.#listener.onReleased()
    this.#parts.connections.cut(this.#connection).then(released, released)
  }
}

/** ms. A connection that was closed before it was used reports that within this time. */
const CLOSED_WITHIN = 500
const CLOSED: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])
/** Statuses of a proxy that has no backend behind it. */
const NOBODY_BEHIND = new Set([502, 503, 504])

/**
 * Whether an answer may be paused. If an answer that ends with its connection is paused at its end,
 * undici 7 throws from a socket event (`assert(!this.paused)` in its parser's `finish`, repaired in
 * undici 8), and that would end the gate. Streaming backends send chunks and keep the connection
 * open.
 */
function keepsAlive(headers: Headers): boolean {
  const chunked = String(headers['transfer-encoding'] ?? '').toLowerCase() === 'chunked'
  return chunked && !/close/i.test(String(headers.connection ?? ''))
}

function detailOf(error: Error): string {
  const inner = error instanceof AggregateError ? (error.errors.at(-1) ?? error) : error
  const code = 'code' in error ? String(error.code) : error.name
  return inner.message === '' ? code : `${code}: ${inner.message}`
}
