import type { Result } from '../floor/result.ts'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { Msat } from '../money/msat.ts'

/**
 * A way money arrives: it asks (offer) and redeems (receipt). Reading what a request presents is
 * done once, for all rails, in `passes/present.ts`. A rail never sees the upstream or another rail.
 */
export interface Offer {
  /** Values of WWW-Authenticate, each a header line of its own. */
  readonly challenges: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Fields that stand beside `error` in the 402's body. */
  readonly body: Readonly<Record<string, unknown>>
  /** Path with its query; null where the offer is shared and has no secret. */
  readonly paymentUrl: string | null
}

/**
 * In whose quota of unpaid invoices an invoice counts. `owner`: somebody who has a root pass of that
 * account. `holder`: somebody who has a narrowed pass of it. They are counted apart, so that no child
 * locks its owner out (threats J17).
 */
export type InvoiceQuotaKey =
  | { readonly is: 'stranger'; readonly client: string; readonly site: string }
  | { readonly is: 'owner' | 'holder'; readonly account: AccountId }

export type OfferRefused =
  | { readonly why: 'wallet_unreachable' }
  | { readonly why: 'too_many_open'; readonly retryAfterSeconds: number }
  | { readonly why: 'wallet_busy'; readonly retryAfterSeconds: number }
  | {
      readonly why: 'amount_refused'
      /** Sats; null: no bound is known. */
      readonly least: number | null
      readonly most: number | null
    }

/** Money that has arrived and cannot be taken back. */
export interface Receipt {
  readonly payment: PaymentId
  readonly account: AccountId
  readonly amount: Msat
  readonly rail: string
  readonly native: { readonly amount: string; readonly unit: string; readonly rate: string }
}

/**
 * In order of precedence. `unknown`: not one of ours. `pending`: the secret is right, the wallet does
 * not see the payment yet; never ask such a client to pay again. `unreachable`: the wallet cannot say.
 */
export type RedeemRefused = 'unknown' | 'bad_secret' | 'pending' | 'unreachable'

/** `fresh` where this is the first time that settlement was learned: it is to be deposited. */
export type Redeemed = Result<{ readonly receipt: Receipt; readonly fresh: boolean }, RedeemRefused>
