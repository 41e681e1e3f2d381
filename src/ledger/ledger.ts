import type { Awaitable } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import type { Clamped, LinearPrice } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { Deposit } from './deposit.ts'

/**
 * The contract of the ledger. It is a double-entry book in whole msat and, beside them, in whole
 * micro-dollars. Every change of a balance is an entry of postings, and entries are never edited. `transitions.ts` decides what happens,
 * without side effects; an adapter makes each step atomic and durable. Each adapter runs
 * `test/contract/ledger.ts`.
 */

/** 32 hex digits, made by the gate. It identifies a balance, not a person. */
export type AccountId = string
/**
 * Identifies a payment, not the rail that presented it: `ln:<payment hash>`. A payment is credited
 * once, so it is the idempotency key of a deposit.
 */
export type PaymentId = string
/**
 * Made by the gate, of printable ASCII. Any unique id works. Ids that grow with time are cheap:
 * with others, the index writes one page of the file for each id.
 */
export type HoldId = string
/**
 * Identifies a gate, also after it was started again. Several gates may share one ledger. Each hold
 * stores its gate, because only that gate knows whether the request still runs.
 */
export type OwnerId = string

/** The kind of money of a ledger. It has one kind, chosen when it is made. */
export type MoneyKind = 'real' | 'test' | 'play'

export type Unit = 'spend' | 'calls' | 'tokens'
export type Window = 'req' | 'min' | 'hour' | 'day' | 'month' | 'total'

/** A limit of a pass, with its meter. `max` is msat for `spend`, otherwise a number. */
export interface Limit {
  /**
   * Hex of the sha256 of the macaroon's signature at that caveat, so the bearer cannot reset it.
   */
  readonly meter: string
  readonly unit: Unit
  readonly window: Window
  readonly max: bigint
}

export interface HoldRequest {
  readonly id: HoldId
  readonly account: AccountId
  /** The price as a linear function of the granted units. */
  readonly price: LinearPrice
  /** What is held besides the granted units. */
  readonly quantities: Quantities
  /**
   * The quantity whose units are granted: at least `least`, or the hold is refused, and at most
   * `most`.
   */
  readonly clamped: Clamped
  readonly least: number
  readonly most: number
  /**
   * If true, the caller waits for money that the account's running requests hold. The hold is then
   * refused as `held` unless it gets as many units as it would if they gave everything back.
   */
  readonly patient?: boolean | undefined
  /**
   * Limits in one request are checked against this, if it is more than what is held. Such a limit
   * has no meter that could show later that it is full (threats J4).
   */
  readonly worst?: { readonly price: LinearPrice; readonly quantities: Quantities } | undefined
  readonly limits: readonly Limit[]
  /** How the dollars of the account may pay. Not set: they pay for nothing, because no rate is known. */
  readonly usd?: UsdTerms | undefined
  readonly at: number
  readonly deadline: number
  /** For the usage page and the earnings. `pass` is null for a root pass. */
  readonly what: { readonly model: string; readonly dialect: string; readonly pass: string | null }
}

/** How dollars pay for a request (threats L5). */
export interface UsdTerms {
  /** By which msat are changed into micro-dollars, until the hold is closed for good. */
  readonly rate: UsdPerBtc
  /**
   * Set if the price is in dollars: the same price in micro-dollars × 10^6. Dollars then pay first and at
   * par; otherwise they pay last, after paid-in credit and bonus.
   */
  readonly price: LinearPrice | null
}

/** Money that was set aside. `amount` is the price of `granted` units. */
export interface Hold {
  readonly id: HoldId
  readonly account: AccountId
  readonly granted: number
  readonly amount: Msat
  /** What the account had before this hold, with its dollars at the rate of the hold. */
  readonly before: Msat
}

/**
 * Why a hold is refused, in order of precedence: if several reasons apply, the first is given.
 *
 * - `hold_exists`: the id was used before.
 * - `account_not_found`.
 * - `limit_reached`: a meter has no room, even if all running requests end. `resetsAt` is null for
 *   `total` and `req`.
 * - `insufficient_funds`: the whole balance, with held money and without what is owed, does not pay
 *   for `least`.
 * - `held`: balance and meters would be enough, but the account's running requests hold them. The
 *   ledger does not wait; the gate waits and asks again.
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

/** The charge for a request: an amount, and the quantities that were used. */
export interface Charge {
  readonly amount: Msat
  /** The charge in micro-dollars, if the price of the hold is in dollars. */
  readonly usd?: MicroUsd | undefined
  readonly quantities: Quantities
  readonly usage: 'reported' | 'counted' | 'none'
  /** How the request ended, for the usage page. */
  readonly end: string
  readonly at: number
}

export interface Settled {
  readonly id: HoldId
  /** What the buyer has paid so far: the charge without what could not be taken. */
  readonly charged: Msat
  /**
   * The part of the charge that other requests of the account hold. It is taken when those close.
   */
  readonly owed: Msat
  /** What this close posted to `loss:overrun`, with debts of earlier requests. */
  readonly overrun: Msat
  /** What the account has afterwards, with its dollars at the rate of the hold. */
  readonly after: Msat
}

