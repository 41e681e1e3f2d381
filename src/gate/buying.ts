import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { floorSat } from '../money/msat.ts'
import type { Invoicing, IssuedInvoice, Presentation } from '../rails/rail.ts'
import type { Authenticator } from './authenticate.ts'
import { readInvoiceAsk } from './invoice-ask.ts'
import type { Payer } from './payer.ts'
import { DAMAGED, LEDGER, noOffer, PENDING, quotaOf } from './payment-required.ts'
import type { Incoming } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'

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
   * An invoice of `amountSats` (1000 unless said). With a credential it tops that account up; a
   * narrowed pass gets no macaroon for it, or a child would shed its caveats (threats I4).
   */
  async create(
    body: unknown,
    presented: Presentation,
    from: Pick<Incoming, 'client' | 'site'>,
  ): Promise<Result<IssuedInvoice, Refusal>> {
    const asked = readInvoiceAsk(body, this.#parts.world.now())
    if (!asked.ok) return asked
    // The row of an invoice is on disk before it is told: there it would wait for the disk.
    if (!this.#parts.healthy()) return err(LEDGER)
    const found = await this.#payer(presented)
    if (!found.ok) return found
    const payer = found.value
    // A stranger would pay for what cannot be had; who has a pass knows what they top up.
    const gone = payer === null ? this.#parts.gone() : null
    if (gone !== null) return err(gone)
    const { sats, caveats } = asked.value
    const born = caveats.length === 0 ? [] : [this.#id(), ...caveats]
    const made = await this.#parts.invoicing.create({
      sat: sats,
      account: payer?.account ?? null,
      caveats: payer !== null && payer.scope !== 'account' ? null : born,
      quota: quotaOf(payer, from),
    })
    return made.ok ? made : err(noOffer(made.error))
  }

  /**
   * Whether it is paid, for whoever has its token, until its pass is first used. What is known here is
   * the answer; the wallet is asked by those who ask it anyway (threats J5).
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

  /** Each pass that is made has an `id` of its own: two with the same limits are counted apart. */
  #id(): string {
    return `id = ${Buffer.from(this.#parts.world.random(8)).toString('hex')}`
  }

  /** Nobody for no credential; a credential that is not good is a mistake worth telling. */
  async #payer(presented: Presentation): Promise<Result<Payer | null, Refusal>> {
    if (presented.is === 'absent') return ok(null)
    if (presented.is === 'damaged' && (await this.#parts.authenticator.wasPaid(presented))) {
      return err(DAMAGED)
    }
    if (presented.is !== 'credential') return err(BAD_CREDENTIAL)
    const admitted = await this.#parts.authenticator.authenticate(presented, null)
    if (admitted.ok) return admitted
    const { why } = admitted.error
    return err(why === 'pending' || why === 'unreachable' ? PENDING : BAD_CREDENTIAL)
  }
}

export interface StatusBody {
  readonly paid: boolean
  /** What is to be paid, and the pass that it buys: until that pass is first used. */
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
const BAD_CREDENTIAL = refuse(
  400,
  'bad_credential',
  'The key of this request is no pass of this gate, or one that is no longer good. Send no key to buy a new pass, or a good pass to top it up.',
)
