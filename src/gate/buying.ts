import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { floorSat } from '../money/msat.ts'
import { ownsAccount } from '../passes/scope.ts'
import type { Invoicing, IssuedInvoice } from '../rails/lightning/invoicing.ts'
import type { Presentation } from '../rails/rail.ts'
import type { Authenticator } from './authenticate.ts'
import { readInvoiceAsk } from './invoice-ask.ts'
import { noOffer } from './no-offer.ts'
import { notGoodHere } from './not-authenticated.ts'
import type { Payer } from './payer.ts'
import { quotaOf } from './payment-required.ts'
import type { Incoming } from './ports.ts'
import { withoutPayment } from './presentation.ts'
import { DAMAGED, LEDGER, PENDING, type Refusal, refuse } from './refusal.ts'

/** Buying credit ahead: `POST /create-invoice` and `GET /invoice-status`. */
export class Buying {
  readonly #parts: {
    readonly invoicing: Invoicing
    readonly authenticator: Authenticator
    readonly world: World
    /** Why nothing can be delivered now; null while the backend is there. */
    gone(): Refusal | null
    /** False while a commit has failed or is late. */
    healthy(): boolean
  }

  constructor(parts: {
    readonly invoicing: Invoicing
    readonly authenticator: Authenticator
    readonly world: World
    gone(): Refusal | null
    healthy(): boolean
  }) {
    this.#parts = parts
  }

  /**
   * Makes an invoice of `amountSats` (1000 if the body names none). With a credential it tops that
   * account up. Only a root pass gets a macaroon for it, because that has no caveats of the pass
   * that asked (threats I4).
   */
  async create(
    body: unknown,
    presented: Presentation,
    from: Pick<Incoming, 'client' | 'site'>,
  ): Promise<Result<IssuedInvoice, Refusal>> {
    const asked = readInvoiceAsk(body, this.#parts.world.now())
    if (!asked.ok) return asked
    // The row of an invoice must be on disk before the buyer gets it. While the disk fails, that
    // would wait for ever.
    if (!this.#parts.healthy()) return err(LEDGER)
    const found = await this.#payer(presented)
    if (!found.ok) return found
    const payer = found.value
    // A stranger would pay for answers that nobody can deliver now. A top-up is still sold: the
    // holder of a pass knows the gate.
    const gone = payer === null ? this.#parts.gone() : null
    if (gone !== null) return err(gone)
    const { sats, caveats } = asked.value
    const born = caveats.length === 0 ? [] : [this.#id(), ...caveats]
    const made = await this.#parts.invoicing.create({
      sat: sats,
      account: payer?.account ?? null,
      caveats: payer === null || ownsAccount(payer.scope) ? born : null,
      generation: payer?.generation ?? 0,
      quota: quotaOf(payer, from),
    })
    return made.ok ? made : err(noOffer(made.error))
  }

  /**
   * Whether an invoice is paid. Anybody who has its status token may ask, until the pass is first
   * used. Answers from the rows that are here, and costs no call to the wallet (threats J5).
   */
  async status(hash: string, token: string): Promise<Result<StatusBody, Refusal>> {
    const known = /^[0-9a-f]{64}$/.test(hash)
    const status = known ? await this.#parts.invoicing.status(hash, token) : null
    if (status === null) return err(NO_INVOICE)
    if (status.used) return ok({ paid: true })
    const { row, macaroon, paid } = status
    const invoice = {
      bolt11: row.bolt11,
      amount_sats: floorSat(row.amount),
      expires_at: new Date(row.expiresAt).toISOString(),
      ...(macaroon === null ? {} : { macaroon }),
    }
    if (paid === null) return ok({ paid: false, ...invoice })
    return ok({
      paid: true,
      ...invoice,
      ...(paid.preimage === null ? {} : { preimage: paid.preimage }),
      token_suffix: paid.settlementSecret,
    })
  }

  /** Gives each new pass an `id`, so that two passes with the same limits are counted apart. */
  #id(): string {
    return `id = ${Buffer.from(this.#parts.world.random(8)).toString('hex')}`
  }

  /**
   * Null if no credential is presented. A credential that is not good is an error, so that nobody
   * buys a new pass by mistake.
   */
  async #payer(given: Presentation): Promise<Result<Payer | null, Refusal>> {
    const presented = withoutPayment(given)
    if (presented.is === 'absent') return ok(null)
    if (presented.is === 'damaged' && (await this.#parts.authenticator.wasPaid(presented))) {
      return err(DAMAGED)
    }
    if (presented.is !== 'credential') return err(BAD_CREDENTIAL)
    const identified = await this.#parts.authenticator.authenticate(presented, null)
    if (identified.ok) return identified
    const { why } = identified.error
    if (why === 'pending' || why === 'unreachable') return err(PENDING)
    return err(notGoodHere(BAD_CREDENTIAL, identified.error))
  }
}

export interface StatusBody {
  readonly paid: boolean
  /** The invoice, and the macaroon that it buys. Shown until the pass is first used. */
  readonly bolt11?: string
  readonly amount_sats?: number
  readonly expires_at?: string
  readonly macaroon?: string
  readonly preimage?: string
  readonly token_suffix?: string
}

const NO_INVOICE = refuse(
  404,
  'invoice_not_found',
  'No such invoice, or not with this token. Ask for the whole payment_url, with its token.',
)
export const BAD_CREDENTIAL = refuse(
  400,
  'bad_credential',
  'The key of this request is no pass of this gate, or one that is no longer good. Send no key to buy a new pass, or a good pass to top it up.',
)
