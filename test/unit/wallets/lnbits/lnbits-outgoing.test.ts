import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { openLnbitsWallet } from '../../../../src/wallets/lnbits/lnbits.ts'
import type { Outgoing } from '../../../../src/wallets/outgoing.ts'
import type { Wallet } from '../../../../src/wallets/wallet.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { unheard } from '../../../support/background.ts'
import { real } from '../../../support/world.ts'
import { type LnbitsDouble, startLnbitsDouble } from './lnbits-double.ts'

const openFor = (double: LnbitsDouble) =>
  openLnbitsWallet({
    ...{ url: double.url, key: double.adminKey, tlsCertPem: null, moneyHint: 'test', world: real },
    ...{ background: unheard, deadlineMs: 5_000 },
  })

/** An invoice of somebody else. */
function theirs(sat: number): string {
  return writeBolt11({
    ...{ network: 'bcrt', sat, paymentSecret: randomBytes(32), description: 'theirs' },
    paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
    ...{ createdAt: Date.now(), expirySeconds: 600, secretKey: Buffer.alloc(32, 9) },
  })
}

outgoingContract('lnbits (a double)', async () => {
  const double = await startLnbitsDouble()
  const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''
  const payingAs = <T>(paying: 'success' | 'failed' | 'pending', make: () => T): T => {
    double.traps.paying = paying
    return make()
  }
  return {
    open: () => openFor(double),
    invoice: async (sat) => payingAs('success', () => theirs(sat)),
    unpayable: async (sat) => payingAs('failed', () => theirs(sat)),
    held: {
      invoice: async (sat) => payingAs('pending', () => theirs(sat)),
      end: (bolt11, how) => double.end(hashOf(bolt11), how === 'paid' ? 'success' : 'failed'),
    },
    costly: async (sat) => {
      Object.assign(double.traps, { paying: 'success', feeMsat: 3_000, reserveMsat: 3_000 })
      return { bolt11: theirs(sat), feeMsat: 3_000n }
    },
    arrived: async (bolt11) => double.paidOut(hashOf(bolt11)),
    outage: {
      begin: () => double.close(),
      end: () => double.reopen(),
    },
    lostAnswers: {
      begin: async () => Object.assign(double.traps, { loses: true }),
      end: async () => Object.assign(double.traps, { loses: false }),
    },
    payByAnother: (bolt11) =>
      fetch(`${double.url}/api/v1/payments`, {
        method: 'POST',
        headers: { 'x-api-key': double.adminKey },
        body: JSON.stringify({ out: true, bolt11 }),
      }),
    cleanup: () => double.stop(),
  }
})

describe('payments by LNbits', () => {
  let double: LnbitsDouble
  let wallet: Wallet
  let outgoing: Outgoing
  beforeEach(async () => {
    double = await startLnbitsDouble()
    wallet = await openFor(double)
    outgoing = wallet.outgoing ?? expect.unreachable()
  })
  afterEach(async () => {
    await wallet.close()
    await double.stop()
  })
  const order = (bolt11: string, maxFeeMsat = 10_000n) => ({
    ...{ id: 'satgate:a:1', bolt11, maxFeeMsat, amountMsat: readBolt11(bolt11)?.amountMsat ?? 0n },
    paymentHash: readBolt11(bolt11)?.paymentHash ?? '',
  })
  const sent = () => double.requests.filter((one) => one.includes('"bolt11":"ln')).length

  it('the reserve of LNbits bounds the fee: nothing is sent if that is above the bound', async () => {
    double.traps.reserveMsat = 10_001
    expect(await outgoing.feeFor?.(order(theirs(25)))).toBe(10_001n)
    expect(await outgoing.pay(order(theirs(25)))).toEqual({
      is: 'failed',
      reason: 'this LNbits sets 11 sat aside for the fee, which is more than it may cost',
    })
    expect(sent()).toBe(0)
  })

  it('an internal payment that LNbits calls failed because it was paid before is paid', async () => {
    const bolt11 = theirs(25)
    await outgoing.pay(order(bolt11))
    const other = await openFor(double)
    // What another process sees that has not looked up the payment first.
    const said = await fetch(`${double.url}/api/v1/payments`, {
      method: 'POST',
      headers: { 'x-api-key': double.adminKey },
      body: JSON.stringify({ out: true, bolt11 }),
    })
    expect(await said.json()).toMatchObject({ status: 'failed' })
    expect(await other.outgoing?.find(order(bolt11))).toEqual({ is: 'paid', feeMsat: 0n })
    await other.close()
  })

  it.each([[1_000_001, 'the LNbits wallet has too little money']])(
    'a payment of %d sat is refused with the reason',
    async (sat, reason) => {
      expect(await outgoing.pay(order(theirs(sat)))).toEqual({ is: 'failed', reason })
    },
  )

  it('asked too often, nothing was sent', async () => {
    double.traps.page = { status: 429, body: '{"detail":"Rate limit exceeded"}' }
    await expect(outgoing.pay(order(theirs(25)))).rejects.toMatchObject({
      name: 'WalletUnreachable',
      reason: 'it was asked more often than it allows',
    })
  })

  it('an invoice of this wallet that it has not paid is unknown to find', async () => {
    const invoice = await wallet.createInvoice({ sat: 21, memo: 'own', expirySeconds: 600 })
    expect(await outgoing.find({ id: 'x', paymentHash: invoice.paymentHash })).toEqual({
      is: 'unknown',
    })
  })
})
