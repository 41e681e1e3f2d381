import type { RequestHead } from '../dialects/dialect.ts'
import type { Presentation } from '../rails/rail.ts'

/**
 * What the gate needs of its surroundings: the buyer's connection, an upstream, and a place for
 * events.
 */

/** A request as it arrived. Nothing in it is checked yet. */
export interface Incoming {
  readonly id: string
  /** When it arrived, ms since the epoch. */
  readonly at: number
  readonly method: string
  /** Path as routed, without the query. */
  readonly path: string
  /** With its question mark, and without the choice of a rail; empty if there is none. */
  readonly query: string
  /** The only rail whose offer the client wants to see: `?rail=NAME`. Null shows all. */
  readonly rail: string | null
  /** The value of `Accept-Payment`: how its client can pay. Null if it does not say. */
  readonly acceptPayment: string | null
  /** The value of `X-Max-Cost`, as it came. Null if the client does not say. */
  readonly maxCost: string | null
  /** The credentials in its headers. `presentation.ts` reads them once. */
  readonly presented: Presentation
  /** The headers that a dialect may see. */
  readonly head: RequestHead
  /** Empty after `letGoOfBody`. */
  readonly body: Uint8Array
  /** The request goes to the backend now, so its client may send another large body. */
  admitBody(): void
  /** Frees the memory of the body (threats J7). May be called more than once. */
  letGoOfBody(): void
  /**
   * The client whose open invoices are counted together. Made from the network address, is never
   * the address itself, and is never logged.
   */
  readonly client: string
  /**
   * The same for all clients of one site, an IPv6 /48. For IPv4 it equals `client` (threats J17).
   */
  readonly site: string
  /** `https://host` by which the buyer reaches the gate, for pay URLs. */
  readonly origin: string
  /**
   * Whether the peer is on this machine and the `Host` header is a local name too (threats H4, I3).
   */
  isLocal(): boolean
  /** Whether trailers can be sent: HTTP/1.1 only. */
  readonly trailers: boolean
}

/**
 * Headers of an answer: name, value, name, value. A header that has several values stands several
 * times. Node writes such an array as it is, without an object for each answer.
 */
export type FlatHeaders = readonly string[]

/** The response to the buyer. The gate writes at most one head and one end. */
export interface Reply {
  /**
   * Takes the head of the answer. It leaves with the first bytes, or alone at the end of this turn of
   * the event loop. The reply itself writes how long the body is, or that it comes in chunks.
   */
  head(status: number, headers: FlatHeaders): void
  /**
   * What is written in one turn of the event loop leaves together, as one chunk. If it returns false,
   * wait for `onDrain` before writing more (back-pressure from end to end).
   */
  write(bytes: Uint8Array): boolean
  end(bytes?: Uint8Array, trailers?: Readonly<Record<string, string>>): void
  /** Ends an answer whose form has no word for an error: the buyer sees that the connection breaks. */
  breakOff(): void
  onDrain(then: () => void): void
  /**
   * Calls `then` if the buyer left before `end`, or will read no more. At most once; at once if
   * that has happened already.
   */
  onGone(then: () => void): void
  readonly headSent: boolean
  /** Bytes that the buyer has not read yet. */
  readonly backlog: number
}

/**
 * A backend. It retries nothing and follows no redirect, and no credential of the buyer reaches it
 * (G2, G3).
 */
export interface Upstream {
  send(request: UpstreamRequest, listener: UpstreamListener): Sent
}

export interface UpstreamRequest {
  readonly method: string
  /** A canonical path that a route matched, `/v1/chat/completions`. */
  readonly path: string
  /** With its question mark; empty if none is to be sent. */
  readonly query: string
  /** Null sends no body. */
  readonly body: Uint8Array | null
  /** Of the body. Null sends none. */
  readonly contentType: string | null
  /**
   * Other headers. Only `accept`, `x-request-id` and those that `passes` names reach the backend.
   */
  readonly headers: Readonly<Record<string, string>>
  /** Names of headers in lower case. A header that can carry a credential is never passed (G3). */
  readonly passes: readonly string[]
}

export interface UpstreamListener {
  onHead(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** Return false to receive nothing until `resume()`. */
  onData(chunk: Uint8Array): boolean
  onEnd(): void
  /** `unreachable` before an answer began, `broken` after. `detail` is for the operator only. */
  onError(kind: 'unreachable' | 'broken', detail: string): void
  /**
   * The upstream has closed or finished the request; only then its slot is free. Called once, also
   * after `abort`.
   */
  onReleased(): void
}

export interface Sent {
  resume(): void
  /** Stops the upstream at once. Afterwards the listener is told of the release alone. */
  abort(): void
}

/** How a backend fails that is gone. */
export type GoneWhy =
  | 'refused'
  | 'unknown_host'
  | 'certificate'
  | 'tls'
  | 'no_answer'
  | 'failing'
  /** It answers, and lists no model. */
  | 'no_models'

/** A backend that is gone. Nothing can be delivered, so nothing is sold to strangers. */
export interface Gone {
  readonly why: GoneWhy
  /** ms since the epoch of its first failure. */
  readonly since: number
}

/**
 * Reports an event, as a JSON line (`docs/monitoring.md`) or as a line for a person. It never
 * contains a prompt, a key, an invoice or an address.
 */
export type Say = (event: GateEvent) => void

export type GateEvent =
  | { event: 'paid'; rail: string; account: string; amount_msat: number }
  /** In millionths of a dollar. */
  | { event: 'paid'; rail: string; account: string; amount_usd_micros: number }
  | {
      event: 'withdrawn'
      account: string
      /** `failed`: the credit is back on the account. */
      state: 'paid' | 'failed'
      /** `lightning`, `ecash` or `change`. */
      kind: string
      source: string
      amount_msat: number
      fee_msat: number
    }
  | {
      event: 'request'
      id: string
      account: string | null
      dialect: string | null
      model: string | null
      status: number
      end: 'complete' | 'client_left' | 'upstream_failed' | 'stalled' | 'stopped' | 'refused'
      reason?: string
      usage?: 'reported' | 'counted' | 'none'
      prompt_tokens?: number
      completion_tokens?: number
      images?: number
      seconds?: number
      characters?: number
      bytes?: number
      calls?: number
      held_msat?: number
      charged_msat?: number
      /** In mode `observe`: what would have been charged, and why the request would have been refused. */
      would_charge_msat?: number
      would_refuse?: string
      /**
       * Part of the charge. Other running requests of the account hold this money; it is taken when
       * they end.
       */
      owed_msat?: number
      /** What nobody pays: of this request, and of earlier ones that owed it until now. */
      overrun_msat?: number
      left_msat?: number
      ttft_ms?: number
      ms: number
    }
  | { event: 'problem'; what: string; [detail: string]: unknown }
  | { event: 'solved'; what: string; [detail: string]: unknown }
