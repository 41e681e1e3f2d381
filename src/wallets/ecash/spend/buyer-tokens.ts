import type { World } from '../../../floor/world.ts'
import { WalletUnreachable } from '../../wallet.ts'
import type { Freeze } from '../freeze.ts'
import type { Mint, Proof } from '../mint/mint.ts'
import type { EcashStore } from '../store/store.ts'
import { keepToken } from './kept-tokens.ts'
import type { SeedCheck } from './seed-check.ts'
import type { Swapper } from './swap.ts'
import { unreachable } from './unreachable.ts'

export interface BuyerTokensParts {
  readonly store: EcashStore
  readonly swapper: Swapper
  readonly freeze: Freeze
  readonly seedCheck: SeedCheck
  readonly world: Pick<World, 'now'>
  readonly writeToken: (mint: string, coins: readonly Proof[]) => Promise<string>
}

/** A token of a buyer, and the sats that making it cost this wallet. */
export interface BuyerToken {
  readonly token: string
  readonly feeSat: number
}

/**
 * Takes ecash of one mint out for buyers. Everything that it throws is `WalletUnreachable`; then no
 * token was made, and the coins are still here.
 */
export class BuyerTokens {
  readonly #parts: BuyerTokensParts
  readonly #mint: Mint

  constructor(parts: BuyerTokensParts, mint: Mint) {
    this.#parts = parts
    this.#mint = mint
  }

  get mint(): string {
    return this.#mint.url
  }

  /** The input fees (NUT-02) of the swaps that make new coins of that value out of those here. */
  async feeFor(sat: number): Promise<number> {
    const fee = await unreachable(() => this.#parts.swapper.feeForFresh(this.#mint, sat))
    if (fee === null) throw tooLittle(this.#mint)
    return fee
  }

  /**
   * Makes a token of exactly that face value. Whoever redeems it pays the mint's fee for its inputs.
   * Its coins are spent and the token is kept under the id in one step on the disk, so a crash
   * before that has taken nothing out, and after it the same token is found (threats B10).
   */
  make(id: string, sat: number): Promise<BuyerToken> {
    const { swapper, freeze, store, writeToken, world } = this.#parts
    const mint = this.#mint
    const making = async () => {
      const kept = this.#kept(id)
      if (kept !== null) return kept
      await this.#parts.seedCheck.passed(mint)
      if (freeze.reason !== null) throw new WalletUnreachable(freeze.reason)
      // Coins of an earlier try, whose answer was lost, are ours again.
      await swapper.recoverAll(mint)
      const made = await swapper.fresh(mint, sat)
      if (made === null) throw tooLittle(mint)
      const { coins, fee } = made
      const token = await writeToken(mint.url, coins)
      keepToken(store, { mint: mint.url, token, coins, at: world.now(), id, fee })
      return { token, feeSat: fee }
    }
    return swapper.alone(() => unreachable(making))
  }

  /** Waits for one that is being made. */
  find(id: string): Promise<BuyerToken | null> {
    return this.#parts.swapper.alone(async () => this.#kept(id))
  }

  #kept(id: string): BuyerToken | null {
    const row = this.#parts.store.get('SELECT token, fee FROM exports WHERE id = ?', id)
    return row === null ? null : { token: String(row.token), feeSat: Number(row.fee) }
  }
}

const tooLittle = (mint: Mint) =>
  new WalletUnreachable(`the coins at ${new URL(mint.url).host} are too few for it and its fees`)
