import type { Asked, Dialect } from '../dialects/dialect.ts'
import type { Hold } from '../ledger/ledger.ts'
import type { Rate } from '../money/price.ts'
import type { Payer } from './payer.ts'
import type { Incoming } from './ports.ts'

/**
 * One request as data, in one direction. Each record extends the one before: a function's parameter
 * type says how far a request must have come to reach it.
 *
 *   Incoming ─read→ Read ─price→ Priced ─admit→ Admitted ─hold→ Held ─relay→ End → outcome
 */
export interface Read {
  readonly incoming: Incoming
  readonly dialect: Dialect
  readonly asked: Asked
  /** When it was read, ms. */
  readonly at: number
}

export interface Priced extends Read {
  /**
   * The model's own name: what is learnt of it and earned with it is kept under this one, however a
   * buyer spells it.
   */
  readonly served: string
  readonly rate: Rate
  /** The model's context in tokens; null where the upstream does not say. */
  readonly context: number | null
  /** Output tokens per choice that are asked for: the client's limit or the operator's default. */
  readonly wanted: number
}

export interface Admitted extends Priced {
  /** Null if the model is free and the request presents nothing. */
  readonly payer: Payer | null
}

export interface Held extends Admitted {
  readonly hold: Hold | null
  /** Output tokens per choice written into the upstream request. */
  readonly limit: number
}
