import { createHash } from 'node:crypto'
import { sleep } from '../../../src/floor/world.ts'
import { sourceOf } from '../../../src/wallets/ecash/mint/url.ts'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import type { EcashOut, WithdrawalSource } from '../../../src/withdrawals/source.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'
import { SimPayer } from './payer.ts'

/** The address of the mint, as deposits name their source. */
export const MINT = 'https://mint.sim'

/** A token. Each one has one text here. */
export interface SimToken {
  readonly text: string
  /** The name of its payment, without `cashu:`. */
  readonly payment: string
  readonly sat: number
  /** Who has swapped it at the mint. */
  spentBy: 'gate' | 'others' | null
}

/** A token that the gate was given, as `TokenRow` of the ecash wallet. */
export interface SimRow {
  readonly token: SimToken
  readonly account: string | null
  readonly at: number
  /** As `TokenRow.state`. The account of a token that is `given` is the one that has it. */
  state: 'sent' | 'here' | 'credited' | 'given' | 'spent'
  owner: string | null
}

/** A token that the gate made for a buyer. */
export interface SimMade {
  readonly id: string
  readonly token: SimToken
  readonly feeSat: number
}

/**
 * A mint and the ecash wallet of the gate, which live longer than every gate. There is no cryptography
 * in it: it stands in at the ports `TokenReceiver` and `EcashOut`, and what the real ecash wallet does
 * behind them is tried in `ecash-history.test.ts`. The rows and the tokens that were made are on disk
 * at once, as in the real one. The mint fails, is away, and loses its answers.
 */
export class SimMint {
  readonly rows = new Map<string, SimRow>()
  readonly made = new Map<string, SimMade>()
  readonly tokens = new Map<string, SimToken>()
  readonly payer: SimPayer
  /** Sats that the mint takes for each swap. */
  readonly fee: number
  readonly #world: VirtualWorld
  /** Called before and after each thing that the mint or its wallet does: a gate may be killed there. */
  onStep: () => void = () => {}
  #msat = 0n
  #up = true
  #calm = false

  constructor(world: VirtualWorld) {
    this.#world = world
    this.fee = world.chance.one([0, 0, 1])
    this.payer = new SimPayer(world, {
      take: (msat) => this.#take(msat),
      giveBack: (msat) => {
        this.#msat += msat
      },
    })
  }

  /** What the coins of the gate are worth. */
  get msat(): bigint {
    return this.#msat
  }

  set up(up: boolean) {
    this.#up = up
    this.payer.up = up
  }

  get up(): boolean {
    return this.#up
  }

  calm(): void {
    this.#calm = true
    this.#up = true
    this.payer.calm()
  }

  /** A new token, which somebody has paid for elsewhere. */
  issue(sat: number): SimToken {
    const text = `cashuB${Buffer.from(this.#world.chance.bytes(12)).toString('hex')}`
    const payment = createHash('sha256').update(text).digest('hex')
    const token: SimToken = { text, payment, sat, spentBy: null }
    this.tokens.set(text, token)
    return token
  }

  /** What a token credits, in sats. */
  worth({ sat }: SimToken): number {
    return sat - this.fee
  }

  /**
   * Swaps a token for coins of the gate. `lost`: no answer came. A token that the gate has swapped
   * before is swapped again: the mint gives the same signatures (NUT-09).
   */
  async swap(token: SimToken): Promise<'here' | 'spent' | 'lost'> {
    const { chance } = this.#world
    const fate = this.#calm ? 'here' : chance.one(SWAPS)
    this.onStep()
    await sleep(this.#world, chance.from(1, 30))
    if (!this.#up || fate === 'before') return 'lost'
    if (token.spentBy === 'others') return 'spent'
    if (token.spentBy === null) this.#msat += BigInt(this.worth(token)) * 1_000n
    token.spentBy = 'gate'
    this.onStep()
    await sleep(this.#world, fate === 'slow' ? 1_500 : chance.from(1, 30))
    return fate === 'after' ? 'lost' : 'here'
  }

  /** Where buyers are paid back from, as one process sees it. */
  sourceFor(process: VirtualProcess): WithdrawalSource {
    return {
      ...{ source: sourceOf(MINT), ecash: this.#outOf(process) },
      lightning: {
        ...this.payer.seenBy(process),
        feeFor: async ({ amountMsat }) => {
          await sleep(process, 5)
          if (!this.#up) throw new WalletUnreachable('it is away')
          return amountMsat / 100n + 1_000n
        },
      },
      held: async () => Number(this.#msat / 1_000n),
    }
  }

  #outOf(process: VirtualProcess): EcashOut {
    let last: Promise<unknown> = Promise.resolve()
    // One at a time, as in the ecash wallet.
    const alone = <T>(work: () => Promise<T>): Promise<T> => {
      const next = last.then(work, work)
      last = next.catch(() => {})
      return next
    }
    const kept = (id: string) => {
      const made = this.made.get(id)
      return made === undefined ? null : { token: made.token.text, feeSat: made.feeSat }
    }
    return {
      mint: MINT,
      feeFor: async (sat) => {
        const feeSat = this.#feeOut(sat)
        if (this.#msat < BigInt(sat + feeSat) * 1_000n) throw new WalletUnreachable('too few coins')
        return feeSat
      },
      find: (id) => alone(async () => kept(id)),
      make: (id, sat) =>
        alone(async () => {
          const before = kept(id)
          if (before !== null) return before
          this.onStep()
          await sleep(process, this.#world.chance.one([5, 60, 700]))
          const fails = !this.#calm && this.#world.chance.percent(10)
          const feeSat = this.#feeOut(sat)
          if (!this.#up || fails || !this.#take(BigInt(sat + feeSat) * 1_000n)) {
            throw new WalletUnreachable('the mint does not answer')
          }
          const token = this.issue(sat)
          this.made.set(id, { id, token, feeSat })
          this.onStep()
          await sleep(process, this.#world.chance.one([1, 40, 400]))
          return { token: token.text, feeSat }
        }),
    }
  }

  #feeOut(sat: number): number {
    return this.fee * Math.ceil(sat / 500)
  }

  #take(msat: bigint): boolean {
    if (this.#msat < msat) return false
    this.#msat -= msat
    return true
  }
}

/** `before`: nothing arrives at the mint. `after`: it swaps, and its answer is lost. */
const SWAPS = ['here', 'here', 'here', 'here', 'here', 'here', 'slow', 'before', 'after'] as const
