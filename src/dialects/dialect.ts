import type { Schema } from '../floor/json-schema.ts'
import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities, Tokens } from '../money/quantities.ts'

/**
 * How one API writes a request, its output limit, its usage, its streams and its errors. A dialect
 * never sees the ledger, a rail or a credential. A new dialect is a folder beside `openai` and a line
 * in `index.ts`; it runs `test/contract/dialect.ts`.
 */
export interface Dialect {
  /** Shown in the output, kept in the ledger with each charge. Unique. */
  readonly name: string
  /** Canonical path, `/v1/chat/completions`. All are POST. */
  readonly path: string
  /** Request headers that `read` is shown besides Content-Type, in lower case. Never a credential. */
  readonly headers: readonly string[]
  /** Accepts any bytes and never throws. Refuses what could be read in two ways (threats A2, A11, I6, I13). */
  read(body: Uint8Array, head: RequestHead, terms?: Terms): Result<Asked, Malformed>
  /**
   * What is sent to the backend: the client's own bytes, with the granted output limit written into
   * them and usage asked for. `refused`: fields that this backend does not take (`respell`).
   */
  rewrite(asked: Asked, output: number, backend: Backend, refused?: Refused): Rewritten
  /**
   * A backend refused a request as malformed. If it names a field that only the gate wrote, returns
   * the set of refused fields to `rewrite` with at the second try, else null (threats K5).
   */
  respell(asked: Asked, refusal: Uint8Array, before: Refused): Refused | null
  /** Watches one response. `granted` is what was sent and held. */
  meter(asked: Asked, granted: Granted, backend: Backend): Meter
  readonly wire: Wire
  readonly docs: Docs
}

/** What `read` sees of a request besides its body. */
export interface RequestHead {
  /** Null if the client named none. */
  readonly contentType: string | null
  /** Those of `Dialect.headers` that the client sent. */
  readonly headers: Readonly<Record<string, string>>
}

/** A request as the backend gets it. */
export interface Rewritten {
  readonly body: Uint8Array
  readonly contentType: string
  /** Further headers. Only those that are named in `Dialect.headers` reach a backend. */
  readonly headers: Readonly<Record<string, string>>
}

/** Names of fields that the gate added and a backend refused. */
export type Refused = ReadonlySet<string>

/** How the bytes of answers and errors look, as far as one request does not change it. */
export interface Wire {
  /** The media type of a stream. */
  readonly streamType: string
  /** The media type of an answer in one piece, which the backend labelled like this, or not at all. */
  answerType(label: string | null): string
  /**
   * Whether a 200 to a request that asked for a stream is one. Backends label both kinds in any way,
   * so the first bytes count as well (threats K18). Null while too few bytes have come.
   */
  isStream(contentType: string | null, first: Uint8Array): boolean | null
  readonly errors: Envelope
}

/** How an error is written: before the answer begins. Within a stream, `Meter.broken` writes it. */
export interface Envelope {
  /** Names its schemas in `/openapi.json`; empty for the usual one. */
  readonly name: string
  readonly contentType: string
  /** The members of the JSON body that say what is wrong. What stands beside them is the gate's. */
  error(problem: Problem): Readonly<Record<string, unknown>>
  /** The schema of each of those members. */
  readonly schema: Readonly<Record<string, Schema>>
  /** Named schemas that `schema` refers to. */
  readonly parts: Readonly<Record<string, Schema>>
}

/** What a client is told of a request that was not served, or of a stream that broke off. */
export interface Problem {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly param: string | null
}

/** A dialect's part of `/openapi.json` and `/llms.txt`. */
export interface Docs {
  /** The operations and schemas are named after it: `Chat` makes `createChat` and `ChatRequest`. */
  readonly name: string
  readonly summary: string
  readonly request: Documented
  readonly answer: Documented
  /** Null if it never streams. `cost` says in a sentence where a stream tells its cost. */
  readonly stream: { readonly type: string; readonly schema: Schema; readonly cost: string } | null
  /** The body of a short request to this model, to be copied by readers; null shows none. */
  example(model: string): unknown
}

export interface Documented {
  /** Its media type, without parameters. */
  readonly type: string
  readonly schema: Schema
  /** Named schemas that it refers to. */
  readonly parts: Readonly<Record<string, Schema>>
}

/** What the operator's settings and the backend make of a request. */
export interface Terms {
  /** `limits.requestFields`: names that pass besides the dialect's own. */
  readonly also: ReadonlySet<string>
  readonly backend: Backend
}

/** Characters of a model's name, at most. */
export const LONGEST_MODEL = 256

/** Backends whose habits differ. `other` gets every precaution. */
export type Backend = 'ollama' | 'vllm' | 'llamacpp' | 'lmstudio' | 'other'

