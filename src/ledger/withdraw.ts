import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, subtract, ZERO } from '../money/msat.ts'
import type { Entry, Posting, Why } from './entry.ts'
import { collect } from './owed.ts'
import { entry, posting } from './posting.ts'
import type { Account, DepositState, HoldState, Step, WithdrawalState } from './state.ts'
import { opened, TIER } from './transitions.ts'
import { giveBack, type Taken, take } from './withdrawable.ts'
import type {
  LostWithdrawal,
  Withdrawal,
  WithdrawalClose,
  WithdrawalRefused,
  WithdrawalRequest,
} from './withdrawals.ts'

/** The decisions about money that leaves, pure and the same for every adapter. */

/** A step of a withdrawal. It always changes one. */
export type Leaving = Step & { readonly withdrawal: WithdrawalState }

export interface WithdrawView {
  readonly account: Account | null
  /** The withdrawal that has that id already. */
  readonly known: WithdrawalState | null
  /** The account's deposits of paid-in credit, newest first. Only as many are read as are needed. */
  readonly deposits: Iterable<DepositState>
}

/** Sets amount and fee aside, and takes back the bonus that has not vested. */
export function withdraw(
  request: WithdrawalRequest,
  { account, deposits, known }: WithdrawView,
): Result<Leaving, WithdrawalRefused> {
  const { amount, at, fee, id, source } = request
  assert(amount > 0n, 'a withdrawal is of some amount')
  if (known !== null) return err({ why: 'exists' })
  if (account === null) return err({ why: 'account_not_found' })
  if (account.leaving > 0n) return err({ why: 'in_flight' })
  if (account.held > 0n) return err({ why: 'held' })
  const all = add(amount, fee)
  const taken = take(account, deposits, { source, most: all })
  if (taken.amount < all) {
    return err({ why: 'insufficient_funds', withdrawable: taken.amount })
  }

  // After this point the withdrawal must succeed.
  const open = { paidFee: null, reason: null, closedAt: null, overrun: ZERO }
  const { bonus, instead, parts } = taken
  return ok({
    ...moving({ ...lessTaken(account, taken), leaving: all }),
    withdrawal: { ...request, ...open, state: 'open', parts, bonus, instead },
    deposits: taken.deposits,
    entries: entryOf('withdraw', { at, ref: id }, [
      ...posting(`paid:${account.id}`, `leaving:${account.id}`, all),
      ...vestingOf(account, taken),
    ]),
  })
}

export interface CloseWithdrawalView {
  readonly withdrawal: WithdrawalState | null
  readonly account: Account | null
  /** The deposits that the withdrawal took from. */
  readonly from: readonly DepositState[]
  /** All deposits of the account, as above. They are read if a fee was higher than planned. */
  readonly deposits: Iterable<DepositState>
  readonly owing: readonly HoldState[]
}

/** Closes a withdrawal for good. Debts are taken from what comes back, or given up. */
export function closeWithdrawal(
  close: WithdrawalClose,
  view: CloseWithdrawalView,
): Result<Leaving, 'withdrawal_not_found' | 'already_closed'> {
  const { account, withdrawal } = view
  if (withdrawal === null) return err('withdrawal_not_found')
  if (withdrawal.state !== 'open') return err('already_closed')
  assert(account !== null, `withdrawal ${withdrawal.id} without its account`)
  const closed = close.is === 'sent' ? sent(close, withdrawal, account, view) : null
  const step = closed ?? failed(close, withdrawal, account, view)
  const { entries, ...collected } = collect(step.account, view.owing, close.at)
  return ok({
    ...step,
    account: collected.account,
    owing: collected.owing,
    entries: [...step.entries, ...entries],
  })
}

/** The wallet says that nothing left: everything goes back to where it came from. */
function failed(
  close: WithdrawalClose,
  withdrawal: WithdrawalState,
  account: Account,
  { from }: CloseWithdrawalView,
): Leaving {
  const { amount, bonus, fee, id, instead } = withdrawal
  const all = add(amount, fee)
  const back = giveBack(withdrawal.parts, from, all)
  return {
    ...moving({
      ...account,
      paid: add(account.paid, add(all, instead)),
      bonus: add(account.bonus, bonus),
      leaving: subtract(account.leaving, all),
    }),
    withdrawal: {
      ...withdrawal,
      state: 'failed',
      reason: close.is === 'failed' ? close.reason : null,
      closedAt: close.at,
      parts: [],
      bonus: ZERO,
      instead: ZERO,
    },
    deposits: back.deposits,
    entries: entryOf('return', { at: close.at, ref: id }, [
      ...posting(`leaving:${account.id}`, `paid:${account.id}`, all),
      ...posting(TIER, `paid:${account.id}`, instead),
      ...posting(TIER, `bonus:${account.id}`, bonus),
    ]),
  }
}

