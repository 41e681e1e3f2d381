import type { Asked } from '../dialects/dialect.ts'
import type { Hold } from '../ledger/ledger.ts'
import type { Msat } from '../money/msat.ts'
import type { Rate } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import type { PromptEstimate } from './estimate.ts'
import type { Holds } from './hold.ts'
import type { End } from './outcome.ts'
import type { Payer } from './payer.ts'
import type { Incoming, Reply } from './ports.ts'
import type { Route } from './route.ts'
import type { Slot } from './targets.ts'

/**
 * One request as one record that grows. Each step adds its fields to the same object, so the type of
 * a function's parameter says how far a request must have come to reach it.
 *
 *   Call ─parse→ Parsed ─price→ Priced ─authenticate→ Authenticated ─hold→ Held ─settle→ Settled
 */
export interface Call {
  /** The id of the request, of its hold, of its line in the log and of what is sent upstream. */
  readonly id: string
  /** ms since the epoch. When the whole request had arrived. */
  readonly at: number
  readonly route: Route
  readonly incoming: Incoming
  readonly reply: Reply
  /** The buyer has left, or reads no more. */
  readonly left: boolean
}

export interface Parsed extends Call {
  readonly asked: Asked
}

export interface Priced extends Parsed {
  /**
   * The model's own name. What is learnt of the model and earned with it is kept under this name,
   * however a buyer spells it. The text of the route's path if the request names no model.
   */
  readonly served: string
  readonly rate: Rate
  /** The model's context in tokens; null if the upstream does not say. */
  readonly context: number | null
  /** Output tokens per choice that are asked for: the client's limit or the operator's default. */
  readonly wanted: number
  readonly estimate: PromptEstimate
}

export interface Authenticated extends Priced {
  /** Null if nobody pays: the model is free, or the route's mode lets everybody through. */
  readonly payer: Payer | null
}

export interface Held extends Authenticated {
  /** Where the money of this request is: the hold is closed there. */
  readonly holds: Holds
  readonly hold: Hold | null
  /** Output tokens per choice written into the upstream request. */
  readonly limit: number
  /** The place at a backend that this request has. */
  readonly slot: Slot
  /** Set if nobody's credit moves: what the gate would have answered, or null if it would have served. */
  readonly observed: { readonly refusal: string | null } | null
}

/** How the money of one request came out. */
export interface Cost {
  readonly end: End
  readonly usage: 'reported' | 'counted' | 'none'
  readonly quantities: Quantities
  readonly charged: Msat
  /**
   * Parts of `charged`: `owed` waits for the account's other requests to end, and `overrun` is paid
   * by nobody.
   */
  readonly owed: Msat
  readonly overrun: Msat
  /** The account's `available` afterwards; null if nobody paid. */
  readonly after: Msat | null
  /** What would have been charged. Set for an observed request alone. */
  readonly wouldCharge: Msat | null
}

export interface Settled extends Held {
  readonly cost: Cost
}

/** Adds fields to the one record of a request. */
export const grow = <C extends Call, M extends object>(call: C, more: M): C & M =>
  Object.assign(call, more)
