import type { Msat } from '../money/msat.ts'

/**
 * Why nothing is withdrawn, in order of precedence: if several reasons apply, the first is given.
 * `docs/money.md` says what each means, and `gate/withdraw-refusals.ts` what the buyer is told.
 */
export type WithdrawRefused =
  | { readonly why: 'stopping' | 'ledger_unavailable' }
  /** The text is no invoice, or one that two wallets could read in two ways. */
  | { readonly why: 'bad_invoice' }
  | { readonly why: 'other_network'; readonly network: string }
  | { readonly why: 'amount_missing' }
  /** The Idempotency-Key was used with another body. */
  | { readonly why: 'key_reused' }
  /** The invoice was paid, or is being paid, for somebody else. */
  | { readonly why: 'invoice_used' }
  /** This gate or its wallet made the invoice. */
  | { readonly why: 'own_invoice' }
  | { readonly why: 'invoice_expires' }
  | { readonly why: 'expires_too_late' }
  | { readonly why: 'final_cltv'; readonly blocks: number }
  /** Another withdrawal of the account, or too many of all accounts, are not over. */
  | { readonly why: 'in_flight' }
  | { readonly why: 'too_many' }
  /** No unspent paid-in sats. */
  | { readonly why: 'nothing' }
  /** The account asked for many new withdrawals in this minute. */
  | { readonly why: 'too_often'; readonly waitMs: number }
  /** The account has no sats at that mint. */
  | { readonly why: 'unknown_mint' }
  /** None of the wallets and mints that have the sats can send them in this way. */
  | { readonly why: 'cannot_send' }
  /** The folder was restored, and it is not known yet what left since. */
  | { readonly why: 'paused'; readonly source: string }
  | { readonly why: 'unreachable'; readonly source: string }
  /** More than may leave from each source, together with the fee. */
  | { readonly why: 'too_much'; readonly asked: Msat; readonly fee: Msat }
  | { readonly why: 'too_small'; readonly asked: Msat }
  /** The account's own running requests hold the money. */
  | { readonly why: 'held' }
