import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { PresentedPass } from '../passes/pass.ts'
import { PASS_HEADERS } from '../passes/present.ts'
import type { Recognise } from '../passes/recognise.ts'
import { offerOf, offerOfSame } from './l402-offer.ts'
import type { KnownInvoiceState } from './lightning/lightning.ts'
import type { LightningOffers } from './lightning/lightning-offers.ts'
import type { Credited, Offer, OfferRefused, Rail, Receipt, RedeemRefused, Want } from './rail.ts'

export interface L402Parts {
  readonly lightning: LightningOffers
  /** The gate has only this one reader of passes. */
  readonly read: Recognise
}

/**
 * Offers invoices, and takes macaroon and preimage as the credential (L402 protocol specification,
 * bLIP-26). It keeps no rows of its own: everything about an offer is in the rows of its invoice
 * and of the pass that the invoice buys.
 */
export class L402 implements Rail<PresentedPass> {
  readonly name = 'l402'
  readonly reads = PASS_HEADERS
  readonly writes = []
  readonly read: Recognise
  readonly #lightning: LightningOffers

  constructor({ lightning, read }: L402Parts) {
    this.read = read
    this.#lightning = lightning
  }

  offer(want: Want): Awaitable<Result<Offer, OfferRefused>> {
    return andThen(this.#lightning.offer(want), (offered) => {
      if (!offered.ok) return offered
      const { is, issued } = offered.value
      return ok(is === 'same' ? offerOfSame(issued) : offerOf(issued, want.origin))
    })
  }

  /** Redeems a pass that was not used before. The caller has checked that its secret opens it. */
  async redeem({ verified }: PresentedPass): Promise<Result<Receipt, RedeemRefused>> {
    return verified.ok ? this.#lightning.receipt(verified.value.pass.hash) : err('unknown')
  }

  /** What is known of the invoice of a pass. Does not ask the wallet. */
  invoiceState(hash: string): Promise<KnownInvoiceState> {
    return this.#lightning.state(hash)
  }

  /** Reports the payments of all Lightning invoices, whichever rails have offered them. */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#lightning.start(learned)
  }
}
