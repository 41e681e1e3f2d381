import { assert } from '../../../floor/assert.ts'
import { Mutex } from '../../../floor/mutex.ts'
import type { World } from '../../../floor/world.ts'
import type { MoneyKind } from '../../../ledger/ledger.ts'
import { type LnurlClient, parseLightningAddress } from '../../lightning-address/lnurl.ts'
import type { Freeze } from '../freeze.ts'
import { isOfMint, type Mint } from '../mint/mint.ts'
import type { Payout, PayoutInvoice, PayoutQuote, Payouts } from '../store/payouts.ts'
import type { EcashStore } from '../store/store.ts'
import { Melter, meltBatch } from './melter.ts'
import { type Owed, type Purses, pursesOf } from './purses.ts'
import type { Swapper } from './swap.ts'

/** What all code needs that takes money out of the wallet. */
export interface PayoutRunnerParts {
  readonly store: EcashStore
  readonly payouts: Payouts
  readonly swapper: Swapper
  readonly freeze: Freeze
  /** The mint with this address. Null if this wallet does not use it. */
  readonly mint: (url: string) => Mint | null
  readonly lnurl: Pick<LnurlClient, 'payRequest' | 'invoice'>
  /** The kind of money of the ledger. Null if there is no ledger yet. */
  readonly money: MoneyKind | null
  /** What buyers are owed. It is called right before money leaves. */
  readonly owed: () => Promise<Owed>
  readonly world: World
  readonly say: (event: object) => void
}

/** The highest fee reserve that is accepted: 2 %, and 10 sat for a small payment. */
const LEAST_FEE_LIMIT = 10
export const feeLimitFor = (sat: number): number => Math.max(LEAST_FEE_LIMIT, Math.ceil(sat / 50))

/** The most that can be paid out of `sat` if the fees are as high as their limit. */
export const affordableOf = (sat: number): number =>
  Math.max(0, Math.min(sat - LEAST_FEE_LIMIT, Math.floor((sat * 50) / 51) - 1))

/** An invoice with less time left is not paid. */
const LEAST_TIME = 30_000

/**
 * Takes one payout from step to step. Each step is on the disk before it is carried out, so that a
 * payout continues after a crash. Once it is `sent`, its state is asked for until the mint says how
 * it ended. Before that, no second invoice is paid. Throws the errors of the ports; then the payout
 * stays as it is.
 */
export class PayoutRunner {
  readonly #parts: PayoutRunnerParts
  readonly #melter: Melter
  readonly #mutex = new Mutex()

  constructor(parts: PayoutRunnerParts) {
    this.#parts = parts
    this.#melter = new Melter({ ...parts, onEnd: (payout) => this.#sayEnd(payout) })
  }

  /**
   * Runs what the operator asked for, or what goes by itself, one at a time. Payments of buyers do
   * not wait for it: they only wait while coins are chosen (`Swapper.alone`).
   */
  alone<T>(job: () => Promise<T>): Promise<T> {
    return this.#mutex.alone(job)
  }

