import type { Msat } from '../money/msat.ts'
import type { AccountId } from './ledger.ts'

/**
 * A Lightning invoice. Every rail that asks for Lightning payments shares these rows, so that one
 * invoice is one payment and one credit, whichever rail presents it (threats L4). A row stays as long
 * as its invoice could be paid: a late payment still credits.
 */
export interface InvoiceRow {
  /** Payment hash, 64 hex digits. */
  readonly hash: string
  /** The account that its payment tops up or opens. */
  readonly account: AccountId
  /** The credit that its payment gives. */
  readonly amount: Msat
  /**
   * The bonus credit that was promised when it was made. A payment gets it although the operator has
   * changed the tiers since.
   */
  readonly bonus: Msat
  /** The name of the wallet that made it and answers for it: `lnd`, `lnd-1f9a3c`, `play`, … */
  readonly wallet: string
  readonly bolt11: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly settledAt: number | null
}

export interface Invoices {
  /** Resolves when the row is on disk. Its offer must not be sent before. */
  put(row: InvoiceRow): Promise<void>
  get(hash: string): Promise<InvoiceRow | null>
  /** Set once, and kept for ever. */
  markSettled(hash: string, at: number): Promise<void>
  /**
   * Unsettled rows of a wallet that expired by `before` and were made after `after`, oldest first, at
   * most `limit`.
   */
  stale(
    wallet: string,
    times: { readonly before: number; readonly after: number },
    limit: number,
  ): Promise<readonly InvoiceRow[]>
  /**
   * Drops an invoice that can no longer be paid, with the pass that it would have bought. A settled
   * invoice is kept.
   */
  forget(hash: string): Promise<void>
  /** For each wallet: how many invoices can still be paid after that time, and until when. */
  payable(after: number): Promise<readonly Payable[]>
  /** Unsettled rows of a wallet that expire after `after`, newest first, at most `limit`. */
  pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]>
  /**
   * The newest row of a wallet that is settled or expires after `after`: one that its wallet must
   * know. Null if there is none. It reads all rows of the wallet, so it is for a start.
   */
  newest(wallet: string, after: number): Promise<InvoiceRow | null>
  /** Stores small facts about a wallet, such as its `settle_index`. */
  remember(key: string, value: string): Promise<void>
  recall(key: string): Promise<string | null>
}

export interface Payable {
  readonly wallet: string
  readonly invoices: number
  /** When the last of them expires, ms since the epoch. */
  readonly until: number
}
