import { sleep } from '../../../src/floor/world.ts'
import type { UsdPerBtc } from '../../../src/money/parse.ts'
import { NO_USD } from '../../../src/money/usd.ts'
import type { Facilitator, Settlement, Verified } from '../../../src/rails/x402/facilitator.ts'
import {
  type Address,
  type X402Payment,
  type X402Requirement,
  x402PaymentId,
} from '../../../src/rails/x402/payment.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'
import { SimRows } from './dollar-rows.ts'

/** A transfer that is on the chain, where everybody can read it. */
export interface SimTransaction {
  readonly hash: string
  /** The id of its payment, as deposits name it. */
  readonly id: string
  readonly value: bigint
  /** Who sent it: the gate's facilitator, or somebody who saw the signature. */
  readonly by: 'facilitator' | 'others'
  readonly payment: X402Payment
}

/** Dollars of Base Sepolia, at its own address. */
export const SIM_ASSET: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
export const SIM_NETWORK = 'eip155:84532'
export const SIM_PAY_TO: Address = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

/**
 * A chain with its facilitator, which live longer than every gate. Nothing is signed: it stands in at the
 * port `Facilitator`, and knows of each authorization whether its payer has the money. It fails, is away,
 * and loses its answers.
 */
export class SimChain {
  readonly transactions = new Map<string, SimTransaction>()
  /** Payments that the gate has asked it to settle. */
  readonly asked = new Set<string>()
  /** By nonce, the ids of the payments that buyers have signed. */
  readonly signed = new Map<string, string>()
  /** Payments of payers without money. */
  readonly poor = new Set<string>()
  /** Called before and after each transaction: a gate may be killed there. */
  onStep: () => void = () => {}
  /** Called when the gate asks for a settlement. */
  onAsk: () => void = () => {}
  /** The most dollars that buyers had in the gate at once, spent ones left out. */
  mostOutstanding = 0n
  up = true
  /** The file of the rail, on the gate's disk. */
  readonly rows = new SimRows()
  /** Dollars for a bitcoin, × 10^8. It moves. */
  usdPerBtc = RATE
  readonly #world: VirtualWorld
  /** Whether it finds a transaction again that it sent before, when it is asked once more. */
  readonly remembers: boolean
  #calm = false

  constructor(world: VirtualWorld, remembers: boolean) {
    this.#world = world
    this.remembers = remembers
  }

  calm(): void {
    this.#calm = true
    this.up = true
  }

  /** The id of the payment with that nonce. Null if nobody has signed one. */
  idOf(nonce: string): string | null {
    return this.signed.get(nonce) ?? null
  }

  /** The rate goes up or down by some percent. */
  moveRate(): void {
    const percent = BigInt(this.#world.chance.from(92, 109))
    this.usdPerBtc = ((this.usdPerBtc * percent) / 100n) as UsdPerBtc
  }

  /** Somebody else sends a transfer: its payer, or whoever has seen the signature. */
  front(id: string, payment: X402Payment): void {
    if (!this.poor.has(id)) this.#send(id, payment, 'others')
  }

  /** The facilitator as one process of the gate sees it. A killed process hears nothing. */
  seenBy(process: VirtualProcess): Facilitator {
    const idOf = (payment: X402Payment, requirement: X402Requirement): string =>
      x402PaymentId(requirement, payment.authorization)
    const chain = this
    return {
      name: 'facilitator.sim',
      get up() {
        return chain.up
      },
      least: NO_USD,
      verify: (payment, requirement) => process.hear(this.#verify(idOf(payment, requirement))),
      settle: (payment, requirement, again) => {
        const id = idOf(payment, requirement)
        this.asked.add(id)
        this.onAsk()
        return process.hear(this.#settle(id, payment, again !== undefined))
      },
      start: () => ({ stop: async () => {} }),
    }
  }

  async #verify(id: string): Promise<Verified> {
    const { chance } = this.#world
    const fate = this.#calm ? 'good' : chance.one(VERIFIED)
    await sleep(this.#world, fate === 'slow' ? 2_500 : chance.from(1, 30))
    if (!this.up || fate === 'lost') return { is: 'unreachable', reason: 'no answer' }
    if (fate === 'lies') return { is: 'valid' }
    if (this.transactions.has(id)) return { is: 'refused', reason: 'nonce_already_used' }
    return this.poor.has(id) ? { is: 'refused', reason: 'insufficient_funds' } : { is: 'valid' }
  }

  async #settle(id: string, payment: X402Payment, again: boolean): Promise<Settlement> {
    const { chance } = this.#world
    const fate = this.#calm ? 'good' : chance.one(SETTLED)
    this.onStep()
    await sleep(this.#world, fate === 'slow' ? 12_000 : chance.from(1, 60))
    if (fate === 'away') return { is: 'unreachable', reason: 'nothing was sent' }
    if (!this.up || fate === 'before') return { is: 'unknown', reason: 'no answer' }
    const before = this.transactions.get(id)
    if (before !== undefined) return this.#foundAgain(before, again)
    if (this.poor.has(id)) return { is: 'refused', reason: 'insufficient_funds' }
    const { hash } = this.#send(id, payment, 'facilitator')
    this.onStep()
    await sleep(this.#world, chance.from(1, 60))
    if (fate === 'after') return { is: 'unknown', reason: 'no answer' }
    return { is: 'settled', transaction: hash }
  }

  /** It is on the chain already. Whether we sent it is known only to a facilitator that remembers. */
  #foundAgain({ by, hash }: SimTransaction, again: boolean): Settlement {
    if (by === 'facilitator' && this.remembers) return { is: 'settled', transaction: hash }
    if (again) return { is: 'unknown', reason: 'nonce_already_used' }
    return { is: 'refused', reason: 'nonce_already_used' }
  }

  #send(id: string, payment: X402Payment, by: SimTransaction['by']): SimTransaction {
    const known = this.transactions.get(id)
    if (known !== undefined) return known
    const { nonce, value } = payment.authorization
    const sent = { hash: nonce, id, value, by, payment }
    this.transactions.set(id, sent)
    return sent
  }
}

/** 100,000 dollars: a sat is 1,000 micro-dollars. */
const RATE = 10_000_000_000_000n as UsdPerBtc

const VERIFIED = ['good', 'good', 'good', 'good', 'good', 'good', 'slow', 'lost', 'lies'] as const
/** `before`: nothing arrives. `after`: it is settled, and the answer is lost. */
const SETTLED = [
  ...(['good', 'good', 'good', 'good', 'good', 'good', 'good'] as const),
  ...(['slow', 'before', 'after', 'after', 'away'] as const),
]
