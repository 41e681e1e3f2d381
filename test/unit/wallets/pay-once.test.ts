import { describe, expect, it } from 'vitest'
import { sleep } from '../../../src/floor/world.ts'
import { readBolt11 } from '../../../src/wallets/bolt11.ts'
import type { PaymentOrder, PaymentState } from '../../../src/wallets/outgoing.ts'
import { IN_DOUBT_MS, payOnce, type RawPayments } from '../../../src/wallets/pay-once.ts'
import { type Wallet, WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { outgoingContract } from '../../contract/outgoing.ts'
import { type Payment, startPayingNode } from '../../support/paying-node.ts'
import { real, TestWorld } from '../../support/world.ts'

/** A wallet without a wire. With it the suite itself is tried, and the faults that it plays. */
outgoingContract('a node in memory', async () => {
  const node = startPayingNode()
  const faults = { gone: false, loses: false, mute: false }
  const raw: RawPayments = {
    async find({ paymentHash }) {
      if (faults.gone || faults.mute) throw new WalletUnreachable('nothing listens there')
      const known = node.payments.filter(({ hash }) => hash === paymentHash)
      const last = known.findLast(({ state }) => state !== 'failed') ?? known.at(-1)
      return last === undefined ? { is: 'unknown' } : stateOf(last)
    },
    async send({ bolt11, id, maxFeeMsat }) {
      if (faults.gone) throw new WalletUnreachable('nothing listens there')
      const paying = node.pay(bolt11, { label: id, maxFeeMsat })
      const ended = await Promise.race([paying, sleep(real, 100)])
      faults.mute = faults.loses
      if (ended === undefined || faults.mute) return 'in_doubt'
      if (typeof ended !== 'string') return stateOf(ended)
      return ended === 'fee_too_high' ? { is: 'failed', reason: 'the fee is too high' } : 'in_doubt'
    },
  }
  return {
    open: async () =>
      ({
        outgoing: {
          ...payOnce(raw, real),
          list: async (since: number) =>
            node.payments
              .filter(({ label, createdAt }) => label !== null && createdAt >= since)
              .map((one) => ({
                ...{ id: one.label ?? '', paymentHash: one.hash, amountMsat: one.amountMsat },
                state: stateOf(one),
              })),
        },
        close: async () => {},
      }) as unknown as Wallet,
    invoice: async (sat) => node.invoice(sat),
    unpayable: async (sat) => node.invoice(sat, 'unpayable'),
    held: { invoice: async (sat) => node.invoice(sat, 'held'), end: node.end },
    costly: async (sat) => ({ bolt11: node.invoice(sat, 'paid', 1_500n), feeMsat: 1_500n }),
    arrived: async (bolt11) => node.arrived(bolt11),
    outage: {
      begin: async () => void Object.assign(faults, { gone: true }),
      end: async () => void Object.assign(faults, { gone: false }),
    },
    lostAnswers: {
      begin: async () => void Object.assign(faults, { loses: true }),
      end: async () => void Object.assign(faults, { loses: false, mute: false }),
    },
    payByAnother: (bolt11) => node.pay(bolt11, {}),
    cleanup: async () => {},
  }
})

function stateOf({ state, feeMsat }: Payment): PaymentState {
  if (state === 'pending') return { is: 'pending' }
  if (state === 'complete') return { is: 'paid', feeMsat }
  return { is: 'failed', reason: 'there is no route' }
}

const bolt11 = startPayingNode().invoice(25)
const ORDER: PaymentOrder = {
  id: 'satgate:a:1',
  paymentHash: readBolt11(bolt11)?.paymentHash ?? '',
  bolt11,
  amountMsat: 25_000n,
  maxFeeMsat: 1_000n,
}

describe('an order whose call got no answer', () => {
  /** A node that takes an order, answers nothing, and does not know it before it is told to. */
  function slowNode() {
    let state: PaymentState = { is: 'unknown' }
    let sent = 0
    const world = new TestWorld()
    let gone = false
    const raw: RawPayments = {
      async find() {
        if (gone) throw new WalletUnreachable('it hung up')
        return state
      },
      async send() {
        sent += 1
        return 'in_doubt'
      },
    }
    return {
      goes: () => {
        gone = true
      },
      ...{ world, outgoing: payOnce(raw, world), sent: () => sent },
      becomes: (next: PaymentState) => {
        state = next
      },
    }
  }

  it('is pending although the wallet does not know it, and is not sent again', async () => {
    const { outgoing, sent } = slowNode()
    expect(await outgoing.pay(ORDER)).toEqual({ is: 'pending' })
    expect(await outgoing.find(ORDER)).toEqual({ is: 'pending' })
    expect(await outgoing.pay(ORDER)).toEqual({ is: 'pending' })
    expect(sent()).toBe(1)
  })

  it('is pending, and no outage, if the wallet is gone when it is ordered again', async () => {
    const { outgoing, goes, sent } = slowNode()
    await outgoing.pay(ORDER)
    goes()
    expect(await outgoing.pay(ORDER)).toEqual({ is: 'pending' })
    await expect(outgoing.find(ORDER)).rejects.toBeInstanceOf(WalletUnreachable)
    expect(sent()).toBe(1)
  })

  it('is what the wallet says, as soon as it says something', async () => {
    const { outgoing, becomes, sent } = slowNode()
    await outgoing.pay(ORDER)
    becomes({ is: 'paid', feeMsat: 7n })
    expect(await outgoing.find(ORDER)).toEqual({ is: 'paid', feeMsat: 7n })
    expect(await outgoing.pay(ORDER)).toEqual({ is: 'paid', feeMsat: 7n })
    expect(sent()).toBe(1)
  })

  it('is unknown only when no queue can hold it any more, and can be sent then', async () => {
    const { outgoing, sent, world } = slowNode()
    await outgoing.pay(ORDER)
    world.advance(IN_DOUBT_MS - 1_000)
    expect(await outgoing.find(ORDER)).toEqual({ is: 'pending' })
    world.advance(1_001)
    expect(await outgoing.find(ORDER)).toEqual({ is: 'unknown' })
    expect(await outgoing.pay(ORDER)).toEqual({ is: 'pending' })
    expect(sent()).toBe(2)
  })

  it('does not make another order wait', async () => {
    const { outgoing } = slowNode()
    await outgoing.pay(ORDER)
    expect(await outgoing.find({ ...ORDER, paymentHash: 'cd'.repeat(32) })).toEqual({
      is: 'unknown',
    })
  })

  it('is not sent a second time while the first call runs', async () => {
    let sent = 0
    const { promise, resolve } = Promise.withResolvers<PaymentState>()
    const outgoing = payOnce(
      {
        find: async () => ({ is: 'unknown' }),
        send() {
          sent += 1
          return promise
        },
      },
      real,
    )
    const both = [outgoing.pay(ORDER), outgoing.pay(ORDER)]
    expect(await outgoing.find(ORDER)).toEqual({ is: 'pending' })
    resolve({ is: 'paid', feeMsat: 1n })
    for (const each of both) expect(await each).toEqual({ is: 'paid', feeMsat: 1n })
    expect(sent).toBe(1)
  })

  it.each([
    ['another hash', { paymentHash: 'cd'.repeat(32) }],
    ['another amount', { amountMsat: 25_001n }],
  ])('with %s than its invoice is a mistake, and is not sent', (_, change) => {
    const { outgoing, sent } = slowNode()
    expect(() => outgoing.pay({ ...ORDER, ...change })).toThrow(/of an order is that of/)
    expect(sent()).toBe(0)
  })

  it('a wallet that cannot be asked before the payment is sent nothing', async () => {
    let sent = 0
    const outgoing = payOnce(
      {
        find: () => Promise.reject(new WalletUnreachable('it hung up')),
        async send() {
          sent += 1
          return 'in_doubt'
        },
      },
      real,
    )
    await expect(outgoing.pay(ORDER)).rejects.toBeInstanceOf(WalletUnreachable)
    expect(sent).toBe(0)
  })
})
