import { assert } from '../../../floor/assert.ts'
import { backOff } from '../../../floor/back-off.ts'
import { inTime } from '../../../floor/in-time.ts'
import type { World } from '../../../floor/world.ts'
import type { MoneyKind } from '../../../ledger/ledger.ts'
import { moneyOf, readBolt11 } from '../../bolt11.ts'
import type { Outgoing, PaymentName, PaymentOrder, PaymentState } from '../../outgoing.ts'
import { WalletUnreachable } from '../../wallet.ts'
import type { Freeze } from '../freeze.ts'
import { type MeltQuote, type Mint, MintRefused } from '../mint/mint.ts'
import type { BuyerPayout, Payout, Payouts } from '../store/payouts.ts'
import type { EcashStore } from '../store/store.ts'
import { Melter, meltBatch } from './melter.ts'
import type { SeedCheck } from './seed-check.ts'
import type { Swapper } from './swap.ts'
import { reasonNotOurs, unreachable } from './unreachable.ts'

export interface BuyerPaymentsParts {
  readonly store: EcashStore
  readonly payouts: Payouts
  readonly swapper: Swapper
  readonly freeze: Freeze
  readonly seedCheck: SeedCheck
  /** The payments that this process works on now, of all mints, by their hash. */
  readonly running: Map<string, Running>
  /** The kind of money of the ledger. */
  readonly money: MoneyKind
  readonly world: World
  readonly say: (event: object) => void
}

/** How long a caller waits for the end of a payment, in ms. */
const PATIENCE = 8_000
/** An invoice with less time left is not paid. */
const LEAST_TIME = 30_000
/** The ms between two look-ups of a payment under way. It grows up to the second value. */
const ASK_AGAIN = 2_000
const LONGEST_ASK = 30_000

/**
 * Pays invoices for buyers with the coins of one mint (NUT-05). Several payments may be under way,
 * beside a payout of the operator. A payment is written to the journal, with its coins, in one step
 * before it is sent; what was not written was never sent. The mint alone says how a payment ended.
 */
export class BuyerPayments implements Outgoing {
  /** A mint knows nothing of our ids. */
  readonly list = null
  readonly #parts: BuyerPaymentsParts
  readonly #mint: Mint
  readonly #melter: Melter
  /** How often each payment under way was looked up, and when it is due again. */
  readonly #asked = new Map<number, { readonly times: number; readonly dueAt: number }>()

  constructor(parts: BuyerPaymentsParts, mint: Mint) {
    this.#parts = parts
    this.#mint = mint
    this.#melter = new Melter({ ...parts, onEnd: ({ n }) => this.#asked.delete(n) })
  }

  async pay(order: PaymentOrder): Promise<PaymentState> {
    return this.#earlier(order) ?? this.#patiently(order, () => this.#pay(order))
  }

  async find(payment: PaymentName): Promise<PaymentState> {
    return this.#earlier(payment) ?? { is: 'unknown' }
  }

  /**
   * The fee reserve of the mint's quote, the input fees of the coins and of the swaps that make them,
   * and what the mint rounds up of the amount.
   */
  feeFor({ bolt11, amountMsat }: Pick<PaymentOrder, 'bolt11' | 'amountMsat'>): Promise<bigint> {
    return unreachable(async () => {
      const quote = await this.#quote(bolt11)
      if (typeof quote === 'string') throw new WalletUnreachable(quote)
      const needed = quote.sat + quote.feeReserve
      const spending = await this.#parts.swapper.feeForSpending(this.#mint, needed)
      if (spending === null) throw new WalletUnreachable(TOO_LITTLE)
      const most = BigInt(needed + spending) * 1000n - amountMsat
      return most > 0n ? most : 0n
    })
  }

