import type { Background } from '../../../floor/background.ts'
import { sleep, type World } from '../../../floor/world.ts'
import type { PaymentId } from '../../../ledger/ledger.ts'
import { formatUsd, type MicroUsd, microUsd, NO_USD } from '../../../money/usd.ts'
import type { Facilitator, Settlement, Verified } from '../facilitator.ts'
import { FacilitatorHealth, type FacilitatorOutage, type Trouble } from '../health.ts'
import { type X402Payment, type X402Requirement, x402PaymentId } from '../payment.ts'
import { SettleQueue } from '../settle-queue.ts'
import type { Chain, Ended, Signed, Transfer } from './chain.ts'
import type { Transaction, Transactions } from './transactions.ts'

/** A payment is so many times what its gas may cost, at least. */
const TIMES_THE_GAS = 10n
/** Offers ask for a quarter more than that, because the gas may cost more until they are paid. */
const ROOM = { of: 5n, to: 4n }
/** What transactions that move nothing may cost in an hour: a dollar. Payers can make them fail. */
const FOR_NOTHING = 1_000_000n
const HOUR = 60 * 60_000
/** ms that a settlement waits for its block, and between two looks. */
const WITHIN = 25_000
const LOOK = 500
/** ms that it is left alone without money for gas, or after the budget is spent. */
const PAUSE = 60_000

const OUT_OF_GAS = 'its account has no money for gas'

export interface OwnFacilitatorParts {
  readonly chain: Chain
  readonly transactions: Transactions
  /** Dollars for one coin that pays the gas. */
  readonly usdPerEth: number
  /** The largest payment that the operator takes. */
  readonly maxPayment: MicroUsd
  readonly world: World
  readonly background: Background
  readonly outage: FacilitatorOutage
}

/**
 * Settles payments itself, with transactions of its own. The hash of a transaction is on disk before it is
 * sent, so that its end is found by that hash, after a crash too, and never by what somebody else sent
 * (threats L15).
 */
export class OwnFacilitator implements Facilitator {
  readonly name = 'this gate'
  readonly #parts: OwnFacilitatorParts
  readonly #health: FacilitatorHealth
  readonly #queue: SettleQueue
  #least: MicroUsd = NO_USD

  constructor(parts: OwnFacilitatorParts) {
    this.#parts = parts
    this.#queue = new SettleQueue(parts.world)
    this.#health = new FacilitatorHealth({ ...parts, name: this.name, check: () => this.#check() })
  }

  get up(): boolean {
    return this.#health.up
  }

  get least(): MicroUsd {
    return this.#least
  }

  start(): { stop(): Promise<void> } {
    return this.#health.start()
  }

  async verify(payment: X402Payment, requirement: X402Requirement): Promise<Verified> {
    const verified = await this.#parts.chain.verify(payment, requirement)
    if (verified.is === 'unreachable') this.#health.suspect()
    return verified
  }

  /** It knows its own transactions, so a refusal is final, the first time and later. */
  async settle(payment: X402Payment, requirement: X402Requirement): Promise<Settlement> {
    const id = x402PaymentId(requirement, payment.authorization)
    const transfer = { payment, requirement }
    const settlement = await this.#queue.run(id, () => this.#settle(id, transfer))
    if (settlement.is === 'unknown') this.#health.suspect()
    return settlement
  }

  async #check(): Promise<Trouble> {
    const { chain, maxPayment } = this.#parts
    const reason = await chain.trouble()
    if (reason !== null) return { reason }
    const wei = await chain.gas()
    if (wei === null) return { reason: 'its node does not answer' }
    const cost = this.#usdOf(wei)
    this.#least = leastFor(cost)
    if (this.#least <= maxPayment) return null
    return {
      reason: `the gas of a payment costs up to ${formatUsd(cost)} dollars, more than a tenth of maxPayment`,
    }
  }

