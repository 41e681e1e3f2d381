import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { WalletLine } from '../rails/wallet-line.ts'
import type { Watch } from '../wallets/wallet.ts'
import type { Accounts } from './accounts.ts'

/** ms between two rounds of looking up what nobody told us of (threats C10). */
const ROUND = 10_000
/** Invoices looked up in one round, newest first; an older one credits when its buyer comes. */
const MOST = 50
/** ms past its expiry that an unpaid invoice is still looked up. */
const LATE = 600_000

/** Learns of payments: by the wallet's own notifications, and by asking where those get lost. */
export class Settlements {
  readonly #line: WalletLine
  readonly #invoices: Invoices
  readonly #accounts: Accounts
  readonly #world: World
  #watch: Watch | null = null
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(parts: {
    readonly line: WalletLine
    readonly invoices: Invoices
    readonly accounts: Accounts
    readonly world: World
  }) {
    this.#line = parts.line
    this.#invoices = parts.invoices
    this.#accounts = parts.accounts
    this.#world = parts.world
  }

  start(): void {
    void this.#follow()
    if (this.#line.wallet.asksItself === true) return
    this.#timer = setInterval(() => void this.#round(), ROUND)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    this.#watch?.stop()
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Resumes where the last process stopped. A cursor is kept only once its payment is credited. */
  async #follow(): Promise<void> {
    const { wallet } = this.#line
    const name = `${wallet.kind}:cursor`
    const cursor = await this.#invoices.recall(name)
    if (this.#stopped) return
    let credited: Promise<unknown> = Promise.resolve()
    this.#watch = wallet.watch(cursor, ({ paymentHash, cursor: next }) => {
      credited = credited.then(async () => {
        const refused = await this.#accounts.learn(paymentHash)
        const known = refused === null || refused === 'unknown'
        if (known && next !== null && !this.#stopped) await this.#invoices.remember(name, next)
      })
    })
  }

  async #round(): Promise<void> {
    if (!this.#line.up || this.#stopped) return
    const after = this.#world.now() - LATE
    const pending = await this.#invoices.pending(this.#line.wallet.kind, after, MOST)
    for (const row of pending) {
      if (this.#stopped || !this.#line.up) return
      await this.#accounts.learn(row.hash)
    }
  }
}
