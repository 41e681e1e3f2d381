import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { Clamped, Line } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'

/**
 * The ledger's contract. A double-entry book in whole msat: every change of a balance is an entry
 * of postings, never edited. `transitions.ts` decides, purely; an adapter makes the step atomic and
 * durable. Each adapter runs `test/contract/ledger.ts`.
 */

/** 32 hex digits, made by the gate; names a balance, not a person. */
export type AccountId = string
/** Names a payment and not the rail that presented it: `ln:<payment hash>`. The idempotency key of a deposit. */
export type PaymentId = string
/**
 * Made by the gate, of printable ASCII. Any unique id is right; ids that grow with time are cheap,
 * because an index over ids in no order writes a page of the file for each.
 */
export type HoldId = string
/**
 * Names a gate, from one of its lives to the next. Several gates may share one ledger: each hold
 * remembers which of them it belongs to, because only that one knows whether its request still runs.
 */
export type OwnerId = string

/** A ledger keeps one kind of money, chosen when it is made. */
export type MoneyKind = 'real' | 'test' | 'play'

/**
 * The chart of accounts. `paid:` is what a buyer paid in, `bonus:` what was given; `held:` is set
 * aside for running requests; `rail:` is where money came from, `grant:` where gifts came from;
 * `revenue:<model>` is earned; `owed:` is below zero by what flowed and is still to be taken of the
 * account, whose other requests hold its money; `loss:overrun` is what nobody paid.
 */
export type Drawer =
  | `paid:${AccountId}`
  | `bonus:${AccountId}`
  | `held:${AccountId}`
  | `owed:${AccountId}`
  | `rail:${string}`
  | `grant:${string}`
  | `revenue:${string}`
  | 'loss:overrun'

/** One movement of money. What leaves `debit` arrives at `credit`. */
export interface Posting {
  readonly debit: Drawer
  readonly credit: Drawer
  readonly amount: Msat
}

/** `collect` takes what a closed hold still owes, or gives it up as lost. */
export type Why = 'deposit' | 'hold' | 'settle' | 'release' | 'expire' | 'collect'

/** Postings that happen together or not at all. */
export interface Entry {
  readonly at: number
  readonly why: Why
  /** The payment or the hold it belongs to. */
  readonly ref: PaymentId | HoldId
  readonly postings: readonly Posting[]
}

export interface Deposit {
  readonly payment: PaymentId
  readonly account: AccountId
  readonly amount: Msat
  /** Paid-in money may leave again; a bonus never does (threats I1). */
  readonly credit: 'paid' | 'bonus'
  /** `l402`, `grant`, … : the drawer it comes from is `rail:<rail>` or `grant:<rail>`. */
  readonly rail: string
  /** What arrived, in its own unit, and the rate that made msat of it. */
  readonly native: { readonly amount: string; readonly unit: string; readonly rate: string }
  readonly at: number
}

export type Unit = 'spend' | 'calls' | 'tokens'
export type Window = 'req' | 'min' | 'hour' | 'day' | 'month' | 'total'

/** A pass's limit at its meter. `max` is msat for `spend`, a count otherwise. */
export interface Limit {
  /** Hex of sha256(macaroon signature at that caveat): cannot be reset by its bearer. */
  readonly meter: string
  readonly unit: Unit
  readonly window: Window
  readonly max: bigint
}

export interface HoldRequest {
  readonly id: HoldId
  readonly account: AccountId
  /** The price as a line over the units that get granted. */
  readonly price: Line
  /** What is held besides those units. */
  readonly quantities: Quantities
  /** What the units are: fewer than `least` is a refusal, more than `most` is not asked for. */
  readonly clamped: Clamped
  readonly least: number
  readonly most: number
  /**
   * True: what the account's running requests keep from it is waited for. It is refused as `held`
   * unless it gets as much as it would if they gave everything back.
   */
  readonly patient?: boolean
  /**
   * What a limit in a request is judged by, if that is more than is held: such a limit has no
   * meter that would say later that it is full (threats J4).
   */
  readonly worst?: { readonly price: Line; readonly quantities: Quantities }
  readonly limits: readonly Limit[]
  readonly at: number
  readonly deadline: number
  /** For the account's usage page and the earnings. `pass` is null for a root pass. */
  readonly what: { readonly model: string; readonly dialect: string; readonly pass: string | null }
}

/** What was set aside. `amount` is the price at `granted` units; never more is charged of it. */
export interface Hold {
  readonly id: HoldId
  readonly account: AccountId
  readonly granted: number
  readonly amount: Msat
  /** The account's `available` before this hold. */
  readonly before: Msat
}

/**
 * Refusals of a hold in order of precedence: when several apply, the first is the answer.
 * - `hold_exists`: that id was used.
 * - `account_not_found`.
 * - `limit_reached`: a meter has no room, whatever ends. `resetsAt` is null for `total` and `req`.
 * - `insufficient_funds`: the whole balance, held money included and what is owed taken off, does
 *   not buy `least`.
 * - `held`: balance or meter would do, but this account's running requests hold it. The ledger
 *   does not wait: the gate does, and asks again.
 */
