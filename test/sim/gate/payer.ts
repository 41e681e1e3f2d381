import { sleep } from '../../../src/floor/world.ts'
import type { Outgoing, PaymentOrder, PaymentState } from '../../../src/wallets/outgoing.ts'
import { payOnce } from '../../../src/wallets/pay-once.ts'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'

/** A payment that a wallet has begun. Amounts in msat. */
export interface SimPayment {
  readonly id: string
  readonly hash: string
  readonly amountMsat: bigint
  readonly feeMsat: bigint
  is: 'pending' | 'paid' | 'failed'
}

/** The sats that payments are made from, in msat. */
interface Purse {
  take(msat: bigint): boolean
  giveBack(msat: bigint): void
}

/** What becomes of an order. `lost`: it is paid without an answer; `queued`: it begins later. */
const FATES = [
  ...(['paid', 'paid', 'paid', 'late', 'late', 'fails late'] as const),
  ...(['failed', 'lost', 'lost', 'queued'] as const),
]

/**
 * The part of a wallet that pays, and that lives longer than every gate. It pays no hash twice, as
 * every real wallet does. It is slow, fails, loses its answers, and keeps orders in a queue.
 */
export class SimPayer {
  readonly payments = new Map<string, SimPayment>()
  readonly #world: VirtualWorld
  readonly #purse: Purse | null
  readonly #queue: PaymentOrder[] = []
  /** Called before and after each payment: a gate may be killed there. */
  onStep: () => void = () => {}
  up = true
  #calm = false

  constructor(world: VirtualWorld, purse: Purse | null) {
    this.#world = world
    this.#purse = purse
  }

  /** What left this wallet, with fees. */
  get left(): readonly SimPayment[] {
    return [...this.payments.values()].filter(({ is }) => is === 'paid')
  }

  /** From now on it works, and everything that is under way ends. */
  calm(): void {
    this.#calm = true
    this.up = true
    for (const order of this.#queue.splice(0)) this.#begin(order)
    for (const payment of this.payments.values()) {
      this.#end(payment, this.#world.chance.percent(70) ? 'paid' : 'failed')
    }
  }

  /** As one process sees it. A dead one hears nothing. */
  seenBy(process: VirtualProcess): Outgoing {
    const answer = <T>(work: () => T): Promise<T> => process.hear(this.#answer(work))
    const raw = {
      find: ({ paymentHash }: { readonly paymentHash: string }) =>
        answer(() => this.#stateOf(paymentHash)),
      send: (order: PaymentOrder) => process.hear(this.#send(order)),
    }
    const all = () =>
      [...this.payments.values()].map(({ id, hash, amountMsat }) => ({
        ...{ id, paymentHash: hash, amountMsat, state: this.#stateOf(hash) },
      }))
    return { ...payOnce(raw, process), list: () => answer(all) }
  }

  async #answer<T>(work: () => T): Promise<T> {
    await sleep(this.#world, this.#world.chance.from(1, 30))
    if (!this.up) throw new WalletUnreachable('it is away')
    return work()
  }

  async #send(order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
    const fate = this.#calm ? 'paid' : this.#world.chance.one(FATES)
    this.onStep()
    if (fate === 'queued') return this.#answer(() => this.#wait(order))
    const payment = await this.#answer(() => this.#begin(order))
    if (fate === 'paid' || fate === 'lost') this.#end(payment, 'paid')
    else if (fate === 'failed') this.#end(payment, 'failed')
    else this.#endLater(payment, fate === 'late' ? 'paid' : 'failed')
    this.onStep()
    await sleep(this.#world, this.#world.chance.one([1, 20, 900]))
    return fate === 'lost' ? 'in_doubt' : this.#stateOf(order.paymentHash)
  }

  #wait(order: PaymentOrder): 'in_doubt' {
    this.#queue.push(order)
    this.#world.after(this.#world.chance.from(500, 9_000), () => {
      const at = this.#queue.indexOf(order)
      if (at < 0) return
      this.#queue.splice(at, 1)
      this.#endLater(this.#begin(order), 'paid')
    })
    return 'in_doubt'
  }

  /** The same hash again is the payment that was begun before. */
  #begin({ id, paymentHash: hash, amountMsat, maxFeeMsat }: PaymentOrder): SimPayment {
    const known = this.payments.get(hash)
    if (known !== undefined) return known
    const most = Number(maxFeeMsat)
    const feeMsat = BigInt(this.#world.chance.one([0, most, this.#world.chance.from(0, most)]))
    const payment: SimPayment = { id, hash, amountMsat, feeMsat, is: 'pending' }
    if (this.#purse?.take(amountMsat + feeMsat) === false) payment.is = 'failed'
    this.payments.set(hash, payment)
    return payment
  }

  #endLater(payment: SimPayment, is: 'paid' | 'failed'): void {
    this.#world.after(this.#world.chance.one([900, 6_000, 30_000]), () => this.#end(payment, is))
  }

  #end(payment: SimPayment, is: 'paid' | 'failed'): void {
    if (payment.is !== 'pending') return
    payment.is = is
    if (is === 'failed') this.#purse?.giveBack(payment.amountMsat + payment.feeMsat)
  }

  #stateOf(hash: string): PaymentState {
    const payment = this.payments.get(hash)
    if (payment === undefined) return { is: 'unknown' }
    const { feeMsat, is } = payment
    if (is === 'paid') return { is, feeMsat }
    return is === 'failed' ? { is, reason: 'no route' } : { is }
  }
}
