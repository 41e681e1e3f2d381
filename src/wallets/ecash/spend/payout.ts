import { backOff } from '../../../floor/back-off.ts'
import type { Background } from '../../../floor/background.ts'
import { sentence } from '../../../floor/sentence.ts'
import type { LightningAddress, PayRequest } from '../../lightning-address/lnurl.ts'
import { WalletBusy, WalletRefused, WalletUnreachable } from '../../wallet.ts'
import { isOfMint } from '../mint/mint.ts'
import type { Payout } from '../store/payouts.ts'
import { affordableOf, feeLimitFor, type PayoutRunner, type PayoutRunnerParts } from './melt.ts'

export interface PayoutParts extends PayoutRunnerParts {
  readonly payer: PayoutRunner
  /** The address. Null if there is none. */
  readonly address: LightningAddress | null
  /** If all mints together hold more sats, they are sent on. */
  readonly above: number
}

/** The first payout to an address. It is large enough to be noticed and small enough to be lost. */
const FIRST_SAT = 1_000
/** The most that is sent at once, because Lightning finds no route for large payments. */
const CHUNK_SAT = 100_000
/** So many sats stay in addition to what is owed, for buyers who pay in while money leaves. */
const FLOAT_SAT = 100
/**
 * The ms until a failed payout is tried again. It doubles with each further failure, up to an hour.
 */
const BACK_OFF = 60_000
const LONGEST_BACK_OFF = 3_600_000
/** The ms between two look-ups of a payout under way. It grows up to the second value. */
const ASK_AGAIN = 5_000
const LONGEST_ASK = 300_000

/** The amount of the first payout, and the smallest later one. At most a tenth of the threshold. */
export const smallOf = (above: number): number =>
  Math.max(1, Math.min(FIRST_SAT, Math.floor(above / 10)))

const floatOf = (above: number): number => Math.min(FLOAT_SAT, Math.floor(above / 10))

/**
 * Sends earnings on by itself: first a small sum, which the operator confirms, then larger ones
 * while the mints together hold more than the threshold. What buyers are owed stays.
 */
export class AutoPayout {
  readonly #parts: PayoutParts
  #asked = 0
  #askAt = 0
  #tries = 0
  #tryAt = 0
  #told: string | null = null

  constructor(parts: PayoutParts) {
    this.#parts = parts
  }

  /** Runs one round: continues a payout that is under way, or begins one that is due. */
  tick(): Promise<void> {
    return this.#parts.payer.alone(() => this.#round())
  }

