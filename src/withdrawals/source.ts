import type { Outgoing } from '../wallets/outgoing.ts'

/**
 * A place that buyers' sats came into, and out of which alone they are paid back (threats L9): one
 * wallet, or one mint of the ecash wallet.
 */
export interface WithdrawalSource {
  /** As in the deposits of the ledger: `lnd`, `ecash https://mint.example`. */
  readonly source: string
  /** Pays invoices. Null if it cannot, or if that is not known yet. */
  readonly lightning: Outgoing | null
  /** Gives ecash out. Null if it has none. */
  readonly ecash: EcashOut | null
  /**
   * Whether that invoice is one of this wallet itself. Paying it would send the sats in a circle.
   * Throws `WalletUnreachable`. Not set if it cannot be asked.
   */
  readonly made?: (paymentHash: string) => Promise<boolean>
  /** Whole sats that it holds now. Null if it does not say. */
  held(): Promise<number | null>
}

/** Gives ecash of one mint out as tokens. */
export interface EcashOut {
  readonly mint: string
  /**
   * The most that a token of that value costs this wallet, in sats: the input fees of the swaps that
   * make its coins (NUT-02). Throws `WalletUnreachable`, also if there are not enough coins.
   */
  feeFor(sat: number): Promise<number>
  /**
   * Makes a token of exactly that face value and keeps it under the id, in one step, before it is
   * returned. Whoever redeems it pays the mint's input fee out of it. The same id again gives the same
   * token, also after a crash, and never a second one (threats B10). Throws `WalletUnreachable`; then
   * the coins are still here, and it can be tried again.
   */
  make(id: string, sat: number): Promise<{ readonly token: string; readonly feeSat: number }>
  /** The token that was made under that id. Null: none was, and none is on its way. */
  find(id: string): Promise<{ readonly token: string; readonly feeSat: number } | null>
}