export type HoldRefused =
  | { readonly why: 'hold_exists' }
  | { readonly why: 'account_not_found' }
  | {
      readonly why: 'limit_reached'
      readonly limit: Limit
      readonly left: bigint
      readonly resetsAt: number | null
    }
  | { readonly why: 'insufficient_funds'; readonly needed: Msat; readonly balance: Msat }
  | { readonly why: 'held'; readonly needed: Msat; readonly available: Msat }

/** What a request came to: an amount, and the quantities that it is the price of. */
export interface Charge {
  readonly amount: Msat
  readonly quantities: Quantities
  readonly usage: 'reported' | 'counted' | 'none'
  /** How it ended, for the usage page. */
  readonly end: string
  readonly at: number
}

export interface Settled {
  readonly id: HoldId
  /** What the buyer paid by now: the charge, less what could not be taken. */
  readonly charged: Msat
  /** What the account's other requests hold of the charge: taken as those close. */
  readonly owed: Msat
  /** What this close posted to `loss:overrun`, of earlier requests that owed it as well. */
  readonly overrun: Msat
  /** The account's `available` afterwards. */
  readonly after: Msat
}

/** Why a hold could not be closed. The first close stands (threats B4). */
export type Closed = 'hold_not_found' | 'already_settled' | 'already_released'

export interface Balance {
  readonly account: AccountId
  /** Unspent paid-in and bonus credit, what is held not counted. */
  readonly paid: Msat
  readonly bonus: Msat
  readonly held: Msat
  /** Of closed requests, to be taken as running ones close. Above zero, nothing is available. */
  readonly owed: Msat
  /** paid + bonus. */
  readonly available: Msat
}

export interface OpenHold extends Hold {
  /** What the granted units are. */
  readonly clamped: Clamped
  readonly paid: Msat
  readonly bonus: Msat
  readonly openedAt: number
  readonly deadline: number
  /** What was journalled as flowed so far: charged after a crash (threats B6). */
  readonly sofar: Msat
  readonly model: string
}

export interface UsageRow {
  readonly id: HoldId
  /** When it was opened: the order of the page. */
  readonly at: number
  readonly model: string
  readonly dialect: string
  readonly end: string
  readonly usage: string
  readonly quantities: Quantities
  readonly held: Msat
  readonly charged: Msat
  readonly owed: Msat
}

export interface Ledger {
  /** Resolves when it is on disk. `already_deposited` is an honest retry (threats C6, B7). */
  deposit(deposit: Deposit): Promise<Result<Balance, 'already_deposited' | 'deposited_elsewhere'>>
  /** Check and set aside in one step over the account and every meter. Does not wait for the disk. */
  hold(request: HoldRequest): Promise<Result<Hold, HoldRefused>>
  /** A stream goes on: moves its deadline, journals what has flowed so far (priced). */
  extend(id: HoldId, deadline: number, sofar: Msat): Promise<Result<true, Closed>>
  /**
   * Closes a hold with its charge, whatever the limits say: they decided its admission, and their
   * meters show more than full (threats J4). A charge above the hold takes what is free on the
   * account. While other requests hold money of it the rest is owed, and taken as that is free
   * again; what is missing when the last of them has closed is `loss:overrun`. An expired hold
   * still settles: what its expiry charged is its own money, the rest is taken of what
   * is there.
   */
  settle(id: HoldId, charge: Charge): Promise<Result<Settled, Closed>>
  /**
   * Closes a hold for nothing, even if it has expired. `end` is for the usage page: such a request
   * was free, and counts at no meter.
   */
  release(id: HoldId, end: string, at: number): Promise<Result<Settled, Closed>>
  /**
   * Closes the open holds whose deadline has passed, whichever gate owns them: settles what was
   * journalled, gives back the rest. If anything was journalled, the hold counts at meters as it was
   * held, because how much flowed is not known. Answers what it closed.
   */
  expire(at: number): Promise<readonly Settled[]>
  /**
   * The same for all holds of this gate, whatever their deadline. Called once, at its start: whatever
   * it owns was left open by an earlier life. The running holds of other gates stay.
   */
  recover(at: number): Promise<readonly Settled[]>
  balance(account: AccountId): Promise<Balance | null>
  /** What a limit still allows at that time, in its unit; holds counted. Never below zero. */
  left(limit: Limit, at: number): Promise<bigint>
  /** Closed holds of an account (of one pass of it), newest first. */
  usage(account: AccountId, pass: string | null, page: Page): Promise<readonly UsageRow[]>
}

export interface Page {
  readonly limit: number
  /** Rows older than this hold id's; null starts at the newest. */
  readonly before: HoldId | null
}
