import type { Awaitable } from '../../floor/awaitable.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { InvoiceRow } from '../../ledger/invoices.ts'
import { floorSat } from '../../money/msat.ts'
import type { OfferRefused } from '../rail.ts'

/**
 * The amounts of shared invoices, in sats. They are few, so that few invoices serve everybody
 * (threats J6).
 */
const AMOUNTS = [10, 30, 100, 300, 1000]
/** ms that an invoice must still be valid when it is shown, because a person has to pay it. */
export const LONG_ENOUGH = 120_000
/** ms between two invoices that are made in advance. */
const MINUTE = 60_000

export interface SharedOffersParts {
  readonly world: Pick<World, 'now'>
  readonly make: (sat: number) => Promise<Result<InvoiceRow, OfferRefused>>
  /** Whether the wallet of that invoice works, so that a buyer who pays it is served at once. */
  readonly works: (row: Pick<InvoiceRow, 'wallet'>) => boolean
}

/**
 * Invoices without a secret. Every client that has used up its quota is shown the same ones: one
 * invoice of each amount, until it is paid or expires. Once a minute a stranger's request has one
 * made in advance. So they exist when the wallet gives no more invoices or is asked too often.
 */
export class SharedOffers {
  readonly #world: Pick<World, 'now'>
  readonly #make: SharedOffersParts['make']
  readonly #works: SharedOffersParts['works']
  readonly #kept = new Map<number, InvoiceRow>()
  readonly #making = new Map<number, Promise<Result<InvoiceRow, OfferRefused>>>()
  #prepared = Number.NEGATIVE_INFINITY

  constructor({ world, make, works }: SharedOffersParts) {
    this.#world = world
    this.#make = make
    this.#works = works
  }

  /**
   * The invoice of the smallest amount of at least `least` sats. Refuses with `too_many_open` if no
   * amount is large enough, otherwise with the wallet's refusal.
   */
  get(least: number): Awaitable<Result<InvoiceRow, OfferRefused>> {
    const sat = amountFor(least)
    if (sat === null) return err(NONE_SO_LARGE)
    const alive = this.#alive(sat)
    if (alive !== null) return ok(alive)
    return this.#get(sat).then((row) => {
      if (row.ok || row.error.why !== 'amount_refused') return row
      const { least: wallets } = row.error
      return wallets !== null && wallets > sat ? this.get(wallets) : err(NONE_SO_LARGE)
    })
  }

  /**
   * Makes this invoice, or another one that is missing, at most once a minute. The result is not
   * reported.
   */
  prepare(least: number): Awaitable<unknown> {
    const now = this.#world.now()
    if (now - this.#prepared < MINUTE) return null
    const missing = AMOUNTS.filter((sat) => this.#alive(sat) === null)
    const sat = missing.find((one) => one >= least) ?? missing[0]
    if (sat === undefined) return null
    this.#prepared = now
    return this.#get(sat)
  }

  /** The invoice was paid. */
  closed({ hash, amount }: Pick<InvoiceRow, 'hash' | 'amount'>): void {
    const sat = floorSat(amount)
    if (this.#kept.get(sat)?.hash === hash) this.#kept.delete(sat)
  }

  async #get(sat: number): Promise<Result<InvoiceRow, OfferRefused>> {
    const alive = this.#alive(sat)
    if (alive !== null) return ok(alive)
    const running = this.#making.get(sat)
    if (running !== undefined) return running
    const making = this.#make(sat)
    this.#making.set(sat, making)
    try {
      const made = await making
      if (made.ok) this.#kept.set(sat, made.value)
      return made
    } finally {
      this.#making.delete(sat)
    }
  }

  /** The invoice of that amount, if it can still be paid for long enough, and its wallet works. */
  #alive(sat: number): InvoiceRow | null {
    const row = this.#kept.get(sat)
    if (row === undefined || row.expiresAt <= this.#world.now() + LONG_ENOUGH) return null
    return this.#works(row) ? row : null
  }
}

const NONE_SO_LARGE: OfferRefused = { why: 'too_many_open', retryAfterSeconds: 60 }

const amountFor = (least: number): number | null => AMOUNTS.find((sat) => sat >= least) ?? null
