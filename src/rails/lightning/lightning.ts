import { Cache } from '../../floor/cache.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { InvoiceRow } from '../../ledger/invoices.ts'
import { msat } from '../../money/msat.ts'
import type { Credited, Receipt, RedeemRefused } from '../rail.ts'
import { lightningPayment } from './issue.ts'
import { type SettlementParts, Settlements } from './settlements.ts'

/** `expired`: it was not paid in time, as far as is known. `unknown`: there is no such invoice. */
export type KnownInvoiceState = 'paid' | 'open' | 'expired' | 'unknown'

/** The payments of this gate's Lightning invoices, for every rail that uses Lightning. */
export class Lightning {
  readonly #parts: SettlementParts
  readonly #settled: (row: InvoiceRow) => void
  readonly #preimages = new Cache<string | null>(20_000)
  readonly #learning = new Map<string, Promise<RedeemRefused | null>>()
  /** By the name of the wallet. */
  #settlements: ReadonlyMap<string, Settlements> = new Map()

  /** `settled` is called with each invoice that was found to be paid. */
  constructor(parts: SettlementParts, settled: (row: InvoiceRow) => void) {
    this.#parts = parts
    this.#settled = settled
  }

  /**
   * The receipt of an invoice. Only `settled` from the wallet counts, because a preimage alone
   * proves nothing; the answer is stored for good. Safe to repeat.
   */
  async receipt(hash: string): Promise<Result<Receipt, RedeemRefused>> {
    const { wallets, invoices } = this.#parts
    const row = await invoices.get(hash)
    if (row === null) return err('unknown')
    if (row.settledAt !== null) return ok(receiptOf(row, row.amount, null))
    const state = await wallets.lookup(row)
    if (state === null) return err('unreachable')
    // What has settled for nothing, in the words of a wallet, is not paid.
    if (state.is !== 'settled' || state.receivedMsat <= 0n) return err('pending')
    this.#settled(row)
    this.#preimages.set(hash, state.preimage)
    // What arrived is credited, whether it is more or less than what was asked for.
    const { receivedMsat: received, source = row.wallet } = state
    const record = (at: number) => invoices.markSettled(hash, at)
    return ok({ ...receiptOf(row, received, record), source })
  }

  /** What is known of an invoice. Does not ask the wallet. */
  async state(hash: string): Promise<KnownInvoiceState> {
    const { invoices, world } = this.#parts
    const row = await invoices.get(hash)
    if (row === null) return 'unknown'
    if (row.settledAt !== null) return 'paid'
    return row.expiresAt > world.now() ? 'open' : 'expired'
  }

  /**
   * The preimage of a paid invoice. If an earlier process learnt of the payment, the wallet is
   * asked once. Null if the wallet does not tell it, or cannot be asked.
   */
  async preimage(row: InvoiceRow): Promise<string | null> {
    const { wallets } = this.#parts
    const { hash, wallet } = row
    const known = this.#preimages.get(hash)
    if (known !== undefined || !wallets.isUp(wallet)) return known ?? null
    const state = await wallets.lookup(row)
    if (state?.is !== 'settled') return null
    this.#preimages.set(hash, state.preimage)
    return state.preimage
  }

  /** Somebody has the page of this invoice open, so it is looked up soon. */
  wake({ hash, wallet }: Pick<InvoiceRow, 'hash' | 'wallet'>): void {
    this.#settlements.get(wallet)?.wake(hash)
  }

  /** From now on, learns of payments that nobody presents. */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    const learn = (hash: string) => this.#learn(hash, learned)
    const all = this.#parts.wallets.members.map((member) => {
      const settlements = new Settlements(member, this.#parts, learn)
      settlements.start()
      return [[member.name, ...member.also], settlements] as const
    })
    this.#settlements = new Map(all.flatMap(([names, one]) => names.map((name) => [name, one])))
    return {
      async stop() {
        await Promise.all(all.map(([, settlements]) => settlements.stop()))
      },
    }
  }

  /**
   * Credits one invoice at most once at a time, because a wallet may report it while it is being
   * looked up.
   */
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
  promised: row.bonus,
  headers: null,
  record,
})