  /**
   * Takes the payout as far as possible now. With `leave`, also what is owed to buyers may leave.
   * Call it under `alone`.
   */
  async advance(payout: Payout, leave = false): Promise<Payout> {
    const { payouts } = this.#parts
    const mint = this.#parts.mint(payout.mint)
    if (mint === null) return payout
    if (payout.state === 'sent') await this.#melter.ask(mint, payout)
    if (payout.state === 'open' && (await this.#prepare(mint, payout, leave))) {
      await this.#melter.send(mint, payouts.get(payout.n))
    }
    return payouts.get(payout.n)
  }

  /** Finishes swaps whose answer was lost, at every mint that answers. */
  recoverSwaps(): Promise<void> {
    return this.#parts.swapper.alone(async () => {
      for (const { mint: url } of this.#parts.store.holdings()) {
        const mint = this.#parts.mint(url)
        if (mint !== null) await this.#parts.swapper.recoverAll(mint).catch(nullIfOfMint)
      }
    })
  }

  /** Ends a payout of which nothing was sent and nothing will be. */
  fail({ n }: Payout, reason: string): void {
    const { payouts, world } = this.#parts
    payouts.failed(n, reason, world.now())
    this.#sayEnd(payouts.get(n))
  }

  #sayEnd({ state, sat, destination: to, fee, reason }: Payout): void {
    const how = state === 'paid' ? { state, sat, fee_sat: fee, to } : { state, sat, to, reason }
    this.#parts.say({ event: 'payout', ...how })
  }

  /** What could leave from each mint that answers, and what is owed. */
  purses(): Promise<Purses> {
    return pursesOf(this.#parts)
  }

  /** The sats that could leave that mint beyond what is owed. May be negative. */
  async #spareAt(url: string): Promise<number> {
    const { all } = await this.purses()
    return all.find(({ mint }) => mint.url === url)?.spare ?? Number.NEGATIVE_INFINITY
  }

  /** Goes up to the step that writes the payment to the journal. Returns whether it got there. */
  async #prepare(mint: Mint, payout: Payout, leave: boolean): Promise<boolean> {
    const { swapper, world } = this.#parts
    const { sat, feeLimit } = payout
    if (!leave && (await this.#spareAt(mint.url)) < sat + feeLimit) return this.#stop(payout, OWED)
    // Merges coins before it asks for an invoice, because merging thousands may take longer than
    // the invoice lives.
    await swapper.alone(() => swapper.merge(mint))
    const invoice = payout.invoice ?? (await this.#invoice(payout))
    if (invoice === null) return false
    if (invoice.expiresAt - LEAST_TIME < world.now()) {
      return this.#stop(payout, 'the invoice has expired')
    }
    const quote = payout.quote ?? (await this.#quote(mint, payout, invoice))
    if (quote === null) return false
    this.#parts.payouts.keepQuote(payout.n, quote)
    return swapper.alone(() => this.#setAside(mint, payout, { quote, leave }))
  }

  async #setAside(
    mint: Mint,
    payout: Payout,
    { quote, leave }: { readonly quote: PayoutQuote; readonly leave: boolean },
  ): Promise<boolean> {
    const { swapper, payouts, world, say } = this.#parts
    const { n, sat, destination: to } = payout
    const made = await swapper.forSpending(mint, sat + quote.feeReserve)
    if (made === null) return this.#stop(payout, 'the mint holds too little for it')
    const { keyset } = await mint.about()
    const { fees } = await swapper.coinsAt(mint)
    // Buyers may have paid in, or may have been served, meanwhile.
    const after = leave ? 0 : (await this.#spareAt(mint.url)) - sat - quote.feeReserve
    if (after < 0) return this.#stop(payout, OWED)
    const payment = { sat, keyset, quote: quote.quote, inputs: made.coins, fees, at: world.now() }
    payouts.send(n, meltBatch(mint, payment))
    say({ event: 'payout', state: 'sent', sat, to })
    return true
  }

  #stop(payout: Payout, reason: string): false {
    this.fail(payout, reason)
    return false
  }

  async #invoice(payout: Payout): Promise<PayoutInvoice | null> {
    const { lnurl, payouts, money } = this.#parts
    const address = parseLightningAddress(payout.destination)
    assert(address.ok, 'a payout without an invoice goes to an address')
    const request = await lnurl.payRequest(address.value)
    const made = await lnurl.invoice(request, payout.sat, 'satgate payout')
    if (money !== null && made.money !== money) {
      this.fail(payout, `its invoice is for ${made.money} money, the ledger keeps ${money}`)
      return null
    }
    const { bolt11, paymentHash: hash, expiresAt } = made
    if (payouts.keepInvoice(payout.n, { bolt11, hash, expiresAt }))
      return { bolt11, hash, expiresAt }
    this.fail(payout, 'the address gave an invoice that was paid before')
    return null
  }

  async #quote(mint: Mint, payout: Payout, invoice: PayoutInvoice): Promise<PayoutQuote | null> {
    const { quote, sat, feeReserve } = await mint.meltQuote(invoice.bolt11)
    if (sat !== payout.sat) {
      this.fail(payout, `the mint would pay ${sat} sat where ${payout.sat} are asked for`)
      return null
    }
    if (feeReserve > payout.feeLimit) {
      const most = `more than ${payout.feeLimit}`
      this.fail(payout, `the mint sets ${feeReserve} sat aside for fees, ${most}`)
      return null
    }
    return { quote, feeReserve }
  }
}

const nullIfOfMint = (error: unknown): null => {
  if (isOfMint(error)) return null
  throw error
}

const OWED = 'what would stay behind is less than what is owed to buyers'
