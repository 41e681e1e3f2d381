import type { Background, Repeated } from '../floor/background.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import {
  AmountRefused,
  type Invoice,
  type InvoiceAsk,
  type InvoiceRefused,
  type InvoiceState,
  isUsual,
  type LookingUp,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from './wallet.ts'

/** ms between two tries of a wallet that is down: with the try itself it is asked every 5 s or so. */
const RETRY = 4_000

/** Told when the wallet goes and comes back, once each. `since` is ms. */
export interface Outage {
  gone(wallet: string, reason: string, since: number): void
  back(wallet: string, since: number): void
}

/**
 * A circuit breaker in front of a wallet. While the wallet is down, nobody waits for it, and it is tried
 * again until it answers. A refusal (wrong key) is an outage too: the gate cannot sell until the
 * operator acts.
 */
export class WalletBreaker {
  readonly wallet: Wallet
  readonly #world: World
  readonly #outage: Outage
  readonly #background: Background
  #downSince: number | null = null
  #retry: Repeated | null = null
  /** Sats of the smallest and of the largest invoice that it has made. */
  #least = Number.POSITIVE_INFINITY
  #most = 0
  #probing: Promise<boolean> | null = null
  #closed = false

  constructor(
    wallet: Wallet,
    parts: {
      readonly world: World
      readonly outage: Outage
      readonly background: Background
    },
  ) {
    this.wallet = wallet
    this.#world = parts.world
    this.#outage = parts.outage
    this.#background = parts.background
  }

  get up(): boolean {
    return this.#downSince === null
  }

  /** Refusals: it is down (`wallet_unreachable`), has none to give now, or none of that amount. */
  async createInvoice(ask: InvoiceAsk): Promise<Result<Invoice, InvoiceRefused>> {
    if (!this.up) return err({ why: 'wallet_unreachable' })
    try {
      const invoice = await this.#call(() => this.#make(ask))
      if (invoice === null) return err({ why: 'wallet_unreachable' })
      this.#least = Math.min(this.#least, ask.sat)
      this.#most = Math.max(this.#most, ask.sat)
      return ok(invoice)
    } catch (error) {
      if (error instanceof AmountRefused) {
        return err({ why: 'amount_refused', least: error.least, most: error.most })
      }
      if (!(error instanceof WalletBusy)) throw error
      return err({ why: 'wallet_busy', retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000) })
    }
  }

  /**
   * Where an amount fails that nobody usually asks for, or one is refused outside of those that were
   * made, whether the wallet is down is for its probe to say (threats J13).
   */
  async #make(ask: InvoiceAsk): Promise<Invoice> {
    try {
      return await this.wallet.createInvoice(ask)
    } catch (error) {
      const { sat } = ask
      const outside = this.#most > 0 && (sat < this.#least || sat > this.#most)
      const telling = isUsual(sat) && !(outside && error instanceof WalletRefused)
      if (!isDown(error) || telling) throw error
      throw (await this.probe()) ? new AmountRefused(null, null) : error
    }
  }

  /** Null where the wallet cannot say. Asked even while it is down: a buyer who paid is waiting. */
  lookup(paymentHash: string, who: LookingUp = 'waiting'): Promise<InvoiceState | null> {
    return this.#call(() => this.wallet.lookup(paymentHash, who))
  }

  /** Tries it once; tells of an outage that it finds. */
  probe(): Promise<boolean> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = null
    })
    return this.#probing
  }

  async #probe(): Promise<boolean> {
    const answer = await this.#call(async () => {
      await this.wallet.probe()
      return true
    })
    return answer ?? false
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#retry?.end()
    await this.wallet.close()
  }

  async #call<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await ask()
      this.#back()
      return answer
    } catch (error) {
      if (!isDown(error)) throw error
      this.#gone(error.reason)
      return null
    }
  }

  #back(): void {
    if (this.#downSince === null) return
    const since = this.#downSince
    this.#downSince = null
    this.#retry?.end()
    this.#retry = null
    this.#outage.back(this.wallet.kind, since)
  }

  #gone(reason: string): void {
    if (this.#downSince === null) {
      this.#downSince = this.#world.now()
      this.#outage.gone(this.wallet.kind, reason, this.#downSince)
    }
    if (this.#closed || this.#retry !== null) return
    const pace = { first: RETRY, every: RETRY, longest: RETRY }
    this.#retry = this.#background.repeat('wallet', pace, () => this.probe())
  }
}

const isDown = (error: unknown): error is WalletUnreachable | WalletRefused =>
  error instanceof WalletUnreachable || error instanceof WalletRefused