/** It left: what is over of the fee goes back, and what is missing is taken. */
function sent(
  { at, fee }: Extract<WithdrawalClose, { is: 'sent' }>,
  withdrawal: WithdrawalState,
  account: Account,
  { deposits, from }: CloseWithdrawalView,
): Leaving {
  const { id, source } = withdrawal
  const planned = withdrawal.fee
  const over = planned > fee ? subtract(planned, fee) : ZERO
  const back = giveBack(withdrawal.parts, from, over)
  // Bonus was taken from bonus credit first, so it is given again to paid-in credit first.
  const instead = least(back.bonus, withdrawal.instead)
  const bonus = subtract(back.bonus, instead)
  const settled = {
    ...account,
    paid: add(account.paid, add(over, instead)),
    bonus: add(account.bonus, bonus),
    leaving: subtract(account.leaving, add(withdrawal.amount, planned)),
  }
  const missing = fee > planned ? subtract(fee, planned) : ZERO
  const more = take(settled, deposits, { source, most: missing })
  const overrun = subtract(missing, more.amount)
  const own = account.id
  return {
    ...moving(lessTaken(settled, more)),
    withdrawal: {
      ...withdrawal,
      state: 'sent',
      paidFee: fee,
      closedAt: at,
      parts: [...back.parts, ...more.parts],
      bonus: add(subtract(withdrawal.bonus, bonus), more.bonus),
      instead: add(subtract(withdrawal.instead, instead), more.instead),
      overrun,
    },
    deposits: missing > 0n ? more.deposits : back.deposits,
    entries: entryOf('send', { at, ref: id }, [
      ...posting(`leaving:${own}`, `sent:${source}`, add(withdrawal.amount, least(fee, planned))),
      ...posting(`leaving:${own}`, `paid:${own}`, over),
      ...posting(TIER, `paid:${own}`, instead),
      ...posting(TIER, `bonus:${own}`, bonus),
      ...posting(`paid:${own}`, `sent:${source}`, more.amount),
      ...posting('loss:overrun', `sent:${source}`, overrun),
      ...vestingOf(account, more),
    ]),
  }
}

/**
 * Books what left although nobody set it aside (threats L13). It takes as much as may leave from that
 * source; nobody paid for the rest.
 */
export function lost(
  { at, ...request }: LostWithdrawal,
  { account: known, deposits }: Omit<WithdrawView, 'known'>,
): Leaving {
  const account = known ?? opened(request.account, at)
  const { fee, id, source } = request
  const all = add(request.amount, fee)
  const taken = take(account, deposits, { source, most: all })
  const overrun = subtract(all, taken.amount)
  const { bonus, instead, parts } = taken
  const closed = { state: 'sent', paidFee: fee, reason: null, closedAt: at } as const
  return {
    ...moving(lessTaken(account, taken)),
    withdrawal: {
      ...{ ...request, ...closed, kind: 'lost', at },
      ...{ parts, bonus, instead, overrun },
    },
    deposits: taken.deposits,
    entries: entryOf('send', { at, ref: id }, [
      ...posting(`paid:${account.id}`, `sent:${source}`, taken.amount),
      ...posting('loss:overrun', `sent:${source}`, overrun),
      ...vestingOf(account, taken),
    ]),
  }
}

/** Notes the source of a deposit that was credited before deposits had one. No money moves. */
export const renamed = (account: Account, deposit: DepositState, source: string): Step => ({
  ...moving(account),
  deposits: [{ ...deposit, source }],
  entries: [],
})

/** A withdrawal as the contract shows it. */
export function withdrawalOf(state: WithdrawalState): Withdrawal {
  const { bonus, instead, overrun, parts, ...shown } = state
  return shown
}

const entryOf = (
  why: Why,
  head: { readonly at: number; readonly ref: string },
  postings: readonly Posting[],
): readonly Entry[] => entry({ ...head, why }, postings)

const moving = (account: Account): Omit<Step, 'entries'> => ({
  account,
  deposit: null,
  hold: null,
  owing: [],
  meters: [],
})

const lessTaken = (account: Account, { amount, bonus, instead }: Taken): Account => ({
  ...account,
  paid: subtract(account.paid, add(amount, instead)),
  bonus: subtract(account.bonus, bonus),
})

/** Takes bonus back to where it came from. */
const vestingOf = (
  { id }: Account,
  { bonus, instead }: { readonly bonus: Msat; readonly instead: Msat },
): readonly Posting[] => [
  ...posting(`bonus:${id}`, TIER, bonus),
  ...posting(`paid:${id}`, TIER, instead),
]
