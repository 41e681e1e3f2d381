import { createHash } from 'node:crypto'
import { readBolt11, writeBolt11 } from '../../../src/wallets/bolt11.ts'
import {
  type Batch,
  InvoicePaid,
  type Melted,
  type Mint,
  MintBusy,
  MintRefused,
  MintUnreachable,
  OutputsKept,
  type Proof,
  type ProofState,
} from '../../../src/wallets/ecash/mint/mint.ts'
import type { EcashStore } from '../../../src/wallets/ecash/store/store.ts'
import { WalletRefused, WalletUnreachable } from '../../../src/wallets/wallet.ts'

/**
 * A mint without HTTP and without cryptography: it has the same rules, is a thousand times as fast,
 * and fails exactly where a test says. `fake-mint.ts` has both.
 */

/** The process ends here. After it, a test opens everything again. */
export class Crash extends Error {}

export type Call = 'swap' | 'restore' | 'states' | 'meltQuote' | 'melt' | 'meltState' | 'about'
/**
 * `before`: not done, no answer. `after`: done, no answer. `late`: no answer, and done one call
 * later. `kept`: the mint crashed and keeps the outputs unsigned. `crash…`: the same, and our
 * process ends too.
 */
export type Fault =
  | 'before'
  | 'after'
  | 'late'
  | 'busy'
  | 'kept'
  | `crash-${'before' | 'after' | 'late'}`

interface Payment {
  readonly quote: string
  readonly bolt11: string
  readonly sat: number
  readonly reserve: number
  state: 'unpaid' | 'pending' | 'paid'
  inputs: readonly Proof[]
  change: { seed: string; batch: Batch } | null
}

/** What a mint knows. It lives longer than the processes of its wallets. */
export class MintBank {
  readonly url: string
  readonly signed = new Map<string, number>()
  readonly states = new Map<string, ProofState>()
  readonly payments = new Map<string, Payment>()
  /** Payments to others. */
  readonly paidByOthers = new Set<string>()
  readonly paidOut: { readonly bolt11: string; readonly sat: number }[] = []
  /** Sats that it earned with input fees, and that routes cost. */
  kept = 0
  readonly keysets = new Map<string, { ppk: number; active: boolean }>()
  meltsEnd: 'paid' | 'failed' | 'pending' = 'paid'
  route = 0
  /** Whether it pays invoices now. */
  melts = true
  reserveOf = (sat: number): number => Math.max(2, Math.ceil(sat / 100))
  /** Called before each call: the failure that the test chose. */
  fault: (call: Call) => Fault | null = () => null
  /** Requests that arrive later. */
  readonly late: (() => unknown)[] = []
  /** The names of all calls, in order. */
  readonly calls: string[] = []
  /** The most inputs that one request has had. */
  mostInputs = 0

  constructor(url = 'https://mint.example', ppk = 0) {
    this.url = url
    this.rotate(ppk)
  }

  rotate(ppk: number): string {
    for (const keyset of this.keysets.values()) keyset.active = false
    const id = `00${createHash('sha256').update(`${this.url}${this.keysets.size}`).digest('hex').slice(0, 14)}`
    this.keysets.set(id, { ppk, active: true })
    return id
  }

  get active(): string {
    return [...this.keysets].find(([, { active }]) => active)?.[0] ?? ''
  }

  /** The sats of all coins that were issued and not spent. */
  out(): number {
    let sum = 0
    for (const [secret, amount] of this.signed) {
      if (this.stateOf(secret) !== 'spent') sum += amount
    }
    return sum
  }

  stateOf(secret: string): ProofState {
    return this.states.get(secret) ?? 'unspent'
  }

  /** The late requests arrive now. Their senders do not hear of it. */
  arrive(): void {
    for (const work of this.late.splice(0)) {
      try {
        work()
      } catch (error) {
        if (!(error instanceof MintRefused || error instanceof MintUnreachable)) throw error
      }
    }
  }

  sign(seed: string, batch: Batch): Proof[] {
    // All outputs or none.
    for (const at of batch.amounts.keys()) {
      const { secret } = proofOf(seed, batch.keyset, { counter: batch.counter + at, amount: 0 })
      if (this.signed.has(secret)) throw new MintRefused(11003, 'signed')
    }
    return batch.amounts.map((amount, at) => {
      const proof = proofOf(seed, batch.keyset, { counter: batch.counter + at, amount })
      this.signed.set(proof.secret, amount)
      return proof
    })
  }

  feeOf(inputs: readonly Pick<Proof, 'keyset'>[]): number {
    let ppk = 0
    for (const { keyset } of inputs) {
      const known = this.keysets.get(keyset)
      if (known === undefined) throw new MintRefused(12001, 'keyset')
      ppk += known.ppk
    }
    return Math.ceil(ppk / 1000)
  }

