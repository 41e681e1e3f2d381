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
   * 64 hex digits, random: the second half of the macaroon's identifier. Null for the pass of a shared
   * invoice until one of those who were shown the invoice has paid. Each of them has a macaroon with
   * a token id of its own (threats J6).
   */
  readonly tokenId: string | null
  /** Which root key its macaroon is made with (threats C12). */
  readonly keyId: string
  readonly account: AccountId
  /** True if many are shown its invoice. Then no secret but the preimage opens it (threats I2). */
  readonly shared: boolean
  /**
   * The caveats that its macaroon was made with, canonical. With them it can be made again for somebody
   * who has the status token. Null if the payment gives no macaroon (threats I4), or gave it away at once.
   */
  readonly caveats: readonly string[] | null
  readonly createdAt: number
  /**
   * When it was first used, or given to its buyer. Its payment is credited by then. Until then the
   * status token of its invoice discloses it.
   */
  readonly usedAt: number | null
}

export interface Passes {
  /** Resolves when the row is on disk: only then may the pass, or an offer of it, leave. */
  put(row: PassRow): Promise<void>
  get(hash: string): Promise<PassRow | null>
  /** Only ever goes from null to a time. */
  markUsed(hash: string, at: number): Promise<void>
  /**
   * Gives a shared row to the one who comes first, for good. Answers the token id that owns it, on
   * disk. Null if there is no such row.
   */
  claim(hash: string, tokenId: string): Promise<string | null>
}
