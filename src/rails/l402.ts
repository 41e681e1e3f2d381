import { Cache } from '../floor/cache.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow } from '../ledger/invoices.ts'
import { floorSat, msat } from '../money/msat.ts'
import { sameHex, secretMatches } from '../passes/keys.ts'
import { ClientBucket } from './client-bucket.ts'
import { EXPIRY, type Issue, Issuer, type IssuerParts } from './issue.ts'
import { type Made, offerOf } from './made.ts'
import { type MadeBy, type OpenBounds, OpenOffers, type Place } from './open-offers.ts'
import type { InvoiceQuotaKey, Offer, OfferRefused, Redeemed } from './rail.ts'
import { LONG_ENOUGH, SharedOffers } from './shared-offers.ts'
import type { WalletLine } from './wallet-line.ts'

/** What an invoice is for. */
export interface InvoiceFor extends Issue {
  readonly quota: InvoiceQuotaKey
}

/** What the holder of a status token learns, until the pass is first used. */
export type InvoiceStatus =
  | { readonly paid: false }
  | {
      readonly paid: true
      readonly preimage: string | null
      readonly settlementSecret: string | null
    }

/** s after which somebody past a bound may find a place. */
const COME_BACK = 60

/** The rail: invoices as offers, preimages as credentials (L402 protocol specification, bLIP-26). */
export class L402 {
  readonly #line: WalletLine
  readonly #world: World
  readonly #issuer: Issuer
  readonly #open: OpenOffers
  readonly #bucket: ClientBucket
  readonly #shared: SharedOffers
  /** The last invoice that is being made for an account, by a 402. */
  readonly #making = new Map<string, Promise<unknown>>()
  readonly #opened = new Cache<string>(10_000)
  readonly #preimages = new Cache<string | null>(10_000)

  constructor(options: IssuerParts & OpenBounds) {
    this.#line = options.line
    this.#world = options.world
    this.#issuer = new Issuer(options)
    this.#open = new OpenOffers(options)
    this.#bucket = new ClientBucket(options.world)
    this.#shared = new SharedOffers(options.world, (sat) => this.#makeShared(sat))
  }

  /** How many invoices are open now, shared ones too. */
  get open(): number {
    return this.#open.size
  }

  /** The wallet can be asked for invoices. */
  get up(): boolean {
    return this.#line.up
  }

  /** An invoice of one's own, with its secrets. Its row is on disk when this resolves. */
  create(want: InvoiceFor): Promise<Result<Made, OfferRefused>> {
    return this.#own(want, 'ask')
  }

