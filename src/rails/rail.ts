import type { Result } from '../floor/result.ts'
import type { InvoiceRow } from '../ledger/invoices.ts'
import type { AccountId, Deposit, PaymentId } from '../ledger/ledger.ts'
import type { Operation, Presented } from '../passes/pass.ts'
import type { InvoiceRefused } from '../wallets/wallet.ts'

/**
 * A way in which money arrives. A rail asks for money (`offer`) and turns what a client presents into a
 * receipt (`redeem`). It never posts to the ledger, and it knows neither the backend nor another rail.
 * Each rail runs `test/contract/rail.ts`.
 */
export interface Rail<Payment = unknown> {
  /** Lower case, as in the drawer `rail:<name>` of the ledger. */
  readonly name: string
  /** What the headers of a request present of this rail, name and value in turn. Pure, and never throws. */
  read(rawHeaders: readonly string[]): Read<Payment>
  /** Asks for money, in a 402. A rail that takes none answers `nothing`. */
  offer(want: Want): Promise<Result<Offer, OfferRefused>>
  /**
   * Takes a payment. This is the only verb that consumes one. It is safe to repeat: the same payment
   * has the same receipt again. `call` is the request that is paid for; null asks for balance, usage or
   * a top-up.
   */
  redeem(payment: Payment, call: PaidRequest | null): Promise<Result<Receipt, RedeemRefused>>
  /**
   * Tells of payments that nobody presents, from now on. `learned` resolves when the payment is credited
   * on disk. Told twice, a payment is credited once.
   */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> }
}

/** The request that a payment pays for. */
export type PaidRequest = Pick<Operation, 'path' | 'method' | 'model'>

/**
 * What one rail finds in the headers. A pass is read by L402, whose payments are presented as passes:
 * afterwards it spends whichever rail it was bought on. `malformed` is not `absent`: somebody who sends
 * something that looks like a key is told what is wrong with it.
 */
export type Read<Payment> = Presented | { readonly is: 'payment'; readonly payment: Payment }

/** What all rails together find in the headers of one request. */
export type Presentation =
  | Presented
  | { readonly is: 'payment'; readonly rail: Rail; readonly payment: unknown }

/** What a 402 asks for. */
export interface Want {
  readonly sat: number
  /** Sats that admit this very request. */
  readonly least: number
  /** The account that is topped up. Null opens a new one. */
  readonly account: AccountId | null
  readonly quota: InvoiceQuotaKey
  /** `https://host`, where the buyer reaches this gate. */
  readonly origin: string
}

/** The part that one rail has in a 402. */
export interface Offer {
  /** Values of WWW-Authenticate, each a header line of its own. */
  readonly challenges: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Fields that stand beside `error` in the body. */
  readonly body: Readonly<Record<string, unknown>>
  /** Entries of `accepts` in the body. Each must be valid in x402 version 1: its clients reject the whole list for one that is not. */
  readonly accepts: readonly unknown[]
  /** A sentence of `error.message`. Some clients show nothing else. */
  readonly say: string
  /** The whole way to pay, for the field `how_to_pay`. */
  readonly howToPay: string
}

/**
 * In whose quota of unpaid invoices an invoice counts. `owner`: somebody who has a root pass of that
 * account. `holder`: somebody who has a narrowed pass of it. They are counted apart, so that no child
 * locks its owner out (threats J17).
 */
export type InvoiceQuotaKey =
  | { readonly is: 'stranger'; readonly client: string; readonly site: string }
  | { readonly is: 'owner' | 'holder'; readonly account: AccountId }

/** `nothing`: this rail never asks for money. */
export type OfferRefused =
  | { readonly why: 'nothing' }
  | { readonly why: 'too_many_open'; readonly retryAfterSeconds: number }
  | InvoiceRefused

/** Money that has arrived and cannot be taken back. */
export interface Receipt extends Pick<Deposit, 'amount' | 'credit' | 'rail' | 'native'> {
  /** It names the payment and not the rail: two rails that present one payment have one credit (threats L4). */
  readonly payment: PaymentId
  /**
   * The account that the payment was made for. Or it opens one, and its first answer carries a pass of
   * it with these caveats, canonical (threats L3).
   */
  readonly account: AccountId | { readonly opens: readonly string[] }
  /** What the rail writes itself, in the commit of the deposit. */
  readonly record: ((at: number) => Promise<void>) | null
}

/** What became of a receipt. */
export interface Credited {
  readonly account: AccountId
  /** `<macaroon>:<secret>`, the first time that a payment opens an account. It is told this once. */
  readonly pass: string | null
}

/**
 * In order of precedence. `unknown`: not one of ours. `pending`: the secret is right, the wallet does
 * not see the payment yet; never ask such a client to pay again. `unreachable`: the wallet cannot say.
 */
export type RedeemRefused = 'unknown' | 'bad_secret' | 'pending' | 'unreachable'

/** Selling credit ahead: what `POST /create-invoice` and `GET /invoice-status` need of a rail. */
export interface Invoicing {
  /** An invoice of one client's own. Its rows are on disk when this resolves. */
  create(want: InvoiceWant): Promise<Result<IssuedInvoice, OfferRefused>>
  /** Null unless that status token was given out with that invoice. Costs no call to a wallet (threats J5). */
  status(hash: string, token: string): Promise<InvoiceStatus | null>
}

export interface InvoiceWant {
  readonly sat: number
  /** The account that it tops up. Null opens a new one. */
  readonly account: AccountId | null
  /** Caveats that its macaroon is born with, canonical. Null: no macaroon at all (threats I4). */
  readonly caveats: readonly string[] | null
  readonly quota: InvoiceQuotaKey
}

/** An invoice with everything that its one client may know. */
export interface IssuedInvoice {
  readonly row: InvoiceRow
  readonly macaroon: string | null
  /** Path and query; null for a shared invoice. */
  readonly paymentUrl: string | null
  readonly statusToken: string | null
}

/** What the holder of a status token learns, until the pass is first used. */
export type InvoiceStatus =
  | { readonly used: true }
  | {
      readonly used: false
      readonly row: InvoiceRow
      readonly macaroon: string | null
      /** Null while it is not paid. */
      readonly paid: {
        readonly preimage: string | null
        readonly settlementSecret: string
      } | null
    }
