import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { openLndWallet } from '../../../../src/wallets/lnd/lnd.ts'
import type { PaymentOrder } from '../../../../src/wallets/outgoing.ts'
import { WalletUnreachable } from '../../../../src/wallets/wallet.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { unheard } from '../../../support/background.ts'
import { real } from '../../../support/world.ts'
import { type LndDouble, startLndDouble } from './lnd-double.ts'
import type { Paying } from './lnd-payments-double.ts'

const openFor = (double: LndDouble, macaroonHex = double.adminHex) =>
  openLndWallet({
    ...{ url: double.url, macaroonHex, tlsCertPem: null, moneyHint: 'test' },
    ...{ world: real, background: unheard, deadlineMs: 500 },
  })

/** An invoice of somebody else. */
const theirs = (sat: number, expirySeconds = 600): string =>
  writeBolt11({
    ...{ network: 'bcrt', sat, paymentSecret: randomBytes(32), description: 'theirs' },
    paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
    ...{ createdAt: Date.now(), expirySeconds, secretKey: Buffer.alloc(32, 9) },
  })
const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''
const order = (bolt11: string, maxFeeMsat = 5_000n): PaymentOrder => ({
  ...{ id: 'satgate:a:b', bolt11, paymentHash: hashOf(bolt11) },
  ...{ amountMsat: readBolt11(bolt11)?.amountMsat ?? 0n, maxFeeMsat },
})

outgoingContract('lnd (a double)', async () => {
  const double = await startLndDouble()
  const as = (change: Partial<Paying>, sat: number) => {
    Object.assign(double.payments.paying, { status: 'SUCCEEDED', feeMsat: 0, ...change })
    return theirs(sat)
  }
  return {
    open: () => openFor(double),
    invoice: async (sat) => as({}, sat),
    unpayable: async (sat) => as({ status: 'FAILED' }, sat),
    held: {
      invoice: async (sat) => as({ status: 'IN_FLIGHT' }, sat),
      end: (bolt11, how) =>
        double.payments.end(hashOf(bolt11), how === 'paid' ? 'SUCCEEDED' : 'FAILED'),
    },
    costly: async (sat) => ({ bolt11: as({ feeMsat: 3_000 }, sat), feeMsat: 3_000n }),
    arrived: async (bolt11) => double.payments.arrived(hashOf(bolt11)),
    outage: { begin: () => double.close(), end: () => double.reopen() },
    lostAnswers: {
      begin: async () => Object.assign(double.traps, { loses: true }),
      end: async () => Object.assign(double.traps, { loses: false }),
    },
    payByAnother: async () => undefined,
    cleanup: () => double.stop(),
  }
})

describe('payments by lnd', () => {
  const clean: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const one of clean.splice(0).reverse()) await one()
  })
  async function node(macaroon: 'adminHex' | 'macaroonHex' = 'adminHex') {
    const double = await startLndDouble()
    const wallet = await openFor(double, double[macaroon])
    clean.push(
      () => double.stop(),
      () => wallet.close(),
    )
    return { double, wallet }
  }

  it('an invoice.macaroon pays nothing, and cannot say how much can arrive', async () => {
    const { wallet } = await node('macaroonHex')
    expect(wallet.outgoing).toBeUndefined()
    expect(await wallet.about?.()).toEqual({
      ...{ holder: 'your node', preimage: 'payer', learns: 'subscription', paysOut: false },
      ...{ inbound: { sat: null, says: 'cannot be read with this key' }, warnings: [] },
    })
  })

  it('a macaroon that may pay is warned of, and says how much can arrive', async () => {
    const { wallet } = await node()
    expect(await wallet.about?.()).toMatchObject({
      paysOut: true,
      inbound: { sat: 50_000, says: null },
      warnings: [expect.stringMatching(/may pay/)],
    })
  })

  it('what the macaroon may is learnt later if the node is down at the start', async () => {
    const double = await startLndDouble()
    await double.close()
    const wallet = await openFor(double)
    clean.push(
      () => double.stop(),
      () => wallet.close(),
    )
    expect([wallet.identity, wallet.outgoing]).toEqual([undefined, undefined])
    await double.reopen()
    await wallet.probe()
    expect([wallet.identity, wallet.outgoing]).toEqual([
      expect.stringMatching(/^0[23][0-9a-f]{64}$/),
      expect.anything(),
    ])
  })

  it.each([
    ['FAILURE_REASON_TIMEOUT', /in time/],
    ['FAILURE_REASON_NO_ROUTE', /for that fee/],
    ['FAILURE_REASON_INSUFFICIENT_BALANCE', /cannot send that much/],
    ['FAILURE_REASON_ERROR', /found no way/],
  ])('%s is failed, in words for its buyer', async (failureReason, reason) => {
    const { double, wallet } = await node()
    Object.assign(double.payments.paying, { status: 'FAILED', failureReason })
    expect(await wallet.outgoing?.pay(order(theirs(25)))).toEqual({
      is: 'failed',
      reason: expect.stringMatching(reason),
    })
  })

  it('what it refuses to begin has failed, because lnd writes down what it begins', async () => {
    const { double, wallet } = await node()
    const own = await wallet.createInvoice({ sat: 25, memo: '', expirySeconds: 600 })
    const late = theirs(25, 1)
    await new Promise((done) => setTimeout(done, 1_100))
    for (const [bolt11, reason] of [
      [own.bolt11, /invoice of the wallet/],
      [late, /expired/],
    ] as const) {
      const state = await wallet.outgoing?.pay(order(bolt11))
      expect(state).toEqual({ is: 'failed', reason: expect.stringMatching(reason) })
    }
    // What is wrong with the node says nothing about the payment.
    double.traps.complaint = 'wallet locked, unlock it to enable full RPC access'
    await expect(wallet.outgoing?.pay(order(theirs(25)))).rejects.toBeInstanceOf(WalletUnreachable)
  })

  it('the request bounds the fee and the time, and is sent once', async () => {
    const { double, wallet } = await node()
    const sent = () => double.requests.filter((one) => one === 'POST /v2/router/send').length
    const before = sent()
    const bolt11 = theirs(25)
    await wallet.outgoing?.pay(order(bolt11, 7n))
    expect(sent() - before).toBe(1)
    expect(double.payments.sent(hashOf(bolt11))).toMatchObject({
      ...{ fee_limit_msat: '7', timeout_seconds: 60, cltv_limit: 1_000, no_inflight_updates: true },
    })
  })
})
