import type { Result } from '../floor/result.ts'
import type { Tokens } from '../money/quantities.ts'

/**
 * How one API spells a request, its output limit, usage, the end and an error. A dialect never sees
 * the ledger, a rail or a header. Every dialect runs `test/contract/dialect.ts`.
 */
export interface Dialect {
  readonly name: 'openai-chat' | 'openai-completions' | 'openai-embeddings'
  /** Canonical path, `/v1/chat/completions`. All are POST. */
  readonly path: string
  /** Total: any bytes in. Refuses what could be read in two ways (threats A2, A11, I6, I13). */
  read(body: Uint8Array, terms?: Terms): Result<Asked, Malformed>
  /**
   * The body to send upstream: spliced, not re-serialised; the output limit written, usage asked for.
   * `refused`: what this backend does not take; a client's own fields stay, and so does a limit.
   */
  rewrite(asked: Asked, output: number, backend: Backend, refused?: ReadonlySet<Added>): Uint8Array
  /** Watches one response. `output` is the limit that was sent. */
  meter(asked: Asked, granted: Granted, backend: Backend): Meter
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

/** Fields that a rewritten request may have although its client sent none (threats K5). */
export const ADDED = ['max_tokens', 'max_completion_tokens', 'stream_options'] as const
export type Added = (typeof ADDED)[number]

export interface Asked {
  readonly dialect: Dialect['name']
  readonly body: Uint8Array
  readonly model: string
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
   * UTF-8 bytes of every string, tools included, at their worst compatibility expansion, + 16 for
   * each part + 64. Never too low.
   */
  readonly inputBound: number
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

export interface Malformed {
  /** 400, or 415/413 where that is the truth. */
  readonly status: number
  readonly code: string
  readonly message: string
  readonly param: string | null
}

export interface Granted {
  /** Output tokens over all choices that are paid for. The meter says `over` past it. */
  readonly output: number
  /** The limit that was sent, per choice. */
  readonly limit: number
  /** Counts tokens of a text. Dear: only called when a count is needed. */
  count(text: string): number
}

/**
 * One response. Bytes go in as they come and out as the client may see them: the upstream's own,
 * less a usage that only we asked for.
 */
export interface Meter {
  /**
   * A piece of a stream (`text/event-stream`). The result may be `chunk` itself, or empty; it ends
   * with a whole line. `[DONE]` is withheld, so that the cost can be said before it.
   */
  stream(chunk: Uint8Array): Uint8Array
  /** The upstream sends no more: an event that lacks only its end is read, and completed. */
  rest(): Uint8Array
  /**
   * A buffered answer, whole, without what is beyond the grant (J8). Null where it is not an answer of
   * this dialect: then nothing of it is delivered.
   */
  whole(body: Uint8Array): Uint8Array | null
  /** What `whole` answered, as the events of a stream that the buyer sees already, `[DONE]` included. */
  asStream(whole: Uint8Array, note?: string): Uint8Array
  /**
   * The stream ended: the `[DONE]` that was held back. A note leaves with the end as
   * a comment: in the event of `[DONE]`, or as the very last line where there is none (K2).
   */
  finish(note?: string): Uint8Array
  /** Bytes that keep a silent stream open and break no reader; empty where there are none. */
  keepAlive(): Uint8Array
  /** What it knows now. */
  readonly seen: Seen
  /** Bytes that end the stream for the client as its dialect would with `length`, then `[DONE]`. */
  cut(note?: string): Uint8Array
  /** Bytes of an error event that ends the stream. */
  broken(problem: Problem, note?: string): Uint8Array
  /** Tokens to charge when the end came as it did: reported where believable, else counted. */
  usage(promptEstimate: number): Counted
}

/** What the buyer is told of a stream that broke off. */
export interface Problem {
  readonly code: string
  readonly message: string
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

export interface Counted extends Tokens {
  readonly source: 'reported' | 'counted' | 'none'
  /** What the backend said of the prompt, believable or not counted at all: corrects estimates. */
  readonly reportedInput: number | null
}
