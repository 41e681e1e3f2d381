import type { Background, Repeated } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { Invoices } from '../../ledger/invoices.ts'
import type { Watch } from '../../wallets/wallet.ts'
import type { Member, WalletList } from '../../wallets/wallet-list.ts'
import type { RedeemRefused } from '../rail.ts'

/**
 * ms between two rounds of looking up invoices whose payment the wallet may not have reported
 * (threats C10).
 */
const ROUND = 10_000
/** ms. The longest time between two tries after failures. */
const LONGEST = 60_000
/**
 * How many invoices one round looks up, newest first. An older paid invoice is credited when its
 * buyer comes.
 */
const MOST = 50
/** ms after its expiry during which an unpaid invoice is still looked up. */
const LATE = 600_000
/**
 * Invoices whose page is open: ms between two rounds, how many are looked up in one, and how many
 * may wait.
 */
const GLANCE = 1_000
const AT_ONCE = 5
const MOST_AWAKE = 100
/** ms after its expiry at which an unpaid row is dropped, and ms between two sweeps. */
const KEPT = 30 * 24 * 60 * 60_000
const SWEEP = 10_000
/**
 * Rows in one sweep: of a wallet of the operator's own, and of a wallet that somebody else's server
 * serves.
 */
const SWEPT = { own: 200, others: 10 }

export interface SettlementParts {
  readonly wallets: WalletList
  readonly invoices: Invoices
  readonly world: World
  readonly background: Background
}

/**
 * Credits an invoice if its wallet says that it is settled. Resolves when the credit is on disk.
 */
export type Learn = (hash: string) => Promise<RedeemRefused | null>

/**
 * Learns of payments of one wallet that nobody presents: from the wallet's notifications, and by
 * look-ups, because notifications get lost.
 */
export class Settlements {
  readonly #member: Member
  readonly #invoices: Invoices
  readonly #learn: Learn
  readonly #world: World
  readonly #background: Background
  readonly #awake = new Set<string>()
  /** The wallet has reported these, and could not be asked for them then. */
  readonly #reported = new Set<string>()
  readonly #work: Repeated[] = []
  #watch: Watch | null = null
  #swept = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(member: Member, parts: Omit<SettlementParts, 'wallets'>, learn: Learn) {
    this.#member = member
    this.#invoices = parts.invoices
    this.#learn = learn
    this.#world = parts.world
    this.#background = parts.background
  }

  start(): void {
    const listen = { every: 1_000, longest: LONGEST }
    this.#work.push(this.#background.until('payments', listen, () => this.#follow()))
    this.#every('invoice sweep', SWEEP, () => this.#sweep())
    if (this.#member.wallet.asksItself === true) return
    this.#every('look-ups', ROUND, () => this.#round())
    this.#every('open pages', GLANCE, () => this.#glance())
  }

  /**
   * Somebody has this invoice's page open. It is looked up soon. All open pages share a fixed
   * number of look-ups a second (threats J5).
   */
  wake(hash: string): void {
    const { wallet } = this.#member
    if (wallet.asksItself === true) wallet.wake?.(hash)
    else if (this.#awake.size < MOST_AWAKE) this.#awake.add(hash)
  }

  /** Takes no new work. Resolves when the running work has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#watch?.stop()
    await Promise.all(this.#work.map((work) => work.stop()))
  }

  /**
   * Repeats `work`. The next round begins only when the last one has ended, and is skipped while
   * the wallet is down.
   */
  #every(name: string, every: number, work: () => Promise<void>): void {
    const pace = { first: every, every, longest: LONGEST }
    const round = async () => {
      if (this.#member.breaker.up) await work()
    }
    this.#work.push(this.#background.repeat(name, pace, round))
  }

  /**
   * Listens to the wallet, from the cursor at which the last process stopped. The cursor moves only
   * over payments that are credited. If one could not be credited, the cursor stays before it, and
   * the next process is told of it again.
   */
  async #follow(): Promise<void> {
    const { wallet } = this.#member
    const name = `${this.#member.name}:cursor`
    const cursor = ownCursor(await this.#invoices.recall(name))
    if (this.#stopped) return
    let before: Promise<unknown> = Promise.resolve()
    let whole = true
    this.#watch = wallet.watch(cursor, ({ paymentHash, cursor: next }) => {
      const credited = before.then(async () => {
        const refused = await this.#learn(paymentHash)
        if (refused === 'unreachable') {
          whole = false
          if (this.#reported.size < MOST) this.#reported.add(paymentHash)
        }
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
    // These are paid, so they are looked up also long after their expiry.
    for (const hash of this.#reported) {
      if (this.#stopped || !this.#member.breaker.up) return
      if ((await this.#learn(hash)) !== 'unreachable') this.#reported.delete(hash)
    }
    const after = this.#world.now() - LATE
    for (const name of this.#names()) {
      for (const row of await this.#invoices.pending(name, after, MOST)) {
        if (this.#stopped || !this.#member.breaker.up) return
        await this.#learn(row.hash)
      }
    }
  }

  async #glance(): Promise<void> {
    for (const hash of [...this.#awake].slice(0, AT_ONCE)) {
      this.#awake.delete(hash)
      await this.#learn(hash)
    }
  }

  /**
   * Drops rows of invoices that nobody has paid, after one last look-up each. A payment that
   * arrived late is credited, and a row whose state the wallet does not know for sure stays
   * (threats J6).
   */
  async #sweep(): Promise<void> {
    const { wallet, breaker, name } = this.#member
    const times = { before: this.#world.now() - KEPT, after: this.#swept }
    const most = wallet.asksItself === true ? SWEPT.others : SWEPT.own
    const stale = await this.#invoices.stale(name, times, most)
    for (const { hash, createdAt } of stale) {
      const state = await breaker.lookup(hash, 'routine')
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

  /** The name of the wallet, and its earlier names. */
  #names(): readonly string[] {
    return [this.#member.name, ...this.#member.also]
  }
}

/**
 * Earlier versions joined the cursors of two wallets, a Lightning address and the ecash wallet before
 * it, in one JSON. The one of the address is `current`.
 */
function ownCursor(cursor: string | null): string | null {
  if (cursor === null || !cursor.startsWith('{')) return cursor
  const { current }: { current: string | null } = JSON.parse(cursor)
  return current
}
