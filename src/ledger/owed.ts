import { assert } from '../floor/assert.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import type { Entry } from './entry.ts'
import { entry, paidFirst, posting } from './posting.ts'
import { type Account, available, awaits, type HoldState, type Step } from './state.ts'

/**
 * A request may use more than was held for it while other requests of its account hold the rest of
 * its money, or a withdrawal has set it aside. The difference is owed. It is taken by whichever step
 * frees money, and given up only when nothing of the account can come back any more (threats J4).
 */
export interface Collected {
  readonly account: Account
  /** The holds whose debt changed. */
  readonly owing: readonly HoldState[]
  readonly entries: readonly Entry[]
  /** Debts that were given up. */
  readonly lost: Msat
}

/**
 * Pays debts of closed holds from what is free, the oldest first. `owing` are all holds that owe.
 */
export function collect(account: Account, owing: readonly HoldState[], at: number): Collected {
  let left = account
  let lost = ZERO
  const changed: HoldState[] = []
  const entries: Entry[] = []
  for (const hold of owing) {
    const one = collectOne(left, hold, at)
    left = one.account
    lost = add(lost, one.lost)
    if (one.entries.length > 0) changed.push(...one.owing)
    entries.push(...one.entries)
  }
  assert(
    left.owed === 0n || (available(left) === 0n && awaits(left)),
    'what is owed waits for money that may come back',
  )
  return { account: left, owing: changed, entries, lost }
}

/**
 * Collects what an account owes without a step that frees money. At the start that is necessary: a
 * crash ends holds that were not posted, and with them what the debt waited for.
 */
export function collected(account: Account, owing: readonly HoldState[], at: number): Step {
  const { entries, ...after } = collect(account, owing, at)
  return {
    account: after.account,
    deposit: null,
    hold: null,
    owing: after.owing,
    meters: [],
    entries,
  }
}

function collectOne(account: Account, hold: HoldState, at: number): Collected {
  const { close, id } = hold
  assert(close !== null, `hold ${id} owes and is open`)
  const taken = paidFirst(account, least(close.owed, msat(available(account))))
  const missing = subtract(close.owed, add(taken.paid, taken.bonus))
  const lost = awaits(account) ? ZERO : missing
  const owed = subtract(missing, lost)
  const after = {
    ...close,
    paid: add(close.paid, taken.paid),
    bonus: add(close.bonus, taken.bonus),
    overrun: add(close.overrun, lost),
    owed,
  }
  return {
    account: {
      ...account,
      paid: subtract(account.paid, taken.paid),
      bonus: subtract(account.bonus, taken.bonus),
      owed: subtract(account.owed, subtract(close.owed, owed)),
    },
    owing: [{ ...hold, close: after }],
    entries: entry({ at, why: 'collect', ref: id }, [
      ...posting(`paid:${account.id}`, `owed:${account.id}`, taken.paid),
      ...posting(`bonus:${account.id}`, `owed:${account.id}`, taken.bonus),
      ...posting('loss:overrun', `owed:${account.id}`, lost),
    ]),
    lost,
  }
}
