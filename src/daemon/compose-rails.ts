import { Authenticator } from '../gate/authenticate.ts'
import { type DepositParts, Deposits } from '../gate/deposits.ts'
import { readerOf } from '../gate/presentation.ts'
import type { Revocations } from '../ledger/revocations.ts'
import { KnownPasses } from '../passes/known.ts'
import { makeRecogniser } from '../passes/recognise.ts'
import { makeVerifier } from '../passes/verify.ts'
import { Gifts } from '../rails/gifts.ts'
import { L402, type L402Parts } from '../rails/l402.ts'
import type { Rail } from '../rails/rail.ts'

const PASSES_REMEMBERED = 10_000

export interface RailsParts extends DepositParts, Omit<L402Parts, 'read'> {
  readonly revocations: Revocations
  /** Ways to be paid, besides L402. */
  readonly more: readonly Rail[]
}

/**
 * Makes and starts the rails, and the code that finds out who pays. Only this file names concrete
 * rails.
 */
export function composeRails(parts: RailsParts) {
  const { keys, passes, revocations, world } = parts
  const signed = { keys: [keys.current], remember: PASSES_REMEMBERED }
  const known = new KnownPasses(PASSES_REMEMBERED)
  const verify = makeVerifier(signed)
  const read = makeRecogniser({ keys: signed.keys, verify, known })
  const l402 = new L402({ ...parts, read })
  const gifts = new Gifts(world.random)
  const selling: readonly Rail[] = [l402, ...parts.more]
  const rails: readonly Rail[] = [...selling, gifts]
  const deposits = new Deposits(parts)
  const started = rails.map((rail) => rail.start((receipt) => deposits.credit(receipt)))
  return {
    ...{ selling, rails, l402, gifts, verify },
    authenticator: new Authenticator({
      ...{ passes, revocations, unpaid: l402, deposits, known, world },
    }),
    readCredentials: readerOf(rails),
    async stop(): Promise<void> {
      await Promise.all(started.map((rail) => rail.stop()))
    },
  }
}
