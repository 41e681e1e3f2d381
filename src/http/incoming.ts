import type { IncomingMessage } from 'node:http'
import type { Dialect, RequestHead } from '../dialects/dialect.ts'
import { type Awaitable, isPromise } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { Sweep, type Swept } from '../floor/sweep.ts'
import type { World } from '../floor/world.ts'
import type { Incoming } from '../gate/ports.ts'
import { type ReadCredentials, withoutPayment } from '../gate/presentation.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { holderOf } from '../passes/recognise.ts'
import { type Body, readBody } from './body.ts'
import type { BodyShare } from './body-share.ts'
import type { Clients } from './clients.ts'
import { headersOf } from './key-path.ts'
import { railChoiceIn } from './rail-choice.ts'

export interface ReceiveOptions {
  readonly world: World
  readonly clients: Clients
  readonly readCredentials: ReadCredentials
  /** The memory for bodies of requests with a pass, and for all others. */
  readonly shares: { readonly passes: BodyShare; readonly strangers: BodyShare }
  /** `limits.body`, in bytes. */
  readonly bodyLimit: number
  /** ms. The deadline for a whole body. */
  readonly bodyMs?: number
  /**
   * The public URL, from the settings or from the tunnel, without a slash at its end. Null if the
   * request's own headers must tell it.
   */
  readonly publicUrl: () => string | null
  /** `http://127.0.0.1:3000`, for a request whose headers do not tell it. */
  readonly ownUrl: () => string
}

/** A request whose body was not read yet. */
export interface Begun {
  /** Its body is empty. */
  readonly incoming: Received
  /** Whether the path can be read in one way only (G1). Otherwise nothing is served. */
  readonly canonical: boolean
  /** The payment hash of the pass that it presents, whether that is paid or not: see `holderOf`. */
  readonly holder: string | null
}

export interface Receive {
  /** Called once for each request. The request gets its id here. */
  begin(request: IncomingMessage): Begun
  /**
   * Reads the body: up to `limits.body` for a dialect, which also sees the headers that it names,
   * otherwise up to 64 KiB. The body counts in the memory until `letGoOfBody`. Refuses like
   * `readBody`, and with 404.
   */
  body(
    request: IncomingMessage,
    begun: Begun,
    size: 'small' | Pick<Dialect, 'headers'>,
  ): Awaitable<Result<Incoming, Refusal>>
}

const SMALL = 65_536
const NO_SUCH_PATH = refuse(
  404,
  'not_found',
  'Nothing is served at this path: it has an escape, a doubled slash, a slash at its end or another sign that no path of this gate has. /openapi.json lists every path.',
)

/**
 * Makes the functions that turn a request into an `Incoming`. It has a canonical path, a body
 * within its limits, an anonymous client, and the credentials that it presents.
 */
export function makeReceive(options: ReceiveOptions): Receive {
  const { world, readCredentials, shares, bodyLimit, bodyMs = 60_000 } = options
  const deadlines = new Sweep<Swept>(world)
  return {
    begin(request) {
      const path = canonicalPath(request.url)
      const presented = readCredentials(headersOf(request))
      const incoming = new Received(request, path ?? '', { presented, options })
      return { incoming, canonical: path !== null, holder: holderOf(withoutPayment(presented)) }
    },
    body(request, { incoming, canonical, holder }, size) {
      if (!canonical) return err(NO_SUCH_PATH)
      const read = readBody(request, {
        world,
        limit: size === 'small' ? SMALL : bodyLimit,
        deadlineMs: bodyMs,
        deadlines,
        share: holder === null ? shares.strangers : shares.passes,
        whose:
          holder === null
            ? { holder: incoming.client, site: incoming.site }
            : { holder, site: holder },
      })
      const head = size === 'small' ? NO_HEAD : headOf(request, size.headers)
      return isPromise(read)
        ? read.then((body) => incoming.with(head, body))
        : incoming.with(head, read)
    },
  }
}

const NO_HEADERS = {}
const NO_HEAD: RequestHead = { contentType: null, headers: NO_HEADERS }
const NO_BODY: Body = { bytes: new Uint8Array(0), admit: () => {}, release: () => {} }

