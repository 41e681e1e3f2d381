import { backOff } from '../../../floor/back-off.ts'
import type { Background } from '../../../floor/background.ts'
import { TransientMap } from '../../../floor/transient-map.ts'
import type { World } from '../../../floor/world.ts'
import type { Freeze } from '../freeze.ts'
import {
  isOfMint,
  MintBusy,
  MintLies,
  MintRefused,
  MintUnreachable,
  OutputsKept,
  type Proof,
} from '../mint/mint.ts'
import type { KnownMint, Mints } from '../mints.ts'
import { isGivenUp } from '../store/rows.ts'
import type { TokenRow, TokenRows } from './token-rows.ts'

export interface TokenSwapsParts {
  readonly rows: TokenRows
  readonly mints: Mints
  readonly freeze: Freeze
  readonly world: Pick<World, 'now' | 'elapsed'>
  readonly background: Background
}

/**
 * What became of the swap of a token. `here`: its coins are ours and on the disk. `unknown`: the mint
 * did not say; the row stays, and it is asked again. The others: it did not happen and never will,
 * and the token is forgotten, except that one whose answer was lost stays as `spent`.
 */
export type Swapped =
  | { readonly is: 'here' | 'unknown' | 'spent' | 'keyset' }
  | { readonly is: 'busy'; readonly retryAfterMs: number }
  | { readonly is: 'refused'; readonly code: number }

/** The ms between two questions about one token whose swap was not answered. */
const AGAIN = 1_000
const LONGEST_AGAIN = 60_000
/** The same if nobody presents it. A token that its mint stumbles over would be asked for for ever. */
const LONGEST_ALONE = 60 * 60_000
/** Calls that finding out takes. */
const RECOVER_CALLS = 3
/** If a mint that is asked too often names no time. */
const BUSY_MS = 60_000

/**
 * Swaps tokens for coins of our own (NUT-03). The row of a token is on the disk before its swap is
 * sent. If the answer is lost, the mint is asked what it spent (NUT-07) and what it signed (NUT-09);
 * until it says so, a token counts neither as spent nor as taken (threats E4).
 */
export class TokenSwaps {
  readonly #parts: TokenSwapsParts
  readonly #running = new Map<string, Promise<Swapped>>()
  readonly #asked = new TransientMap<{ readonly at: number; readonly times: number }>()

  constructor(parts: TokenSwapsParts) {
    this.#parts = parts
  }

  /** Sends the swap of a token that was just written. */
  send(row: TokenRow, known: KnownMint, proofs: readonly Proof[]): Promise<Swapped> {
    return this.#once(row, () => this.#first(row, known, proofs))
  }

  /** Finds out what became of a swap, unless it was asked a moment ago. */
  async settle(row: TokenRow, who: 'its buyer' | 'nobody waits' = 'its buyer'): Promise<Swapped> {
    const running = this.#running.get(row.payment)
    if (running !== undefined) return running
    const now = this.#parts.world.elapsed()
    const { at, times } = this.#asked.get(row.payment) ?? { at: 0, times: 0 }
    const longest = who === 'its buyer' ? LONGEST_AGAIN : LONGEST_ALONE
    if (times > 0 && now - at < backOff(AGAIN, times - 1, longest)) return UNKNOWN
    const known = this.#parts.mints.find(row.mint)
    if (known === null || !this.#parts.mints.answers(row.mint)) return UNKNOWN
    this.#asked.set(row.payment, { at: now, times: times + 1 })
    const settled = await this.#once(row, () => this.#unblaming(() => this.#recover(row, known)))
    if (settled.is !== 'unknown') this.#asked.delete(row.payment)
    return settled
  }

  #once(row: TokenRow, work: () => Promise<Swapped>): Promise<Swapped> {
    const before = this.#running.get(row.payment)
    if (before !== undefined) return before
    const running = work().finally(() => this.#running.delete(row.payment))
    this.#running.set(row.payment, running)
    return running
  }

  /** What a mint does wrong leaves the swap unknown. */
  async #unblaming(work: () => Promise<Swapped>): Promise<Swapped> {
    try {
      return await work()
    } catch (error) {
      if (!isOfMint(error)) throw error
      return UNKNOWN
    }
  }

