import type { RequestHead } from '../dialects/dialect.ts'
import type { Presentation } from '../rails/rail.ts'

/** What the gate needs of the world around it: a buyer's connection, an upstream, somewhere to say things. */

/** A request as it came, before anything was believed. */
export interface Incoming {
  readonly id: string
  /** When it came, ms. */
  readonly at: number
  readonly method: string
  /** Path as routed, without the query. */
  readonly path: string
  /** With its question mark; empty if there is none. */
  readonly query: string
  /** What its headers pay with. Read once, in `presentation.ts`. */
  readonly presented: Presentation
  /** What a dialect sees of its headers. */
  readonly head: RequestHead
  /** Empty once it was let go of. */
  readonly body: Uint8Array
  /** The request goes to the backend: its client may send another large body meanwhile. */
  admitBody(): void
  /** The body is needed no more: its memory is for others (threats J7). Once or more. */
  letGoOfBody(): void
  /** Whose invoices are counted together: from the address, never the address itself, never logged. */
  readonly client: string
  /** The same for all clients of one site: an IPv6 /48. For IPv4 it is the client (threats J17). */
  readonly site: string
  /** `https://host` that the buyer can reach, for pay URLs. */
  readonly origin: string
  /** The peer is on this machine, and says so in `Host` too (threats H4, I3). */
  isLocal(): boolean
  /** HTTP/1.1: trailers can be sent. */
  readonly trailers: boolean
}

/** The way back to the buyer. Written by the gate, at most one head, one end. */
export interface Reply {
  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void
  /** False: wait for `onDrain` before more (back-pressure end to end). */
  write(bytes: Uint8Array): boolean
  end(bytes?: Uint8Array, trailers?: Readonly<Record<string, string>>): void
  onDrain(then: () => void): void
  /** The buyer left before `end`, or will read no more. Called at most once; at once where it is so already. */
  onGone(then: () => void): void
  readonly headSent: boolean
  /** Bytes that the buyer has not taken yet. */
  readonly backlog: number
}

/** A backend. Nothing is retried, no redirect is followed, every credential of the buyer is gone (G2, G3). */
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
  /** Other headers. `accept`, `x-request-id` and those that `passes` names reach the backend. */
  readonly headers: Readonly<Record<string, string>>
  /** Names in lower case. A header that can carry a credential never passes (G3). */
  readonly passes: readonly string[]
}

export interface UpstreamListener {
  onHead(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** Answer false to be sent nothing until `resume()`. */
  onData(chunk: Uint8Array): boolean
  onEnd(): void
  /** `unreachable` before anything was answered, `broken` after. Text for the operator only. */
  onError(kind: 'unreachable' | 'broken', detail: string): void
}

export interface Sent {
  resume(): void
  /** Stops the upstream at once. No listener is called afterwards. */
  abort(): void
  /** Resolves when the upstream has really let go: only then is its slot free. */
  readonly released: Promise<void>
}

/** What a backend that is gone does instead of answering. */
export type GoneWhy =
  | 'refused'
  | 'unknown_host'
  | 'certificate'
  | 'tls'
  | 'no_answer'
  | 'failing'
  /** It answers, and serves nothing that could be asked for. */
  | 'no_models'

/** A backend that is gone: nothing can be delivered, so nothing is sold to strangers. */
export interface Gone {
  readonly why: GoneWhy
  /** ms since the epoch: its first failure. */
  readonly since: number
}

/**
 * Tells what happened: as a JSON line (`docs/monitoring.md`) or a line for a person. Never a prompt,
 * key, invoice or address.
 */
export type Say = (event: GateEvent) => void

export type GateEvent =
  | { event: 'paid'; rail: string; account: string; amount_msat: number }
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
      /** Of the charge: what the account's other running requests hold. Taken as they close. */
      owed_msat?: number
      /** What nobody pays, of this request and of earlier ones that owed it until now. */
      overrun_msat?: number
      left_msat?: number
      ttft_ms?: number
      ms: number
    }
  | { event: 'problem'; what: string; [detail: string]: unknown }
  | { event: 'solved'; what: string; [detail: string]: unknown }
