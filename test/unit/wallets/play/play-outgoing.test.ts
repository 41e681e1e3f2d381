import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import type { Fate } from '../../../../src/wallets/play/outgoing.ts'
import { openPlayWallet } from '../../../../src/wallets/play/play.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { unheard } from '../../../support/background.ts'
import { memoryFacts } from '../../../support/memory-facts.ts'
import { VirtualWorld } from '../../../support/virtual-world.ts'
import { real } from '../../../support/world.ts'

const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''

outgoingContract('play money', async () => {
  const store = memoryFacts()
  const fates = new Map<string, Fate>()
  const open = () =>
    openPlayWallet({
      ...{ store, world: real, background: unheard },
      fate: ({ paymentHash }) => fates.get(paymentHash) ?? { is: 'paid' },
    })
  const payee = open()
  const fated = async (sat: number, fate: Fate) => {
    const ask = { sat, memo: '', expirySeconds: 600 }
    const { bolt11, paymentHash } = await payee.createInvoice(ask)
    fates.set(paymentHash, fate)
    return bolt11
  }
  return {
    open: async () => open(),
    invoice: (sat) => fated(sat, { is: 'paid' }),
    unpayable: (sat) => fated(sat, { is: 'failed' }),
    held: {
      invoice: (sat) => fated(sat, { is: 'pending' }),
      end: (bolt11, how) => payee.outgoing.end(hashOf(bolt11), how),
    },
    costly: async (sat) => ({
      bolt11: await fated(sat, { is: 'paid', feeMsat: 3_000n }),
      feeMsat: 3_000n,
    }),
    arrived: async (bolt11) => ((await payee.lookup(hashOf(bolt11))).is === 'settled' ? 1 : 0),
    outage: 'play money is inside the gate: it is never out of reach',
    lostAnswers: 'play money is inside the gate: no answer gets lost',
    payByAnother: (bolt11) => payee.pay(bolt11),
    race: 'only the gate itself pays play money, in one process',
    cleanup: async () => undefined,
  }
})

describe('paying with play money', () => {
  const order = (bolt11: string) => ({
    ...{ id: 'satgate:a:b', paymentHash: hashOf(bolt11), bolt11 },
    ...{ amountMsat: 25_000n, maxFeeMsat: 0n },
  })
  const theirs = (network: 'bcrt' | 'tb') =>
    writeBolt11({
      ...{ network, sat: 25, paymentSecret: randomBytes(32), description: 'theirs' },
      paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
      ...{ createdAt: Date.now(), expirySeconds: 600, secretKey: Buffer.alloc(32, 9) },
    })

  it('pays any invoice of a regtest network, and no other', async () => {
    const wallet = openPlayWallet({ store: memoryFacts(), world: real, background: unheard })
    expect(await wallet.outgoing.pay(order(theirs('bcrt')))).toEqual({ is: 'paid', feeMsat: 0n })
    expect(await wallet.outgoing.pay(order(theirs('tb')))).toEqual({
      is: 'failed',
      reason: 'it is no invoice for play money',
    })
  })

  it('a slow payment is pending after some seconds, and paid later', async () => {
    const world = new VirtualWorld(1)
    const fate = () => ({ is: 'paid', afterMs: 60_000 }) as const
    const wallet = openPlayWallet({ store: memoryFacts(), world, background: unheard, fate })
    const one = order(theirs('bcrt'))
    expect(await world.until(wallet.outgoing.pay(one))).toEqual({ is: 'pending' })
    expect(world.elapsed()).toBeLessThan(6_000)
    await world.pass(60_000)
    await world.pass(10)
    expect(await wallet.outgoing.find(one)).toEqual({ is: 'paid', feeMsat: 0n })
  })
})
