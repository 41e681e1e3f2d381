import { assert } from '../floor/assert.ts'
import { msat } from '../money/msat.ts'
import { affordable, type LinearPrice, at as priceAt } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import { addUsd, leastUsd, NO_USD, subtractUsd, usdOf } from '../money/usd.ts'
import { baseCount, countAt, countsUnits } from './counting.ts'
import { affords, type Purse, usable } from './dollars.ts'
import type { HoldRequest, Limit } from './ledger.ts'
import { type Account, available, type Meter } from './state.ts'

/** How many units a request may have: what its account and the meters of its limits allow. */

/** What the decision about a hold needs. `meters` are in the order of the request's limits. */
export interface HoldView {
  readonly account: Account | null
  /** Whether that hold id was used before. */
  readonly used: boolean
  /** Null if the limit is a `req` limit. */
  readonly meters: readonly (Meter | null)[]
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
export function need(request: HoldRequest, limit: Limit): bigint {
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

export const now = (limit: Limit, { meters }: HoldView, i: number): bigint =>
  room(limit, meters[i] ?? null)

/** The room at a limit if every running request gave back all that it holds. */
export function whateverEnds(limit: Limit, { meters }: HoldView, i: number): bigint {
  const meter = meters[i] ?? null
  return room(limit, meter && { ...meter, held: 0n })
}

/** What pays for a request now. */
export const purse = ({ usd }: HoldRequest, account: Account): Purse => ({
  sats: msat(available(account)),
  usd: usd === undefined ? NO_USD : usable(account),
})

/** What would pay for a request if every running one gave back all that it holds. */
export function whole({ usd: terms }: HoldRequest, account: Account): Purse {
  const { bought, held, owed, usd, usdHeld } = account
  const all = available(account) + held - bought
  const dollars = terms === undefined ? NO_USD : addUsd(usd, usdHeld)
  if (all >= owed) return { sats: msat(all - owed), usd: dollars }
  if (terms === undefined || dollars === 0n) return { sats: msat(0n), usd: NO_USD }
  const debt = leastUsd(dollars, usdOf(msat(owed - all), terms.rate))
  return { sats: msat(0n), usd: subtractUsd(dollars, debt) }
}

/** Whether a purse cannot pay for the least that a request wants. */
export const lacks = (request: HoldRequest, of: Purse): boolean =>
  of.usd === 0n
    ? of.sats < priceAt(request.price, request.least)
    : (affords(request, of, request.least) ?? -1) < request.least

/**
 * The units that the request would get if nothing else of the account ran. With less, a patient
 * request goes on waiting.
 */
export function patientLeast(request: HoldRequest, account: Account, view: HoldView): number {
  const most = grant(request, whole(request, account), (limit, i) => whateverEnds(limit, view, i))
  assert(most !== null && most >= request.least, 'what no running request keeps is granted')
  return most
}

/** The units that money and limits allow. Null if not even what is held besides them is allowed. */
export function grant(request: HoldRequest, money: Purse, roomAt: RoomAt): number | null {
  let { most } = request
  for (const [i, limit] of request.limits.entries()) {
    const left = roomAt(limit, i)
    if (left < need(request, limit)) return null
    const allowed = unitsAt(request, limit, left)
    if (allowed < most) most = allowed
  }
  return affords(request, money, most)
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
