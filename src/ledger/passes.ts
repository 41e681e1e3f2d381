import type { Awaitable } from '../floor/awaitable.ts'
import type { AccountId, PaymentId } from './ledger.ts'

/**
 * A pass that was made here: which payment bought it, and which account it spends from. The row of a
 * Lightning invoice's pass is written with the invoice, before anybody has paid.
 */
export interface PassRow {
  /** 64 hex digits. The macaroon names them: the payment hash of an invoice, or the hash of a payment's name. */
  readonly hash: string
  readonly payment: PaymentId
  /**
   * 64 hex digits, random: the second half of the macaroon's identifier. Null for the pass of a
   * shared invoice until somebody has paid it. Each client that was shown the invoice has a
   * macaroon with a token id of its own (threats J6).
   */
  readonly tokenId: string | null
  /** The root key with which its macaroon is made (threats C12). */
  readonly keyId: string
  readonly account: AccountId
  /** Whether many clients are shown its invoice. If so, only the preimage opens it (threats I2). */
  readonly shared: boolean
  /**
   * The canonical caveats of its macaroon. With them the macaroon can be made again for somebody
   * with the status token. Null if the payment gives no macaroon (threats I4).
   */
  readonly caveats: readonly string[] | null
  readonly createdAt: number
  /**
   * When it was first used or given to its buyer. Its payment is credited by then. Before that, the
   * status token of its invoice gives the macaroon out.
   */
  readonly usedAt: number | null
  /** How often the passes of its account were rotated before it was made (`revocations.ts`). */
  readonly generation: number
}

export interface Passes {
  /** Resolves when the row is on disk. The pass or an offer of it must not be sent before. */
  put(row: PassRow): Promise<void>
  get(hash: string): Awaitable<PassRow | null>
  /** Set once. */
  markUsed(hash: string, at: number): Promise<void>
  /**
   * Gives a shared row for good to the first token id that asks. Returns the token id that owns it;
   * that is on disk. Null if there is no such row.
   */
  claim(hash: string, tokenId: string): Promise<string | null>
}
