import { assert } from '../floor/assert.ts'
import { add, type Msat, subtract, ZERO } from '../money/msat.ts'
import { addUsd, NO_USD, subtractUsd } from '../money/usd.ts'
import { satsOf, type Taken, takeDebt } from './dollars.ts'
import type { Entry } from './entry.ts'
import { entry, posting, spendUsd } from './posting.ts'
import { type Account, available, awaits, type Close, type HoldState, type Step } from './state.ts'

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
  const { missing, ...taken } = takenFor(account, hold, close)
  const lost = awaits(account) ? ZERO : missing
  const owed = subtract(missing, lost)
  const after = {
    ...close,
    paid: add(close.paid, taken.paid),
    bonus: add(close.bonus, taken.bonus),
    usd: addUsd(close.usd, taken.usd),
    bought: add(close.bought, taken.bought),
    overrun: add(close.overrun, lost),
    owed,
  }
  return {
    account: {
      ...account,
      paid: subtract(account.paid, taken.paid),
      bonus: subtract(account.bonus, taken.bonus),
      usd: subtractUsd(account.usd, taken.usd),
      owed: subtract(account.owed, subtract(close.owed, owed)),
    },
    owing: [{ ...hold, close: after }],
    entries: entry({ at, why: 'collect', ref: id }, [
      ...posting(`paid:${account.id}`, `owed:${account.id}`, taken.paid),
      ...posting(`bonus:${account.id}`, `owed:${account.id}`, taken.bonus),
      ...posting('exchange:usd', `owed:${account.id}`, taken.bought),
      ...spendUsd(account.id, taken.usd),
      ...posting('loss:overrun', `owed:${account.id}`, lost),
    ]),
    lost,
  }
}

/** What pays a debt: sats, and then dollars at the rate of the hold that owes. */
function takenFor(account: Account, { dollars }: HoldState, { bought, owed }: Close): Taken {
  if (dollars !== null) return takeDebt(account, owed, { dollars, bought })
  const sats = satsOf(account, owed)
  const missing = subtract(owed, add(sats.paid, sats.bonus))
  return { ...sats, usd: NO_USD, bought: ZERO, missing }
}
