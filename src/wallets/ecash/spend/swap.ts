import { assert } from '../../../floor/assert.ts'
import { Mutex } from '../../../floor/mutex.ts'
import type { World } from '../../../floor/world.ts'
import type { Freeze } from '../freeze.ts'
import {
  type Batch,
  type Mint,
  MintBusy,
  MintRefused,
  OutputsKept,
  type Proof,
} from '../mint/mint.ts'
import { splitSats } from '../mint/sats.ts'
import { isGivenUp, type SentBatch } from '../store/rows.ts'
import type { EcashStore } from '../store/store.ts'
import { type Fees, feesAt, feeToMake, MOST_INPUTS, match, pick, sumOf, topOf } from './fees.ts'

export interface SpenderParts {
  readonly store: EcashStore
  readonly freeze: Freeze
  readonly world: Pick<World, 'now'>
}

/** Coins that were chosen, and the sats that the swaps cost which made them. */
export interface Made {
  readonly coins: readonly Proof[]
  readonly fee: number
}

/**
 * Makes coins of the right amounts out of those that are here (NUT-03), and finds out what became
 * of swaps whose answer was lost. A swap is on the disk before it is sent, so a crash loses
 * nothing. The methods throw the errors of the port to the mint.
 */
export class Swapper {
  readonly #parts: SpenderParts
  readonly #mutex = new Mutex()

  constructor(parts: SpenderParts) {
    this.#parts = parts
  }

  /**
   * Runs jobs one at a time. While a job chooses coins, no other job does, until the coins are set
   * aside.
   */
  alone<T>(job: () => Promise<T>): Promise<T> {
    return this.#mutex.alone(job)
  }

  /** The free coins at a mint, and the fees for spending them. */
  async coinsAt(mint: Mint): Promise<{ readonly coins: readonly Proof[]; readonly fees: Fees }> {
    const coins = this.#parts.store.freeProofs(mint.url)
    return { coins, fees: await feesAt(mint, coins) }
  }

  /**
   * Free coins that are worth `sat` after their own fee, and not more than needed. Null if there
   * are not enough.
   */
  forSpending(mint: Mint, sat: number): Promise<Made | null> {
    return this.#make(mint, (amounts, fee) => amountsToSpend(sat, amounts, fee))
  }

  /**
   * Free coins of exactly `sat`, without regard to the fee of whoever spends them. Null if there
   * are not enough.
   */
  async ofValue(mint: Mint, sat: number): Promise<readonly Proof[] | null> {
    const made = await this.#make(mint, (amounts) => splitSats(sat, amounts))
    return made?.coins ?? null
  }

  /**
   * New coins of exactly `sat`, which the mint has just signed. So they are surely unspent, and a
   * folder that is restored from an older backup learns from the mint that they were made. Null if
   * there are not enough.
   */
  async fresh(mint: Mint, sat: number): Promise<Made | null> {
    for (let fee = 0; ; ) {
      const { amounts } = await mint.about()
      const { coins, fees } = await this.coinsAt(mint)
      const inputs = pick(coins, sat, fees)
      const want = inputs === null ? [] : splitSats(sat, amounts)
      const swapped = await this.#swap(mint, inputs ?? topOf(coins, fees), want)
      if (swapped === null) return null
      fee += swapped.fee
      if (inputs === null) continue
      const made = match(swapped.coins, want)
      assert(made !== null, 'a swap makes the coins that were asked for')
      return { coins: made, fee }
    }
  }

  /** The sats that `fresh` would cost now. Null if there are not enough. */
  async feeForFresh(mint: Mint, sat: number): Promise<number | null> {
    const { keyset, amounts } = await mint.about()
    const coins = this.#parts.store.freeProofs(mint.url)
    return feeToMake(coins, sat, { keyset, amounts, fees: await feesAt(mint, coins, keyset) })
  }

