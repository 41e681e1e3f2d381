import { type Awaitable, andThen } from '../../floor/awaitable.ts'
import { ClientBucket } from '../../floor/client-bucket.ts'
import { err, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { InvoiceRow } from '../../ledger/invoices.ts'
import type { PassRow } from '../../ledger/passes.ts'
import { floorSat } from '../../money/msat.ts'
import type { WalletList } from '../../wallets/wallet-list.ts'
import type { InvoiceQuotaKey, OfferRefused, Want } from '../rail.ts'
import { InvoiceQuota, type MadeBy, type Place, type QuotaBounds } from './invoice-quota.ts'
import type { InvoiceWant, IssuedInvoice } from './invoicing.ts'
import { EXPIRY, Issuer, type IssuerParts } from './issue.ts'
import { LONG_ENOUGH } from './shared-offers.ts'

/** Seconds after which a client that exceeded a bound may try again. */
const COME_BACK = 60

/** Makes invoices within the quotas, and finds the open ones of a quota again. */
export class InvoiceMaker {
  readonly #wallets: WalletList
  readonly #world: World
  readonly #issuer: Issuer
  readonly #open: InvoiceQuota
  readonly #bucket: ClientBucket
  /** By account and quota: the invoice that a 402 is making for it now. */
  readonly #making = new Map<string, Promise<unknown>>()

  constructor(parts: IssuerParts & QuotaBounds) {
    this.#wallets = parts.wallets
    this.#world = parts.world
    this.#issuer = new Issuer(parts)
    this.#open = new InvoiceQuota(parts)
    this.#bucket = new ClientBucket(parts.world)
  }

  /** How many invoices are open now, with the shared ones. */
  get open(): number {
    return this.#open.size
  }

  /** Makes the invoice that a client asked for. Its row is on disk when this resolves. */
  asked(want: InvoiceWant): Awaitable<Result<IssuedInvoice, OfferRefused>> {
    return this.#own(want, 'ask')
  }

  /**
   * Makes the invoice of an offer. If the wallet refuses the amount, asks for the nearest amount
   * that the wallet makes, provided that it still admits the request.
   */
  offered(want: Want): Awaitable<Result<IssuedInvoice, OfferRefused>> {
    return andThen(this.#own({ ...want, caveats: want.macaroon ? [] : null }, 'offer'), (own) => {
      if (own.ok || own.error.why !== 'amount_refused') return own
      const { least, most } = own.error
      const sat = Math.max(Math.min(want.sat, most ?? want.sat), least ?? 0)
      if (sat === want.sat || sat < want.least) return own
      return this.#own({ ...want, sat, caveats: want.macaroon ? [] : null }, 'offer')
    })
  }

  /**
   * The newest open invoice of the same quota that admits this request. All of its secrets belong to
   * the owner already, and an invoice for a spending key has none (threats J17).
   */
  async again(want: Want): Promise<IssuedInvoice | null> {
    const { quota } = want
    if (isTopUp(quota))
      await this.#making.get(`${quota.is} ${quota.account}`)?.catch(() => undefined)
    // An invoice that was made before the passes were rotated buys a pass that has ended.
    const fits = ({ row, generation }: IssuedInvoice) =>
      generation === want.generation && floorSat(row.amount) >= want.least && this.isPayable(row)
    return this.#open.newest(quota, 'offer', fits)
  }

  /** Makes an invoice that many clients are shown. */
  async shared(sat: number): Promise<Result<InvoiceRow, OfferRefused>> {
    if (!this.#wallets.up) return err({ why: 'wallet_unreachable' })
    const place = this.#open.reserveShared(this.#world.now())
    if (place === null) return err({ why: 'too_many_open', retryAfterSeconds: COME_BACK })
    return this.#inPlace(
      place,
      () => this.#issuer.shared(sat),
      ({ hash, expiresAt }) => this.#open.opened(place, hash, expiresAt),
    )
  }

  /** What one client gets of a shared invoice. */
  copy(row: InvoiceRow): ReturnType<Issuer['copy']> {
    return this.#issuer.copy(row)
  }

  /** The macaroon that was offered with that row. Null if there was none. */
  macaroon(pass: PassRow): string | null {
    return this.#issuer.macaroon(pass)
  }

  /** As of `Issuer`. */
  secretsOf(pass: PassRow): ReturnType<Issuer['secretsOf']> {
    return this.#issuer.secretsOf(pass)
  }

  /** Whether there is time to pay this invoice, at a wallet that answers. */
  isPayable({ expiresAt, wallet }: InvoiceRow): boolean {
    return expiresAt > this.#world.now() + LONG_ENOUGH && this.#wallets.isUp(wallet)
  }

  /** The invoice was paid, so its place is free again. */
  closed(hash: string): void {
    this.#open.closed(hash)
  }

  #own(want: InvoiceWant, by: MadeBy): Awaitable<Result<IssuedInvoice, OfferRefused>> {
    if (!this.#wallets.up) return err({ why: 'wallet_unreachable' })
    const { quota } = want
    const place = this.#open.reserve(quota, by, this.#world.now())
    if (place === null) return err({ why: 'too_many_open', retryAfterSeconds: COME_BACK })
    const wait = this.#takeFromBucket(quota)
    if (wait > 0) {
      this.#open.cancelled(place)
      return err({ why: 'too_many_open', retryAfterSeconds: Math.ceil(wait / 1000) })
    }
    const asker = quota.is === 'stranger' ? 'stranger' : 'buyer'
    const making = this.#inPlace(
      place,
      () => this.#issuer.own(want, asker),
      (made) => {
        // A mint's invoice is valid for a day. It gives its place back earlier.
        const until = Math.min(made.row.expiresAt, this.#world.now() + EXPIRY * 1000)
        this.#open.opened(place, made.row.hash, until, made)
      },
    )
    if (!isTopUp(quota) || by !== 'offer') return making
    return this.#remembered(`${quota.is} ${quota.account}`, making)
  }

  /**
   * If the wallet limits its invoices a minute, takes one of this client's or account's share.
   * Returns 0, or the ms to wait.
   */
  #takeFromBucket(quota: InvoiceQuotaKey): number {
    const aMinute = this.#wallets.strangersAMinute()
    if (aMinute === null) return 0
    return quota.is === 'stranger'
      ? this.#bucket.take(`site ${quota.site}`, Math.ceil(aMinute / 2))
      : this.#bucket.take(`account ${quota.account}`, aMinute)
  }

  async #remembered<T>(quota: string, making: Promise<T>): Promise<T> {
    this.#making.set(quota, making)
    try {
      return await making
    } finally {
      if (this.#making.get(quota) === making) this.#making.delete(quota)
    }
  }

  /** Makes the invoice of a reserved place, and frees the place if that fails. */
  async #inPlace<T>(
    place: Place,
    make: () => Promise<Result<T, OfferRefused>>,
    opened: (made: T) => void,
  ): Promise<Result<T, OfferRefused>> {
    try {
      const made = await make()
      if (made.ok) opened(made.value)
      else this.#open.cancelled(place)
      return made
    } catch (error) {
      this.#open.cancelled(place)
      throw error
    }
  }
}

/** Whether an offer in this quota tops up the account, so that all its invoices are for one payer. */
export const isTopUp = (
  quota: InvoiceQuotaKey,
): quota is Exclude<InvoiceQuotaKey, { readonly is: 'stranger' }> =>
  quota.is === 'owner' || quota.is === 'spender'
