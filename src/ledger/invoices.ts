import type { Msat } from '../money/msat.ts'
import type { AccountId } from './ledger.ts'

/**
 * Invoices that may still be paid, and the payments that opened accounts. A row is never dropped
 * while its invoice could be paid: a late payment still credits.
 */
export interface InvoiceRow {
  /** 64 hex digits. A pass's macaroon names it; it names an account. */
  readonly hash: string
  /**
   * 64 hex digits, random: the second half of the L402 identifier. Null for a shared invoice until one
   * of those who were shown it has paid: each of them has a macaroon of another name (threats J6).
   */
  readonly tokenId: string | null
  /** Which root key its macaroon is made with (threats C12). */
  readonly keyId: string
  readonly account: AccountId
  /** Sats asked for; credit when paid. */
  readonly amount: Msat
  /** The wallet that made it: `lnd`, `play`, …; `grant` for a pass that was given away. */
  readonly wallet: string
  readonly bolt11: string | null
  /** True where the invoice was shown to one client alone, with a secret (threats I2). */
  readonly exclusive: boolean
  /**
   * Caveats that its macaroon was made with, canonical: with them it can be made again for whoever has
   * the status token. Null where the payment gives no macaroon (threats I4).
   */
  readonly caveats: readonly string[] | null
  readonly createdAt: number
  readonly expiresAt: number
  readonly settledAt: number | null
  /** When a pass of it was first used: disclosure by status token ends then. */
  readonly usedAt: number | null
}

export interface Invoices {
  /** Resolves when the row is on disk: only then may its offer leave. */
  put(row: InvoiceRow): Promise<void>
  get(hash: string): Promise<InvoiceRow | null>
  /** Kept forever. Only ever goes from null to a time. */
  markSettled(hash: string, at: number): Promise<void>
  markUsed(hash: string, at: number): Promise<void>
  /**
   * Gives a shared row to who comes first, for good. Answers whose it is, on disk; null for no such row.
   */
  claim(hash: string, tokenId: string): Promise<string | null>
  /**
   * Unsettled rows of a wallet that expired by `before` and were made after `after`, oldest first, at
   * most `limit`.
   */
  stale(
    wallet: string,
    times: { readonly before: number; readonly after: number },
    limit: number,
  ): Promise<readonly InvoiceRow[]>
  /** Drops a row that can no longer be paid. A settled one stays. */
  forget(hash: string): Promise<void>
  /** By wallet, how many invoices can still be paid after that time, and until when. */
  payable(after: number): Promise<readonly Payable[]>
  /** Unsettled rows of a wallet that expire after `after`, newest first, at most `limit`. */
  pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]>
  /** Small durable facts of a wallet: `settle_index` and the like. */
  remember(key: string, value: string): Promise<void>
  recall(key: string): Promise<string | null>
}

export interface Payable {
  readonly wallet: string
  readonly invoices: number
  /** When the last of them expires, ms since the epoch. */
  readonly until: number
}
