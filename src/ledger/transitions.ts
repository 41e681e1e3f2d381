import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import { affordable, type LinearPrice, at as priceAt } from '../money/price.ts'
import { checkQuantities, type Quantities } from '../money/quantities.ts'
import { baseCount, countAt, countsUnits } from './counting.ts'
import type { Deposit } from './deposit.ts'
import type { Drawer } from './entry.ts'
import type { AccountId, HoldRefused, HoldRequest, Limit, OwnerId } from './ledger.ts'
import { openingOf, postedAtOnce } from './open-hold.ts'
import { collect } from './owed.ts'
import { entry, posting } from './posting.ts'
import {
  type Account,
  available,
  type Count,
  type HoldState,
  type Meter,
  type Step,
} from './state.ts'
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
  assert(deposit.credit !== 'usd', 'dollars are not kept yet')
  const { amount, at, credit, payment: ref, rail } = deposit
  const old = account ?? opened(deposit.account, at)
  const gift = credit === 'bonus'
  const tier = deposit.bonus ?? ZERO
  assert(tier === 0n || (!gift && amount > 0n), 'a tier adds its bonus to paid-in credit')
  const from: Drawer = gift ? `grant:${rail}` : `rail:${rail}`
  const credited = gift
    ? { ...old, bonus: add(old.bonus, amount) }
    : { ...old, paid: add(old.paid, amount), bonus: add(old.bonus, tier) }
  const collected = collect(credited, owing, at)
  return ok({
    account: collected.account,
    deposit,
    hold: null,
    owing: collected.owing,
    meters: [],
    entries: [
      ...entry({ at, why: 'deposit', ref }, [
        ...posting(from, `${credit}:${old.id}`, amount),
        ...posting(TIER, `bonus:${old.id}`, tier),
      ]),
      ...collected.entries,
    ],
  })
}

/** Where the bonus of tiers comes from. */
export const TIER: Drawer = 'grant:tier'

/** A new account, without money. */
export const opened = (id: AccountId, createdAt: number): Account => ({
  id,
  paid: ZERO,
  bonus: ZERO,
  held: ZERO,
  leaving: ZERO,
  owed: ZERO,
  createdAt,
})

/** What the decision about a hold needs. `meters` are in the order of the request's limits. */
export interface HoldView {
  readonly account: Account | null
  /** Whether that hold id was used before. */
  readonly used: boolean
  /** Null if the limit is a `req` limit. */
  readonly meters: readonly (Meter | null)[]
}

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
  const balance = whole(account)
  if (balance < needed) return err({ why: 'insufficient_funds', needed, balance })
  const least = request.patient === true ? patientLeast(request, account, view) : request.least
  const granted = grant(request, msat(available(account)), (limit, i) => now(limit, view, i))
  if (granted === null || granted < least) {
    return err({ why: 'held', needed, available: msat(available(account)) })
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

/**
 * What a limit is checked against. A `req` limit is checked against the worst case, because it has
 * no meter.
 */
const judged = (
  request: HoldRequest,
  { window }: Limit,
): { readonly price: LinearPrice; readonly quantities: Quantities } =>
  window === 'req' && request.worst !== undefined ? request.worst : request

/** What the smallest grant counts at a limit, in the limit's unit. */
function need(request: HoldRequest, limit: Limit): bigint {
  const { price, quantities } = judged(request, limit)
  const { clamped, least } = request
  if (limit.unit === 'spend') return priceAt(price, least)
  return countAt(limit.unit, { quantities, clamped }, least)
}

/** The room at a limit now, in its unit, less what open holds count. Never below zero. */
export function room({ max }: Limit, meter: Meter | null): bigint {
  const left = meter === null ? max : max - meter.used - meter.held
  return left > 0n ? left : 0n
}

type RoomAt = (limit: Limit, i: number) => bigint

const now = (limit: Limit, { meters }: HoldView, i: number): bigint =>
  room(limit, meters[i] ?? null)

/** The room at a limit if every running request gave back all that it holds. */
function whateverEnds(limit: Limit, { meters }: HoldView, i: number): bigint {
  const meter = meters[i] ?? null
  return room(limit, meter && { ...meter, held: 0n })
}

/** The money of an account if every running request gave back all that it holds. */
function whole(account: Account): Msat {
  const all = available(account) + account.held
  return msat(all > account.owed ? all - account.owed : 0n)
}

/**
 * The units that the request would get if nothing else of the account ran. With less, a patient
 * request goes on waiting.
 */
function patientLeast(request: HoldRequest, account: Account, view: HoldView): number {
  const most = grant(request, whole(account), (limit, i) => whateverEnds(limit, view, i))
  assert(most !== null && most >= request.least, 'what no running request keeps is granted')
  return most
}

const limitReached = ({ at }: HoldRequest, limit: Limit, meter: Meter | null): HoldRefused => ({
  why: 'limit_reached',
  limit,
  left: room(limit, meter),
  resetsAt: windowEnd(limit.window, at),
})

/** The units that money and limits allow. Null if not even what is held besides them is allowed. */
function grant(request: HoldRequest, money: Msat, roomAt: RoomAt): number | null {
  let { most } = request
  for (const [i, limit] of request.limits.entries()) {
    const left = roomAt(limit, i)
    if (left < need(request, limit)) return null
    const allowed = unitsAt(request, limit, left)
    if (allowed < most) most = allowed
  }
  return affordable(request.price, money, most)
}

/** The units, up to `most`, that a limit with that much room allows. */
function unitsAt(request: HoldRequest, limit: Limit, left: bigint): number {
  const { price, quantities } = judged(request, limit)
  const { clamped, most } = request
  if (limit.unit === 'spend') return affordable(price, left, most) ?? 0
  if (!countsUnits(limit.unit, clamped)) return most
  const units = left - baseCount(limit.unit, quantities, clamped)
  return units < BigInt(most) ? Number(units) : most
}

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
  const paid = least(account.paid, amount)
  const bonus = subtract(amount, paid)
  const counts = request.limits.map((limit) => count(request, limit, { granted, amount }))
  const posted = postedAtOnce(counts)
  const hold: HoldState = {
    id,
    account: account.id,
    owner,
    granted,
    clamped: request.clamped,
    amount,
    before: msat(available(account)),
    paid,
    bonus,
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
