import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import { affordable, at as priceAt } from '../money/price.ts'
import type {
  AccountId,
  Closed,
  Deposit,
  Drawer,
  Entry,
  HoldRefused,
  HoldRequest,
  Limit,
  Posting,
  Why,
} from './ledger.ts'
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
 * What the ledger decides: pure and synchronous, the same for every adapter. Each verb is a
 * column of refusals in order of precedence; after it, the step must succeed. How a hold is
 * closed is in `close.ts`.
 */

/** A posting of nothing is left out. */
export const posting = (debit: Drawer, credit: Drawer, amount: Msat): readonly Posting[] =>
  amount === 0n ? [] : [{ debit, credit, amount }]

export function entry(
  head: { readonly at: number; readonly why: Why; readonly ref: string },
  postings: readonly Posting[],
): Entry | null {
  return postings.length === 0 ? null : { ...head, postings }
}

/**
 * Credits a payment. `account` is the account as it is, null where this deposit opens it; `known`
 * the account that the payment was credited to before.
 */
export function deposit(
  deposit: Deposit,
  account: Account | null,
  known: AccountId | null,
): Result<Step, 'already_deposited' | 'deposited_elsewhere'> {
  if (known !== null && known !== deposit.account) return err('deposited_elsewhere')
  if (known !== null) return err('already_deposited')

  // After this point the deposit must succeed.
  const { amount, at, credit, payment: ref, rail } = deposit
  const old = account ?? opened(deposit)
  const bonus = credit === 'bonus'
  const from: Drawer = bonus ? `grant:${rail}` : `rail:${rail}`
  return ok({
    account: bonus
      ? { ...old, bonus: add(old.bonus, amount) }
      : { ...old, paid: add(old.paid, amount) },
    deposit,
    hold: null,
    meters: [],
    entry: entry({ at, why: 'deposit', ref }, posting(from, `${credit}:${old.id}`, amount)),
  })
}

const opened = ({ account, at }: Deposit): Account => ({
  id: account,
  paid: ZERO,
  bonus: ZERO,
  held: ZERO,
  createdAt: at,
})

/** What a hold is judged against. `meters` stand in the order of the request's limits. */
export interface HoldView {
  readonly account: Account | null
  /** That hold id was used before, whatever became of it. */
  readonly used: boolean
  /** Null where the limit is a `req` limit. */
  readonly meters: readonly (Meter | null)[]
}

/** Sets aside the price of as many output tokens as account and meters allow, least to most. */
export function hold(
  request: HoldRequest,
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
  const balance = msat(available(account) + account.held)
  if (balance < needed) return err({ why: 'insufficient_funds', needed, balance })
  const output = grant(request, account, view)
  if (output === null || output < request.least) {
    return err({ why: 'held', needed, available: msat(available(account)) })
  }

  // After this point the hold must succeed.
  return ok(opening(request, account, { output, meters: view.meters }))
}

/** Ids sort alike in every store: by their bytes. */
const PLAIN = /^[!-~]+$/

function checkRequest({ id, input, least, limits, most }: HoldRequest, { meters }: HoldView): void {
  assert(PLAIN.test(id), 'a hold id is printable ASCII')
  assert(Number.isSafeInteger(input) && input >= 0, 'input is a number of tokens')
  assert(Number.isSafeInteger(least) && least >= 0, 'least is a number of tokens')
  assert(Number.isSafeInteger(most) && most >= least, 'most is a number of tokens, not below least')
  assert(meters.length === limits.length, 'a meter for each limit')
  if (meters.length < 2) return
  const keys = meters.flatMap((meter) => meter?.key ?? [])
  assert(new Set(keys).size === keys.length, 'no two limits at one meter')
}

/** What the smallest grant takes of a limit, in the limit's unit. */
function need({ price, input, least }: HoldRequest, { unit }: Limit): bigint {
  if (unit === 'spend') return priceAt(price, least)
  return unit === 'tokens' ? BigInt(input + least) : 1n
}

/** Room at a limit now, in its unit: holds counted. */
export const room = ({ max }: Limit, meter: Meter | null): bigint =>
  meter === null ? max : max - meter.used - meter.held

/** Room at a limit if every running request gave back all it holds. */
const whateverEnds = ({ max }: Limit, { meters }: HoldView, i: number): bigint =>
  max - (meters[i]?.used ?? 0n)

const limitReached = ({ at }: HoldRequest, limit: Limit, meter: Meter | null): HoldRefused => ({
  why: 'limit_reached',
  limit,
  left: room(limit, meter),
  resetsAt: windowEnd(limit.window, at),
})

/** Output tokens that account and meters allow together; null when not even the input. */
function grant(request: HoldRequest, account: Account, { meters }: HoldView): number | null {
  let money = available(account)
  let tokens = BigInt(request.input + request.most)
  for (const [i, limit] of request.limits.entries()) {
    const left = room(limit, meters[i] ?? null)
    if (left < need(request, limit)) return null
    if (limit.unit === 'spend' && left < money) money = left
    if (limit.unit === 'tokens' && left < tokens) tokens = left
  }
  return affordable(request.price, msat(money), Number(tokens) - request.input)
}

function opening(
  request: HoldRequest,
  account: Account,
  granted: { readonly output: number; readonly meters: readonly (Meter | null)[] },
): Step & { readonly hold: HoldState } {
  const { at, id, deadline, what } = request
  const { output } = granted
  const amount = priceAt(request.price, output)
  const paid = least(account.paid, amount)
  const bonus = subtract(amount, paid)
  const counts = request.limits.map((limit) => count(request, limit, { output, amount }))
  return {
    account: {
      ...account,
      paid: subtract(account.paid, paid),
      bonus: subtract(account.bonus, bonus),
      held: add(account.held, amount),
    },
    deposit: null,
    hold: {
      id,
      account: account.id,
      output,
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
      close: null,
    },
    meters: granted.meters.flatMap((meter, i) =>
      meter === null ? [] : { ...meter, held: meter.held + (counts[i]?.counted ?? 0n) },
    ),
    entry: entry({ at, why: 'hold', ref: id }, [
      ...posting(`paid:${account.id}`, `held:${account.id}`, paid),
      ...posting(`bonus:${account.id}`, `held:${account.id}`, bonus),
    ]),
  }
}

/** The share of a limit's meter that a grant takes, in the limit's unit. */
function count(
  { at, input }: HoldRequest,
  limit: Limit,
  { output, amount }: { readonly output: number; readonly amount: Msat },
): Count {
  const shares = { spend: amount, tokens: BigInt(input + output), calls: 1n }
  return {
    key: meterKey(limit, at),
    unit: limit.unit,
    max: limit.max,
    counted: shares[limit.unit],
  }
}

/** Moves an open hold's deadline and journals what has flowed, in msat. */
export function extend(
  hold: HoldState | null,
  deadline: number,
  sofar: Msat,
): Result<HoldState, Closed> {
  if (hold === null) return err('hold_not_found')
  if (hold.status === 'settled') return err('already_settled')
  if (hold.status !== 'open') return err('already_released')
  return ok({ ...hold, deadline, sofar })
}
