import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { schnorrVerifyDigest, verifyMintQuoteSignature } from '@cashu/cashu-ts'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'
import {
  type BlindedOutput,
  type CoinsMemory,
  type Input,
  MintCoins,
  MintNo,
  powersOf,
  type Signed,
  sum,
} from './fake-mint-coins.ts'

export interface BankOptions {
  /** The fee for a thousand inputs, in sats. */
  readonly feePpk: number
  /** 1 for keyset ids with 66 hex digits, 0 for those with 16 (NUT-02). */
  readonly version: 0 | 1
  /** Whether locked quotes are signed as today, or as mints before 2026 expect it (NUT-20). */
  readonly locks: 'today' | 'before' | 'none'
  readonly leastSat: number | null
  readonly mostSat: number | null
  /** Amounts that it refuses although its limits allow them, and the error code that it answers. */
  readonly refuses: (sat: number) => number | null
  readonly quoteSeconds: number
  readonly now: () => number
  readonly states: States
  /** The prefix of its invoices. `bc` looks like real money. */
  readonly network: 'bcrt' | 'bc'
}

/** An invoice that the mint made. */
interface Bought {
  readonly quote: string
  readonly sat: number
  readonly bolt11: string
  readonly preimage: string
  readonly expiry: number
  readonly pubkey: string | null
  state: 'UNPAID' | 'PAID' | 'ISSUED'
}

/**
 * How it tells the state of a quote: by `state`, by two amounts as newer drafts do, or as older
 * mints did.
 */
export type States = 'state' | 'amounts' | 'paid'

function stateOf({ state, sat }: Bought, states: States): object {
  if (states === 'paid') return { paid: state !== 'UNPAID' }
  if (states === 'state') return { state }
  const amount_paid = state === 'UNPAID' ? 0 : sat
  return { amount_paid, amount_issued: state === 'ISSUED' ? sat : 0, updated_at: 1 }
}

/** What a mint knows, in a form that can be stored. Payments are not in it. */
export interface BankMemory {
  readonly bought: readonly Bought[]
  readonly coins: CoinsMemory
}

/** An invoice that somebody asks the mint to pay. */
interface Payment {
  readonly quote: string
  readonly sat: number
  readonly bolt11: string
  readonly reserve: number
  state: 'UNPAID' | 'PENDING' | 'PAID'
  inputs: readonly Input[]
  blanks: readonly BlindedOutput[]
  change: readonly Signed[]
}

interface MintBody {
  readonly quote: string
  readonly outputs: readonly BlindedOutput[]
  readonly signature?: string
}

interface MeltBody {
  readonly quote: string
  readonly inputs: readonly Input[]
  readonly outputs?: readonly BlindedOutput[]
}

/** A strict and honest mint without HTTP (NUT-03 to 05, 07 to 09, 20). */
export class Bank {
  /** How payments will end from now on. */
  meltsEnd: 'paid' | 'failed' | 'pending' = 'paid'
  /** How much of the fee reserve a payment really costs. */
  routeSat = 0
  readonly payouts: { readonly bolt11: string; readonly sat: number }[] = []
  onState: (quote: string) => void = () => {}
  readonly coins: MintCoins
  readonly #options: BankOptions
  readonly #bought = new Map<string, Bought>()
  readonly #payments = new Map<string, Payment>()

  constructor(options: BankOptions) {
    this.#options = options
    this.coins = new MintCoins(options.version)
    this.coins.rotate(options.feePpk)
  }