  /** A payment with that id or hash. Null if there is none. */
  #earlier(payment: PaymentName): Promise<PaymentState> | PaymentState | null {
    const { id, paymentHash: hash } = payment
    const { running, payouts } = this.#parts
    const same = running.get(hash) ?? [...running.values()].find((one) => one.id === id)
    if (same !== undefined) return this.#inTime(same.ends)
    const payout = payouts.ofBuyer({ id, hash })
    if (payout === null) return null
    const ours = payout.mint === this.#mint.url
    if (payout.state !== 'sent' || !ours) return stateOf(payout)
    return this.#patiently(payment, () => this.#ask(payout))
  }

  /** Waits for the work for some seconds. It goes on after that, and is found meanwhile. */
  #patiently(
    { id, paymentHash }: PaymentName,
    work: () => Promise<PaymentState>,
  ): Promise<PaymentState> {
    const { running } = this.#parts
    const ends = work().finally(() => running.delete(paymentHash))
    running.set(paymentHash, { id, ends })
    return this.#inTime(ends)
  }

  #inTime(ends: Promise<PaymentState>): Promise<PaymentState> {
    return inTime(this.#parts.world, ends, { ms: PATIENCE, late: { is: 'pending' } })
  }

  async #pay(order: PaymentOrder): Promise<PaymentState> {
    const { payouts } = this.#parts
    const payout = await unreachable(() => this.#sent(order))
    if (payout.state !== 'sent') return stateOf(payout)
    // From here on the payment may be made, whatever goes wrong.
    await this.#unlessPending(() => this.#melter.send(this.#mint, payout))
    return stateOf(payouts.get(payout.n))
  }

  /** Everything up to the step that writes the payment down. Nothing leaves before that. */
  async #sent(order: PaymentOrder): Promise<Payout> {
    const { world, payouts, swapper, freeze, seedCheck } = this.#parts
    const reason = this.#whyNever(order)
    const draft = draftOf(this.#mint, order)
    if (reason !== null) return payouts.refuseForBuyer(draft, reason, world.now())
    return swapper.alone(async () => {
      await seedCheck.passed(this.#mint)
      if (freeze.reason !== null) throw new WalletUnreachable(freeze.reason)
      await swapper.recoverAll(this.#mint)
      const quote = await this.#quote(order.bolt11)
      if (typeof quote === 'string') return payouts.refuseForBuyer(draft, quote, world.now())
      return this.#setAside(order, { ...draft, sat: quote.sat, quote }, quote)
    })
  }

  /** Why this invoice can never be paid, whatever the mint says. */
  #whyNever({ bolt11, paymentHash, amountMsat }: PaymentOrder): string | null {
    const { payouts, money, world } = this.#parts
    const read = readBolt11(bolt11)
    assert(read?.paymentHash === paymentHash, 'the order has the hash of its invoice')
    assert(read.amountMsat === amountMsat && amountMsat > 0n, 'and its amount')
    const kind = moneyOf(bolt11)
    if (kind !== money) return `the invoice is for ${kind} money, the ledger keeps ${money}`
    if (read.expiresAt - LEAST_TIME < world.now()) return 'the invoice has expired, or is about to'
    if (payouts.paidByOperator(paymentHash)) return 'this wallet has paid that invoice before'
    return null
  }

  /** What the mint asks for. A sentence if the mint will not pay that invoice. */
  async #quote(bolt11: string): Promise<MeltQuote | string> {
    try {
      return await this.#mint.meltQuote(bolt11)
    } catch (error) {
      if (!(error instanceof MintRefused)) throw error
      return `the mint does not pay that invoice (${error.code})`
    }
  }

  /** The coins are set aside and the payment is written down in one step, if its fees fit. */
  async #setAside(order: PaymentOrder, draft: BuyerPayout, quote: MeltQuote): Promise<Payout> {
    const { swapper, payouts, world } = this.#parts
    const mint = this.#mint
    const needed = quote.sat + quote.feeReserve
    const refuse = (reason: string) => payouts.refuseForBuyer(draft, reason, world.now())
    const planned = await swapper.feeForSpending(mint, needed)
    if (planned === null) return refuse(TOO_LITTLE)
    const limit = feeLimitOf(order, quote)
    if (planned + quote.feeReserve > limit) {
      return refuse(`the mint wants up to ${planned + quote.feeReserve} sat of fees: ${TOO_MUCH}`)
    }
    const made = await swapper.forSpending(mint, needed)
    if (made === null) return refuse(TOO_LITTLE)
    const { keyset } = await mint.about()
    const { fees } = await swapper.coinsAt(mint)
    const most = made.fee + fees.of(made.coins) + quote.feeReserve
    if (most > limit) return refuse(`the mint wants up to ${most} sat of fees: ${TOO_MUCH}`)
    const payment = { ...quote, keyset, inputs: made.coins, fees, at: world.now() }
    return payouts.sendForBuyer({ ...draft, swapFee: made.fee }, meltBatch(mint, payment))
  }

  async #ask(payout: Payout): Promise<PaymentState> {
    const { world, payouts } = this.#parts
    const { times, dueAt } = this.#asked.get(payout.n) ?? { times: 0, dueAt: 0 }
    if (world.now() < dueAt) return { is: 'pending' }
    const wait = backOff(ASK_AGAIN, times, LONGEST_ASK)
    this.#asked.set(payout.n, { times: times + 1, dueAt: world.now() + wait })
    await this.#unlessPending(() => this.#melter.ask(this.#mint, payout))
    return stateOf(payouts.get(payout.n))
  }

  /** If the mint or the disk fails, the payment stays as it is on the disk. */
  async #unlessPending(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (reasonNotOurs(error) === null) throw error
    }
  }
}

export interface Running {
  readonly id: string
  readonly ends: Promise<PaymentState>
}

const TOO_LITTLE = 'the coins at its mint are too few for it and its fees'
const TOO_MUCH = 'more than this withdrawal allows'

const draftOf = ({ url }: Mint, order: PaymentOrder): BuyerPayout => ({
  ...{ id: order.id, mint: url, sat: Number((order.amountMsat + 999n) / 1000n), swapFee: 0 },
  ...{ feeLimit: Number(order.maxFeeMsat / 1000n), quote: null },
  invoice: {
    bolt11: order.bolt11,
    hash: order.paymentHash,
    expiresAt: readBolt11(order.bolt11)?.expiresAt ?? 0,
  },
})

/** Whole sats. What the mint rounds up of the amount counts as a fee. */
const feeLimitOf = ({ amountMsat, maxFeeMsat }: PaymentOrder, { sat }: MeltQuote): number =>
  Number((maxFeeMsat - (BigInt(sat) * 1000n - amountMsat)) / 1000n)

function stateOf(payout: Payout): PaymentState {
  const { state, sat, fee, swapFee, invoice, reason } = payout
  if (state === 'failed') return { is: 'failed', reason: reason ?? 'it failed' }
  if (state !== 'paid') return { is: 'pending' }
  const amountMsat = readBolt11(invoice?.bolt11 ?? '')?.amountMsat ?? 0n
  const spentMsat = BigInt(sat + (fee ?? 0) + swapFee) * 1000n
  return { is: 'paid', feeMsat: spentMsat > amountMsat ? spentMsat - amountMsat : 0n }
}
