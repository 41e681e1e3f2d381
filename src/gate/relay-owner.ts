import type { Meter, Wire } from '../dialects/dialect.ts'
import type { AnswerHead } from './answer-head.ts'
import type { End } from './outcome.ts'
import type { Reply } from './ports.ts'
import type { UpstreamSaid } from './upstream-words.ts'

/** ms. The setting `timeouts`. */
export interface Timeouts {
  readonly firstByte: number
  readonly idle: number
}

/** How the exchange with the backend ended. */
export interface Relayed {
  readonly end: End
  /** The backend's refusal: its status is none of an answer, or nothing of its body can be used. */
  readonly said: UpstreamSaid | null
  /** An answer in one piece, as the buyer may see it. */
  readonly whole: Uint8Array | null
  /** Null if the backend gave no answer at all. */
  readonly head: AnswerHead | null
  /** ms from sending to the first byte of output. */
  readonly firstByteAt: number | null
  /** ms in which the output was made (`Pace.made`). */
  readonly madeMs: number | null
  /** Why the backend failed. For the operator alone. */
  readonly detail: string | null
}

/** Whose answer is relayed. */
export interface RelayOwner {
  readonly reply: Reply
  readonly meter: Meter
  /** Tells a stream from an answer in one piece. */
  readonly wire: Wire
  readonly streamed: boolean
  /** Opens the stream to the buyer. Called once, before the first byte. */
  open(head: AnswerHead | null): void
  /** The backend answered, so it has the request and is not sent it again. */
  answered(): void
  /** Something came. Called about once a second at most. */
  progress(): void
  /** It has ended. Called once. */
  ended(relayed: Relayed): void
  /** The backend has finished or closed the request: its slot is free. Called once. */
  released(): void
}
