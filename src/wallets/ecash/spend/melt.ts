import { assert } from '../../../floor/assert.ts'
import type { World } from '../../../floor/world.ts'
import type { MoneyKind } from '../../../ledger/ledger.ts'
import { type LnurlClient, parseLightningAddress } from '../../lightning-address/lnurl.ts'
import type { Freeze } from '../freeze.ts'
import {
  ChangeLies,
  isOfMint,
  type Melted,
  type Mint,
  MintRefused,
  OutputsKept,
  type Proof,
} from '../mint/mint.ts'
import type { Payout, PayoutInvoice, PayoutQuote, Payouts } from '../store/payouts.ts'
import { isGivenUp, type SentBatch } from '../store/rows.ts'
import type { EcashStore } from '../store/store.ts'
import { sumOf, tokenNetOf } from './fees.ts'
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
  /** The sats that buyers are owed, rounded up. It is called right before money leaves. */
  readonly owedSat: () => Promise<number>
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

  constructor(parts: PayoutRunnerParts) {
    this.#parts = parts
  }

  /**
   * Takes the payout as far as possible now. With `leave`, also what is owed to buyers may leave.
   */
  async advance(payout: Payout, leave = false): Promise<Payout> {
    const mint = this.#parts.mint(payout.mint)
    if (mint === null) return payout
    if (payout.state === 'sent') await this.#ask(mint, payout)
    if (payout.state === 'open') await this.#prepare(mint, payout, leave)
    return this.#parts.payouts.get(payout.n)
  }

  /** Finishes swaps whose answer was lost, at every mint that answers. */
  async recoverSwaps(): Promise<void> {
    for (const { mint: url } of this.#parts.store.holdings()) {
      const mint = this.#parts.mint(url)
      if (mint !== null) await this.#parts.swapper.recoverAll(mint).catch(nullIfOfMint)
    }
  }

  /** Ends a payout of which nothing was sent and nothing will be. */
  fail({ n, sat, destination }: Payout, reason: string): void {
    this.#parts.payouts.failed(n, reason, this.#parts.world.now())
    this.#parts.say({ event: 'payout', state: 'failed', sat, to: destination, reason })
  }

  /** The sats that could leave beyond what is owed, from all mints that answer. May be negative. */
  async spare(): Promise<number> {
    const { store } = this.#parts
    const nets = await Promise.all(store.holdings().map(({ mint }) => this.#tokenNetAt(mint)))
    const owed = await this.#parts.owedSat()
    return nets.reduce((sum, net) => sum + net, 0) - owed
  }

  /** Coins of a mint that does not answer now do not count as cover for what is owed. */
  async #tokenNetAt(url: string): Promise<number> {
    const mint = this.#parts.mint(url)
    const held = mint === null ? null : await this.#parts.swapper.coinsAt(mint).catch(nullIfOfMint)
    return held === null ? 0 : tokenNetOf(held.coins, held.fees)
  }

  async #prepare(mint: Mint, payout: Payout, leave: boolean): Promise<void> {
    const { swapper, payouts } = this.#parts
    const { n, sat, feeLimit } = payout
    if (!leave && (await this.spare()) < sat + feeLimit) return this.fail(payout, OWED)
    // Merges coins before it asks for an invoice, because merging thousands may take longer than
    // the invoice lives.
    await swapper.merge(mint)
    const invoice = payout.invoice ?? (await this.#invoice(payout))
    if (invoice === null) return
    if (invoice.expiresAt - LEAST_TIME < this.#parts.world.now()) {
      return this.fail(payout, 'the invoice has expired')
    }
    const quote = payout.quote ?? (await this.#quote(mint, payout, invoice))
    if (quote === null) return
    payouts.keepQuote(n, quote)
    const inputs = await swapper.forSpending(mint, sat + quote.feeReserve)
    if (inputs === null) return this.fail(payout, 'the mint holds too little for it')
    // Buyers may have paid in, or may have been served, meanwhile.
    const after = leave ? 0 : (await this.spare()) - sat - quote.feeReserve
    if (after < 0) return this.fail(payout, OWED)
    await this.#send(mint, payout, { quote, inputs })
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

  async #send(
    mint: Mint,
    payout: Payout,
    { quote, inputs }: { readonly quote: PayoutQuote; readonly inputs: readonly Proof[] },
  ): Promise<void> {
    const { payouts, swapper, world, say } = this.#parts
    const { keyset } = await mint.about()
    const { fees } = await swapper.coinsAt(mint)
    // Blank outputs for the change: as many as the number has bits (NUT-08).
    const most = sumOf(inputs) - payout.sat - fees.of(inputs)
    const amounts = Array.from({ length: Math.max(1, most.toString(2).length) }, () => 0)
    const batch = payouts.send(payout.n, {
      ...{ kind: 'melt', mint: mint.url, keyset, amounts },
      ...{ quote: quote.quote, inputs, at: world.now() },
    })
    say({ event: 'payout', state: 'sent', sat: payout.sat, to: payout.destination })
    await this.#melt(mint, payout, batch)
  }

  /** Looks up a payment whose answer is not known yet. */
  async #ask(mint: Mint, payout: Payout): Promise<void> {
    const batch = this.#parts.store.sentBatch(payout.batch ?? 0)
    assert(batch !== null, 'a payout that was sent has its batch')
    const melted = await this.#stateOf(mint, payout, batch)
    if (melted === null) return
    // Sends the very same request again. If the first one is still on its way, it cannot pay a
    // second time.
    if (melted.is === 'unpaid') await this.#melt(mint, payout, batch)
    else await this.#conclude(mint, payout, { batch, melted })
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

  async #melt(mint: Mint, payout: Payout, batch: SentBatch): Promise<void> {
    const inputs = this.#parts.store.inputsOf(batch.n)
    const quote = batch.quote ?? ''
    try {
      const melted = await mint.melt(quote, inputs, batch)
      await this.#conclude(mint, payout, { batch, melted })
    } catch (error) {
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

  async #conclude(
    mint: Mint,
    payout: Payout,
    { batch, melted }: { readonly batch: SentBatch; readonly melted: Melted },
  ): Promise<void> {
    if (melted.is === 'pending') return
    if (melted.is === 'unpaid') return this.fail(payout, 'the mint could not pay it')
    // A mint need not repeat the change, but it can be asked for what it signed (threats E7).
    const change = melted.change.length > 0 ? melted.change : await mint.restore(batch)
    this.#paid(payout, batch, change)
  }

  #paid({ n, sat, destination: to }: Payout, batch: SentBatch, change: readonly Proof[]): void {
    const { payouts, store, world, say } = this.#parts
    const fee = sumOf(store.inputsOf(batch.n)) - sumOf(change) - sat
    payouts.paid(n, batch, { change, fee, at: world.now() })
    say({ event: 'payout', state: 'paid', sat, fee_sat: fee, to })
  }
}

const nullIfOfMint = (error: unknown): null => {
  if (isOfMint(error)) return null
  throw error
}

const OWED = 'what would stay behind is less than what is owed to buyers'
