import { add, least, type Msat, msat, subtract } from '../money/msat.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import { affordable } from '../money/price.ts'
import {
  addUsd,
  leastUsd,
  type MicroUsd,
  msatOf,
  NO_USD,
  subtractUsd,
  usdOf,
} from '../money/usd.ts'
import type { HeldDollars, HoldRequest, UsdTerms } from './ledger.ts'
import { paidFirst } from './posting.ts'
import type { Account } from './state.ts'

/**
 * How dollars pay for requests (threats L5). A price in sats takes paid-in credit, then bonus, then
 * dollars at the rate of the hold. A price in dollars takes dollars first and at par, and sats for what
 * is missing. Micro-dollars are rounded up wherever they are charged, so the operator is never short.
 */

/** What a request can be paid from. */
export interface Purse {
  readonly sats: Msat
  readonly usd: MicroUsd
}

/** The greatest number of units, up to `most`, that a purse can pay for. Null if not even the base. */
export function affords(
  { price, usd: terms }: HoldRequest,
  { sats, usd }: Purse,
  most: number,
): number | null {
  if (terms === undefined || usd === 0n) return affordable(price, sats, most)
  // Exact: a rest in msat costs at most `usd` if and only if it is at most what `usd` buys.
  const atRate = affordable(price, add(sats, msatOf(usd, terms.rate)), most)
  if (terms.price === null) return atRate
  const atPar = affordable(terms.price, usd, most)
  if (atRate === null || atPar === null) return atRate ?? atPar
  return Math.max(atRate, atPar)
}

/** What a purse has in msat, with its dollars at the rate of those terms. */
export const worth = ({ sats, usd }: Purse, terms: Pick<UsdTerms, 'rate'> | null): Msat =>
  terms === null || usd === 0n ? sats : add(sats, msatOf(usd, terms.rate))

/** An amount to be paid. `usd` is its price at par, or null if its price is in sats. */
export interface Due {
  readonly amount: Msat
  readonly usd: MicroUsd | null
}

/** What may be taken: of an account, or of what a hold set aside. */
export interface Credit {
  readonly paid: Msat
  readonly bonus: Msat
  readonly usd: MicroUsd
}

/** What was taken. `bought` is the part that `usd` paid for, in msat. */
export interface Taken extends Credit {
  readonly bought: Msat
  readonly missing: Msat
}

export function take(from: Credit, { amount, usd: price }: Due, rate: UsdPerBtc): Taken {
  if (price === null) {
    const sats = satsOf(from, amount)
    const rest = subtract(amount, add(sats.paid, sats.bonus))
    const bought = rest === 0n ? rest : least(rest, msatOf(from.usd, rate))
    return { ...sats, bought, usd: usdOf(bought, rate), missing: subtract(rest, bought) }
  }
  const whole = price <= from.usd
  const bought = whole ? amount : least(amount, msatOf(from.usd, rate))
  const rest = subtract(amount, bought)
  const sats = satsOf(from, rest)
  const missing = subtract(rest, add(sats.paid, sats.bonus))
  return { ...sats, bought, usd: whole ? price : usdOf(bought, rate), missing }
}

/** As much of an amount as paid-in credit and bonus pay. */
export const satsOf = (from: { readonly paid: Msat; readonly bonus: Msat }, amount: Msat) =>
  paidFirst(from, least(amount, add(from.paid, from.bonus)))

/** The charge of a hold: what is taken of its own money, beyond it, and in dollars all together. */
export interface Charged {
  readonly kept: { readonly paid: Msat; readonly bonus: Msat }
  readonly extra: { readonly paid: Msat; readonly bonus: Msat }
  readonly bought: Msat
  readonly usd: MicroUsd
  readonly missing: Msat
}

/**
 * Takes a charge out of the money of its hold, and what that does not cover out of the account, each in
 * the order of the price. Dollars of both are changed together, so they are rounded once.
 */
export function charge(stake: Credit, account: Credit, due: Due, rate: UsdPerBtc): Charged {
  const own = take(stake, due, rate)
  const kept = { paid: own.paid, bonus: own.bonus }
  if (own.missing === 0n) {
    return { kept, extra: NOTHING, bought: own.bought, usd: own.usd, missing: own.missing }
  }
  const usd = addUsd(stake.usd, account.usd)
  if (due.usd === null) {
    const extra = satsOf(account, own.missing)
    const rest = subtract(add(own.bought, own.missing), add(extra.paid, extra.bonus))
    const bought = least(rest, msatOf(usd, rate))
    return { kept, extra, bought, usd: usdOf(bought, rate), missing: subtract(rest, bought) }
  }
  const amount = subtract(due.amount, add(kept.paid, kept.bonus))
  const price = amount === due.amount ? due.usd : leastUsd(due.usd, usdOf(amount, rate))
  const { missing, ...more } = take({ ...account, usd }, { amount, usd: price }, rate)
  const extra = { paid: more.paid, bonus: more.bonus }
  return { kept, extra, bought: more.bought, usd: more.usd, missing }
}

const NOTHING = { paid: msat(0n), bonus: msat(0n) }

/** Takes a debt of a closed hold that has bought `bought` so far, from what is free. */
export function takeDebt(
  account: Credit,
  amount: Msat,
  { dollars, bought }: { readonly dollars: HeldDollars; readonly bought: Msat },
): Taken {
  const sats = satsOf(account, amount)
  const rest = subtract(amount, add(sats.paid, sats.bonus))
  // Dollars at par do not come from the rate, so there is nothing to round together with them.
  const before = dollars.par ? msat(0n) : bought
  const paid = usdOf(before, dollars.rate)
  const most = subtract(msatOf(addUsd(account.usd, paid), dollars.rate), before)
  const more = least(rest, most)
  const usd = subtractUsd(usdOf(add(before, more), dollars.rate), paid)
  return { ...sats, bought: more, usd, missing: subtract(rest, more) }
}

/** The dollars of an account that may pay for a new hold. While it owes something, none may. */
export const usable = ({ owed, usd }: Account): MicroUsd => (owed === 0n ? usd : NO_USD)
