import { Cache } from '../floor/cache.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { InvoiceRow } from '../ledger/invoices.ts'
import { msat } from '../money/msat.ts'
import { lightningPayment } from './issue.ts'
import type { Credited, Receipt, RedeemRefused } from './rail.ts'
import { type SettlementParts, Settlements } from './settlements.ts'

/** Payments of this gate's Lightning invoices, for every rail that asks for them. */
export class Lightning {
  readonly #parts: SettlementParts
  readonly #settled: (row: InvoiceRow) => void
  readonly #preimages = new Cache<string | null>(20_000)
  readonly #learning = new Map<string, Promise<RedeemRefused | null>>()
  #settlements: Settlements | null = null

  /** `settled` is told of each invoice that turns out to be paid. */
  constructor(parts: SettlementParts, settled: (row: InvoiceRow) => void) {
    this.#parts = parts
    this.#settled = settled
  }

  /**
   * The receipt of an invoice. Only the wallet's word `settled` counts, and is kept for good; a preimage
   * alone proves nothing. Safe to repeat.
   */
  async receipt(hash: string): Promise<Result<Receipt, RedeemRefused>> {
    const { breaker, invoices } = this.#parts
    const row = await invoices.get(hash)
    if (row === null) return err('unknown')
    if (row.settledAt !== null) return ok(receiptOf(row, row.amount, null))
    const state = await breaker.lookup(hash)
    if (state === null) return err('unreachable')
    if (state.is !== 'settled') return err('pending')
    this.#settled(row)
    this.#preimages.set(hash, state.preimage)
    const received = state.receivedMsat > row.amount ? state.receivedMsat : row.amount
    return ok(receiptOf(row, received, (at) => invoices.markSettled(hash, at)))
  }

  /** Whether an invoice is known to be paid, without asking the wallet. */
  async isPaid(hash: string): Promise<boolean> {
    const row = await this.#parts.invoices.get(hash)
    return row !== null && row.settledAt !== null
  }

  /** It was learned with the settlement. One that an earlier process learned is asked for once. */
  async preimage(hash: string): Promise<string | null> {
    const { breaker } = this.#parts
    const known = this.#preimages.get(hash)
    if (known !== undefined || !breaker.up) return known ?? null
    const state = await breaker.lookup(hash)
    if (state?.is !== 'settled') return null
    this.#preimages.set(hash, state.preimage)
    return state.preimage
  }

  /** Somebody looks at the page of this invoice: it is looked up soon. */
  wake(hash: string): void {
    this.#settlements?.wake(hash)
  }

  /** Learns of payments that nobody presents, from now on. */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    const settlements = new Settlements(this.#parts, (hash) => this.#learn(hash, learned))
    this.#settlements = settlements
    settlements.start()
    return settlements
  }

  /** One at a time for each invoice, because a wallet may tell of it while it is being looked up. */
  #learn(
    hash: string,
    learned: (receipt: Receipt) => Promise<Credited>,
  ): Promise<RedeemRefused | null> {
    const running = this.#learning.get(hash)
    if (running !== undefined) return running
    const learning = this.#credit(hash, learned).finally(() => this.#learning.delete(hash))
    this.#learning.set(hash, learning)
    return learning
  }

  async #credit(
    hash: string,
    learned: (receipt: Receipt) => Promise<Credited>,
  ): Promise<RedeemRefused | null> {
    const receipt = await this.receipt(hash)
    if (!receipt.ok) return receipt.error
    if (receipt.value.record !== null) await learned(receipt.value)
    return null
  }
}

const receiptOf = (row: InvoiceRow, received: bigint, record: Receipt['record']): Receipt => ({
  payment: lightningPayment(row.hash),
  account: row.account,
  amount: msat(received),
  credit: 'paid',
  rail: 'l402',
  native: { amount: String(received), unit: 'msat', rate: '1' },
  record,
})
