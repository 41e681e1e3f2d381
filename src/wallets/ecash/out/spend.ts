import { assert } from '../../../floor/assert.ts'
import type { World } from '../../../floor/world.ts'
import type { Alarm } from '../alarm.ts'
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
import { type Fees, feesAt, MOST_INPUTS, match, pick, sumOf } from './fees.ts'

export interface SpenderParts {
  readonly store: EcashStore
  readonly alarm: Alarm
  readonly world: Pick<World, 'now'>
}

/**
 * Makes coins of the right amounts out of those that are there (NUT-03), and finds out what became of
 * swaps whose answer was lost. A swap is on disk before it is sent: a crash at any point loses nothing.
 * Calls throw what the port to the mint throws.
 */
export class Spender {
  readonly #parts: SpenderParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: SpenderParts) {
    this.#parts = parts
  }

  /** One at a time: whoever chooses coins is the only one who does until they are set aside. */
  alone<T>(job: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(job, job)
    this.#last = mine.catch(() => {})
    return mine
  }

  /** Coins that are free at a mint, and what it costs to spend them. */
  async purse(mint: Mint): Promise<{ readonly coins: readonly Proof[]; readonly fees: Fees }> {
    const coins = this.#parts.store.freeProofs(mint.url)
    return { coins, fees: await feesAt(mint, coins) }
  }

  /** Free coins that leave `sat` once their own fee is paid, not more than needed. Null: not enough. */
  forSpending(mint: Mint, sat: number): Promise<readonly Proof[] | null> {
    return this.#make(mint, (amounts, fee) => amountsToSpend(sat, amounts, fee))
  }

  /** Free coins of exactly `sat`, whatever it costs whoever spends them. Null: not enough. */
  ofValue(mint: Mint, sat: number): Promise<readonly Proof[] | null> {
    return this.#make(mint, (amounts) => splitSats(sat, amounts))
  }

  /** Merges small coins until one request can take all; what is not worth its fee is left alone. */
  async merge(mint: Mint): Promise<void> {
    for (let merged = true; merged; ) {
      const { coins, fees } = await this.purse(mint)
      const good = coins.filter(fees.worth)
      if (good.length <= MOST_INPUTS) return
      merged = await this.#swap(mint, good.slice(-MOST_INPUTS), [])
    }
  }

  /**
   * What became of a swap whose answer was lost. The very same swap is sent again where it did not
   * happen: it cannot then happen a second time.
   */
  async recover(mint: Mint, batch: SentBatch): Promise<void> {
    assert(batch.kind === 'swap', 'only swaps are sent again')
    const inputs = this.#parts.store.inputsOf(batch.n)
    if ((await this.#settled(mint, batch, inputs)) !== 'unsent') return
    try {
      this.#parts.store.finishBatch(batch, await mint.swap(inputs, batch))
    } catch (error) {
      // It died over them and keeps them unsigned for ever; the inputs are as free as ever.
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

  /** Every swap of this mint whose answer was lost. */
  async recoverAll(mint: Mint): Promise<void> {
    for (const batch of this.#parts.store.sentBatches(mint.url)) {
      if (batch.kind === 'swap') await this.recover(mint, batch)
    }
  }

  /**
   * Looks at coins that we hold as free: those that the mint knows as spent are counted no longer, and
   * the alarm is raised, because a copy of them was spent elsewhere. True where there were any.
   */
  async doubt(mint: Mint, coins: readonly Proof[]): Promise<boolean> {
    const states = await mint.states(coins)
    const spent = coins.filter((_, at) => states[at] === 'spent')
    if (spent.length === 0) return false
    const { store, alarm } = this.#parts
    store.atomically(() => {
      store.markSpent(spent)
      alarm.raise(`Coins at ${new URL(mint.url).host} were spent elsewhere`)
    })
    return true
  }

  async #make(
    mint: Mint,
    wanted: (amounts: readonly number[], fee: (count: number) => number) => readonly number[],
  ): Promise<readonly Proof[] | null> {
    for (;;) {
      const { keyset, amounts } = await mint.about()
      const coins = this.#parts.store.freeProofs(mint.url)
      const fees = await feesAt(mint, coins, keyset)
      const fee = (count: number) => fees.of(Array.from({ length: count }, () => ({ keyset })))
      const want = wanted(amounts, fee)
      const ready = match(
        coins.filter((coin) => coin.keyset === keyset),
        want,
      )
      if (ready !== null) return ready
      const inputs = pick(coins, sumOf(want.map((amount) => ({ amount }))), fees)
      if (inputs !== null) await this.#swap(mint, inputs, want)
      else if (!(await this.#swap(mint, topOf(coins, fees), []))) return null
    }
  }

  /**
   * Swaps inputs for `want` and the fewest coins of what is left. False where that gains nothing: with
   * nothing wanted, when it does not make fewer coins of them.
   */
  async #swap(mint: Mint, inputs: readonly Proof[], want: readonly number[]): Promise<boolean> {
    const { store, world } = this.#parts
    const { keyset, amounts } = await mint.about()
    const fees = await feesAt(mint, inputs)
    const rest = fees.net(inputs) - sumOf(want.map((amount) => ({ amount })))
    // Smallest first: an order that does not tell what is change (NUT-03).
    const outputs = [...want, ...splitSats(Math.max(0, rest), amounts)].sort((a, b) => a - b)
    if (want.length === 0 && (outputs.length === 0 || inputs.length < MOST_INPUTS)) return false
    const batch = store.beginBatch({
      ...{ kind: 'swap', mint: mint.url, keyset, amounts: outputs },
      ...{ quote: null, inputs, at: world.now() },
    })
    try {
      store.finishBatch(batch, await mint.swap(inputs, batch))
      return true
    } catch (error) {
      if (error instanceof MintBusy) store.voidBatch(batch.n)
      if (error instanceof MintRefused) await this.#refused(mint, batch, inputs)
      throw error
    }
  }

  /** The mint said no: before the inputs are free again, it is asked whether that can be true. */
  async #refused(mint: Mint, batch: SentBatch, inputs: readonly Proof[]): Promise<void> {
    if ((await this.#settled(mint, batch, inputs)) === 'unsent') {
      this.#parts.store.voidBatch(batch.n)
    }
  }

  /**
   * Closes a swap that can be seen to have happened, or to be impossible. `unsent`: it did not happen,
   * it is still open. `pending`: the mint is at it.
   */
  async #settled(
    mint: Mint,
    batch: SentBatch,
    inputs: readonly Proof[],
  ): Promise<'closed' | 'unsent' | 'pending'> {
    const before = await mint.states(inputs)
    const signed = await mint.restore(asBlank(batch))
    // What was under way between the two questions is through at the third.
    const states = before.includes('spent') ? before : await mint.states(inputs)
    if (states.includes('pending')) return 'pending'
    const happened = states.every((state) => state === 'spent')
    const ours = signed.length === batch.amounts.length && signed.every(fits(batch))
    const { store, alarm } = this.#parts
    if (happened && ours) {
      store.finishBatch(batch, signed)
      return 'closed'
    }
    if (signed.length === 0 && !states.includes('spent')) return 'unsent'
    store.atomically(() => {
      store.voidBatch(batch.n)
      store.markSpent(inputs.filter((_, at) => states[at] === 'spent'))
      alarm.raise(`Coins at ${new URL(mint.url).host} were made or spent elsewhere`)
    })
    return 'closed'
  }
}

/** What restores it whatever amounts were signed: another wallet on this seed makes others. */
const asBlank = ({ keyset, counter, amounts }: Batch): Batch => ({
  keyset,
  counter,
  amounts: amounts.map(() => 0),
})

const fits =
  (batch: Batch) =>
  ({ amount }: Proof, at: number): boolean =>
    amount === batch.amounts[at]

/** The most that one request takes, biggest first. */
const topOf = (coins: readonly Proof[], fees: Fees): readonly Proof[] =>
  coins.filter(fees.worth).slice(0, MOST_INPUTS)

/** Amounts that leave `sat` when they are spent: the fee of these coins is added to them. */
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