export interface Asked {
  readonly dialect: string
  readonly body: Uint8Array
  /** Null if the request names none: then its price cannot hang on a model. */
  readonly model: string | null
  readonly stream: boolean
  /** True where the client asked for usage in the stream: then it is left in. */
  readonly wantsUsage: boolean
  /** Names of the fields that are left out: few, and printable (threats J16). */
  readonly ignored: readonly string[]
  /** The client's own output limit per choice; null where it named none. */
  readonly limit: number | null
  /** Prompts that are answered one by one, each in a context of its own: 1 but for lists of them. */
  readonly prompts: number
  /** How much of the bound the longest of them is, from 0 to 1. */
  readonly longest: number
  /** `n` × prompts: the output bound and the hold count every one of them. 1 for embeddings. */
  readonly choices: number
  /** Embeddings have no output. */
  readonly hasOutput: boolean
  /** Nothing in it makes a model's template longer: no tools, no settings of the template. */
  readonly plain: boolean
  /**
   * The most that the request can come to, but for its output, whose limit the gate chooses. Never
   * too low. `input` are the tokens of the prompt: UTF-8 bytes of every string, tools included, at
   * their worst compatibility expansion, 16 for each part, and 64.
   */
  readonly most: Bound
  /** Every string that is in the bound, in no special order: what an estimate counts (threats J2). */
  readonly texts: readonly string[]
  /** Token ids in the bound that came as numbers, each of them one token. */
  readonly ids: number
  /** Messages or prompts. */
  readonly parts: number
  /** Where in `body` things stand that `rewrite` splices. Opaque to everyone else. */
  readonly splice: unknown
  /** It is not rewritten any more: `body` and `splice` are let go of, the rest stays. */
  forget(): void
}

/** Quantities of which the input is always known. */
export type Bound = Quantities & { readonly input: number }

/** Why a body cannot be read. The status is 400, or 415 or 413 where that says more. */
export type Malformed = Problem

export interface Granted {
  /** Output tokens over all choices that are paid for. The meter says `over` past it. */
  readonly output: number
  /** The limit that was sent, per choice. */
  readonly limit: number
  /** Counts tokens of a text. Dear: only called when a count is needed. */
  count(text: string): number
}

/**
 * Watches one response. Bytes go in as the backend sends them, and come out as the client may see
 * them: the backend's own, without a usage that only the gate asked for. What a meter adds to a
 * stream depends on what the stream has shown so far, so each meter writes those bytes itself.
 */
export interface Meter {
  /**
   * A piece of a stream. Returns what leaves: it may be `chunk` itself or empty, and it ends where
   * other bytes may follow. The mark of the end (`[DONE]`) is held back, so that the cost can stand
   * before it.
   */
  stream(chunk: Uint8Array): Uint8Array
  /** The backend sends no more: an event that lacks only its end is read, and completed. */
  rest(): Uint8Array
  /**
   * An answer that came in one piece, without what is beyond the grant (threats J8). Null if it is no
   * answer of this dialect: then nothing of it is delivered.
   */
  whole(body: Uint8Array): Uint8Array | null
  /** What `whole` returned, as a complete stream. The client sees a stream that has begun already. */
  asStream(whole: Uint8Array, cost?: Msat | null): Uint8Array
  /** The stream ended: the end that was held back, with its cost. */
  finish(cost?: Msat | null): Uint8Array
  /** Bytes that keep a silent stream open and disturb no reader; empty if there are none. */
  keepAlive(): Uint8Array
  /** What it knows now. */
  readonly seen: Seen
  /** Ends the stream for the client as this dialect does at an output limit. */
  cut(cost?: Msat | null): Uint8Array
  /** Ends the stream with an error. */
  broken(problem: Pick<Problem, 'code' | 'message'>, cost?: Msat | null): Uint8Array
  /** What to charge if the answer ended as it did: reported if that is believable, else counted. */
  usage(promptEstimate: number): Counted
}

export interface Seen {
  /** Some output (text, reasoning, a tool call) reached us. */
  readonly output: boolean
  /** Every choice has its finish_reason; two seconds are allowed for the usage then. */
  readonly finished: boolean
  /** How often a choice finished: one may go on, and finish again (K1). */
  readonly finishes: number
  /** `[DONE]`, or a buffered body that was read whole. */
  readonly done: boolean
  /** More flowed than was granted: stop the upstream, `cut()`. */
  readonly over: boolean
  /**
   * The upstream sent an error in its stream, or something that cannot be read (J9, K8). Text
   * scrubbed of nothing yet.
   */
  readonly error: string | null
  /** Output tokens so far, for the journal: the running usage, or an estimate by bytes (K3). */
  readonly floor: number
}

/** What an answer used, and how that is known. A quantity that is missing is zero. */
export type Counted = Tokens &
  Quantities & {
    readonly source: 'reported' | 'counted' | 'none'
    /** What the backend said of the prompt, believable or not counted at all: corrects estimates. */
    readonly reportedInput: number | null
  }