  /**
   * Merges small coins until one request can take all of them. Coins that are worth less than their
   * fee stay.
   */
  async merge(mint: Mint): Promise<void> {
    for (let merged = true; merged; ) {
      const { coins, fees } = await this.coinsAt(mint)
      const good = coins.filter(fees.worth)
      if (good.length <= MOST_INPUTS) return
      merged = (await this.#swap(mint, good.slice(-MOST_INPUTS), [])) !== null
    }
  }

  /**
   * Finds out what became of a swap whose answer was lost. If it did not happen, the very same swap
   * is sent again, so it cannot happen twice.
   */
  async recover(mint: Mint, batch: SentBatch): Promise<void> {
    assert(batch.kind === 'swap', 'only swaps are sent again')
    const inputs = this.#parts.store.inputsOf(batch.n)
    if ((await this.#settled(mint, batch, inputs)) !== 'unsent') return
    try {
      this.#parts.store.finishBatch(batch, await mint.swap(inputs, batch))
    } catch (error) {
      // The mint crashed while it signed them and will never sign them. The inputs are free.
      if (error instanceof OutputsKept && isGivenUp(batch, this.#parts.world.now())) {
        return this.#parts.store.voidBatch(batch.n)
      }
      if (!(error instanceof MintRefused)) throw error
      if (error.means === 'pending') return
      if ((await this.#settled(mint, batch, inputs)) === 'unsent') {
        this.#parts.store.voidBatch(batch.n)
      }
    }
  }

  /** Finishes every swap at this mint whose answer was lost. */
  async recoverAll(mint: Mint): Promise<void> {
    for (const batch of this.#parts.store.sentBatches(mint.url)) {
      if (batch.kind === 'swap') await this.recover(mint, batch)
    }
  }

  /**
   * Checks coins that count as free here. If some are spent at the mint, they no longer count and
   * the freeze is set, because a copy of them was spent elsewhere. Returns whether there were any.
   */
  async doubt(mint: Mint, coins: readonly Proof[]): Promise<boolean> {
    const states = await mint.states(coins)
    const spent = coins.filter((_, at) => states[at] === 'spent')
    if (spent.length === 0) return false
    const { store, freeze, world } = this.#parts
    store.atomically(() => {
      store.markSpent(spent)
      freeze.set(`Coins at ${new URL(mint.url).host} were spent elsewhere`, world.now())
    })
    return true
  }

  /**
   * The most that paying `sat` with coins costs now: the swaps that make the coins of `forSpending`,
   * and the input fees of these coins. Null if there are not enough.
   */
  async feeForSpending(mint: Mint, sat: number): Promise<number | null> {
    const { keyset, amounts } = await mint.about()
    const coins = this.#parts.store.freeProofs(mint.url)
    const fees = await feesAt(mint, coins, keyset)
    const fee = (count: number) => fees.of(Array.from({ length: count }, () => ({ keyset })))
    const want = amountsToSpend(sat, amounts, fee)
    const own = coins.filter((coin) => coin.keyset === keyset)
    if (match(own, want) !== null) return fee(want.length)
    const need = want.reduce((sum, amount) => sum + amount, 0)
    const making = feeToMake(coins, need, { keyset, amounts, fees })
    return making === null ? null : making + fee(want.length)
  }

  async #make(
    mint: Mint,
    wanted: (amounts: readonly number[], fee: (count: number) => number) => readonly number[],
  ): Promise<Made | null> {
    for (let paid = 0; ; ) {
      const { keyset, amounts } = await mint.about()
      const coins = this.#parts.store.freeProofs(mint.url)
      const fees = await feesAt(mint, coins, keyset)
      const fee = (count: number) => fees.of(Array.from({ length: count }, () => ({ keyset })))
      const want = wanted(amounts, fee)
      const ready = match(
        coins.filter((coin) => coin.keyset === keyset),
        want,
      )
      if (ready !== null) return { coins: ready, fee: paid }
      const inputs = pick(coins, sumOf(want.map((amount) => ({ amount }))), fees)
      const swapped = await this.#swap(
        mint,
        inputs ?? topOf(coins, fees),
        inputs === null ? [] : want,
      )
      if (swapped === null) return null
      paid += swapped.fee
    }
  }

  /**
   * Swaps inputs for `want` and as few coins as possible of the rest. Null if this gains nothing: if
   * nothing is wanted and there would not be fewer coins.
   */
  async #swap(mint: Mint, inputs: readonly Proof[], want: readonly number[]): Promise<Made | null> {
    const { store, world } = this.#parts
    const { keyset, amounts } = await mint.about()
    const fees = await feesAt(mint, inputs)
    const rest = fees.net(inputs) - sumOf(want.map((amount) => ({ amount })))
    // The smallest first, so that the order does not show which outputs are change (NUT-03).
    const outputs = [...want, ...splitSats(Math.max(0, rest), amounts)].sort((a, b) => a - b)
    if (want.length === 0 && (outputs.length === 0 || inputs.length < MOST_INPUTS)) return null
    const batch = store.beginBatch({
      ...{ kind: 'swap', mint: mint.url, keyset, amounts: outputs },
      ...{ quote: null, inputs, at: world.now() },
    })
    try {
      const coins = await mint.swap(inputs, batch)
      store.finishBatch(batch, coins)
      return { coins, fee: fees.of(inputs) }
    } catch (error) {
      if (error instanceof MintBusy) store.voidBatch(batch.n)
      if (error instanceof MintRefused) await this.#refused(mint, batch, inputs)
      throw error
    }
  }

  /** The mint refused. Before the inputs are free again, checks whether that can be true. */
  async #refused(mint: Mint, batch: SentBatch, inputs: readonly Proof[]): Promise<void> {
    if ((await this.#settled(mint, batch, inputs)) === 'unsent') {
      this.#parts.store.voidBatch(batch.n)
    }
  }

  /**
   * Closes a swap that surely happened, or surely cannot happen. `unsent`: it did not happen and is
   * still open. `pending`: the mint works on it.
   */
  async #settled(
    mint: Mint,
    batch: SentBatch,
    inputs: readonly Proof[],
  ): Promise<'closed' | 'unsent' | 'pending'> {
    const before = await mint.states(inputs)
    const signed = await mint.restore(asBlank(batch))
    // A swap that was under way between the first two questions is done at the third.
    const states = before.includes('spent') ? before : await mint.states(inputs)
    if (states.includes('pending')) return 'pending'
    const happened = states.every((state) => state === 'spent')
    const ours = signed.length === batch.amounts.length && signed.every(fits(batch))
    const { store, freeze, world } = this.#parts
    if (happened && ours) {
      store.finishBatch(batch, signed)
      return 'closed'
    }
    if (signed.length === 0 && !states.includes('spent')) return 'unsent'
    store.atomically(() => {
      store.voidBatch(batch.n)
      store.markSpent(inputs.filter((_, at) => states[at] === 'spent'))
      freeze.set(`Coins at ${new URL(mint.url).host} were made or spent elsewhere`, world.now())
    })
    return 'closed'
  }
}

/**
 * The same batch with blank amounts. It restores outputs of any amount, because another wallet with
 * this seed may have used others.
 */
const asBlank = ({ keyset, counter, amounts }: Batch): Batch => ({
  keyset,
  counter,
  amounts: amounts.map(() => 0),
})

const fits =
  (batch: Batch) =>
  ({ amount }: Proof, at: number): boolean =>
    amount === batch.amounts[at]

/** Amounts that are worth `sat` after their own fee, which is added to them. */
function amountsToSpend(
  sat: number,
  amounts: readonly number[],
  fee: (count: number) => number,
): readonly number[] {
  for (let extra = 0; ; ) {
    const split = splitSats(sat + extra, amounts)
    if (fee(split.length) <= extra) return split
    extra = fee(split.length)
  }
}
