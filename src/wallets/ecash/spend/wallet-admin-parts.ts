import { err, type Result } from '../../../floor/result.ts'
import type { LightningAddress } from '../../lightning-address/lnurl.ts'
import { WalletBusy, WalletUnreachable } from '../../wallet.ts'
import { MintBusy, MintUnreachable, type Proof } from '../mint/mint.ts'

import type { PayoutRunner, PayoutRunnerParts } from './melt.ts'

import { reasonOf } from './payout.ts'

/** What the commands of the operator work with. */
export interface WalletAdminParts extends PayoutRunnerParts {
  readonly payer: PayoutRunner
  /** The address that payouts go to. Null if there is none. */
  readonly address: LightningAddress | null
  /** Payouts go there above so many sats. */
  readonly above: number
  /** The mints of the operator. Other mints that hold coins are known too. */
  readonly mints: readonly string[]
  /** Writes a cashuB token of coins of one mint. */
  readonly writeToken: (mint: string, coins: readonly Proof[]) => Promise<string>
  /**
   * How often, and how long, a payment under way is looked up before the operator gets an answer.
   */
  readonly polling: { readonly everyMs: number; readonly mostMs: number }
  /** Called when something changed that a payout may wait for. */
  readonly nudge: () => void
}

/**
 * Why a command of the operator was not carried out. `usage`: the command makes no sense.
 * `unreachable`: the mint or the address does not answer. `refused`: money would be lost, or money
 * that is owed to buyers would leave; the operator may insist. `failed`: it was tried.
 */
export interface Refused {
  readonly why: 'usage' | 'unreachable' | 'refused' | 'failed'
  /** What is wrong and what to do, for a person. */
  readonly says: string
}

export const refuse = (why: Refused['why'], says: string): Result<never, Refused> =>
  err({ why, says })

/** Turns errors of others into a refusal. Throws again if the error is our own. */
export function refusedBy(error: unknown): Result<never, Refused> {
  const says = reasonOf(error)
  if (says === null) throw error
  const silent = [MintUnreachable, MintBusy, WalletUnreachable, WalletBusy]
  return refuse(silent.some((kind) => error instanceof kind) ? 'unreachable' : 'failed', says)
}