  memory(): BankMemory {
    return { bought: [...this.#bought.values()], coins: this.coins.memory() }
  }

  /** Continues as the mint that is given. */
  remember({ bought, coins }: BankMemory): void {
    for (const one of bought) this.#bought.set(one.quote, { ...one })
    this.coins.remember(coins)
  }

  quote({ amount, unit, pubkey, description }: QuoteAsk) {
    const { leastSat, mostSat, quoteSeconds, now, locks, network } = this.#options
    if (unit !== 'sat') throw new MintNo(11013, 'unit')
    const code = this.#options.refuses(amount)
    if (code !== null) throw new MintNo(code, 'not that')
    if (amount < (leastSat ?? 1) || amount > (mostSat ?? amount)) throw new MintNo(11006, 'limits')
    const terms = { now: now(), seconds: quoteSeconds, network, description }
    const { bolt11, preimage } = invoiceFor(amount, terms)
    const expiry = Math.floor(now() / 1000) + quoteSeconds
    const quote = randomUUID()
    const lock = locks === 'none' ? null : (pubkey ?? null)
    const rest = { sat: amount, bolt11, preimage, expiry, pubkey: lock }
    this.#bought.set(quote, { quote, ...rest, state: 'UNPAID' })
    return this.quoteState(quote)
  }

  quoteState(quote: string) {
    const bought = this.#boughtOf(quote)
    const { sat, bolt11, expiry, pubkey } = bought
    const said = { quote, request: bolt11, amount: sat, unit: 'sat', expiry, pubkey }
    return { ...said, ...stateOf(bought, this.#options.states) }
  }

  /** Pays an invoice of the mint. Returns the preimage in hex. */
  pay(bolt11: string): string {
    const bought = [...this.#bought.values()].find((one) => one.bolt11 === bolt11)
    if (bought?.state !== 'UNPAID') throw new Error('no open invoice of this mint')
    bought.state = 'PAID'
    this.onState(bought.quote)
    return bought.preimage
  }

  mint(body: MintBody) {
    const bought = this.#boughtOf(body.quote)
    this.coins.checkOutputs(body.outputs)
    if (bought.state === 'UNPAID') throw new MintNo(20001, 'quote not paid')
    if (bought.state === 'ISSUED') throw new MintNo(20002, 'quote already issued')
    if (sum(body.outputs) !== bought.sat) throw new MintNo(11005, 'not balanced')
    if (bought.pubkey !== null && !this.#opens(bought.pubkey, body)) throw new MintNo(20008, 'lock')
    bought.state = 'ISSUED'
    this.onState(bought.quote)
    return { signatures: body.outputs.map((output) => this.coins.sign(output)) }
  }

  swap({ inputs, outputs }: { inputs: readonly Input[]; outputs: readonly BlindedOutput[] }) {
    this.coins.checkInputs(inputs)
    this.coins.checkOutputs(outputs)
    const fee = this.coins.feeFor(inputs)
    if (sum(inputs) !== sum(outputs) + fee) throw new MintNo(11005, 'not balanced')
    this.coins.spend(inputs)
    return { signatures: outputs.map((output) => this.coins.sign(output)) }
  }

  /** Answers in another order than it was asked, which the specification allows. */
  restore({ outputs }: { outputs: readonly BlindedOutput[] }) {
    const known = outputs.filter(({ B_ }) => this.coins.signedBefore(B_) !== undefined).reverse()
    return { outputs: known, signatures: known.map(({ B_ }) => this.coins.signedBefore(B_)) }
  }

  checkstate({ Ys }: { Ys: readonly string[] }) {
    return { states: Ys.map((Y) => ({ Y, state: this.coins.stateOf(Y) })).reverse() }
  }

  /** Makes an invoice of somebody else, which the mint can pay. */
  foreignInvoice(sat: number): string {
    const { now, network } = this.#options
    return invoiceFor(sat, { now: now(), seconds: 3600, network }).bolt11
  }

  /** A payment of an invoice of the mint itself does not leave the mint and needs no reserve. */
  meltQuote({ request }: { request: string }) {
    const read = readBolt11(request)
    if (read === null) throw new MintNo(0, 'no invoice')
    const sat = Number(read.amountMsat) / 1000
    const reserve = this.#ownInvoice(request) ? 0 : Math.max(1, Math.ceil(sat / 50))
    const quote = randomUUID()
    const rest = { sat, bolt11: request, reserve, inputs: [], blanks: [], change: [] }
    this.#payments.set(quote, { quote, ...rest, state: 'UNPAID' })
    return this.meltState(quote)
  }

  meltState(quote: string) {
    const { sat, reserve, state, change } = this.#paymentOf(quote)
    const more = state === 'PAID' && change.length > 0 ? { change } : {}
    return { quote, amount: sat, unit: 'sat', fee_reserve: reserve, state, ...more }
  }

  melt({ quote, inputs, outputs = [] }: MeltBody) {
    const payment = this.#paymentOf(quote)
    if (payment.state === 'PENDING') throw new MintNo(20005, 'quote is pending')
    if (payment.state === 'PAID') throw new MintNo(20006, 'already paid')
    this.coins.checkInputs(inputs)
    this.coins.checkOutputs(outputs, true)
    const needed = payment.sat + payment.reserve + this.coins.feeFor(inputs)
    if (sum(inputs) < needed) throw new MintNo(11005, 'not enough inputs')
    payment.state = 'PENDING'
    payment.inputs = inputs
    payment.blanks = outputs
    this.coins.setAside(inputs)
    if (this.meltsEnd !== 'pending') this.#end(payment, this.meltsEnd)
    if (this.meltsEnd === 'failed') throw new MintNo(20004, 'payment failed')
    return this.meltState(quote)
  }

  /** Decides how the payments end that are under way. */
  resolveMelts(how: 'paid' | 'failed'): void {
    for (const payment of this.#payments.values()) {
      if (payment.state === 'PENDING') this.#end(payment, how)
    }
  }

  #end(payment: Payment, how: 'paid' | 'failed'): void {
    const { inputs, blanks, sat, bolt11 } = payment
    if (how === 'failed') {
      this.coins.giveBack(inputs)
      payment.state = 'UNPAID'
      return
    }
    payment.state = 'PAID'
    this.coins.spend(inputs)
    const own = this.#ownInvoice(bolt11)
    if (own) this.pay(bolt11)
    else this.payouts.push({ bolt11, sat })
    const rest = sum(inputs) - sat - this.coins.feeFor(inputs) - (own ? 0 : this.routeSat)
    const amounts = powersOf(rest)
    payment.change = blanks
      .slice(0, amounts.length)
      .map((blank, at) => this.coins.sign({ ...blank, amount: amounts[at] ?? 0 }))
  }

  #opens(pubkey: string, { quote, outputs, signature = '' }: MintBody): boolean {
    if (this.#options.locks === 'before') {
      return verifyMintQuoteSignature(pubkey, quote, outputs as never, signature)
    }
    const parts = outputs.flatMap(({ amount, B_ }) => [bytesOf(amount), Buffer.from(B_, 'hex')])
    const framed = [Buffer.from(quote), ...parts].flatMap((part) => [
      Buffer.from([0, 0, 0, part.length]),
      part,
    ])
    const message = Buffer.concat([Buffer.from('Cashu_MintQuoteSig_v1'), ...framed])
    return schnorrVerifyDigest(signature, createHash('sha256').update(message).digest(), pubkey)
  }

  #ownInvoice(bolt11: string): boolean {
    return [...this.#bought.values()].some((one) => one.bolt11 === bolt11)
  }

  #boughtOf(quote: string): Bought {
    const found = this.#bought.get(quote)
    if (found === undefined) throw new MintNo(0, 'quote not found')
    return found
  }

  #paymentOf(quote: string): Payment {
    const found = this.#payments.get(quote)
    if (found === undefined) throw new MintNo(0, 'quote not found')
    return found
  }
}

/** Big endian, without leading zero bytes. */
function bytesOf(amount: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(amount)
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0))
}

interface QuoteAsk {
  readonly amount: number
  readonly unit: string
  readonly pubkey?: string
  readonly description?: string
}

interface Terms {
  readonly now: number
  readonly seconds: number
  readonly network: BankOptions['network']
  readonly description?: string | undefined
}

function invoiceFor(sat: number, { now, seconds, network, description = '' }: Terms) {
  const preimage = randomBytes(32)
  const bolt11 = writeBolt11({
    network: network as 'bcrt',
    sat,
    paymentHash: createHash('sha256').update(preimage).digest(),
    paymentSecret: randomBytes(32),
    description,
    createdAt: now,
    expirySeconds: seconds,
    secretKey: Buffer.alloc(32, 1),
  })
  return { bolt11, preimage: preimage.toString('hex') }
}
