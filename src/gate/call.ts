import type { Asked } from '../dialects/dialect.ts'
import type { Seated } from '../floor/roster.ts'
import type { Hold } from '../ledger/ledger.ts'
import type { Msat } from '../money/msat.ts'
import type { Rate } from '../money/price.ts'
import type { DollarPrice } from '../money/pricing.ts'
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
 *
 * Only the functions at the end of this file write its fields.
 */
export interface Call extends Seated {
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
  /** The same price in dollars. Null if it is in sats. */
  readonly usd: DollarPrice | null
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

/**
 * The object behind all of these types. The fields of later steps stand here too, because an object
 * that gets fields one after the other costs much more.
 */
class Growing implements Call {
  seat = -1
  readonly id: string
  readonly at: number
  route: Route
  readonly incoming: Incoming
  reply: Reply
  left = false
  asked: Asked | undefined = undefined
  served: string | undefined = undefined
  rate: Rate | undefined = undefined
  usd: DollarPrice | null = null
  context: number | null | undefined = undefined
  wanted = 0
  estimate: PromptEstimate | undefined = undefined
  payer: Payer | null | undefined = undefined
  holds: Holds | undefined = undefined
  hold: Hold | null | undefined = undefined
  limit = 0
  slot: Slot | undefined = undefined
  observed: Held['observed'] | undefined = undefined
  cost: Cost | undefined = undefined

  constructor({ id, at, route, incoming, reply }: Begun) {
    this.id = id
    this.at = at
    this.route = route
    this.incoming = incoming
    this.reply = reply
  }
}

type Begun = Pick<Call, 'id' | 'at' | 'route' | 'incoming' | 'reply'>
type Writable<C> = { -readonly [Field in keyof C]: C[Field] }

/** The record of a request that has just begun. It learns by itself that the buyer has left. */
export function begun(of: Begun): Call {
  const call = new Growing(of)
  of.reply.onGone(() => {
    call.left = true
  })
  return call
}

export function toParsed(call: Call, asked: Asked): Parsed {
  const parsed = call as Writable<Parsed>
  parsed.asked = asked
  return parsed
}

export function toPriced(
  call: Parsed,
  found: Pick<Priced, 'asked' | 'context' | 'estimate' | 'rate' | 'served' | 'usd' | 'wanted'>,
): Priced {
  const priced = call as Writable<Priced>
  priced.asked = found.asked
  priced.served = found.served
  priced.rate = found.rate
  priced.usd = found.usd
  priced.context = found.context
  priced.wanted = found.wanted
  priced.estimate = found.estimate
  return priced
}

/** `reply` replaces the one that it had, if the answer to this payer carries more. */
export function toAuthenticated(
  call: Priced,
  payer: Payer | null,
  reply: Reply = call.reply,
): Authenticated {
  const authenticated = call as Writable<Authenticated>
  authenticated.payer = payer
  authenticated.reply = reply
  return authenticated
}

/** `wanted`: the output tokens for each choice, once the room in the model's context is known. */
export function withWanted<C extends Priced>(call: C, wanted: number): C {
  const priced: Writable<Priced> = call
  priced.wanted = wanted
  return call
}

/** The request is served by another route from now on: that of its translation. */
export function withRoute(call: Call, route: Route): void {
  const routed: Writable<Call> = call
  routed.route = route
}

/** `reply` carries more than the one that the request had. */
export function withReply(call: Call, reply: Reply): void {
  const replied: Writable<Call> = call
  replied.reply = reply
}

export function toHeld(
  call: Authenticated,
  got: Pick<Held, 'hold' | 'holds' | 'limit' | 'observed' | 'slot'>,
): Held {
  const held = call as Writable<Held>
  held.holds = got.holds
  held.hold = got.hold
  held.limit = got.limit
  held.observed = got.observed
  held.slot = got.slot
  return held
}

export function toSettled(held: Held, cost: Cost): Settled {
  const settled = held as Writable<Settled>
  settled.cost = cost
  return settled
}