  async #settle(id: PaymentId, transfer: Transfer): Promise<Settlement> {
    for (const earlier of this.#parts.transactions.of(id)) {
      const settlement = await this.#resume(earlier, transfer)
      if (settlement !== null) return settlement
    }
    // No transaction of ours is open, so nothing of ours can settle it any more.
    const verified = await this.verify(transfer.payment, transfer.requirement)
    if (verified.is !== 'valid') return verified
    for (const _ of [1, 2]) {
      const settlement = await this.#attempt(id, transfer)
      if (settlement !== 'stale') return settlement
    }
    return { is: 'unreachable', reason: 'other transactions take the numbers of its account' }
  }

  /** Null: that transaction has not settled it, and never will. */
  async #resume(earlier: Transaction, transfer: Transfer): Promise<Settlement | null> {
    const { chain } = this.#parts
    if (earlier.state === 'settled') return { is: 'settled', transaction: earlier.hash }
    if (earlier.state !== 'sent') return null
    let end = await chain.end(earlier, transfer)
    if (end === 'open') {
      // It may have been written down and not sent, or the node has dropped it.
      await chain.send(earlier.raw)
      end = await this.#wait(earlier, transfer)
    }
    return this.#close(earlier, end)
  }

  async #attempt(id: PaymentId, transfer: Transfer): Promise<Settlement | 'stale'> {
    const { chain, transactions, world } = this.#parts
    const signed = await chain.sign(transfer.payment, transfer.requirement)
    if (signed === null) return { is: 'unreachable', reason: 'its node makes no transaction' }
    const cost = this.#usdOf(signed.wei)
    if (transfer.requirement.amount < cost * TIMES_THE_GAS) {
      // The next offer is in the answer of this one.
      this.#least = leastFor(cost)
      this.#health.suspect()
      return { is: 'refused', reason: 'less_than_ten_times_the_gas' }
    }
    if (transactions.spentForNothing(world.now() - HOUR) + cost > FOR_NOTHING) {
      return this.#pause('transactions that moved nothing cost a dollar in the last hour')
    }
    transactions.add(id, signed, cost, world.now())
    const sent = await chain.send(signed.raw)
    if (sent === 'stale' || sent === 'out_of_gas') {
      transactions.end(signed.hash, 'void')
      return sent === 'stale' ? sent : this.#pause(OUT_OF_GAS)
    }
    const end = await this.#wait(signed, transfer)
    const settlement = this.#close(signed, end)
    if (settlement !== null) return settlement
    // Somebody was faster, or the payer took the money away.
    const why = await this.verify(transfer.payment, transfer.requirement)
    return { is: 'refused', reason: why.is === 'refused' ? why.reason : 'transaction_reverted' }
  }

  /** Null: it will never settle anything. */
  #close({ hash }: Pick<Signed, 'hash'>, end: Ended): Settlement | null {
    if (end === 'open' || end === 'unknown') {
      return { is: 'unknown', reason: 'its transaction is not on the chain yet' }
    }
    this.#parts.transactions.end(hash, end === 'gone' ? 'void' : end)
    return end === 'settled' ? { is: 'settled', transaction: hash } : null
  }

  async #wait(sent: Pick<Signed, 'hash' | 'nonce'>, transfer: Transfer): Promise<Ended> {
    const { chain, world } = this.#parts
    const until = world.elapsed() + WITHIN
    for (;;) {
      const end = await chain.end(sent, transfer)
      if ((end !== 'open' && end !== 'unknown') || world.elapsed() >= until) return end
      await sleep(world, LOOK)
    }
  }

  #pause(reason: string): Settlement {
    this.#health.found({ reason, waitMs: PAUSE })
    return { is: 'unreachable', reason }
  }

  /** Rounded up: a coin has 10^18 units, and a dollar 10^6 micro-dollars. */
  #usdOf(wei: bigint): MicroUsd {
    const microPerCoin = BigInt(Math.ceil(this.#parts.usdPerEth * 1_000_000))
    return microUsd((wei * microPerCoin + 10n ** 18n - 1n) / 10n ** 18n)
  }
}

/** Of a payment whose gas costs so much. */
const leastFor = (cost: MicroUsd): MicroUsd =>
  microUsd((cost * TIMES_THE_GAS * ROOM.of + ROOM.to - 1n) / ROOM.to)