  async #first(row: TokenRow, known: KnownMint, proofs: readonly Proof[]): Promise<Swapped> {
    const { rows } = this.#parts
    try {
      return this.#here(row, await this.#swapped(row, known, proofs))
    } catch (error) {
      if (!isOfMint(error)) throw error
      if (error instanceof MintBusy) {
        rows.drop(row.n)
        return { is: 'busy', retryAfterMs: error.retryAfterMs ?? BUSY_MS }
      }
      if (!(error instanceof MintRefused)) return UNKNOWN
      return this.#unblaming(() => this.#refusedFirst(row, known, error))
    }
  }

  /**
   * The mint refused a swap that was never sent before. What it says is true, unless something
   * between us has sent the swap twice: so what it signed is looked at before a token is called
   * spent.
   */
  async #refusedFirst(row: TokenRow, known: KnownMint, error: MintRefused): Promise<Swapped> {
    const { mints, rows } = this.#parts
    if (error.means === 'pending') {
      rows.drop(row.n)
      return { is: 'busy', retryAfterMs: AGAIN }
    }
    if (error.means === 'spent' || error.means === 'signed') {
      const signed = await mints.tried(known, (mint) => mint.restore(asBlank(row)))
      if (signed.length > 0) return this.#found(row, signed)
      if (error.means === 'signed') {
        mints.setAside(row.mint, 'it says that it signed what it never saw')
        rows.drop(row.n)
        return { is: 'busy', retryAfterMs: BUSY_MS }
      }
    }
    rows.drop(row.n)
    if (error.means === 'spent' || error.means === 'keyset') return { is: error.means }
    return { is: 'refused', code: error.code }
  }

  async #recover(row: TokenRow, known: KnownMint): Promise<Swapped> {
    const { mints, rows } = this.#parts
    // Strangers choose what is asked here, so it is no call of those who paid (threats J5).
    if (known.rateLimit.take('top_up', RECOVER_CALLS) > 0) return UNKNOWN
    const inputs = rows.inputs(row.n)
    const before = await mints.tried(known, (mint) => mint.states(inputs))
    const signed = await mints.tried(known, (mint) => mint.restore(asBlank(row)))
    if (signed.length > 0) return this.#found(row, signed)
    // A swap that was under way between the first two questions is done at the third.
    const states = before.includes('spent')
      ? before
      : await mints.tried(known, (mint) => mint.states(inputs))
    if (states.includes('pending')) return UNKNOWN
    if (states.includes('spent')) {
      if (!before.includes('spent')) return UNKNOWN
      rows.spentElsewhere(row.n)
      return { is: 'spent' }
    }
    return this.#again(row, known, inputs)
  }

  /**
   * A stranger chose the proofs. That a mint stumbles over them, or that something in front of it
   * does, does not prove that it is down (threats J13), so that is looked at.
   */
  async #swapped(
    { batch }: TokenRow,
    known: KnownMint,
    proofs: readonly Proof[],
  ): Promise<readonly Proof[]> {
    const { mints, background } = this.#parts
    try {
      return await mints.forgiving(known, (mint) => mint.swap(proofs, batch))
    } catch (error) {
      if (error instanceof MintUnreachable) {
        background.once('mints for tokens', () => this.#look(known))
      }
      throw error
    }
  }

  async #look(known: KnownMint): Promise<void> {
    try {
      await this.#parts.mints.ask(known, 'poll', (mint) => mint.alive())
    } catch (error) {
      if (!isOfMint(error)) throw error
    }
  }

  /** Sends the very same swap. If it did happen, the mint cannot do it a second time. */
  async #again(row: TokenRow, known: KnownMint, inputs: readonly Proof[]): Promise<Swapped> {
    const { rows, world } = this.#parts
    try {
      return this.#here(row, await this.#swapped(row, known, inputs))
    } catch (error) {
      // The mint crashed while it signed these outputs and will never sign them. The proofs are
      // unspent, so their owner can send them again.
      if (error instanceof OutputsKept && isGivenUp(row, world.now())) {
        rows.drop(row.n)
        return { is: 'busy', retryAfterMs: AGAIN }
      }
      if (!(error instanceof MintRefused)) throw error
      if (error.means !== 'keyset') return UNKNOWN
      // These outputs can no longer be signed, and were not signed before.
      rows.drop(row.n)
      return { is: 'keyset' }
    }
  }

  /** The mint has signed outputs of this row. They are ours if they are the ones that were asked for. */
  #found(row: TokenRow, signed: readonly Proof[]): Swapped {
    const { amounts } = row.batch
    const ours =
      signed.length === amounts.length && signed.every(({ amount }, at) => amount === amounts[at])
    if (ours) return this.#here(row, signed)
    const host = new URL(row.mint).host
    if (signed.length === amounts.length) {
      this.#parts.freeze.set(
        `Coins of this seed were made elsewhere at ${host}`,
        this.#parts.world.now(),
      )
    } else this.#parts.mints.setAside(row.mint, 'it signed a part of what a token was swapped for')
    return UNKNOWN
  }

  #here(row: TokenRow, coins: readonly Proof[]): Swapped {
    const sat = coins.reduce((sum, { amount }) => sum + amount, 0)
    if (sat !== row.sat - row.fee) throw new MintLies('it gave coins of another amount')
    this.#parts.rows.swapped(row, coins)
    return HERE
  }
}

const HERE: Swapped = { is: 'here' }
const UNKNOWN: Swapped = { is: 'unknown' }

/** The outputs of a row with blank amounts, so that signatures for other amounts are seen too. */
const asBlank = ({ batch }: TokenRow) => ({ ...batch, amounts: batch.amounts.map(() => 0) })