  /**
   * The offer of a 402: an invoice of one's own. Past the bound an owner is shown one of those again
   * that are open, and everybody else one that is shared. `least`: sats that admit the request.
   */
  async offer(want: InvoiceFor & { readonly least: number }): Promise<Result<Offer, OfferRefused>> {
    const shares = this.#line.wallet.preimageIsPublic !== true && want.quota.is !== 'owner'
    const [own] = await Promise.all([
      this.#offerOwn(want),
      shares && this.up && want.quota.is === 'stranger' && this.#shared.prepare(want.least),
    ])
    if (own.ok) return ok(offerOf(own.value))
    const { why } = own.error
    if (why === 'wallet_unreachable' || why === 'amount_refused') return own
    if (want.quota.is === 'owner') {
      const again = await this.#again(want)
      return again === null ? own : ok(offerOf(again))
    }
    if (!shares) return own
    const shared = await this.#shared.get(want.least)
    return shared.ok ? ok(offerOf(this.#issuer.copy(shared.value))) : shared
  }

  /**
   * What a secret is worth. Only the wallet's `settled` counts, and is kept for good; a preimage
   * alone proves nothing. Safe to repeat.
   */
  async redeem(row: InvoiceRow, secret: string): Promise<Redeemed> {
    if (!this.#opens(row, secret)) return err('bad_secret')
    return this.settlement(row)
  }

  /** The receipt of an invoice, once its wallet says that it is settled. */
  async settlement(row: InvoiceRow): Promise<Redeemed> {
    const receipt = (received: bigint) => ({
      payment: `l402:${row.hash}`,
      account: row.account,
      amount: msat(received),
      rail: 'l402',
      native: { amount: String(received), unit: 'msat', rate: '1' },
    })
    if (row.settledAt !== null) return ok({ receipt: receipt(row.amount), fresh: false })
    const state = await this.#line.lookup(row.hash)
    if (state === null) return err('unreachable')
    if (state.is !== 'settled') return err('pending')
    this.#open.closed(row.hash)
    if (!row.exclusive) this.#shared.closed(row)
    this.#preimages.set(row.hash, state.preimage)
    const received = state.receivedMsat > row.amount ? state.receivedMsat : row.amount
    return ok({ receipt: receipt(received), fresh: true })
  }

  /** Whether that token was given out with this invoice. */
  tokenFits(row: InvoiceRow, token: string): boolean {
    const secrets = this.#issuer.secretsOf(row)
    return secrets !== null && sameHex(token, secrets.status)
  }

  /** The macaroon that was offered with this row, again; null where it has none or is not known. */
  macaroon(row: InvoiceRow): string | null {
    return this.#issuer.macaroon(row)
  }

  /** What the token's holder is told, from what is known here: it costs no question (threats J5). */
  async status(row: InvoiceRow): Promise<InvoiceStatus> {
    if (row.settledAt === null) return { paid: false }
    return {
      paid: true,
      preimage: await this.#preimage(row.hash),
      settlementSecret: this.#issuer.secretsOf(row)?.settlement ?? null,
    }
  }

  /** It was learned with the settlement. One that an earlier process learned is asked for once. */
  async #preimage(hash: string): Promise<string | null> {
    const known = this.#preimages.get(hash)
    if (known !== undefined || !this.up) return known ?? null
    const state = await this.#line.lookup(hash)
    if (state?.is !== 'settled') return null
    this.#preimages.set(hash, state.preimage)
    return state.preimage
  }

  /** A secret that opened a row once is compared with itself from then on: its HMAC is dear. */
  #opens(row: InvoiceRow, secret: string): boolean {
    const known = this.#opened.get(row.hash)
    if (known !== undefined && sameHex(secret, known)) return true
    const settlement = () => this.#issuer.secretsOf(row)?.settlement ?? ''
    const opens = secretMatches(secret, row.hash) || sameHex(secret, settlement())
    if (opens) this.#opened.set(row.hash, secret)
    return opens
  }

  /** Within what the wallet makes, where that admits the request too. */
  async #offerOwn(
    want: InvoiceFor & { readonly least: number },
  ): Promise<Result<Made, OfferRefused>> {
    const own = await this.#own(want, 'offer')
    if (own.ok || own.error.why !== 'amount_refused') return own
    const { least, most } = own.error
    const sat = Math.max(Math.min(want.sat, most ?? want.sat), least ?? 0)
    if (sat === want.sat || sat < want.least) return own
    return this.#own({ ...want, sat }, 'offer')
  }

  async #own(want: InvoiceFor, by: MadeBy): Promise<Result<Made, OfferRefused>> {
    if (!this.up) return err({ why: 'wallet_unreachable' })
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
        // A mint's invoice lives for a day: its place among the open ones is free again before.
        const until = Math.min(made.row.expiresAt, this.#world.now() + EXPIRY * 1000)
        this.#open.opened(place, made.row.hash, until, made)
      },
    )
    if (quota.is !== 'owner' || by !== 'offer') return making
    return this.#remembered(quota.account, making)
  }

  /** One of so many that a client or an account gets in a minute, where the wallet makes only so many. */
  #takeFromBucket(quota: InvoiceQuotaKey): number {
    const aMinute = this.#line.wallet.strangersAMinute?.() ?? null
    if (aMinute === null) return 0
    return quota.is === 'stranger'
      ? this.#bucket.take(`site ${quota.site}`, Math.ceil(aMinute / 2))
      : this.#bucket.take(`account ${quota.account}`, aMinute)
  }

  async #remembered<T>(account: string, making: Promise<T>): Promise<T> {
    this.#making.set(account, making)
    try {
      return await making
    } finally {
      if (this.#making.get(account) === making) this.#making.delete(account)
    }
  }

  /** Makes the invoice of a place, which is free again where none comes of it. */
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

  /** The owner's newest that does for this request too: all of its secrets are his own (threats J17). */
  async #again(want: InvoiceFor & { readonly least: number }): Promise<Made | null> {
    const { quota } = want
    if (quota.is === 'owner') await this.#making.get(quota.account)?.catch(() => undefined)
    const until = this.#world.now() + LONG_ENOUGH
    const fits = ({ row }: Made) => floorSat(row.amount) >= want.least && row.expiresAt > until
    return this.#open.newest(quota, 'offer', fits)
  }

  async #makeShared(sat: number): Promise<Result<InvoiceRow, OfferRefused>> {
    if (!this.up) return err({ why: 'wallet_unreachable' })
    const place = this.#open.reserveShared(this.#world.now())
    if (place === null) return err({ why: 'too_many_open', retryAfterSeconds: COME_BACK })
    return this.#inPlace(
      place,
      () => this.#issuer.shared(sat),
      ({ hash, expiresAt }) => this.#open.opened(place, hash, expiresAt),
    )
  }
}