  async #round(): Promise<void> {
    try {
      await this.#parts.payer.recoverSwaps()
      const open = this.#parts.payouts.open()
      if (open !== null) await this.#goOn(open)
      else if (this.#parts.freeze.reason === null) await this.#begin()
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === null) throw error
      this.#pause()
      this.#tell(reason)
    }
  }

  async #goOn(open: Payout): Promise<void> {
    const { payer, world } = this.#parts
    if (open.state === 'open') {
      // Does not continue a payout that the operator asked for. The operator saw the crash and may
      // ask again, and then it would be paid twice.
      if (open.kind === 'asked') return payer.fail(open, 'it was interrupted before it was sent')
      if (this.#parts.freeze.reason === null) await this.#advance(open)
      return
    }
    if (world.now() < this.#askAt) return
    this.#askAt = world.now() + backOff(ASK_AGAIN, this.#asked, LONGEST_ASK)
    this.#asked += 1
    await this.#advance(open)
  }

  async #begin(): Promise<void> {
    const { address, above, store, payouts, world, lnurl } = this.#parts
    if (address === null || world.now() < this.#tryAt) return
    const held = store.holdings().reduce((sum, { free }) => sum + free, 0)
    if (held <= above) return
    const past = payouts.toAddress(address.text, MOST_PAST)
    const paid = past.findIndex(({ state }) => state === 'paid')
    const failures = paid === -1 ? past.length : paid
    const wait = failures === 0 ? 0 : backOff(BACK_OFF, failures - 1, LONGEST_BACK_OFF)
    if (world.now() < (past[0]?.closedAt ?? 0) + wait) return
    const first = !payouts.confirmed(address.text)
    // Only the operator can say whether the first payout has arrived.
    if (first && paid !== -1) return
    const request = await lnurl.payRequest(address)
    const chosen = await this.#choose(request, { first, failures })
    if (chosen === null) return
    const { mint, sat } = chosen
    const payout = payouts.begin(
      {
        ...{ kind: first ? 'first' : 'chunk', destination: address.text, mint, sat },
        feeLimit: feeLimitFor(sat),
      },
      world.now(),
    )
    this.#asked = 0
    await this.#advance(payout)
  }

  /**
   * Chooses the amount and the mint, which is the one that holds most. Null if it is not worth it
   * yet.
   */
  async #choose(
    request: PayRequest,
    { first, failures }: { readonly first: boolean; readonly failures: number },
  ): Promise<{ readonly mint: string; readonly sat: number } | null> {
    const { above, payer } = this.#parts
    const small = smallOf(above)
    if (first && request.minSat > small) {
      this.#tell(
        `${request.address.text} takes ${request.minSat} sat at least, too much for a first payout. Set wallet.payoutAbove to ${request.minSat * 10} or more`,
      )
      return null
    }
    const least = Math.max(small, request.minSat)
    const rich = (await payer.purses()).all
      .map(({ mint, net, spare }) => {
        const can = affordableOf(Math.min(net, spare - floatOf(above)))
        return { mint: mint.url, can }
      })
      .filter(({ can }) => can >= least)
      .sort((a, b) => b.can - a.can)
    // The mint that can pay most. After a failure the next one, whose node may find a route.
    const from = rich[failures % Math.max(1, rich.length)]
    if (from === undefined) return null
    const most = Math.min(from.can, request.maxSat)
    // After a failure a smaller amount is tried, because there may be no route for so much.
    const chunk = Math.max(small, Math.floor(CHUNK_SAT / 2 ** Math.min(failures, 16)))
    const sat = first ? small : Math.min(chunk, most)
    return sat <= most && sat >= least ? { mint: from.mint, sat } : null
  }

  /** Before a payout is sent, any error ends it. Afterwards only an answer of the mint does. */
  async #advance(payout: Payout): Promise<void> {
    const { payer, payouts } = this.#parts
    try {
      const done = await payer.advance(payout)
      if (done.state === 'failed') this.#tell(done.reason ?? 'it failed')
      if (done.state === 'paid') this.#tell(null)
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === null) throw error
      const now = payouts.get(payout.n)
      if (now.state === 'open') payer.fail(now, reason)
      this.#tell(reason)
    }
  }

  /** Waits after an error that came before a payout was begun. */
  #pause(): void {
    this.#tryAt = this.#parts.world.now() + backOff(BACK_OFF, this.#tries, LONGEST_BACK_OFF)
    this.#tries += 1
  }

  /** Reports each problem once when it begins and once when it is over. */
  #tell(reason: string | null): void {
    if (reason === null) this.#tries = 0
    if (reason === this.#told) return
    const to = this.#parts.address?.text
    if (to !== undefined) this.#parts.payouts.keepTrouble(to, reason)
    if (reason === null) this.#parts.say({ event: 'solved', what: 'payout', to })
    else this.#parts.say({ event: 'problem', what: 'payout', to, reason })
    this.#told = reason
  }
}

/** How many past payouts are read to count failures in a row. */
const MOST_PAST = 20

/** Errors of others, in words. Null if the error is our own. */
export function reasonOf(error: unknown): string | null {
  if (error instanceof WalletRefused) {
    return `the Lightning address refuses: ${sentence(error.reason)} Is it spelled right?`
  }
  if (error instanceof WalletUnreachable) {
    return `the Lightning address does not answer: ${sentence(error.reason)} Is it spelled right?`
  }
  if (error instanceof WalletBusy) return `the Lightning address is asked too often`
  return isOfMint(error) ? error.message : null
}

/** The ms until the first round, between two rounds, and between two rounds that fail. */
const PACE = { first: 50, every: 30_000, longest: 600_000 }

/**
 * Runs rounds until it is stopped. A failed assertion ends them, because a bug must not move money.
 */
export function startPayout(
  parts: PayoutParts,
  background: Background,
): { stop(): Promise<void>; nudge(): void } {
  const payout = new AutoPayout(parts)
  const rounds = background.repeat('payout', PACE, () => payout.tick())
  return { nudge: rounds.soon, stop: rounds.stop }
}
