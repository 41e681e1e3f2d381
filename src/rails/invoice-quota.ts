import { type Bound, boundsOf, Quota } from '../floor/quota.ts'
import type { InvoiceQuotaKey, IssuedInvoice } from './rail.ts'

/** What an invoice is made by: `offer` by a 402, `ask` by somebody who wants just that one. */
export type MadeBy = 'offer' | 'ask'

/** `limits.invoicesPerClient`, `limits.invoicesTotal`. */
export interface QuotaBounds {
  readonly perClient: number
  readonly total: number
}

/** A place among the open invoices, taken before the invoice is asked for: a burst cannot pass a bound. */
export interface Place {
  readonly pool: Pool
  readonly keys: readonly string[]
}

/** `shared`: an invoice that is shown to many. */
type Pool = 'stranger' | 'shared' | 'buyer'

interface Open {
  readonly place: Place
  readonly until: number
  /** Null for a shared one: each that is shown is another. */
  readonly made: IssuedInvoice | null
}

/** Invoices that 402s make for one account: an app that asks on and on does not use up its owner's. */
const BY_OFFERS = 3
/** Of all places, the share that strangers leave to those who have paid. */
const KEPT_FOR_BUYERS = 1 / 5
/** Of all places, the share that is for shared invoices, and the most: two of an amount, old and new. */
const KEPT_FOR_SHARED = 1 / 10
const MOST_SHARED = 10
/** Of fewer places than this nothing is kept. */
const FEW = 5

/**
 * How many unpaid invoices each client, each account and all together have open (threats D1,
 * J6, J17). Forgetting one here ends its offer only: its row stays as long as it may be paid.
 */
export class InvoiceQuota {
  readonly #bounds: QuotaBounds
  readonly #quota = new Quota()
  readonly #pools: Record<Pool, number> = { stranger: 0, shared: 0, buyer: 0 }
  /** In the order in which they were made. */
  readonly #open = new Map<string, Open>()
  /** Few, and they live as long as their wallet likes. */
  readonly #shared = new Map<string, Open>()

  constructor(bounds: QuotaBounds) {
    this.#bounds = bounds
  }

  /** Null if that quota, or the one of all together, is used up. */
  reserve(quota: InvoiceQuotaKey, by: MadeBy, now: number): Place | null {
    this.#forgetExpired(now)
    const bounds = this.#boundsOf(quota, by)
    const pool = quota.is === 'stranger' ? 'stranger' : 'buyer'
    if (!this.#quota.hasRoom(bounds)) return null
    return this.#take({ pool, keys: bounds.map(([key]) => key) })
  }

  /** A place for an invoice that is shown to many. */
  reserveShared(now: number): Place | null {
    this.#forgetExpired(now)
    return this.#take({ pool: 'shared', keys: [] })
  }

  /** The invoice of a reserved place is there. */
  opened(place: Place, hash: string, until: number, made: IssuedInvoice | null = null): void {
    const open = place.pool === 'shared' ? this.#shared : this.#open
    open.set(hash, { place, until, made })
  }

  /** No invoice came of a reserved place. */
  cancelled({ pool, keys }: Place): void {
    this.#pools[pool] -= 1
    this.#quota.giveBack(keys)
  }

  /** Paid: its place is free again. */
  closed(hash: string): void {
    const open = this.#open.get(hash) ?? this.#shared.get(hash)
    if (open === undefined) return
    this.#open.delete(hash)
    this.#shared.delete(hash)
    this.cancelled(open.place)
  }

  /** The newest one of that quota that fits. */
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
    // Those who have paid leave half of it to those who have not. Half of theirs is for the first
    // invoice of an account: a hundred passes of a sat each cannot fill it for all the others.
    if (pool === 'buyer')
      return buyer < Math.max(1, this.#quota.count(own) > 0 ? total / 4 : total / 2)
    const forShared = total < FEW ? 0 : Math.min(MOST_SHARED, Math.ceil(total * KEPT_FOR_SHARED))
    const kept = pool === 'stranger' ? Math.max(0, forShared - shared) : 0
    return stranger + shared + kept < total - Math.floor(total * KEPT_FOR_BUYERS)
  }

  /** Invoices expire in about the order they were made: the first that has not ends the search. */
  #forgetExpired(now: number): void {
    for (const [hash, { until }] of this.#shared) if (until <= now) this.closed(hash)
    for (const [hash, { until }] of this.#open) {
      if (until > now) return
      this.closed(hash)
    }
  }
}