/** A request as it came, with its body once that was read. */
class Received implements Incoming {
  readonly id: string
  readonly at: number
  readonly method: string
  readonly path: string
  readonly presented: Incoming['presented']
  readonly client: string
  readonly site: string
  readonly trailers: boolean
  head = NO_HEAD
  #body = NO_BODY
  readonly #request: IncomingMessage
  readonly #options: ReceiveOptions

  constructor(
    request: IncomingMessage,
    path: string,
    { presented, options }: Pick<Incoming, 'presented'> & { readonly options: ReceiveOptions },
  ) {
    const { clients, world } = options
    const { client, site } = clients.of(request)
    this.at = world.now()
    this.id = newId(this.at, world.random(6))
    this.method = request.method ?? 'GET'
    this.path = path
    this.presented = presented
    this.client = client
    this.site = site
    this.trailers = request.httpVersion === '1.1'
    this.#request = request
    this.#options = options
  }

  with(head: RequestHead, read: Result<Body, Refusal>): Result<Incoming, Refusal> {
    if (!read.ok) return read
    this.head = head
    this.#body = read.value
    return ok(this)
  }

  get body(): Uint8Array {
    return this.#body.bytes
  }

  get query(): string {
    return railChoiceIn(queryOf(this.#request.url)).query
  }

  get rail(): string | null {
    return railChoiceIn(queryOf(this.#request.url)).rail
  }

  get acceptPayment(): string | null {
    const value = this.#request.headers['accept-payment']
    return value === undefined ? null : String(value)
  }

  get maxCost(): string | null {
    const value = this.#request.headers['x-max-cost']
    return value === undefined ? null : String(value)
  }

  get origin(): string {
    return originOf(this.#request, this.#options)
  }

  isLocal(): boolean {
    return this.#options.clients.isLocal(this.#request)
  }

  admitBody(): void {
    this.#body.admit()
  }

  letGoOfBody(): void {
    this.#body.release()
    this.#body = NO_BODY
  }
}

/** The headers that a dialect sees: the content type, and those that the dialect names. */
function headOf({ headers }: IncomingMessage, names: readonly string[]): RequestHead {
  const contentType = headers['content-type'] ?? null
  if (names.length === 0) return { contentType, headers: NO_HEADERS }
  const named: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) named[name] = String(value)
  }
  return { contentType, headers: named }
}

/**
 * The id of a request and of its hold: 24 hex digits, the time first. With growing ids, new rows go
 * to the end of the ledger's index. Random ids would cost twice as much.
 */
function newId(at: number, random: Uint8Array): string {
  let id = at.toString(16).padStart(12, '0')
  for (const byte of random) id += HEX[byte]
  return id
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The query of a request target, with its question mark. */
function queryOf(target = ''): string {
  const at = target.indexOf('?')
  return at < 0 ? '' : target.slice(at)
}

/**
 * The path of a request target without its query (RFC 9112 3.2). Null if two parsers could read it
 * in two ways: absolute form, `//`, dot segments, escapes, `@`, backslashes (G1).
 */
export function canonicalPath(target: string | undefined): string | null {
  const path = target?.split('?', 1)[0] ?? ''
  if (path === '/') return path
  const plain = /^(?:\/[A-Za-z0-9_~:.-]+)+$/.test(path)
  return plain && !/\/\.\.?(?:\/|$)/.test(path) ? path : null
}

const HOST = /^(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/**
 * The URL by which the buyer reaches the gate, for links in the answer. Only a trusted proxy may
 * say that it is https.
 */
function originOf(
  request: IncomingMessage,
  { publicUrl, ownUrl, clients }: Pick<ReceiveOptions, 'publicUrl' | 'ownUrl' | 'clients'>,
): string {
  const known = publicUrl()
  if (known !== null) return known
  const proxied = clients.comesFromProxy(request)
  const told = proxied ? last(request.headers['x-forwarded-host']) : undefined
  const host = told ?? request.headers.host ?? ''
  if (!HOST.test(host)) return ownUrl()
  const secure = proxied && last(request.headers['x-forwarded-proto']) === 'https'
  return `${secure ? 'https' : 'http'}://${host}`
}

/** The value that the nearest proxy wrote. */
function last(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header).split(',').at(-1)?.trim()
}
