import { err, type Result } from '../../../floor/result.ts'
import type { LightningAddress } from '../../lnurl.ts'
import { WalletBusy, WalletUnreachable } from '../../wallet.ts'
import { MintBusy, MintUnreachable, type Proof } from '../mint/mint.ts'
import type { Payer, PayerParts } from './pay.ts'
import { reasonOf } from './payout.ts'

/** What the operator's desk works with. */
export interface DeskParts extends PayerParts {
  readonly payer: Payer
  /** Where payouts go; null: nobody has said. */
  readonly address: LightningAddress | null
  /** Sats above which they go there. */
  readonly above: number
  /** The operator's mints. Those that hold something are known besides. */
  readonly mints: readonly string[]
  /** A cashuB token of coins of one mint. */
  readonly writeToken: (mint: string, coins: readonly Proof[]) => Promise<string>
  /** How long a payment that is under way is asked after before the operator gets an answer. */
  readonly patience: { readonly everyMs: number; readonly mostMs: number }
  /** Something changed that a payout may wait for. */
  readonly nudge: () => void
}

/**
 * Why the desk did not do it. `usage`: it cannot be meant so. `unreachable`: mint or address do not
 * answer. `refused`: money would be lost, or what is owed would go; the operator may insist. `failed`:
 * it was tried.
 */
export interface Refused {
  readonly why: 'usage' | 'unreachable' | 'refused' | 'failed'
  /** For a person: what is wrong and what to do. */
  readonly says: string
}

export const refuse = (why: Refused['why'], says: string): Result<never, Refused> =>
  err({ why, says })

/** Troubles of others as a refusal; throws what is wrong with us. */
export function refusedBy(error: unknown): Result<never, Refused> {
  const says = reasonOf(error)
  if (says === null) throw error
  const silent = [MintUnreachable, MintBusy, WalletUnreachable, WalletBusy]
  return refuse(silent.some((kind) => error instanceof kind) ? 'unreachable' : 'failed', says)
}
