import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Background } from '../../../../src/floor/background.ts'
import { microUsd } from '../../../../src/money/usd.ts'
import type { Chain, Ended, Sent, Signed } from '../../../../src/rails/x402/own/chain.ts'
import { OwnFacilitator } from '../../../../src/rails/x402/own/own-facilitator.ts'
import { Transactions } from '../../../../src/rails/x402/own/transactions.ts'
import { x402PaymentId } from '../../../../src/rails/x402/payment.ts'
import { SqliteX402Payments } from '../../../../src/rails/x402/sqlite-payments.ts'
import { VirtualWorld } from '../../../support/virtual-world.ts'
import { aPayment, aRequirement } from '../../../support/x402-payment.ts'

/** A node that does as it is told. */
class ScriptedChain implements Chain {
  readonly calls: string[] = []
  sends: Sent = 'sent'
  ends: Ended[] = []
  afterwards: Ended = 'settled'
  why: string | null = null
  down: string | null = null
  wei = 10n ** 11n
  gasNow: bigint | null = 10n ** 11n
  signs = true
  /** Whether the transaction was on disk when it was sent. */
  onDisk: (hash: string) => void = () => {}
  #nonce = 0

  async trouble() {
    return this.down
  }
  async gas() {
    return this.gasNow
  }
  async verify() {
    this.calls.push('verify')
    return this.why === null
      ? ({ is: 'valid' } as const)
      : ({ is: 'refused', reason: this.why } as const)
  }
  async sign(): Promise<Signed | null> {
    if (!this.signs) return null
    this.#nonce += 1
    const hash = `0x${String(this.#nonce).padStart(64, '0')}`
    return { hash, raw: `raw ${this.#nonce}`, nonce: this.#nonce, wei: this.wei }
  }
  async send(raw: string) {
    this.calls.push(`send ${raw}`)
    this.onDisk(raw)
    return this.sends
  }
  async end(): Promise<Ended> {
    return this.ends.shift() ?? this.afterwards
  }
}

describe('an own facilitator', () => {
  let world: VirtualWorld
  let chain: ScriptedChain
  let payments: SqliteX402Payments
  let transactions: Transactions
  let facilitator: OwnFacilitator
  const told: string[] = []

  beforeEach(() => {
    world = new VirtualWorld(1)
    chain = new ScriptedChain()
    payments = new SqliteX402Payments(':memory:')
    transactions = new Transactions(payments.db)
    told.length = 0
    facilitator = new OwnFacilitator({
      ...{ chain, transactions, usdPerEth: 3_000, world, maxPayment: microUsd(100_000n) },
      background: new Background(world, ({ reason }) => told.push(reason)),
      outage: { gone: (_, reason) => told.push(reason), back: () => told.push('back') },
    })
  })
  afterEach(() => payments.close())

  const requirement = aRequirement()
  const settle = (payment = aPayment()) => world.until(facilitator.settle(payment, requirement))
  const statesOf = (payment: ReturnType<typeof aPayment>) =>
    transactions.of(x402PaymentId(requirement, payment.authorization)).map(({ state }) => state)

  it('L15 has the hash of a transaction on disk before it is sent', async () => {
    const payment = aPayment()
    chain.onDisk = (raw) => {
      const id = x402PaymentId(requirement, payment.authorization)
      expect(transactions.of(id)).toMatchObject([{ raw, state: 'sent' }])
    }
    expect((await settle(payment)).is).toBe('settled')
    expect(chain.calls).toEqual(['verify', 'send raw 1'])
    expect(statesOf(payment)).toEqual(['settled'])
  })

  it('sends nothing that its node would not run', async () => {
    chain.why = 'invalid_exact_evm_insufficient_balance'
    expect(await settle()).toEqual({ is: 'refused', reason: chain.why })
    chain.why = null
    chain.signs = false
    expect((await settle()).is).toBe('unreachable')
    expect(chain.calls).toEqual(['verify', 'verify'])
  })

  it('L15 one that a stranger sent first is reverted, and is refused', async () => {
    const payment = aPayment()
    chain.afterwards = 'reverted'
    const work = facilitator.settle(payment, requirement)
    chain.onDisk = () => {
      chain.why = 'invalid_exact_evm_nonce_already_used'
    }
    expect(await world.until(work)).toEqual({ is: 'refused', reason: chain.why })
    expect(statesOf(payment)).toEqual(['reverted'])
  })

  it('F3 one that is not on the chain in time is unknown, and is sent again with the same bytes', async () => {
    const payment = aPayment()
    chain.afterwards = 'open'
    expect((await settle(payment)).is).toBe('unknown')
    expect(statesOf(payment)).toEqual(['sent'])
    chain.ends = ['open']
    chain.afterwards = 'settled'
    expect((await settle(payment)).is).toBe('settled')
    expect(chain.calls).toEqual(['verify', 'send raw 1', 'send raw 1'])
  })

  it('F3 a node that is silent after sending leaves it unknown', async () => {
    chain.sends = 'unknown'
    chain.afterwards = 'unknown'
    const payment = aPayment()
    expect((await settle(payment)).is).toBe('unknown')
    expect(statesOf(payment)).toEqual(['sent'])
  })

  it('one whose number another one took is made anew once', async () => {
    const payment = aPayment()
    chain.sends = 'stale'
    expect((await settle(payment)).is).toBe('unreachable')
    expect(statesOf(payment)).toEqual(['void', 'void'])
    chain.sends = 'sent'
    expect((await settle(payment)).is).toBe('settled')
  })

  it('without money for gas it is down for a minute, and the payment stays good', async () => {
    chain.sends = 'out_of_gas'
    const payment = aPayment()
    expect(await settle(payment)).toMatchObject({ is: 'unreachable' })
    expect(facilitator.up).toBe(false)
    expect(told).toEqual(['its account has no money for gas'])
    const running = facilitator.start()
    await world.pass(50_000)
    expect(facilitator.up).toBe(false)
    await world.pass(20_000)
    expect(facilitator.up).toBe(true)
    chain.sends = 'sent'
    expect((await settle(payment)).is).toBe('settled')
    await running.stop()
  })

  it.each([
    // 10,000 µ$ is a cent. A tenth of it is 1,000 µ$, which is this many wei at 3,000 dollars.
    [333_333_333_333n, 'settled'],
    [333_666_666_666n, 'refused'],
  ])('L15 a payment of a cent whose gas costs %d wei is %s', async (wei, is) => {
    chain.wei = wei
    const end = await settle()
    expect(end.is).toBe(is)
    if (is === 'refused') expect(chain.calls).toEqual(['verify'])
  })

  it('L15 transactions that move nothing cost a dollar an hour, and not more', async () => {
    chain.wei = 333_333_333_333n
    chain.afterwards = 'reverted'
    for (let n = 0; n < 1_000; n++) {
      expect((await facilitator.settle(aPayment(), requirement)).is).toBe('refused')
    }
    expect(await settle()).toMatchObject({ is: 'unreachable', reason: /moved nothing/ })
    expect(facilitator.up).toBe(false)
    await world.pass(3_600_000)
    chain.afterwards = 'settled'
    expect((await settle()).is).toBe('settled')
  })

  it('F10 is down while its node says so', async () => {
    chain.down = 'its node is on another network (eip155:1)'
    const running = facilitator.start()
    await world.pass(1_000)
    expect(facilitator.up).toBe(false)
    expect(told).toEqual([chain.down])
    chain.down = null
    await world.pass(6_000)
    expect(facilitator.up).toBe(true)
    await running.stop()
  })

  describe('the least that offers ask for', () => {
    it('is ten times the gas of now and a quarter more, in micro-dollars', async () => {
      expect(facilitator.least).toBe(0n)
      // At 3,000 dollars: 300 micro-dollars.
      const running = facilitator.start()
      await world.pass(1_000)
      expect([facilitator.up, facilitator.least]).toEqual([true, 3_750n])
      chain.gasNow = 10n ** 11n * 2n
      await world.pass(61_000)
      expect(facilitator.least).toBe(7_500n)
      await running.stop()
    })

    it('is more at once after a payment that was too small', async () => {
      const running = facilitator.start()
      await world.pass(1_000)
      // 1,200 micro-dollars.
      chain.wei = chain.gasNow = 4n * 10n ** 11n
      expect((await settle()).is).toBe('refused')
      expect([facilitator.up, facilitator.least]).toEqual([true, 15_000n])
      await running.stop()
    })

    it('F10 is more than the operator takes at once: it is down, by name', async () => {
      chain.gasNow = 3n * 10n ** 12n
      const running = facilitator.start()
      await world.pass(1_000)
      expect([facilitator.up, told]).toEqual([
        ...[
          false,
          ['the gas of a payment costs up to 0.009 dollars, more than a tenth of maxPayment'],
        ],
      ])
      chain.gasNow = null
      await world.pass(10_000)
      expect(facilitator.up).toBe(false)
      chain.gasNow = 10n ** 11n
      await world.pass(60_000)
      expect([facilitator.up, told.at(-1)]).toEqual([true, 'back'])
      await running.stop()
    })
  })
})
