import type { Schema } from '../floor/json-schema.ts'
import type { Result } from '../floor/result.ts'
import type { ImageKind } from '../money/image-prices.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities, Quantity } from '../money/quantities.ts'
import { type Backend, type MediaTerms, type Terms, UNKNOWN_TERMS } from './terms.ts'

export { type Backend, type MediaTerms, type Terms, UNKNOWN_TERMS }

/**
 * How one API writes a request, its output limit, its usage, its streams and its errors. A dialect
 * never sees the ledger, a rail or a credential. A new dialect is a folder beside `openai` and a
 * line in `index.ts`; it runs `test/contract/dialect.ts`.
 */
export interface Dialect {
  /** Shown in the output, kept in the ledger with each charge. Unique. */
  readonly name: string
  /** Canonical path, `/v1/chat/completions`. All are POST. */
  readonly path: string
  /**
   * Request headers that `read` is shown besides Content-Type, in lower case. Never a credential.
   */
  readonly headers: readonly string[]
  /**
   * Accepts any bytes and never throws. Refuses what could be read in two ways (threats A2, A11,
   * I6, I13).
   */
  read(body: Uint8Array, head: RequestHead, terms?: Terms): Result<Asked, Malformed>
  /**
   * What is sent to the backend: the client's own bytes, with the granted output limit written into
   * them and usage asked for. `refused`: fields that this backend does not take (`respell`).
   * `cacheKey`: without it, no name of a cache is sent.
   */
  rewrite(
    asked: Asked,
    output: number,
    backend: Backend,
    refused?: Refused,
    cacheKey?: CacheKey,
  ): Rewritten
  /**
   * A backend refused a request as malformed. If it names a field that only the gate wrote, returns
   * the set of refused fields to `rewrite` with at the second try, else null (threats K5).
   */
  respell(asked: Asked, refusal: Uint8Array, before: Refused): Refused | null
  /** Watches one response. `granted` is what was sent and held. */
  meter(asked: Asked, granted: Granted, backend: Backend): Meter
  readonly wire: Wire
  readonly docs: Docs
  /** An API for the same that most backends have: a buyer is told of it if this one is lacking. */
  readonly instead?: string
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
  /** Where the backend takes it. Left out: at the path of the request. A translation names another. */
  readonly path?: string
  /** Further headers. Only those that are named in `Dialect.headers` reach a backend. */
  readonly headers: Readonly<Record<string, string>>
  /** The backend reuses nothing but what the same account has sent (threats L21). */
  readonly ownCache?: boolean
}

/**
 * What is sent for a client's own name of its part of a prompt cache, empty if it has none: another one for
 * each account (threats L21).
 */
export type CacheKey = (own: string) => string

/** Names of fields that the gate added and a backend refused. */
export type Refused = ReadonlySet<string>

/** How the bytes of answers and errors look, as far as one request does not change it. */
export interface Wire {
  /** The media type of a stream. `label` is the backend's own, or null before its answer begins. */
  streamType(label: string | null): string
  /**
   * The media type of an answer in one piece, which the backend labelled like this, or not at all.
   */
  answerType(label: string | null): string
  /** Whether an answer of this status is one. Everything else is a refusal of the backend. */
  isAnswer(status: number): boolean
  /**
   * Headers of the backend's answer that the buyer gets too, in lower case. None of them may be
   * about the connection, the length or encoding of the body, cookies, or who may read the answer.
   */
  readonly headers: readonly string[]
  /**
   * Whether a 200 to a request that asked for a stream is one. Backends label both kinds in any
   * way, so the first bytes count as well (threats K18). Null while too few bytes have come.
   */
  isStream(contentType: string | null, first: Uint8Array): boolean | null
  readonly errors: Envelope
}

