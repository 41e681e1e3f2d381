import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { World } from '../../../../src/floor/world.ts'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { nwcClient } from '../../../../src/wallets/nwc/client.ts'
import { readConnection } from '../../../../src/wallets/nwc/connection.ts'
import { openNwcWallet } from '../../../../src/wallets/nwc/nwc.ts'
import type { Outgoing } from '../../../../src/wallets/outgoing.ts'
import type { Wallet } from '../../../../src/wallets/wallet.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { until } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { real } from '../../../support/world.ts'
import { type NwcDouble, startNwcDouble } from './nwc-double.ts'

const DEADLINE = 3_000
const openFor = (double: NwcDouble, world: World = real) =>
  openNwcWallet({
    ...{ connection: double.connection, moneyHint: 'test', world },
    ...{ background: unheard, deadlineMs: DEADLINE },
  })

/** An invoice of somebody else. */
function theirs(sat: number): string {
  return writeBolt11({
    ...{ network: 'bcrt', sat, paymentSecret: randomBytes(32), description: 'theirs' },
    paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
    ...{ createdAt: Date.now(), expirySeconds: 600, secretKey: Buffer.alloc(32, 9) },
  })
}
const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''

for (const onlyInvoices of [false, true]) {
  const name = onlyInvoices ? 'a double that looks up only invoices' : 'a double'
  outgoingContract(`nwc (${name})`, async () => {
    const double = await startNwcDouble()
    double.traps.methods.push('pay_invoice')
    double.traps.onlyInvoices = onlyInvoices
    const payingAs = (paying: 'settled' | 'failed' | 'pending', sat: number): string => {
      double.traps.paying = paying
      return theirs(sat)
    }
    return {
      open: () => openFor(double),
      invoice: async (sat) => payingAs('settled', sat),
      unpayable: async (sat) => payingAs('failed', sat),
      held: {
        invoice: async (sat) => payingAs('pending', sat),
        end: (bolt11, how) => double.end(hashOf(bolt11), how === 'paid' ? 'settled' : 'failed'),
      },
      costly: 'a request of NIP-47 names no bound of the fee',
      arrived: async (bolt11) => double.paidOut(hashOf(bolt11)),
      outage: { begin: () => double.close(), end: () => double.reopen() },
      lostAnswers: {
        begin: async () => Object.assign(double.traps, { loses: true }),
        end: async () => Object.assign(double.traps, { loses: false }),
      },
      async payByAnother(invoice) {
        const parts = { world: real, deadlineMs: DEADLINE, onNotification() {}, onLost() {} }
        const other = nwcClient({ connection: readConnection(double.connection), ...parts })
        await other.request('pay_invoice', { invoice })
        other.close()
      },
      cleanup: () => double.stop(),
    }
  })
}

describe('payments by Nostr Wallet Connect', () => {
  let double: NwcDouble
  let wallet: Wallet
  let outgoing: Outgoing
  let at: number
  beforeEach(async () => {
    double = await startNwcDouble()
    double.traps.methods.push('pay_invoice')
    at = Date.now()
    wallet = await openFor(double, { ...real, now: () => at })
    outgoing = wallet.outgoing ?? expect.unreachable()
  })
  afterEach(async () => {
    await wallet.close()
    await double.stop()
  })
  const order = (bolt11: string) => ({
    ...{ id: 'satgate:a:1', bolt11, maxFeeMsat: 10_000n, amountMsat: 25_000n },
    paymentHash: hashOf(bolt11),
  })
  const answer = (code: string) => Object.assign(double.traps, { errors: { pay_invoice: code } })

  it('says the fee that the wallet says', async () => {
    double.traps.feeMsat = 1_234
    expect(await outgoing.pay(order(theirs(25)))).toEqual({ is: 'paid', feeMsat: 1_234n })
  })

  it('the request expires, so that a wallet that was away does not pay it hours later', async () => {
    await outgoing.pay(order(theirs(25)))
    const times = double.events.map(
      ({ created_at, tags }) =>
        Number(tags.find(([name]) => name === 'expiration')?.[1]) - created_at,
    )
    expect(times.filter((seconds) => !Number.isNaN(seconds))).toEqual([120])
  })

  it.each([
    ['INSUFFICIENT_BALANCE', 'the wallet has too little money'],
    ['QUOTA_EXCEEDED', 'the budget of the connection to the wallet is used up'],
    ['PAYMENT_FAILED', 'the wallet found no way to pay it'],
  ])('%s is failed', async (code, reason) => {
    answer(code)
    expect(await outgoing.pay(order(theirs(25)))).toEqual({ is: 'failed', reason })
  })

  it('a refusal of a payment that was made all the same is not believed', async () => {
    const bolt11 = theirs(25)
    await outgoing.pay(order(bolt11))
    answer('PAYMENT_FAILED')
    const other = await openFor(double)
    expect(await other.outgoing?.pay(order(bolt11))).toEqual({ is: 'paid', feeMsat: 0n })
    await other.close()
  })

  it.each(['INTERNAL', 'OTHER', 'a code that is new'])('%s is in doubt: pending', async (code) => {
    answer(code)
    expect(await outgoing.pay(order(theirs(25)))).toEqual({ is: 'pending' })
  })

  it.each([
    ['RATE_LIMITED', 'WalletUnreachable'],
    ['RESTRICTED', 'WalletRefused'],
    ['UNAUTHORIZED', 'WalletRefused'],
  ])('%s sends nothing', async (code, name) => {
    answer(code)
    const bolt11 = theirs(25)
    await expect(outgoing.pay(order(bolt11))).rejects.toMatchObject({ name })
    expect(await outgoing.find(order(bolt11))).toEqual({ is: 'unknown' })
  })

  it('an own invoice that was not paid is unknown to find', async () => {
    const { paymentHash } = await wallet.createInvoice({ sat: 21, memo: 'own', expirySeconds: 600 })
    expect(await outgoing.find({ id: 'x', paymentHash })).toEqual({ is: 'unknown' })
  })

  describe('a wallet that does not show what is on its way', () => {
    beforeEach(() => Object.assign(double.traps, { hides: true, paying: 'pending', waits: true }))

    it('C10 without a reply the payment is pending however long, and paid when the reply comes', async () => {
      const bolt11 = theirs(25)
      expect(await outgoing.pay(order(bolt11))).toEqual({ is: 'pending' })
      at += 24 * 3_600_000
      expect(await outgoing.find(order(bolt11))).toEqual({ is: 'pending' })
      double.end(hashOf(bolt11), 'settled')
      await until(async () => (await outgoing.find(order(bolt11))).is === 'paid')
    })

    it('C10 closing while there is no reply is never "nothing was sent"', async () => {
      const paying = outgoing.pay(order(theirs(25)))
      await until(async () => double.calls.includes('pay_invoice'))
      await wallet.close()
      expect(await paying).toEqual({ is: 'pending' })
    })
  })

  it('its outgoing part stays the same over probes, with what it knows', async () => {
    double.traps.drops = ['pay_invoice']
    const bolt11 = theirs(25)
    expect(await outgoing.pay(order(bolt11))).toEqual({ is: 'pending' })
    await wallet.probe()
    expect(await wallet.outgoing?.find(order(bolt11))).toEqual({ is: 'pending' })
  })
})
