import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import { ClientBucket } from '../floor/client-bucket.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow } from '../ledger/invoices.ts'
import { generationOf, type Revocations } from '../ledger/revocations.ts'
import { floorSat } from '../money/msat.ts'
import { sameHex } from '../passes/keys.ts'
import type { PresentedPass } from '../passes/pass.ts'
import { PASS_HEADERS } from '../passes/present.ts'
import type { Recognise } from '../passes/recognise.ts'
import type { WalletList } from '../wallets/wallet-list.ts'
import { InvoiceQuota, type MadeBy, type Place, type QuotaBounds } from './invoice-quota.ts'
import type { InvoiceStatus, InvoiceWant, Invoicing, IssuedInvoice, Payee } from './invoicing.ts'
import { EXPIRY, Issuer, type IssuerParts } from './issue.ts'
import { offerOf, offerOfSame } from './l402-offer.ts'
import { type KnownInvoiceState, Lightning } from './lightning.ts'
import type {
  Credited,
  InvoiceQuotaKey,
  Offer,
  OfferRefused,
  Rail,
  Receipt,
  RedeemRefused,
  Want,
} from './rail.ts'
import { type SameInvoiceParts, sameInvoice } from './same-invoice.ts'
import type { SettlementParts } from './settlements.ts'
import { LONG_ENOUGH, SharedOffers } from './shared-offers.ts'

/** Seconds after which a client that exceeded a bound may try again. */
const COME_BACK = 60

export interface L402Parts extends IssuerParts, SettlementParts, QuotaBounds {
  readonly revocations: Pick<Revocations, 'rotation'>
  /** The gate has only this one reader of passes. */
  readonly read: Recognise
}

/**
 * Offers invoices, and takes macaroon and preimage as the credential (L402 protocol specification,
 * bLIP-26). It keeps no rows of its own: everything about an offer is in the rows of its invoice
 * and of the pass that the invoice buys.
 */
export class L402 implements Rail<PresentedPass>, Invoicing {
  readonly name = 'l402'
  readonly reads = PASS_HEADERS
  readonly writes = []
  readonly read: Recognise
  readonly #parts: L402Parts
  readonly #wallets: WalletList
  readonly #world: World
  readonly #issuer: Issuer
  readonly #lightning: Lightning
  readonly #open: InvoiceQuota
  readonly #bucket: ClientBucket
  readonly #shared: SharedOffers
  readonly #same: SameInvoiceParts
  /** By account and quota: the invoice that a 402 is making for it now. */
  readonly #making = new Map<string, Promise<unknown>>()

