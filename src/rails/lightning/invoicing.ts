import type { Result } from '../../floor/result.ts'
import type { InvoiceRow } from '../../ledger/invoices.ts'
import type { AccountId } from '../../ledger/ledger.ts'
import type { InvoiceQuotaKey, OfferRefused } from '../rail.ts'

/** Selling credit ahead: what `POST /create-invoice` and `GET /invoice-status` need of a rail. */
export interface Invoicing {
  /** Makes an invoice for one client. Its rows are on disk when this resolves. */
  create(want: InvoiceWant): Promise<Result<IssuedInvoice, OfferRefused>>
  /**
   * Null if that status token does not belong to that invoice. Costs no call to a wallet for an
   * unpaid invoice (threats J5).
   */
  status(hash: string, token: string): Promise<InvoiceStatus | null>
  /**
   * Whom an invoice would credit, for somebody who pays into its account in another way. Null if that
   * status token does not belong to that invoice.
   */
  payee(hash: string, token: string): Promise<Payee | null>
}

export interface Payee {
  readonly account: AccountId
  /** Opens the pass of the invoice in place of the preimage. */
  readonly settlementSecret: string
  /** Whether that pass was used. */
  readonly used: boolean
}

export interface InvoiceWant {
  readonly sat: number
  /** The account that the invoice tops up. Null opens a new one. */
  readonly account: AccountId | null
  /** The canonical caveats of its macaroon. Null makes no macaroon (threats I4). */
  readonly caveats: readonly string[] | null
  /** The generation of the pass that asks (`PassRow`). 0 opens a new account. */
  readonly generation: number
  readonly quota: InvoiceQuotaKey
}

/** An invoice with everything that its client may know. */
export interface IssuedInvoice {
  readonly row: InvoiceRow
  /** That of its pass (`PassRow`). */
  readonly generation: number
  readonly macaroon: string | null
  /** Path and query; null for a shared invoice. */
  readonly paymentUrl: string | null
  readonly statusToken: string | null
}

/** What the holder of a status token is told. After the pass was used, only that. */
export type InvoiceStatus =
  | { readonly used: true }
  | {
      readonly used: false
      readonly row: InvoiceRow
      readonly macaroon: string | null
      /** Null while the invoice is not paid. */
      readonly paid: {
        readonly preimage: string | null
        readonly settlementSecret: string
      } | null
    }
