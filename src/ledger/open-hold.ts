import { err, ok, type Result } from '../floor/result.ts'
import { type Msat, msat } from '../money/msat.ts'
import { microUsd } from '../money/usd.ts'
import type { Entry } from './entry.ts'
import type { Closed } from './ledger.ts'
import { entry, posting, spendUsd } from './posting.ts'
import type { Account, Count, HoldState, Step } from './state.ts'

/**
 * What the book knows of a hold while it is open (ADR 49). A hold that counts at a meter is posted
 * when it opens, because the meter counts it at once. Any other is posted with its first journal; if
 * it closes before, only what its request cost is posted.
 */

/** Whether a hold with these counts is posted when it opens. */
export const postedAtOnce = (counts: readonly Count[]): boolean =>
  counts.some(({ key }) => key !== null)

/** The entry that sets the money of a hold aside. It has the time at which the hold was opened. */
export function openingOf(hold: HoldState): readonly Entry[] {
  const { account, bonus, dollars, id, openedAt, paid } = hold
  return entry({ at: openedAt, why: 'hold', ref: id }, [
    ...posting(`paid:${account}`, `held:${account}`, paid),
    ...posting(`bonus:${account}`, `held:${account}`, bonus),
    ...(dollars === null
      ? []
      : [
          ...posting('exchange:usd', `held:${account}`, dollars.bought),
          ...spendUsd(account, dollars.usd),
        ]),
  ])
}

/** Posts an open hold. Its account stays as it is, because memory set the money aside before. */
export const post = (hold: HoldState, account: Account): Step => ({
  account,
  deposit: null,
  hold: { ...hold, posted: true },
  owing: [],
  meters: [],
  entries: hold.posted ? [] : openingOf(hold),
})

/** An account as the book shows it, from what memory says: these holds of it are not posted. */
export const inBook = (account: Account, unposted: readonly HoldState[]): Account =>
  moved(account, unposted, -1n)

/** An account as memory must show it, from what the book says: these holds of it are not posted. */
export const inMemory = (account: Account, unposted: readonly HoldState[]): Account =>
  moved(account, unposted, 1n)

function moved(account: Account, unposted: readonly HoldState[], sign: bigint): Account {
  let { bonus, bought, held, paid, usd, usdHeld } = account
  for (const hold of unposted) {
    paid = msat(paid - sign * hold.paid)
    bonus = msat(bonus - sign * hold.bonus)
    held = msat(held + sign * hold.amount)
    if (hold.dollars === null) continue
    usd = microUsd(usd - sign * hold.dollars.usd)
    usdHeld = microUsd(usdHeld + sign * hold.dollars.usd)
    bought = msat(bought + sign * hold.dollars.bought)
  }
  return { ...account, paid, bonus, held, usd, usdHeld, bought }
}

/** Moves the deadline of an open hold, and journals what was used, in msat. */
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