  constructor(parts: L402Parts) {
    this.read = parts.read
    this.#parts = parts
    this.#wallets = parts.wallets
    this.#world = parts.world
    this.#issuer = new Issuer(parts)
    this.#open = new InvoiceQuota(parts)
    this.#same = {
      ...parts,
      macaroon: (pass) => this.#issuer.macaroon(pass),
      isPayable: (row) => this.#isPayable(row),
    }
    this.#bucket = new ClientBucket(parts.world)
    this.#shared = new SharedOffers({
      world: parts.world,
      make: (sat) => this.#makeShared(sat),
      works: ({ wallet }) => parts.wallets.isUp(wallet),
    })
    this.#lightning = new Lightning(parts, (row) => {
      this.#open.closed(row.hash)
      this.#shared.closed(row)
    })
  }

  /** How many invoices are open now, with the shared ones. */
  get open(): number {
    return this.#open.size
  }

  /** Whether some wallet can be asked for invoices. */
  get up(): boolean {
    return this.#wallets.up
  }

  /** Makes an invoice for one client, with its secrets. Its row is on disk when this resolves. */
  async create(want: InvoiceWant): Promise<Result<IssuedInvoice, OfferRefused>> {
    return this.#own(want, 'ask')
  }

  /**
   * The offer of a 402: an invoice for this client alone. If the quota is used up, who tops an
   * account up gets one of its open invoices again, and all others get a shared invoice.
   * `want.least` is the sats that admit the request.
   */
  offer(want: Want): Awaitable<Result<Offer, OfferRefused>> {
    if (want.unpaid === null) return this.#offerNew(want)
    const { unpaid, least } = want
    return sameInvoice({ unpaid, least }, this.#same).then((same) =>
      same === null ? this.#offerNew(want) : ok(offerOfSame(same)),
    )
  }

  #offerNew(want: Want): Awaitable<Result<Offer, OfferRefused>> {
    const shares = !isTopUp(want.quota) && this.#wallets.shares
    const own = this.#offerOwn(want)
    const prepares = shares && this.up && want.quota.is === 'stranger'
    const prepared = prepares ? this.#shared.prepare(want.least) : null
    if (!isPromise(own) && !isPromise(prepared)) return this.#offered(want, { own, shares })
    return Promise.all([own, prepared]).then(([made]) => this.#offered(want, { own: made, shares }))
  }

  #offered(
    want: Want,
    { own, shares }: { own: Result<IssuedInvoice, OfferRefused>; shares: boolean },
  ): Awaitable<Result<Offer, OfferRefused>> {
    if (own.ok) return ok(offerOf(own.value, want.origin))
    const { why } = own.error
    if (why === 'wallet_unreachable' || why === 'amount_refused') return own
    if (isTopUp(want.quota)) {
      return this.#again(want).then((again) =>
        again === null ? own : ok(offerOf(again, want.origin)),
      )
    }
    if (!shares) return own
    return andThen(this.#shared.get(want.least), (shared) =>
      shared.ok ? ok(offerOf(this.#issuer.copy(shared.value), want.origin)) : shared,
    )
  }

  /** Redeems a pass that was not used before. The caller has checked that its secret opens it. */
  async redeem({ verified }: PresentedPass): Promise<Result<Receipt, RedeemRefused>> {
    return verified.ok ? this.#lightning.receipt(verified.value.pass.hash) : err('unknown')
  }

  invoiceState(hash: string): Promise<KnownInvoiceState> {
    return this.#lightning.state(hash)
  }

  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#lightning.start(learned)
  }

  async payee(hash: string, token: string): Promise<Payee | null> {
    const { invoices, passes } = this.#parts
    const [row, pass] = await Promise.all([invoices.get(hash), passes.get(hash)])
    const secrets = pass === null ? null : this.#issuer.secretsOf(pass)
    if (row === null || pass === null || secrets === null) return null
    if (!sameHex(token, secrets.status)) return null
    const { account } = row
    return { account, settlementSecret: secrets.settlement, used: pass.usedAt !== null }
  }

  async status(hash: string, token: string): Promise<InvoiceStatus | null> {
    const { invoices, passes } = this.#parts
    const [row, pass] = await Promise.all([invoices.get(hash), passes.get(hash)])
    const secrets = pass === null ? null : this.#issuer.secretsOf(pass)
    if (row === null || pass === null || secrets === null) return null
    if (!sameHex(token, secrets.status)) return null
    if (pass.usedAt !== null) return { used: true }
    // Passes that were rotated since buy credit, and open nothing.
    const ended = pass.generation !== generationOf(this.#parts.revocations, pass.account)
    const macaroon = ended ? null : this.#issuer.macaroon(pass)
    if (row.settledAt === null) {
      this.#lightning.wake(row)
      return { used: false, row, macaroon, paid: null }
    }
    const preimage = await this.#lightning.preimage(row)
    const paid = { preimage, settlementSecret: secrets.settlement }
    return { used: false, row, macaroon, paid }
  }

  /**
   * Makes the invoice of an offer. If the wallet refuses the amount, asks for the nearest amount
   * that the wallet makes, provided that it still admits the request.
   */
  #offerOwn(want: Want): Awaitable<Result<IssuedInvoice, OfferRefused>> {
    return andThen(this.#own({ ...want, caveats: want.macaroon ? [] : null }, 'offer'), (own) => {
      if (own.ok || own.error.why !== 'amount_refused') return own
      const { least, most } = own.error
      const sat = Math.max(Math.min(want.sat, most ?? want.sat), least ?? 0)
      if (sat === want.sat || sat < want.least) return own
      return this.#own({ ...want, sat, caveats: want.macaroon ? [] : null }, 'offer')
    })
  }

  #own(want: InvoiceWant, by: MadeBy): Awaitable<Result<IssuedInvoice, OfferRefused>> {
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

  /**
   * The newest open invoice of the same quota that admits this request. All of its secrets belong to
   * the owner already, and an invoice for a spending key has none (threats J17).
   */
  async #again(want: Want): Promise<IssuedInvoice | null> {
    const { quota } = want
    if (isTopUp(quota))
      await this.#making.get(`${quota.is} ${quota.account}`)?.catch(() => undefined)
    // An invoice that was made before the passes were rotated buys a pass that has ended.
    const fits = ({ row, generation }: IssuedInvoice) =>
      generation === want.generation && floorSat(row.amount) >= want.least && this.#isPayable(row)
    return this.#open.newest(quota, 'offer', fits)
  }

  /** Whether there is time to pay this invoice, at a wallet that answers. */
  #isPayable({ expiresAt, wallet }: InvoiceRow): boolean {
    return expiresAt > this.#world.now() + LONG_ENOUGH && this.#wallets.isUp(wallet)
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

/** Whether an offer in this quota tops up the account, so that all its invoices are for one payer. */
const isTopUp = (
  quota: InvoiceQuotaKey,
): quota is Exclude<InvoiceQuotaKey, { readonly is: 'stranger' }> =>
  quota.is === 'owner' || quota.is === 'spender'
