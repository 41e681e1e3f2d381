import type { Background, Repeated } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { WalletBreaker } from '../wallets/breaker.ts'
import type { Watch } from '../wallets/wallet.ts'
import type { RedeemRefused } from './rail.ts'

/** ms between two rounds of looking up what nobody told us of (threats C10). */
const ROUND = 10_000
/** ms between two rounds that fail, and between two tries to listen, at most. */
const LONGEST = 60_000
/** Invoices looked up in one round, newest first; an older one credits when its buyer comes. */
const MOST = 50
/** ms past its expiry that an unpaid invoice is still looked up. */
const LATE = 600_000
/** ms between two looks at invoices whose page is open, how many at a time, and how many wait for it. */
const GLANCE = 1_000
const AT_ONCE = 5
const MOST_AWAKE = 100
/** ms past its expiry after which an unpaid row goes, and ms between two sweeps. */
const KEPT = 30 * 24 * 60 * 60_000
const SWEEP = 10_000
/** Rows in one sweep: of a wallet of the operator's own, and of one that others bear the cost of. */
const SWEPT = { own: 200, others: 10 }

export interface SettlementParts {
  readonly breaker: WalletBreaker
  readonly invoices: Invoices
  readonly world: World
  readonly background: Background
}

/** Credits an invoice if its wallet says that it is settled; resolves when that is on disk. */
export type Learn = (hash: string) => Promise<RedeemRefused | null>

/** Learns of payments that nobody presents: from the wallet's notifications, and by asking, because those get lost. */
export class Settlements {
  readonly #breaker: WalletBreaker
  readonly #invoices: Invoices
  readonly #learn: Learn
  readonly #world: World
  readonly #background: Background
  readonly #awake = new Set<string>()
  readonly #work: Repeated[] = []
  #watch: Watch | null = null
  #swept = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(parts: SettlementParts, learn: Learn) {
    this.#breaker = parts.breaker
    this.#invoices = parts.invoices
    this.#learn = learn
    this.#world = parts.world
    this.#background = parts.background
  }

  start(): void {
    const listen = { every: 1_000, longest: LONGEST }
    this.#work.push(this.#background.until('payments', listen, () => this.#follow()))
    this.#every('invoice sweep', SWEEP, () => this.#sweep())
    if (this.#breaker.wallet.asksItself === true) return
    this.#every('look-ups', ROUND, () => this.#round())
    this.#every('open pages', GLANCE, () => this.#glance())
  }

  /**
   * Somebody looks at this invoice's page. It is looked up soon, in turn with the others whose page is
   * open, and no more often than all of them together may be (threats J5).
   */
  wake(hash: string): void {
    const { wallet } = this.#breaker
    if (wallet.asksItself === true) wallet.wake?.(hash)
    else if (this.#awake.size < MOST_AWAKE) this.#awake.add(hash)
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#watch?.stop()
    await Promise.all(this.#work.map((work) => work.stop()))
  }

  /** One at a time: a slow wallet is not asked the same again meanwhile. */
  #every(name: string, every: number, work: () => Promise<void>): void {
    const pace = { first: every, every, longest: LONGEST }
    const round = async () => {
      if (this.#breaker.up) await work()
    }
    this.#work.push(this.#background.repeat(name, pace, round))
  }

  /**
   * Resumes where the last process stopped. A cursor is kept only once its payment is credited: behind
   * one that could not be, it stays where it is, and the next process is told again.
   */
  async #follow(): Promise<void> {
    const { wallet } = this.#breaker
    const name = `${wallet.kind}:cursor`
    const cursor = await this.#invoices.recall(name)
    if (this.#stopped) return
    let before: Promise<unknown> = Promise.resolve()
    let whole = true
    this.#watch = wallet.watch(cursor, ({ paymentHash, cursor: next }) => {
      const credited = before.then(async () => {
        const refused = await this.#learn(paymentHash)
        if (refused === 'unreachable') whole = false
        const known = refused === null || refused === 'unknown'
        if (known && whole && next !== null && !this.#stopped)
          await this.#invoices.remember(name, next)
      })
      before = credited.catch(() => {
        whole = false
      })
      this.#background.once('credit', () => credited)
    })
  }

  async #round(): Promise<void> {
    const after = this.#world.now() - LATE
    const pending = await this.#invoices.pending(this.#breaker.wallet.kind, after, MOST)
    for (const row of pending) {
      if (this.#stopped || !this.#breaker.up) return
      await this.#learn(row.hash)
    }
  }

  async #glance(): Promise<void> {
    for (const hash of [...this.#awake].slice(0, AT_ONCE)) {
      this.#awake.delete(hash)
      await this.#learn(hash)
    }
  }

  /**
   * Drops rows that nobody has paid, each after one last look: a payment that arrived late is credited
   * all the same, and what the wallet does not know for sure stays (threats J6).
   */
  async #sweep(): Promise<void> {
    const { wallet } = this.#breaker
    const times = { before: this.#world.now() - KEPT, after: this.#swept }
    const most = wallet.asksItself === true ? SWEPT.others : SWEPT.own
    const stale = await this.#invoices.stale(wallet.kind, times, most)
    for (const { hash, createdAt } of stale) {
      const state = await this.#breaker.lookup(hash, 'routine')
      if (state === null || this.#stopped) return
      if (state.is === 'settled') await this.#learn(hash)
      if (state.is === 'dead') {
        await this.#invoices.forget(hash)
        await wallet.forget?.(hash)
      }
      this.#swept = createdAt
    }
    if (stale.length < most) this.#swept = Number.NEGATIVE_INFINITY
  }
}
