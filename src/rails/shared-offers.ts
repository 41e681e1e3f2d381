import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow } from '../ledger/invoices.ts'
import { floorSat } from '../money/msat.ts'
import type { OfferRefused } from './rail.ts'

/** Sats of shared invoices: few amounts, so that few invoices do for everybody (threats J6). */
const AMOUNTS = [10, 30, 100, 300, 1000]
/** ms that an invoice must live on to be shown: it is to be paid by a person. */
export const LONG_ENOUGH = 120_000
/** ms between two that are made before they are needed. */
const MINUTE = 60_000

/**
 * Invoices without a secret that are shown to everybody past a bound, one of each amount, until it is
 * paid or expires. The first stranger of a minute has one made, even if he does not need it: when the
 * wallet has no more to give, or is asked too often, they are there for the next.
 */
export class SharedOffers {
  readonly #world: Pick<World, 'now'>
  readonly #make: (sat: number) => Promise<Result<InvoiceRow, OfferRefused>>
  readonly #kept = new Map<number, InvoiceRow>()
  readonly #making = new Map<number, Promise<Result<InvoiceRow, OfferRefused>>>()
  #prepared = Number.NEGATIVE_INFINITY

  constructor(
    world: Pick<World, 'now'>,
    make: (sat: number) => Promise<Result<InvoiceRow, OfferRefused>>,
  ) {
    this.#world = world
    this.#make = make
  }

  /**
   * The one of the smallest amount that does. Refused as `too_many_open` where none is large enough,
   * and as the wallet refuses.
   */
  async get(least: number): Promise<Result<InvoiceRow, OfferRefused>> {
    const sat = amountFor(least)
    if (sat === null) return err(NONE_SO_LARGE)
    const row = await this.#get(sat)
    if (row.ok || row.error.why !== 'amount_refused') return row
    const { least: wallets } = row.error
    return wallets !== null && wallets > sat ? this.get(wallets) : err(NONE_SO_LARGE)
  }

  /** Has it made, or else another that is not there: one a minute. Nobody is told how that went. */
  async prepare(least: number): Promise<void> {
    const now = this.#world.now()
    const missing = AMOUNTS.filter((sat) => this.#alive(sat) === null)
    const sat = missing.find((one) => one >= least) ?? missing[0]
    if (sat === undefined || now - this.#prepared < MINUTE) return
    this.#prepared = now
    await this.#get(sat)
  }

  /** It was paid. */
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

  /** The one that is there, and can still be paid for a while. */
  #alive(sat: number): InvoiceRow | null {
    const row = this.#kept.get(sat)
    return row !== undefined && row.expiresAt > this.#world.now() + LONG_ENOUGH ? row : null
  }
}

const NONE_SO_LARGE: OfferRefused = { why: 'too_many_open', retryAfterSeconds: 60 }

const amountFor = (least: number): number | null => AMOUNTS.find((sat) => sat >= least) ?? null