/** Why a hold could not be closed. The first close counts (threats B4). */
export type Closed = 'hold_not_found' | 'already_settled' | 'already_released'

export interface Balance {
  readonly account: AccountId
  /** Unspent paid-in and bonus credit, without what is held. */
  readonly paid: Msat
  readonly bonus: Msat
  readonly held: Msat
  /** What an open withdrawal has set aside. */
  readonly leaving: Msat
  /**
   * Debt of closed requests, to be taken as running ones close. While it is above zero, nothing is
   * available.
   */
  readonly owed: Msat
  /** paid + bonus. */
  readonly available: Msat
  /** Unspent dollars, without what is held. They are not in `available`, because that needs a rate. */
  readonly usd: MicroUsd
}

/** The dollars of a hold. */
export interface HeldDollars {
  /** Dollars for one bitcoin × 10^8, until the hold is closed for good. */
  readonly rate: UsdPerBtc
  /** The price is in dollars, so they pay first and at par. Otherwise they pay last, at the rate. */
  readonly par: boolean
  /** What is set aside of them, and the msat that these bought. */
  readonly usd: MicroUsd
  readonly bought: Msat
}

export interface OpenHold extends Hold {
  /** The quantity whose units were granted. */
  readonly clamped: Clamped
  readonly paid: Msat
  readonly bonus: Msat
  /**
   * How dollars pay for it. `amount` is paid + bonus + what these bought. Null if the request named no
   * terms for dollars.
   */
  readonly dollars: HeldDollars | null
  readonly openedAt: number
  readonly deadline: number
  /** What the journal says was used so far, in msat. After a crash this is charged (threats B6). */
  readonly sofar: Msat
  readonly model: string
}

export interface UsageRow {
  readonly id: HoldId
  /** When it was opened. The page is in this order. */
  readonly at: number
  readonly model: string
  readonly dialect: string
  readonly end: string
  readonly usage: string
  readonly quantities: Quantities
  readonly held: Msat
  readonly charged: Msat
  readonly owed: Msat
  /** What dollars paid of `charged`, and dollars for one bitcoin × 10^8. Not set if they paid nothing. */
  readonly usd?: { readonly charged: MicroUsd; readonly rate: UsdPerBtc }
}

/**
 * What is decided in memory is answered at once, so that a request waits for nothing; an adapter that
 * asks a server answers with a promise.
 */
export interface Ledger {
  /**
   * Resolves when the deposit is on disk. `already_deposited` answers an honest retry (threats C6,
   * B7).
   */
  deposit(deposit: Deposit): Promise<Result<Balance, 'already_deposited' | 'deposited_elsewhere'>>
  /**
   * Checks the account and every meter and sets the money aside, in one step. Does not wait for the
   * disk.
   */
  hold(request: HoldRequest): Awaitable<Result<Hold, HoldRefused>>
  /**
   * Called while a stream runs: moves the deadline, and journals the price of what was used so far.
   */
  extend(id: HoldId, deadline: number, sofar: Msat): Awaitable<Result<true, Closed>>
  /**
   * Closes a hold with its charge, even if limits are exceeded: limits decide only about admission,
   * and their meters then show more than full (threats J4). A charge above the hold is taken from
   * what is free on the account. While other requests hold the account's money, the rest is owed,
   * and taken when that money is free again. What is still missing when the last of them has closed
   * is `loss:overrun`. An expired hold can still be settled: what its expiry charged is used first,
   * the rest is taken from the account.
   */
  settle(id: HoldId, charge: Charge): Awaitable<Result<Settled, Closed>>
  /**
   * Closes a hold without a charge, even if it has expired. It counts at no meter. `end` is for the
   * usage page.
   */
  release(id: HoldId, end: string, at: number): Awaitable<Result<Settled, Closed>>
  /**
   * Closes all open holds whose deadline has passed, of every gate: charges what the journal says,
   * and gives the rest back. If the journal says anything, the hold counts in full at its meters,
   * because it is not known how much was used. Returns what it closed.
   */
  expire(at: number): Promise<readonly Settled[]>
  /**
   * Closes all holds of this gate in the same way, whatever their deadline. It is called once, at
   * the start: an earlier process left these holds open. Holds of other gates stay open. Before that
   * it takes what accounts owe from what they have: a crash ends holds that were not posted, gives
   * their money back, and leaves nothing that would close and pay the debt (ADR 49).
   */
  recover(at: number): Promise<readonly Settled[]>
  balance(account: AccountId): Awaitable<Balance | null>
  /**
   * What a limit still allows at that time, in its unit, less what open holds count. Never below zero.
   */
  left(limit: Limit, at: number): Awaitable<bigint>
  /** Closed holds of an account, or of one pass of it, newest first. */
  usage(account: AccountId, pass: string | null, page: Page): Promise<readonly UsageRow[]>
  /** The dollars of all accounts together that are not spent, with what is held of them. */
  outstandingUsd(): Awaitable<MicroUsd>
}

export interface Page {
  readonly limit: number
  /** Only rows older than this hold. Null begins with the newest. */
  readonly before: HoldId | null
}
