import type { EventEmitter } from 'node:events'
import { Client, type Dispatcher } from 'undici'
import { assert, BrokenBelief } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { Sent, Upstream, UpstreamListener } from '../gate/ports.ts'
import { decoding } from './decode.ts'

export interface UpstreamOptions {
  /** The operator's own address, with `/v1` or without, and the only host that this upstream ever speaks to (G1). */
  readonly base: URL
  /** Sent as Bearer; null sends none. */
  readonly key: string | null
  readonly timeouts?: { readonly connectMs?: number }
}

export interface HttpUpstream extends Upstream {
  /** GETs a small JSON document, `/v1/models`. An answer of any status is a value; text in the error is for the operator. */
  getJson(path: string, deadlineMs: number): Promise<Result<JsonAnswer, string>>
  /** Cuts what still runs and closes every connection. */
  close(): Promise<void>
}

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  /** Undefined where the body is not JSON. */
  readonly json: unknown
}

type Headers = Readonly<Record<string, string | string[] | undefined>>
interface Exchange {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

/** What a canonical path looks like: no escapes, dots, empty segments, authority or query (G1). */
const CANONICAL = /^(?:\/[a-z0-9][a-z0-9_-]*)+$/
/** The only headers of a buyer's that an upstream sees: every credential is left behind (G3, G5). */
const PASSED = ['accept', 'x-request-id']
const PRINTABLE = /^[\x20-\x7e]{1,256}$/
const KEY = /^[\x21-\x7e]+$/
const JSON_LIMIT = 8 * 1024 * 1024

/**
 * Speaks HTTP/1.1 to one backend. Redirects are answers like any other (G2), nothing is retried,
 * and no deadline but that of connecting is kept here: the gate owns them.
 */
export function makeUpstream(options: UpstreamOptions): HttpUpstream {
  assert(options.key === null || KEY.test(options.key), 'an upstream key is one printable word')
  const lines = new Lines(options.base.origin, options.timeouts?.connectMs ?? 10_000)
  const prefix = prefixOf(options.base)
  const own: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'satgate' }
  if (options.key !== null) own.authorization = `Bearer ${options.key}`
  const exchange = (what: Exchange, listener: UpstreamListener): Sent => {
    assert(CANONICAL.test(what.path), 'an upstream path is one of the allow-listed ones')
    const headers = { ...passed(what.headers), ...own }
    const request = {
      ...what,
      path: prefix + what.path,
      headers: what.body === null ? headers : { ...headers, 'content-type': 'application/json' },
    }
    return decoding(listener, (decoded) => new Exchanged(lines, decoded).start(request))
  }
  return {
    send: ({ path, body, headers }, listener) =>
      exchange({ method: 'POST', path, body, headers }, listener),
    getJson: (path, deadlineMs) =>
      readJson(
        (listener) =>
          exchange(
            { method: 'GET', path, body: null, headers: { accept: 'application/json' } },
            listener,
          ),
        deadlineMs,
      ),
    close: () => lines.close(),
  }
}

/** What stands before `/v1` on that upstream: empty, or a path such as `/openai`. */
function prefixOf(base: URL): string {
  return base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '')
}

function passed(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (PASSED.includes(lower) && PRINTABLE.test(value)) kept[lower] = value
  }
  return kept
}

/**
 * Keep-alive connections, one request on each at a time. A pool of our own rather than undici's:
 * to know when an upstream has let go one must know which connection a request is on, and undici
 * looks through all busy connections for a free one.
 */
class Lines {
  readonly #origin: string
  readonly #options: Client.Options
  readonly #all = new Set<Client>()
  readonly #idle: Client[] = []

  constructor(origin: string, connectTimeout: number) {
    this.#origin = origin
    this.#options = { connectTimeout, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 }
  }

  take(): Client {
    return this.#idle.pop() ?? this.#open()
  }

