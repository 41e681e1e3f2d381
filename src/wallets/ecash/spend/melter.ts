import { assert } from '../../../floor/assert.ts'
import type { World } from '../../../floor/world.ts'
import type { Freeze } from '../freeze.ts'
import {
  ChangeLies,
  InvoicePaid,
  type Melted,
  type Mint,
  MintRefused,
  OutputsKept,
  type Proof,
} from '../mint/mint.ts'
import type { Payout, Payouts } from '../store/payouts.ts'
import { isGivenUp, type SentBatch } from '../store/rows.ts'
import type { EcashStore, NewBatch } from '../store/store.ts'
import { type Fees, sumOf } from './fees.ts'
import type { Swapper } from './swap.ts'

export interface MelterParts {
  readonly store: EcashStore
  readonly payouts: Payouts
  readonly swapper: Pick<Swapper, 'doubt'>
  readonly freeze: Freeze
  readonly world: Pick<World, 'now'>
  readonly say: (event: object) => void
  /** Called when it is known how a payout ended, and that is on the disk. */
  readonly onEnd: (payout: Payout) => void
}

/**
 * An invoice that expired so many ms ago is paid by nobody. If its quote is unpaid then, it stays so,
 * whatever else the mint answers.
 */
const LATE = 3_600_000

/**
 * Carries out payments whose coins are set aside and that are written to the journal, and finds out
 * how they ended (NUT-05). One payment is never made twice. The methods throw the errors of the port
 * to the mint; then the payment may have happened, and it stays `sent`.
 */
export class Melter {
  readonly #parts: MelterParts

  constructor(parts: MelterParts) {
    this.#parts = parts
  }

  /** Sends a payment, or the very same one again. */
  async send(mint: Mint, payout: Payout): Promise<void> {
    const batch = this.#batchOf(payout)
    const inputs = this.#parts.store.inputsOf(batch.n)
    const quote = batch.quote ?? ''
    try {
      const melted = await mint.melt(quote, inputs, batch)
      await this.#conclude(mint, payout, { batch, melted })
    } catch (error) {
      if (error instanceof InvoicePaid) return this.#paidBefore(mint, payout, batch)
      // The mint crashed while it made the change. While its quote is unpaid, no money has left.
      const died = error instanceof OutputsKept && isGivenUp(batch, this.#parts.world.now())
      if (!died && !(error instanceof MintRefused)) throw error
      // An earlier request is still on its way.
      if (error instanceof MintRefused && error.means === 'pending') throw error
      const melted = await mint.meltState(quote, batch)
      await this.#conclude(mint, payout, { batch, melted })
      if (error instanceof MintRefused && error.means === 'spent' && melted.is === 'unpaid') {
        await this.#parts.swapper.doubt(mint, inputs)
      }
    }
  }

  /** Looks up a payment whose answer is not known yet. */
  async ask(mint: Mint, payout: Payout): Promise<void> {
    const batch = this.#batchOf(payout)
    const melted = await this.#stateOf(mint, payout, batch)
    if (melted === null) return
    if (melted.is !== 'unpaid') return this.#conclude(mint, payout, { batch, melted })
    const expiresAt = payout.invoice?.expiresAt ?? Number.POSITIVE_INFINITY
    if (this.#parts.world.now() > expiresAt + LATE) {
      return this.#giveUp(mint, payout, 'the mint did not pay it before it expired')
    }
    // Sends the very same request again. If the first one is still on its way, it cannot pay a
    // second time. In a folder that may be an older copy nothing is sent.
    if (this.#parts.freeze.reason === null) await this.send(mint, payout)
  }

  /** By this quote, or by somebody else. Then this quote is unpaid for ever. */
  async #paidBefore(mint: Mint, payout: Payout, batch: SentBatch): Promise<void> {
    const melted = await mint.meltState(batch.quote ?? '', batch)
    if (melted.is !== 'unpaid') return this.#conclude(mint, payout, { batch, melted })
    await this.#giveUp(mint, payout, 'somebody else has paid that invoice')
  }

  /** Nothing is sent any more, if the mint says that it did not take the coins. */
  async #giveUp(mint: Mint, payout: Payout, reason: string): Promise<void> {
    const { store, payouts, world, onEnd } = this.#parts
    const states = await mint.states(store.inputsOf(payout.batch ?? 0))
    if (!states.every((state) => state === 'unspent')) return
    payouts.failed(payout.n, reason, world.now())
    onEnd(payouts.get(payout.n))
  }

  #batchOf({ batch: n }: Payout): SentBatch {
    const batch = this.#parts.store.sentBatch(n ?? 0)
    assert(batch !== null, 'a payout that was sent has its batch')
    return batch
  }

  /**
   * The state of a payment. Null if the mint has paid and gives wrong change again and again. The
   * change is lost then, unless `satgate wallet restore` gets it back, and other payouts must not
   * wait for it.
   */
  async #stateOf(mint: Mint, payout: Payout, batch: SentBatch): Promise<Melted | null> {
    try {
      return await mint.meltState(batch.quote ?? '', batch)
    } catch (error) {
      const { world, say } = this.#parts
      if (!(error instanceof ChangeLies) || !isGivenUp(batch, world.now())) throw error
      say({ event: 'problem', what: 'mint_lies', mint: mint.url, reason: error.what })
      this.#paid(payout, batch, [])
      return null
    }
  }

  async #conclude(
    mint: Mint,
    payout: Payout,
    { batch, melted }: { readonly batch: SentBatch; readonly melted: Melted },
  ): Promise<void> {
    const { payouts, world, onEnd } = this.#parts
    if (melted.is === 'pending') return
    if (melted.is === 'unpaid') {
      payouts.failed(payout.n, 'the mint could not pay it', world.now())
      return onEnd(payouts.get(payout.n))
    }
    // A mint need not repeat the change, but it can be asked for what it signed (threats E7).
    const change = melted.change.length > 0 ? melted.change : await mint.restore(batch)
    this.#paid(payout, batch, change)
  }

  #paid({ n, sat }: Payout, batch: SentBatch, change: readonly Proof[]): void {
    const { payouts, store, world, onEnd } = this.#parts
    const fee = sumOf(store.inputsOf(batch.n)) - sumOf(change) - sat
    payouts.paid(n, batch, { change, fee, at: world.now() })
    onEnd(payouts.get(n))
  }
}

/** The journal entry of a payment of `sat` with these coins. */
export function meltBatch(
  mint: Mint,
  payment: {
    readonly sat: number
    readonly keyset: string
    readonly quote: string
    readonly inputs: readonly Proof[]
    readonly fees: Fees
    readonly at: number
  },
): NewBatch {
  const { sat, keyset, quote, inputs, fees, at } = payment
  // Blank outputs for the change: as many as the number has bits (NUT-08).
  const most = sumOf(inputs) - sat - fees.of(inputs)
  const amounts = Array.from({ length: Math.max(1, most.toString(2).length) }, () => 0)
  return { kind: 'melt', mint: mint.url, keyset, amounts, quote, inputs, at }
}