/** How an error is written: before the answer begins. Within a stream, `Meter.broken` writes it. */
export interface Envelope {
  /** Names its schemas in `/openapi.json`; empty for the usual one. */
  readonly name: string
  readonly contentType: string
  /**
   * The members of the JSON body that say what is wrong. The gate adds other members beside them.
   * Some APIs repeat a part of the request; `asked` is null if the request could not be read.
   */
  error(problem: Problem, asked: Asked | null): Readonly<Record<string, unknown>>
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

/** The most characters of a model's name. */
export const LONGEST_MODEL = 256

export interface Asked {
  readonly dialect: string
  readonly body: Uint8Array
  /** Null if the request names none. Then its price cannot depend on a model. */
  readonly model: string | null
  readonly stream: boolean
  /** The client asked for usage in the stream, so the usage stays in it. */
  readonly wantsUsage: boolean
  /** Names of the fields that are left out: few, with printable characters only (threats J16). */
  readonly ignored: readonly string[]
  /** The client's own output limit for each choice. Null if it named none. */
  readonly limit: number | null
  /** The number of prompts. Each is answered by itself, in a context of its own. */
  readonly prompts: number
  /** The share of the longest prompt in the bound, from 0 to 1. */
  readonly longest: number
  /** How many answers are made, `n` × prompts. The output of each is held. 1 for embeddings. */
  readonly choices: number
  /** The answer has output tokens, whose limit the gate chooses. Embeddings have none. */
  readonly hasOutput: boolean
  /** It has no tools and no settings that make a model's template longer. */
  readonly plain: boolean
  /**
   * The most that the request can come to, but for its output, whose limit the gate chooses. Never
   * too low. The tokens of the prompt (`input`) are the UTF-8 bytes of every string, tools
   * included, at their worst compatibility expansion, 16 for each part, and 64.
   */
  readonly most: Bound
  /**
   * Every string that is in the bound. An estimate counts these very strings (threats J2). It may
   * have to write them first, so it is called only if somebody counts. It works after `forget`.
   */
  texts(): readonly string[]
  /**
   * Tokens in the bound that are no text: token ids that came as numbers, and the bounds of pictures and
   * sound.
   */
  readonly ids: number
  /** The number of messages or prompts. A template puts tokens around each. */
  readonly parts: number
  /** What is sold: the price must name one of it (threats A12). Left out: tokens. */
  readonly sold?: readonly Quantity[]
  /** Of the images. If prices are a table, the gate puts the charged entry here to be sent (L19). */
  readonly image?: ImageKind
  /**
   * The gate answers this itself, free, and no backend is asked: a request that only loads a model
   * (threats L20). It is called with ms since the epoch.
   */
  readonly here?: (now: number) => Uint8Array
  /** What `read` keeps for `rewrite` and `meter`. Nobody else looks into it. */
  readonly splice: unknown
  /** Frees `body` and what only `rewrite` needs. After this it cannot be rewritten. */
  forget(): void
}

/** Quantities of which the input is always known. */
export type Bound = Quantities & { readonly input: number }

/** Why a body cannot be read. The status is 400, or 415 or 413 where that says more. */
export type Malformed = Problem

export interface Granted {
  /** Output tokens of all choices that are paid for. If more come, the meter says `over`. */
  readonly output: number
  /** The limit of each choice that was sent to the backend. */
  readonly limit: number
  /** Counts the tokens of a text. It is slow, so it is called only if a count is needed. */
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
   * An answer that came in one piece, without what is beyond the grant (threats J8). Null if it is
   * no answer of this dialect: then nothing of it is delivered.
   */
  whole(body: Uint8Array): Uint8Array | null
  /**
   * What `whole` returned, as a complete stream. The client sees a stream that has begun already.
   */
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
  /**
   * What the answer has used so far, for the journal: as reported, or estimated without counting
   * (K3). `prompt` is an estimate of the input.
   */
  sofar(prompt: number): Quantities
  /** What to charge as it ended: reported if that is believable, else counted. `left`: the buyer left. */
  usage(promptEstimate: number, left?: boolean): Counted
}

export interface Seen {
  /** Some output has come: text, thinking, a tool call, an image. */
  readonly output: boolean
  /** Every choice has ended. The usage may follow; the gate waits two seconds for it. */
  readonly finished: boolean
  /** How often a choice has ended. A choice may go on and end again (K1). */
  readonly finishes: number
  /** The mark of the end has come, or an answer in one piece was read. */
  readonly done: boolean
  /** More came than was granted. The gate stops the backend and calls `cut`. */
  readonly over: boolean
  /**
   * The backend sent an error in its stream, or something that cannot be read (J9, K8). The text is
   * as it came and may contain secrets.
   */
  readonly error: string | null
}

/** What an answer used, and how that is known. */
export type Counted = Quantities & {
  readonly source: 'reported' | 'counted' | 'none'
  /** The reported input, if it can correct later estimates. Else null. */
  readonly reportedInput: number | null
}
