import { assert } from '../floor/assert.ts'
import { Cache } from '../floor/cache.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Sent, Upstream, UpstreamListener, UpstreamRequest } from '../gate/ports.ts'
import { CREDENTIAL_HEADERS } from '../passes/present.ts'
import { targetOf } from './target.ts'
import { UpstreamConnections } from './upstream-connections.ts'
import { type Behind, type Headers, UpstreamExchange } from './upstream-exchange.ts'

export interface UpstreamOptions {
  readonly world: World
  /**
   * The operator's own address, with `/v1` or without. This upstream connects to no other host
   * (G1).
   */
  readonly base: URL
  /** Sent as a Bearer token. Null sends none. */
  readonly key: string | null
  readonly timeouts?: { readonly connectMs?: number }
  /** Monotonic ms. If it is left out, nothing is sent twice. */
  readonly now?: () => number
  /**
   * Called if a connection was lost, or an answer says that nobody is behind it. Another backend
   * may be there soon.
   */
  readonly onDoubt?: () => void
  /**
   * The kind of backend, and whether it is still there. It is asked before a request is sent a
   * second time (J8).
   */
  readonly behind?: Behind
}

export interface HttpUpstream extends Upstream {
  /**
   * GETs a small JSON document such as `/v1/models`. An answer of any status is a value. The text
   * in the error is for the operator.
   */
  getJson(path: string, deadlineMs: number): Promise<Result<JsonAnswer, string>>
  /** Ends what still runs, and closes every connection. */
  close(): Promise<void>
}

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  /** Undefined if the body is not JSON. */
  readonly json: unknown
}

/**
 * The headers of a request that reach the upstream with every dialect. Credentials never do (G3,
 * G5).
 */
const PASSED = ['accept', 'x-request-id']
const PRINTABLE = /^[\x20-\x7e]{1,256}$/
/** Used if nobody checks which kind of backend is there. */
const ANYBODY: Behind = { kind: () => 'other', isStill: async () => true }
const KEY = /^[\x21-\x7e]+$/
const JSON_LIMIT = 8 * 1024 * 1024

/**
 * Sends requests to one backend over HTTP/1.1. A redirect is an answer like any other (G2). The
 * only deadline here is the one for connecting; the gate has all others. A request is sent a second
 * time only if a kept connection was closed before the backend took it (threats K21).
 */
export function makeUpstream(options: UpstreamOptions): HttpUpstream {
  assert(options.key === null || KEY.test(options.key), 'an upstream key is one printable word')
  const { timeouts, now = () => Number.NaN, onDoubt = () => {} } = options
  const behind = options.behind ?? ANYBODY
  const connections = new UpstreamConnections(
    options.base.origin,
    timeouts?.connectMs ?? 10_000,
    onDoubt,
  )
  const own = ['accept-encoding', 'identity', 'user-agent', 'satgate']
  if (options.key !== null) own.push('authorization', `Bearer ${options.key}`)
  const parts = { connections, now, onDoubt, behind }
  const paths = new Paths(options.base)
  const exchange = (
    what: UpstreamRequest,
    listener: UpstreamListener,
    begun: (() => void) | null = null,
  ): Sent => {
    const { body, contentType, method } = what
    const headers = passed(what, own)
    if (contentType !== null) headers.push('content-type', contentType)
    const path = paths.of(what.path, what.query)
    return new UpstreamExchange(parts, listener, begun).start({ body, headers, method, path })
  }
  return {
    send: (what, listener) => exchange(what, listener),
    getJson: (path, deadlineMs) =>
      readJson(
        options.world,
        (listener, begun) =>
          exchange(
            {
              ...{ method: 'GET', path, query: '', body: null, contentType: null },
              ...{ headers: { accept: 'application/json' }, passes: [] },
            },
            listener,
            begun,
          ),
        deadlineMs,
      ),
    close: () => connections.close(),
  }
}

/** The headers of a request: those that pass, then `own`, which replace those of the same name. */
function passed(
  { contentType, headers, passes }: Pick<UpstreamRequest, 'contentType' | 'headers' | 'passes'>,
  own: readonly string[],
): string[] {
  const kept: string[] = []
  for (const name in headers) {
    const lower = name.toLowerCase()
    if (!PASSED.includes(lower) && !passes.includes(lower)) continue
    const replaced = own.includes(lower) || (lower === 'content-type' && contentType !== null)
    const value = headers[name] ?? ''
    if (!replaced && !CREDENTIAL_HEADERS.has(lower) && PRINTABLE.test(value))
      kept.push(lower, value)
  }
  kept.push(...own)
  return kept
}

/** The paths of requests to the backend, each found once: a gate has few of them. */
class Paths {
  readonly #base: URL
  readonly #known = new Cache<string>(64)

  constructor(base: URL) {
    this.#base = base
  }

  of(path: string, query: string): string {
    if (query !== '') return targetOf(this.#base, path, query)
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const found = targetOf(this.#base, path)
    this.#known.set(path, found)
    return found
  }
}

function readJson(
  world: World,
  send: (listener: UpstreamListener, begun: () => void) => Sent,
  deadlineMs: number,
): Promise<Result<JsonAnswer, string>> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    let size = 0
    let head: { status: number; headers: Headers } = { status: 0, headers: {} }
    const finish = (result: Result<JsonAnswer, string>) => {
      timer.cancel()
      resolve(result)
    }
    const giveUp = (why: string) => {
      sent.abort()
      finish(err(why))
    }
    let begun = false
    const onBegun = () => {
      begun = true
    }
    const listener: UpstreamListener = {
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
      onReleased: () => {},
    }
    const sent = send(listener, onBegun)
    const timer = world.after(deadlineMs, () => {
      const what = begun ? 'no answer' : 'unreachable: no connection'
      giveUp(`${what} within ${deadlineMs} ms`)
    })
  })
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
