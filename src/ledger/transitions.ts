import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, type Msat, subtract, ZERO } from '../money/msat.ts'
import { at as priceAt } from '../money/price.ts'
import { checkQuantities } from '../money/quantities.ts'
import { addUsd, microUsd, NO_USD, subtractUsd } from '../money/usd.ts'
import { baseCount, countAt } from './counting.ts'
import type { Deposit, SatDeposit, UsdDeposit } from './deposit.ts'
import { take, usable, worth } from './dollars.ts'
import type { Posting } from './entry.ts'
import {
  grant,
  type HoldView,
  lacks,
  need,
  now,
  patientLeast,
  purse,
  room,
  whateverEnds,
  whole,
} from './grant.ts'
import type { AccountId, HeldDollars, HoldRefused, HoldRequest, Limit, OwnerId } from './ledger.ts'
import { openingOf, postedAtOnce } from './open-hold.ts'
import { collect } from './owed.ts'
import { entry, paidFirst, posting, usdPosting } from './posting.ts'
import type { Account, Count, HoldState, Meter, Step } from './state.ts'
import { meterKey, windowEnd } from './window.ts'

/**
 * The decisions of the ledger, pure and the same for every adapter. Each function first checks its
 * refusals in order of precedence; after them, the step must succeed. `close.ts` closes holds.
 */

/** What the decision about a deposit needs. */
export interface DepositView {
  /** Null if this deposit opens the account. */
  readonly account: Account | null
  /** The account to which the payment was credited before. */
  readonly known: AccountId | null
  /** Closed holds of the account that owe, oldest first. */
  readonly owing: readonly HoldState[]
}

/** Credits a payment. Debts of the account are taken from it at once. */
export function deposit(
  deposit: Deposit,
  { account, known, owing }: DepositView,
): Result<Step, 'already_deposited' | 'deposited_elsewhere'> {
  if (known !== null && known !== deposit.account) return err('deposited_elsewhere')
  if (known !== null) return err('already_deposited')

  // After this point the deposit must succeed.
  const { at, payment: ref } = deposit
  const old = account ?? opened(deposit.account, at)
  const { credited, postings } =
    deposit.credit === 'usd' ? inUsd(old, deposit) : inSats(old, deposit)
  const collected = collect(credited, owing, at)
  return ok({
    account: collected.account,
    deposit,
    hold: null,
    owing: collected.owing,
    meters: [],
    entries: [...entry({ at, why: 'deposit', ref }, postings), ...collected.entries],
  })
}

/** An account with a payment, and the postings that credit it. */
interface Crediting {
  readonly credited: Account
  readonly postings: readonly Posting[]
}

const inUsd = (old: Account, { amount, rail }: UsdDeposit): Crediting => ({
  credited: { ...old, usd: addUsd(old.usd, amount) },
  postings: usdPosting(`usd-rail:${rail}`, `usd:${old.id}`, amount),
})

function inSats(old: Account, { amount, credit, rail, ...deposit }: SatDeposit): Crediting {
  const gift = credit === 'bonus'
  const tier = deposit.bonus ?? ZERO
  assert(tier === 0n || (!gift && amount > 0n), 'a tier adds its bonus to paid-in credit')
  const from = gift ? (`grant:${rail}` as const) : (`rail:${rail}` as const)
  const credited = gift
    ? { ...old, bonus: add(old.bonus, amount) }
    : { ...old, paid: add(old.paid, amount), bonus: add(old.bonus, tier) }
  return {
    credited,
    postings: [
      ...posting(from, `${credit}:${old.id}`, amount),
      ...posting(TIER, `bonus:${old.id}`, tier),
    ],
  }
}

/** Where the bonus of tiers comes from. */
export const TIER = 'grant:tier'

/** A new account, without money. */
export const opened = (id: AccountId, createdAt: number): Account => ({
  id,
  paid: ZERO,
  bonus: ZERO,
  held: ZERO,
  leaving: ZERO,
  owed: ZERO,
  usd: NO_USD,
  usdHeld: NO_USD,
  bought: ZERO,
  createdAt,
})

/** Sets aside the price of as many units as the account and its meters allow, from `least` to `most`. */
export function hold(
  request: HoldRequest,
  owner: OwnerId,
  view: HoldView,
): Result<Step & { readonly hold: HoldState }, HoldRefused> {
  checkRequest(request, view)
  const { account } = view
  if (view.used) return err({ why: 'hold_exists' })
  if (account === null) return err({ why: 'account_not_found' })
  const full = request.limits.findIndex(
    (limit, i) => whateverEnds(limit, view, i) < need(request, limit),
  )
  const limit = request.limits[full]
  if (limit !== undefined) return err(limitReached(request, limit, view.meters[full] ?? null))
  const needed = priceAt(request.price, request.least)
  const terms = request.usd ?? null
  const all = whole(request, account)
  if (lacks(request, all)) {
    return err({ why: 'insufficient_funds', needed, balance: worth(all, terms) })
  }
  const least = request.patient === true ? patientLeast(request, account, view) : request.least
  const free = purse(request, account)
  const granted = grant(request, free, (limit, i) => now(limit, view, i))
  if (granted === null || granted < least) {
    return err({ why: 'held', needed, available: worth(free, terms) })
  }

  // After this point the hold must succeed.
  return ok(opening(request, account, { owner, granted, meters: view.meters }))
}

