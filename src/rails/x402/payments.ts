import type { AccountId, PaymentId } from '../../ledger/ledger.ts'
import type { UsdPerBtc } from '../../money/parse.ts'
import type { MicroUsd } from '../../money/usd.ts'
import type { X402Payment, X402Requirement } from './payment.ts'

/**
 * The rail's own rows: one for each authorization that a facilitator was ever asked to settle. A row is on
 * disk before that. Its payment id is unique, so that one authorization is settled once, however often and
 * in whichever form it comes (threats F1).
 */
export interface X402Row {
  readonly id: PaymentId
  readonly payment: X402Payment
  readonly requirement: X402Requirement
  /**
   * The account of the pass beside it, which it tops up (threats L16). Null: it opens one. From `given`
   * on, the account that has it.
   */
  readonly account: AccountId | null
  readonly rate: UsdPerBtc
  /** SHA-256 of the random id of the offer, in hex. Null in version 1, which sends none back. */
  readonly offer: string | null
  /** SHA-256 of the body of the request that it paid for, in hex. */
  readonly body: string
  /**
   * `settling`: sent, and not known to have arrived. `settled`: on the chain. `credited`: in the ledger
   * as well. `given`: and its payer got the answer, with the pass if it bought one. `refused`: the
   * facilitator said so; the payer may present it again. `lost`: it is no longer valid, and no settlement
   * of ours returned a transaction. Only the chain can tell whether it arrived.
   */
  readonly state: 'settling' | 'settled' | 'credited' | 'given' | 'refused' | 'lost'
  readonly transaction: string | null
  /** ms since the epoch. */
  readonly at: number
}

export interface X402Payments {
  get(id: PaymentId): X402Row | null
  /** Is on disk when it returns. False if there is a row of that payment that is not `refused`. */
  begin(row: X402Row): boolean
  /** Is on disk when it returns. */
  settled(id: PaymentId, transaction: string): void
  refused(id: PaymentId): void
  /** The ledger has it. What was given once stays given, also if it is credited once more. */
  credited(id: PaymentId, how: { readonly account: AccountId; readonly given: boolean }): void
  /** Nobody will learn what became of it. Is on disk when it returns. */
  lost(id: PaymentId): void
  /** Rows that are settling or lost: nobody knows whether they arrived. The newest ones, oldest first. */
  unknown(limit: number): readonly X402Row[]
  /**
   * The operator saw that transaction on the chain: a payment that is settling or lost is settled. Is on
   * disk when it returns. Refuses if the payment is in another state, or if the transaction belongs to
   * another payment. Without `write` it changes nothing.
   */
  confirm(
    id: PaymentId,
    transaction: string,
    how: { readonly write: boolean },
  ): 'confirmed' | 'not_unknown' | 'of_another'
  /** Rows that are settling or settled, oldest first. */
  open(limit: number): readonly X402Row[]
  /** The sum of the rows that are settling or settled. */
  outstanding(): MicroUsd
  close(): void
}

/**
 * Finds out what became of payments whose settlement nobody answered, and reports those that are settled
 * and that nobody has credited.
 */
export interface X402Reconciler {
  start(of: {
    /** Resolves when the payment is in the ledger. May be called again with the same row. */
    settled(row: X402Row): Promise<void>
    /** A request is presenting this payment now, and settles it itself. */
    busy(id: PaymentId): boolean
  }): { stop(): Promise<void> }
}
