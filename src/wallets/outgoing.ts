/**
 * The part of a wallet that pays invoices, for the withdrawals of buyers. A wallet whose key allows
 * no payments has none.
 */
export interface Outgoing {
  /**
   * Pays an invoice. It answers as soon as it knows how the payment ended, and `pending` at the
   * latest after some seconds. A payment with the id or the payment hash of an earlier one is never
   * made a second time: the answer is what became of the earlier one. Throws `WalletUnreachable`
   * only if nothing can have been sent; whoever is not sure answers `pending`.
   */
  pay(order: PaymentOrder): Promise<PaymentState>
  /**
   * What became of a payment. `unknown`: the wallet is sure that it never tried it. Throws
   * `WalletUnreachable` if it cannot say. A call that an earlier process sent may still be in a queue
   * of the wallet. So a process that did not send the order itself believes `unknown` only
   * `IN_DOUBT_MS` (`pay-once.ts`) after the order can have been sent.
   */
  find(payment: PaymentName): Promise<PaymentState>
  /**
   * The most that paying this invoice may cost, in msat, if the wallet tells it before: the reserve
   * of a mint's quote with the input fees of the coins (NUT-05). Not set: the gate sets aside what
   * routing usually costs at most. Throws `WalletUnreachable`.
   */
  readonly feeFor?: (invoice: Pick<PaymentOrder, 'bolt11' | 'amountMsat'>) => Promise<bigint>
  /**
   * Every payment made since that time (ms since the epoch) that carries an id of this gate, also
   * those that this data folder does not know, because it was restored from an older backup (threats
   * L13). Null if the wallet cannot list them with their ids.
   */
  readonly list: ((since: number) => Promise<readonly ListedPayment[]>) | null
}

export interface PaymentName {
  /**
   * Ours, printable ASCII of at most 100 characters: `satgate:<account>:<id of the withdrawal>`. It
   * stands at the wallet as the label or note of the payment.
   */
  readonly id: string
  /** 64 hex digits. */
  readonly paymentHash: string
}

export interface PaymentOrder extends PaymentName {
  readonly bolt11: string
  /** Of the invoice. It names a whole number of msat. */
  readonly amountMsat: bigint
  /** The most that routing may cost. */
  readonly maxFeeMsat: bigint
}

/**
 * `pending`: it may still be paid. `failed`: it was not paid and never will be. `reason` is for the
 * operator and the buyer, and contains no secret.
 */
export type PaymentState =
  | { readonly is: 'pending' }
  | { readonly is: 'paid'; readonly feeMsat: bigint }
  | { readonly is: 'failed'; readonly reason: string }
  | { readonly is: 'unknown' }

export interface ListedPayment extends PaymentName {
  readonly amountMsat: bigint
  readonly state: PaymentState
}