  check(inputs: readonly Proof[]): void {
    this.mostInputs = Math.max(this.mostInputs, inputs.length)
    if (new Set(inputs.map(({ secret }) => secret)).size !== inputs.length) {
      throw new MintRefused(11007, 'other')
    }
    for (const { secret, amount } of inputs) {
      if (this.signed.get(secret) !== amount) throw new MintRefused(10001, 'other')
      if (this.stateOf(secret) === 'spent') throw new MintRefused(11001, 'spent')
      if (this.stateOf(secret) === 'pending') throw new MintRefused(11002, 'pending')
    }
  }

  mark(inputs: readonly Proof[], state: ProofState): void {
    for (const { secret } of inputs) this.states.set(secret, state)
  }

  /** Decides how payments end that are under way. */
  resolve(how: 'paid' | 'failed'): void {
    for (const payment of this.payments.values()) {
      if (payment.state === 'pending') this.end(payment, how)
    }
  }

  end(payment: Payment, how: 'paid' | 'failed'): void {
    if (how === 'failed') {
      this.mark(payment.inputs, 'unspent')
      payment.state = 'unpaid'
      return
    }
    this.mark(payment.inputs, 'spent')
    payment.state = 'paid'
    this.paidOut.push({ bolt11: payment.bolt11, sat: payment.sat })
    const fee = this.feeOf(payment.inputs)
    const route = Math.min(this.route, payment.reserve)
    const rest = sum(payment.inputs) - payment.sat - fee - route
    this.kept += fee + route
    const { seed, batch } = payment.change ?? { seed: '', batch: null }
    const amounts = powersOf(rest)
    if (batch === null || amounts.length > batch.amounts.length) {
      this.kept += rest
      return
    }
    this.sign(seed, { ...batch, amounts })
  }
}

const sum = (coins: readonly { readonly amount: number }[]): number =>
  coins.reduce((all, { amount }) => all + amount, 0)

/** The powers of two in a number. */
const powersOf = (sat: number): number[] =>
  [...sat.toString(2)].reverse().flatMap((bit, at) => (bit === '1' ? [2 ** at] : []))

const proofOf = (
  seed: string,
  keyset: string,
  { counter, amount }: { readonly counter: number; readonly amount: number },
): Proof => ({ secret: `${seed}/${keyset}/${counter}`, keyset, amount, c: '02', dleq: null })

/** The client of a wallet for that mint. */
export function mintDouble(bank: MintBank, seed = 'seed'): Mint {
  const call = async <T>(name: Call, work: () => T): Promise<T> => {
    bank.calls.push(name)
    const fault = bank.fault(name)
    // A late request arrives after one or more later calls. Here that depends on how many calls
    // there were.
    const arrives = bank.late.length > 0 && bank.calls.length % 2 === 0
    if (arrives) bank.arrive()
    try {
      return answer(fault, name, work)
    } finally {
      if (!arrives && fault !== 'late' && fault !== 'crash-late') bank.arrive()
    }
  }
  const answer = <T>(fault: Fault | null, name: Call, work: () => T): T => {
    if (fault === 'kept') throw new OutputsKept()
    if (fault === 'busy') throw new MintBusy(null)
    if (fault === 'before') throw new MintUnreachable('no answer')
    if (fault === 'crash-before') throw new Crash(`before ${name}`)
    if (fault === 'late' || fault === 'crash-late') bank.late.push(work)
    if (fault === 'late') throw new MintUnreachable('no answer')
    if (fault === 'crash-late') throw new Crash(`late ${name}`)
    const done = work()
    if (fault === 'after') throw new MintUnreachable('no answer')
    if (fault === 'crash-after') throw new Crash(`after ${name}`)
    return done
  }
  const restored = ({ keyset, counter, amounts }: Batch): Proof[] =>
    amounts.flatMap((_, at) => {
      const proof = proofOf(seed, keyset, { counter: counter + at, amount: 0 })
      const amount = bank.signed.get(proof.secret)
      return amount === undefined ? [] : [{ ...proof, amount }]
    })
  const melted = (quote: string): Melted => {
    const payment = bank.payments.get(quote)
    if (payment === undefined) throw new MintRefused(0, 'other')
    if (payment.state !== 'paid') return { is: payment.state }
    return { is: 'paid', change: payment.change === null ? [] : restored(payment.change.batch) }
  }
  const never = () => {
    throw new Error('not asked for here')
  }
  return {
    url: bank.url,
    alive: async () => {},
    keysets: async () => [...bank.keysets.keys()],
    isSigned: async () => true,
    createQuote: never,
    quoteState: never,
    watchQuotes: () => null,
    mint: never,
    about: () =>
      call('about', () => ({
        ...{ keyset: bank.active, amounts: Array.from({ length: 40 }, (_, bit) => 2 ** bit) },
        ...{ least: null, most: null, tells: false, locks: true, melts: bank.melts },
      })),
    feeFor: async (inputs) => bank.feeOf(inputs),
    swap: (inputs, batch) =>
      call('swap', () => {
        bank.check(inputs)
        if (bank.keysets.get(batch.keyset)?.active !== true) throw new MintRefused(12002, 'keyset')
        const fee = bank.feeOf(inputs)
        if (sum(inputs) - fee !== batch.amounts.reduce((a, b) => a + b, 0)) {
          throw new MintRefused(11005, 'other')
        }
        const proofs = bank.sign(seed, batch)
        bank.mark(inputs, 'spent')
        bank.kept += fee
        return proofs
      }),
    restore: (batch) => call('restore', () => restored(batch)),
    states: (proofs) => call('states', () => proofs.map(({ secret }) => bank.stateOf(secret))),
    meltQuote: (bolt11) =>
      call('meltQuote', () => {
        const sat = Number(readBolt11(bolt11)?.amountMsat ?? 0n) / 1000
        const quote = `q${bank.payments.size + 1}`
        const reserve = bank.reserveOf(sat)
        bank.payments.set(quote, {
          ...{ quote, bolt11, sat, reserve, state: 'unpaid', inputs: [], change: null },
        })
        return { quote, sat, feeReserve: reserve }
      }),
    melt: (quote, inputs, batch) =>
      call('melt', () => {
        const payment = bank.payments.get(quote)
        if (payment === undefined) throw new MintRefused(0, 'other')
        if (payment.state === 'pending') throw new MintUnreachable('it is at it (20005)')
        if (payment.state === 'paid') throw new InvoicePaid()
        if (bank.paidByOthers.has(payment.bolt11)) throw new InvoicePaid()
        bank.check(inputs)
        if (sum(inputs) < payment.sat + payment.reserve + bank.feeOf(inputs)) {
          throw new MintRefused(11005, 'other')
        }
        bank.mark(inputs, 'pending')
        payment.state = 'pending'
        payment.inputs = inputs
        payment.change = { seed, batch }
        if (bank.meltsEnd !== 'pending') bank.end(payment, bank.meltsEnd)
        return melted(quote)
      }),
    meltState: (quote) => call('meltState', () => melted(quote)),
    close() {},
  }
}

