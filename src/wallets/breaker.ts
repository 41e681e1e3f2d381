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

/** ms between two tries while the wallet is down. With the try itself it is asked about every 5 s. */
const RETRY = 4_000

/** Told once when the wallet fails and once when it works again. `since` is ms since the epoch. */
export interface Outage {
  gone(wallet: string, reason: string, since: number): void
  back(wallet: string, since: number): void
}

/**
 * A circuit breaker in front of a wallet. While the wallet is down, requests do not wait for it; it
 * is tried in the background until it answers. A refusal, such as a wrong key, is an outage too,
 * because the gate cannot sell until the operator acts.
 */
export class WalletBreaker {
  readonly wallet: Wallet
  readonly #world: World
  readonly #outage: Outage
  readonly #background: Background
  #downSince: number | null = null
  #retry: Repeated | null = null
  /** Sats of the smallest and the largest invoice that the wallet has made. */
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

  /**
   * Refuses if the wallet is down (`wallet_unreachable`), is busy (`wallet_busy`), or makes no
   * invoice of that amount (`amount_refused`).
   */
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
   * Makes an invoice. If an unusual amount fails, or an amount outside of those made before is
   * refused, that alone does not prove an outage. Then the wallet's probe decides whether it is
   * down (threats J13).
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

  /**
   * The state of an invoice. Null if the wallet cannot tell. It is asked even while it is down,
   * because a buyer who paid is waiting.
   */
  lookup(paymentHash: string, who: LookingUp = 'waiting'): Promise<InvoiceState | null> {
    return this.#call(() => this.wallet.lookup(paymentHash, who))
  }

  /** Tries the wallet once. Reports an outage, or its end. */
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