  giveBack(line: Client): void {
    if (this.#all.has(line)) this.#idle.push(line)
  }

  /** Resolves when the socket is closed. */
  cut(line: Client): Promise<void> {
    this.#all.delete(line)
    return line.destroy(new Error('aborted'))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((line) => this.cut(line)))
  }

  #open(): Client {
    const line = new Client(this.#origin, this.#options)
    this.#all.add(line)
    // What a handler of ours throws, undici says here.
    ;(line as EventEmitter).on('error', () => {
      this.cut(line).catch(() => undefined)
    })
    line.on('disconnect', () => {
      const at = this.#idle.indexOf(line)
      if (at < 0) return
      this.#idle.splice(at, 1)
      // It is gone as it is: nobody waits for its end.
      this.cut(line).catch(() => undefined)
    })
    return line
  }
}

/** One request and its answer, from the first byte to the release of its connection. */
class Exchanged implements Sent, Dispatcher.DispatchHandler {
  readonly released: Promise<void>
  readonly #lines: Lines
  readonly #line: Client
  readonly #listener: UpstreamListener
  #release: () => void = () => {}
  #controller: Dispatcher.DispatchController | null = null
  #answered = false
  #holdable = false
  #over = false

  constructor(lines: Lines, listener: UpstreamListener) {
    this.#lines = lines
    this.#line = lines.take()
    this.#listener = listener
    this.released = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  start(request: Exchange): this {
    this.#line.dispatch({ ...request, blocking: false }, this)
    return this
  }

  resume(): void {
    // Not from within another answer's data: undici's parser does not stand being entered twice.
    queueMicrotask(() => {
      if (!this.#over) this.#controller?.resume()
    })
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#cut()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // 103 and its like are not the answer.
    if (this.#over || status < 200) return
    this.#answered = true
    this.#holdable = keepsAlive(headers)
    this.#listener.onHead(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#over || this.#listener.onData(chunk)) return
    if (this.#holdable && !this.#over) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#over = true
    this.#lines.giveBack(this.#line)
    this.#release()
    this.#listener.onEnd()
  }

  onResponseError(_: unknown, error: Error): void {
    // undici catches what its handlers throw: a broken belief is not an upstream's failure.
    if (error instanceof BrokenBelief) {
      queueMicrotask(() => {
        throw error
      })
    }
    if (this.#over) return
    this.#over = true
    this.#cut()
    this.#listener.onError(this.#answered ? 'broken' : 'unreachable', detailOf(error))
  }

  #cut(): void {
    this.#lines.cut(this.#line).then(this.#release, this.#release)
  }
}

/**
 * Whether an answer may be held back. undici 7 throws out of a socket event (`assert(!this.paused)`
 * in its parser's `finish`, mended in undici 8) when an answer that ends with its connection does so
 * while it is held: that would end the gate. Backends that stream send chunks and keep the line.
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

function readJson(
  send: (listener: UpstreamListener) => Sent,
  deadlineMs: number,
): Promise<Result<JsonAnswer, string>> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    let size = 0
    let head: { status: number; headers: Headers } = { status: 0, headers: {} }
    const finish = (result: Result<JsonAnswer, string>) => {
      clearTimeout(timer)
      resolve(result)
    }
    const giveUp = (why: string) => {
      sent.abort()
      finish(err(why))
    }
    const sent = send({
      onHead: (status, headers) => {
        head = { status, headers }
      },
      onData: (chunk) => {
        size += chunk.byteLength
        if (size > JSON_LIMIT) giveUp(`answer of more than ${JSON_LIMIT} bytes`)
        else chunks.push(chunk)
        return true
      },
      onEnd: () => finish(ok({ ...head, json: parsed(Buffer.concat(chunks)) })),
      onError: (kind, detail) => finish(err(`${kind}: ${detail}`)),
    })
    const timer = setTimeout(() => giveUp(`no answer within ${deadlineMs} ms`), deadlineMs)
  })
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