let funded = 0

/** Makes coins of these amounts, as if buyers had paid for them. */
export function fund(
  store: EcashStore,
  bank: MintBank,
  amounts: readonly number[],
  seed = 'seed',
): void {
  funded += 1
  const hash = `funded-${funded}`
  const sat = amounts.reduce((a, b) => a + b, 0)
  store.addQuote({
    ...{ hash, mint: bank.url, quote: hash, privateKey: null, sat, bolt11: 'lnbcrt' },
    ...{ createdAt: 1, expiresAt: 2 },
  })
  const batch = store.beginBatch({
    ...{ kind: 'mint', mint: bank.url, keyset: bank.active, amounts, quote: hash },
    ...{ inputs: [], at: 1 },
  })
  store.finishBatch(batch, bank.sign(seed, batch))
}

/** A Lightning address without HTTP. */
export class AddressDouble {
  minSat = 1
  maxSat = 100_000_000
  /** Every invoice that it gave. */
  readonly gave: { readonly bolt11: string; readonly sat: number }[] = []
  trouble: 'typo' | 'down' | 'crash' | null = null
  money: 'real' | 'test' = 'test'
  repeats = false
  /** Called just before it gives an invoice. */
  onInvoice: () => void = () => {}
  expirySeconds = 600
  readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  payRequest = async (address: { readonly text: string }) => {
    if (this.trouble === 'typo') throw new WalletRefused('it answered with HTTP 404')
    if (this.trouble === 'down') throw new WalletUnreachable('nothing listens there')
    const { minSat, maxSat } = this
    const rest = { callback: '', metadata: '[]', commentAllowed: 0 }
    return { address: address as never, minSat, maxSat, ...rest }
  }

  invoice = async (_: unknown, sat: number) => {
    this.onInvoice()
    if (this.trouble === 'crash') throw new Crash('at the invoice')
    const { money } = this
    const bolt11 = this.repeats ? (this.gave[0]?.bolt11 ?? this.#write(sat)) : this.#write(sat)
    this.gave.push({ bolt11, sat })
    const read = readBolt11(bolt11)
    const rest = { paymentHash: read?.paymentHash ?? '', expiresAt: read?.expiresAt ?? 0 }
    return { bolt11, money, verify: null, ...rest }
  }

  #write(sat: number): string {
    return invoiceFor(sat, { now: this.now(), seconds: this.expirySeconds })
  }
}

let invoices = 0

/** An invoice of somebody else. */
export function invoiceFor(
  sat: number,
  { now, seconds = 600 }: { readonly now: number; readonly seconds?: number },
): string {
  invoices += 1
  return writeBolt11({
    ...{ network: 'bcrt', sat, description: '', createdAt: now, expirySeconds: seconds },
    paymentHash: createHash('sha256').update(`hash ${invoices}`).digest(),
    paymentSecret: createHash('sha256').update('secret').digest(),
    secretKey: new Uint8Array(32).fill(7),
  })
}
