import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Facilitator } from '../../src/rails/x402/facilitator.ts'
import type { X402Payment, X402Requirement } from '../../src/rails/x402/payment.ts'
import { type Meaning, meaningOf } from '../../src/rails/x402/reasons.ts'
import { fakePayer } from '../support/fake-chain.ts'
import { aPayment, type HowSigned } from '../support/x402-payment.ts'

/** A facilitator, the chain that it settles on, and a payer with money. */
export interface FacilitatorUnderTest {
  readonly facilitator: Facilitator
  readonly requirement: X402Requirement
  readonly payer: { readonly key: string; readonly address: string }
  /** What an address has, in micro-dollars. */
  balance(address: string): Promise<bigint>
  /** Makes dollars out of nothing. */
  give(address: string, amount: bigint): Promise<void>
  /** The payer makes a signature worthless that nobody has used. */
  cancel(payment: X402Payment): Promise<void>
  /** Anybody may send a payment to the chain. */
  sendAsStranger(payment: X402Payment): Promise<void>
  /** `late`: its /verify does not see that a payment was used. */
  readonly seesUsed?: 'late'
  cleanup(): Promise<void>
}

const now = () => BigInt(Math.floor(Date.now() / 1000))
const STRANGER = fakePayer(9)

/** Payments that are never settled, and what they are refused for. */
const BAD: readonly (readonly [string, (right: X402Requirement) => HowSigned, Meaning])[] = [
  ['signed by somebody else', () => ({ key: STRANGER.key }), 'signature'],
  ['of another amount', ({ amount }) => ({ value: amount - 1n }), 'amount'],
  ['to another payee', () => ({ to: STRANGER.address }), 'payee'],
  ['that is no longer valid', () => ({ validBefore: now() - 1n }), 'expired'],
  ['that is not yet valid', () => ({ validAfter: now() + 600n }), 'not_yet_valid'],
  ['of an empty account', () => ({ key: STRANGER.key, from: STRANGER.address }), 'funds'],
]

/** What every facilitator must do. `make` is called once. */
export function facilitatorContract(name: string, make: () => Promise<FacilitatorUnderTest>): void {
  describe(`${name} as a facilitator`, () => {
    let under: FacilitatorUnderTest
    const sign = (how: HowSigned = {}): X402Payment => {
      const { payer, requirement } = under
      return aPayment({ requirement, from: payer.address, key: payer.key, ...how })
    }
    const arrived = () => under.balance(under.requirement.payTo)

    beforeAll(async () => {
      under = await make()
    })
    afterAll(() => under?.cleanup())

    it.each([1, 2] as const)('settles a payment of version %d, once', async (version) => {
      const { facilitator, requirement } = under
      const payment = sign({ version })
      const before = await arrived()
      expect(facilitator.up).toBe(true)
      expect(await facilitator.verify(payment, requirement)).toEqual({ is: 'valid' })
      expect(await arrived()).toBe(before)
      const settled = await facilitator.settle(payment, requirement)
      expect(settled).toMatchObject({
        ...{ is: 'settled', transaction: expect.stringMatching(/^0x[\da-f]{64}$/) },
      })
      expect(await arrived()).toBe(before + requirement.amount)

      const again = await facilitator.settle(payment, requirement, 'again')
      // One that knows its own transactions may tell of it again.
      if (again.is === 'settled') expect(again).toEqual(settled)
      else expect(again.is).toBe('unknown')
      expect(await arrived()).toBe(before + requirement.amount)
    })

    it.each(BAD)('refuses a payment %s, by name', async (_, how, meaning) => {
      const { facilitator, requirement } = under
      const before = await arrived()
      for (const version of [1, 2] as const) {
        const payment = sign({ ...how(requirement), version })
        const verified = await facilitator.verify(payment, requirement)
        expect(verified).toMatchObject({ is: 'refused' })
        expect(meaningOf('reason' in verified ? verified.reason : '')).toBe(meaning)
        const settled = await facilitator.settle(payment, requirement)
        expect(['refused', 'unknown']).toContain(settled.is)
      }
      expect(await arrived()).toBe(before)
    })

    it('L15 a payment that a stranger sent to the chain is not settled by us', async () => {
      const { facilitator, requirement } = under
      for (const version of [1, 2] as const) {
        const payment = sign({ version })
        await under.sendAsStranger(payment)
        const before = await arrived()
        const verified = await facilitator.verify(payment, requirement)
        if (under.seesUsed !== 'late') expect(verified).toMatchObject({ is: 'refused' })
        expect((await facilitator.settle(payment, requirement)).is).not.toBe('settled')
        expect((await facilitator.settle(payment, requirement, 'again')).is).not.toBe('settled')
        expect(await arrived()).toBe(before)
      }
    })

    it('a payment that is cancelled between verify and settle is not settled', async () => {
      const { facilitator, requirement } = under
      for (const version of [1, 2] as const) {
        const payment = sign({ version })
        expect(await facilitator.verify(payment, requirement)).toEqual({ is: 'valid' })
        await under.cancel(payment)
        const before = await arrived()
        expect((await facilitator.settle(payment, requirement)).is).not.toBe('settled')
        expect(await arrived()).toBe(before)
      }
    })

    it('a payer who spends the money between verify and settle has not paid', async () => {
      const { facilitator, requirement } = under
      const other = fakePayer(11)
      const both = { from: other.address, key: other.key }
      await under.give(other.address, requirement.amount)
      const first = sign(both)
      const second = sign({ ...both, version: 1 })
      expect(await facilitator.verify(first, requirement)).toEqual({ is: 'valid' })
      expect(await facilitator.verify(second, requirement)).toEqual({ is: 'valid' })
      const before = await arrived()
      const ends = await Promise.all(
        [first, second].map((payment) => facilitator.settle(payment, requirement)),
      )
      expect(ends.filter(({ is }) => is === 'settled')).toHaveLength(1)
      expect(await arrived()).toBe(before + requirement.amount)
      expect(await under.balance(other.address)).toBe(0n)
    })

    it('F1 ten copies of one payment at once move its money once, and ten payments ten times', async () => {
      const { facilitator, requirement } = under
      const before = await arrived()
      const one = sign()
      const copies = Array.from({ length: 10 }, () => facilitator.settle(one, requirement))
      for (const { is } of await Promise.all(copies)) expect(['settled', 'unknown']).toContain(is)
      expect(await arrived()).toBe(before + requirement.amount)
      const ten = Array.from({ length: 10 }, () => facilitator.settle(sign(), requirement))
      const hashes = (await Promise.all(ten)).map((end) => 'transaction' in end && end.transaction)
      expect(new Set(hashes).size).toBe(10)
      expect(await arrived()).toBe(before + requirement.amount * 11n)
    })
  })
}
