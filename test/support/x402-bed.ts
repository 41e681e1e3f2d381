import { randomBytes } from 'node:crypto'
import { Background } from '../../src/floor/background.ts'
import { requestBody } from '../../src/gate/request-body.ts'
import { parseUsdPerBtc, type UsdPerBtc } from '../../src/money/parse.ts'
import { type MicroUsd, microUsd } from '../../src/money/usd.ts'
import { rootKeysOf } from '../../src/passes/write.ts'
import type { Credited, Offer, PaidRequest, Receipt, Want } from '../../src/rails/rail.ts'
import { x402Network } from '../../src/rails/x402/networks.ts'
import { X402 } from '../../src/rails/x402/x402.ts'
import { FakeChain, fakePayer } from './fake-chain.ts'
import { MemoryFacilitator } from './memory-facilitator.ts'
import { HandReconciler, MemoryX402Payments } from './memory-x402.ts'
import { TestWorld } from './world.ts'
import { type Otherwise, type Paying, payV1, payV2 } from './x402-buyer.ts'

export const PAY_TO = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
export const PAYER = fakePayer(7)
/** Somebody else, who reads the chain. */
export const STRANGER = fakePayer(9)

export function rateOf(text: string): UsdPerBtc {
  const rate = parseUsdPerBtc(text)
  if (!rate.ok) throw new Error(rate.error)
  return rate.value
}

const bodyOf = (text: string) => requestBody({ body: new TextEncoder().encode(text) })

/** How a request differs from the usual one. */
export interface Asking {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly origin?: string
  readonly account?: string | null
  readonly client?: string
  readonly sat?: number
  readonly least?: number
  readonly short?: PaidRequest['short']
}

export const wantOf = ({ sat = 21, least = 10, ...asking }: Asking = {}): Want => ({
  ...requestOf(asking),
  ...{ sat, least, account: asking.account ?? null, macaroon: true, generation: 0, unpaid: null },
  ...{ quota: { is: 'stranger', client: 'a', site: 'a' }, acceptPayment: null },
})

export const callOf = ({
  client = 'a',
  short = () => null,
  ...asking
}: Asking = {}): PaidRequest => ({
  ...requestOf(asking),
  ...{ model: 'fake', client, account: asking.account ?? null, short },
})

const requestOf = ({ body = '{"prompt":"hello"}', ...asking }: Asking) => ({
  method: asking.method ?? 'POST',
  path: asking.path ?? '/v1/chat/completions',
  origin: asking.origin ?? 'https://gate.example',
  body: bodyOf(body),
})

export interface BedOptions {
  readonly rate?: string
  readonly maxPayment?: bigint
  readonly maxOutstanding?: bigint
  readonly network?: string
}

/** The rail of dollars with a facilitator, a chain and a payer. The test moves its time and its rate. */
export class X402Bed {
  readonly world = new TestWorld()
  readonly chain = new FakeChain({ now: () => this.world.now() })
  readonly facilitator = new MemoryFacilitator(this.chain)
  readonly payments = new MemoryX402Payments()
  readonly reconciler = new HandReconciler({
    payments: this.payments,
    facilitator: this.facilitator,
  })
  readonly rail: X402
  rate: UsdPerBtc | null
  /** Micro-dollars that buyers have in the ledger. */
  owed = 0n
  readonly #background = new Background(this.world, () => {})
  readonly #master = new Uint8Array(randomBytes(32))

  constructor(options: BedOptions = {}) {
    const { rate = '100000', maxPayment = 1_000_000n, maxOutstanding = 100_000_000n } = options
    this.rate = rateOf(rate)
    const network = x402Network(options.network ?? 'base-sepolia')
    if (network === null) throw new Error('no such network')
    this.chain.give(PAYER.address, 100_000_000n)
    const bounds = { maxPayment: microUsd(maxPayment), maxOutstanding: microUsd(maxOutstanding) }
    this.rail = this.#open({ payTo: PAY_TO, network, ...bounds })
  }

  #open(
    terms: X402['terms'],
    keys: (own: readonly Uint8Array[]) => readonly Uint8Array[] = (own) => own,
  ): X402 {
    const { facilitator, payments, reconciler, world } = this
    const [current = this.#master, ...older] = keys([this.#master])
    return new X402({
      ...{ terms, facilitator, payments, reconciler, world, background: this.#background },
      keys: rootKeysOf(current, ...older),
      usdPerBtc: () => this.rate,
      outstanding: () => this.owed as MicroUsd,
    })
  }

  /** The same rail in a new process, with other root keys if they are given. */
  reopened(keys?: (own: readonly Uint8Array[]) => readonly Uint8Array[]): X402 {
    return this.#open(this.rail.terms, keys)
  }

  async offer(asking: Asking = {}): Promise<Offer> {
    const offer = await this.rail.offer(wantOf(asking))
    if (!offer.ok) throw new Error(offer.error.why)
    return offer.value
  }

  /** Asks for an offer and signs it, in one of the versions. */
  async pay(version: 1 | 2, otherwise: Otherwise = {}, asking: Asking = {}): Promise<Paying> {
    return this.sign(version, await this.offer(asking), otherwise)
  }

  sign(version: 1 | 2, offer: Offer, otherwise: Otherwise = {}): Paying {
    const how = { now: this.world.now(), ...otherwise }
    return version === 1 ? payV1(offer, PAYER, how) : payV2(offer, PAYER, how)
  }

  /** What the rail says to a request with these headers. */
  async redeem(headers: Paying['headers'], call: PaidRequest | null = callOf(), rail = this.rail) {
    const read = rail.read(Object.entries(headers).flat())
    if (read.is !== 'payment') throw new Error(`read as ${read.is}`)
    return rail.redeem(read.payment, call)
  }

  /** The receipt of a payment that is taken. */
  async taken(paying: Pick<Paying, 'headers'>, call: PaidRequest = callOf()): Promise<Receipt> {
    const redeemed = await this.redeem(paying.headers, call)
    if (!redeemed.ok) throw new Error(JSON.stringify(redeemed.error))
    return redeemed.value
  }

  /** The same, and it is credited: to `account` if it opens one. */
  async credited(
    paying: Pick<Paying, 'headers'>,
    call: PaidRequest = callOf(),
    account = 'a'.repeat(32),
  ): Promise<Receipt> {
    const receipt = await this.taken(paying, call)
    receipt.credited?.(typeof receipt.account === 'string' ? receipt.account : account)
    return receipt
  }

  /** How often the facilitator was asked to. */
  asked(step: 'verify' | 'settle'): number {
    return this.facilitator.heard.filter((one) => one.step === step).length
  }

  /** Begins to look after payments that nobody presents. Returns the receipts that it reports. */
  learning(account = 'b'.repeat(32)): Receipt[] {
    const learned: Receipt[] = []
    this.rail.start(async (receipt): Promise<Credited> => {
      learned.push(receipt)
      const owner = typeof receipt.account === 'string' ? receipt.account : account
      receipt.credited?.(owner)
      return { account: owner, pass: null }
    })
    return learned
  }
}
