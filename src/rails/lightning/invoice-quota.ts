import { type Bound, boundsOf, Quota } from '../../floor/quota.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import type { InvoiceQuotaKey } from '../rail.ts'
import type { IssuedInvoice } from './invoicing.ts'

/** Who caused an invoice: `offer` is a 402, `ask` is somebody who asked for that invoice. */
export type MadeBy = 'offer' | 'ask'

/** The settings `limits.invoicesPerClient` and `limits.invoicesTotal`. */
export interface QuotaBounds {
  readonly perClient: number
  readonly total: number
}

/**
 * A place among the open invoices. It is taken before the wallet is asked for the invoice, so that
 * requests at the same time cannot exceed a bound.
 */
export interface Place {
  readonly pool: Pool
  readonly keys: readonly string[]
}

/** `shared`: an invoice that many clients are shown. */
type Pool = 'stranger' | 'shared' | 'buyer'

interface Open {
  readonly place: Place
  readonly until: number
  /** Null for a shared invoice, because each client is shown another macaroon for it. */
  readonly made: IssuedInvoice | null
}

/**
 * How many open invoices 402s may make for one account. With so few, an app that keeps asking does
 * not use up the places of its owner.
 */
const BY_OFFERS = 3
/** The share of all places that strangers leave to buyers. */
const KEPT_FOR_BUYERS = 1 / 5
/**
 * The share of all places that is kept for shared invoices, and the most of them: two of each
 * amount, an old one and a new one.
 */
const KEPT_FOR_SHARED = 1 / 10
const MOST_SHARED = 10
/** With fewer places than this, none are kept for shared invoices. */
const FEW = 5

/**
 * How many unpaid invoices each client, each account and all together have open (threats D1, J6,
 * J17). If an invoice is forgotten here, only its place is free again; its row stays as long as it
 * may be paid.
 */
export class InvoiceQuota {
  readonly #bounds: QuotaBounds
  readonly #quota = new Quota()
  readonly #pools: Record<Pool, number> = { stranger: 0, shared: 0, buyer: 0 }
  /** In the order in which they were made. */
  readonly #open = new TransientMap<Open>()
  /** Kept apart, because they expire in no order. They are few. */
  readonly #shared = new Map<string, Open>()

  constructor(bounds: QuotaBounds) {
    this.#bounds = bounds
  }

  /** Reserves a place. Null if this quota, or the total, is used up. */
  reserve(quota: InvoiceQuotaKey, by: MadeBy, now: number): Place | null {
    this.#forgetExpired(now)
    const bounds = this.#boundsOf(quota, by)
    const pool = quota.is === 'stranger' ? 'stranger' : 'buyer'
    if (!this.#quota.hasRoom(bounds)) return null
    return this.#take({ pool, keys: bounds.map(([key]) => key) })
  }

  /** Reserves a place for a shared invoice. */
  reserveShared(now: number): Place | null {
    this.#forgetExpired(now)
    return this.#take({ pool: 'shared', keys: [] })
  }

  /**
   * The invoice of a reserved place was made. The place is taken until `until`, in ms since the
   * epoch.
   */
  opened(place: Place, hash: string, until: number, made: IssuedInvoice | null = null): void {
    const open = place.pool === 'shared' ? this.#shared : this.#open
    open.set(hash, { place, until, made })
  }

  /** No invoice was made for a reserved place, so it is free again. */
  cancelled({ pool, keys }: Place): void {
    this.#pools[pool] -= 1
    this.#quota.giveBack(keys)
  }

  /** The invoice was paid, so its place is free again. */
  closed(hash: string): void {
    const open = this.#open.get(hash) ?? this.#shared.get(hash)
    if (open === undefined) return
    this.#open.delete(hash)
    this.#shared.delete(hash)
    this.cancelled(open.place)
  }

  /** The newest open invoice of that quota that fits. */
  newest(
    quota: InvoiceQuotaKey,
    by: MadeBy,
    fits: (made: IssuedInvoice) => boolean,
  ): IssuedInvoice | null {
    const [key] = this.#boundsOf(quota, by)[0] ?? []
    let newest: IssuedInvoice | null = null
    for (const { place, made } of this.#open.values()) {
      if (made !== null && place.keys[0] === key && fits(made)) newest = made
    }
    return newest
  }

  get size(): number {
    return this.#open.size + this.#shared.size
  }

  #boundsOf(quota: InvoiceQuotaKey, by: MadeBy): readonly Bound[] {
    const { perClient } = this.#bounds
    if (quota.is !== 'stranger') {
      return [[`${quota.is} ${by} ${quota.account}`, by === 'offer' ? BY_OFFERS : perClient]]
    }
    return boundsOf(quota, perClient)
  }

  #take(place: Place): Place | null {
    if (!this.#hasRoom(place)) return null
    this.#pools[place.pool] += 1
    this.#quota.add(place.keys)
    return place
  }

  #hasRoom({ pool, keys: [own = ''] }: Place): boolean {
    const { total } = this.#bounds
    const { stranger, shared, buyer } = this.#pools
    if (stranger + shared + buyer >= total) return false
    // Buyers leave half of the places to strangers. Half of the buyers' places are for the first
    // invoice of an account, so that somebody with a hundred small passes cannot take all of them.
    if (pool === 'buyer')
      return buyer < Math.max(1, this.#quota.count(own) > 0 ? total / 4 : total / 2)
    const forShared = total < FEW ? 0 : Math.min(MOST_SHARED, Math.ceil(total * KEPT_FOR_SHARED))
    const kept = pool === 'stranger' ? Math.max(0, forShared - shared) : 0
    return stranger + shared + kept < total - Math.floor(total * KEPT_FOR_BUYERS)
  }

  /**
   * Invoices lie in about the order in which they expire, so the first one that has not expired
   * ends the search.
   */
  #forgetExpired(now: number): void {
    for (const [hash, { until }] of this.#shared) if (until <= now) this.closed(hash)
    for (const [hash, { until }] of this.#open.entries()) {
      if (until > now) return
      this.closed(hash)
    }
  }
}
