import { type MicroUsd, NO_USD } from '../../src/money/usd.ts'
import type { Facilitator, Settlement, Verified } from '../../src/rails/x402/facilitator.ts'
import type { X402Payment, X402Requirement } from '../../src/rails/x402/payment.ts'
import { FakeChain } from './fake-chain.ts'
import { type FacilitatorAsk, refusalOf, WORDS } from './fake-facilitator-words.ts'

type Step = 'verify' | 'settle'

/** How the next call of a step ends, instead of honestly. With `after` the payment is settled then. */
export type MemoryFault =
  | { readonly is: 'unknown' | 'refused'; readonly after: boolean }
  /** It ends when the test calls `go`. It settles before or after that. */
  | { readonly is: 'waits'; readonly after: boolean; readonly until: Promise<void> }
  /** /verify says valid, whatever it is. */
  | { readonly is: 'lies' }

/** A facilitator in this process, with a chain in memory. It judges as the reference does. */
export class MemoryFacilitator implements Facilitator {
  readonly name = 'facilitator.example'
  up = true
  least: MicroUsd = NO_USD
  readonly chain: FakeChain
  /** Taken in order, one for each call of that step. */
  readonly faults: Record<Step, MemoryFault[]> = { verify: [], settle: [] }
  /** What it was asked, in order. */
  readonly heard: {
    readonly step: Step
    readonly payment: X402Payment
    readonly requirement: X402Requirement
  }[] = []

  constructor(chain: FakeChain = new FakeChain()) {
    this.chain = chain
  }

  async verify(payment: X402Payment, requirement: X402Requirement): Promise<Verified> {
    const fault = this.#hear('verify', payment, requirement)
    if (fault?.is === 'waits') await fault.until
    if (fault?.is === 'lies') return { is: 'valid' }
    if (fault?.is === 'refused') return { is: 'refused', reason: 'unexpected_verify_error' }
    if (fault?.is === 'unknown' || !this.up) return { is: 'unreachable', reason: 'no answer' }
    const reason = refusalOf(this.chain, askOf(payment, requirement))
    return reason === null ? { is: 'valid' } : { is: 'refused', reason }
  }

  async settle(payment: X402Payment, requirement: X402Requirement): Promise<Settlement> {
    const fault = this.#hear('settle', payment, requirement)
    if (fault?.is === 'waits' && !fault.after) await fault.until
    const acts = this.up && (fault === undefined || fault.is === 'waits' || this.#acted(fault))
    const settlement = acts ? this.#send(askOf(payment, requirement)) : null
    if (fault?.is === 'waits' && fault.after) await fault.until
    if (fault?.is === 'refused') return { is: 'refused', reason: WORDS.failed }
    if (fault?.is === 'unknown' || settlement === null)
      return { is: 'unknown', reason: 'no answer' }
    return settlement
  }

  start(): { stop(): Promise<void> } {
    return { stop: async () => {} }
  }

  #hear(step: Step, payment: X402Payment, requirement: X402Requirement): MemoryFault | undefined {
    this.heard.push({ step, payment, requirement })
    return this.faults[step].shift()
  }

  #acted = (fault: MemoryFault): boolean => fault.is !== 'lies' && fault.after

  #send(ask: FacilitatorAsk): Settlement {
    const refusal = refusalOf(this.chain, ask)
    if (refusal !== null) return { is: 'refused', reason: refusal }
    const sent = this.chain.send(ask.asset, ask.authorization, ask.signature)
    if (typeof sent === 'string') return { is: 'refused', reason: WORDS[sent] }
    return { is: 'settled', transaction: sent.hash }
  }
}

const askOf = (payment: X402Payment, requirement: X402Requirement): FacilitatorAsk => ({
  x402Version: payment.x402Version,
  network: requirement.network,
  caip2: requirement.network,
  asset: requirement.asset,
  payTo: requirement.payTo,
  amount: requirement.amount,
  authorization: payment.authorization,
  signature: payment.signature,
})