/** Ids of these characters sort in the same way in every store, by their bytes. */
const PLAIN = /^[!-~]+$/

function checkRequest(request: HoldRequest, { meters }: HoldView): void {
  const { clamped, id, least, limits, most, quantities, worst } = request
  assert(PLAIN.test(id), 'a hold id is printable ASCII')
  checkQuantities(quantities)
  assert(Number.isSafeInteger(least) && least >= 0, 'least is a number of units')
  assert(Number.isSafeInteger(most) && most >= least, 'most is a number of units, not below least')
  if (worst !== undefined) {
    checkQuantities(worst.quantities)
    assert(
      baseCount('tokens', worst.quantities, clamped) >= baseCount('tokens', quantities, clamped),
      'the worst is not better than what is held',
    )
  }
  assert(meters.length === limits.length, 'a meter for each limit')
  if (meters.length < 2) return
  const keys = meters.flatMap((meter) => meter?.key ?? [])
  assert(new Set(keys).size === keys.length, 'no two limits at one meter')
}

const limitReached = ({ at }: HoldRequest, limit: Limit, meter: Meter | null): HoldRefused => ({
  why: 'limit_reached',
  limit,
  left: room(limit, meter),
  resetsAt: windowEnd(limit.window, at),
})

interface Opening {
  readonly owner: OwnerId
  readonly granted: number
  readonly meters: readonly (Meter | null)[]
}

function opening(
  request: HoldRequest,
  account: Account,
  { granted, meters, owner }: Opening,
): Step & { readonly hold: HoldState } {
  const { at, id, deadline, what } = request
  const amount = priceAt(request.price, granted)
  const { bonus, dollars, paid } = takenOf(request, account, { amount, granted })
  const counts = request.limits.map((limit) => count(request, limit, { granted, amount }))
  const posted = postedAtOnce(counts)
  const hold: HoldState = {
    id,
    account: account.id,
    owner,
    granted,
    clamped: request.clamped,
    amount,
    before: worth(purse(request, account), request.usd ?? null),
    paid,
    bonus,
    dollars,
    openedAt: at,
    deadline,
    sofar: ZERO,
    model: what.model,
    dialect: what.dialect,
    pass: what.pass,
    counts,
    status: 'open',
    posted,
    close: null,
  }
  return {
    account: {
      ...account,
      paid: subtract(account.paid, paid),
      bonus: subtract(account.bonus, bonus),
      held: add(account.held, amount),
      ...(dollars !== null && setAside(account, dollars)),
    },
    deposit: null,
    owing: [],
    hold,
    meters: meters.flatMap((meter, i) =>
      meter === null ? [] : { ...meter, held: meter.held + (counts[i]?.counted ?? 0n) },
    ),
    entries: posted ? openingOf(hold) : [],
  }
}

/** What pays for a grant. */
function takenOf(
  { price, usd: terms }: HoldRequest,
  account: Account,
  { amount, granted }: { readonly amount: Msat; readonly granted: number },
): { readonly paid: Msat; readonly bonus: Msat; readonly dollars: HeldDollars | null } {
  if (terms === undefined) return { ...paidFirst(account, amount), dollars: null }
  const { rate } = terms
  const par = terms.price !== null
  const usd = usable(account)
  if (usd === 0n) {
    return { ...paidFirst(account, amount), dollars: { rate, par, usd, bought: ZERO } }
  }
  const atPar = terms.price === null ? null : microUsd(priceAt(terms.price, granted))
  const taken = take({ ...account, usd }, { amount, usd: atPar }, rate)
  assert(taken.missing === 0n, `${price.base} and ${price.each} a unit were affordable`)
  const { bonus, bought, paid } = taken
  return { paid, bonus, dollars: { rate, par, usd: taken.usd, bought } }
}

/** The dollars of an account after a hold has set some aside. */
const setAside = (account: Account, { bought, usd }: HeldDollars) => ({
  usd: subtractUsd(account.usd, usd),
  usdHeld: addUsd(account.usdHeld, usd),
  bought: add(account.bought, bought),
})

/** What a grant counts at the meter of a limit, in the limit's unit. */
function count(
  request: HoldRequest,
  limit: Limit,
  { amount, granted }: { readonly granted: number; readonly amount: Msat },
): Count {
  const { max, unit } = limit
  const counted = unit === 'spend' ? amount : countAt(unit, request, granted)
  return { key: meterKey(limit, request.at), unit, max, counted }
}
