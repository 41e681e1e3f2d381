import { describe, expect, it } from 'vitest'
import { openPlayWallet } from '../../../../src/wallets/play/play.ts'
import { heard, walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { memoryFacts } from '../../../support/memory-facts.ts'
import { real } from '../../../support/world.ts'

const world = real
const ASK = { sat: 21, memo: 'play', expirySeconds: 600 }

walletContract('play money', async () => {
  const store = memoryFacts()
  let wallet = openPlayWallet({ store, world, background: unheard })
  return {
    // The gate's own process takes payments, so the buyer pays at the wallet that was opened last.
    async open() {
      wallet = openPlayWallet({ store, world, background: unheard })
      return wallet
    },
    async pay(bolt11) {
      const paid = await wallet.pay(bolt11)
      if (!paid.ok) throw new Error(`not paid: ${paid.error}`)
      return paid.value
    },
    outage: 'play money is inside the gate: it is never out of reach',
    refuses: 'play money is of any amount',
    async cleanup() {},
  }
})

describe('paying with play money', () => {
  it.each([
    ['not an invoice', 'malformed'],
    ['', 'malformed'],
    [`${'ab'.repeat(31)}`, 'malformed'],
    ['ab'.repeat(32), 'unknown'],
  ])('%j is refused: %s', async (invoice, error) => {
    const { play } = fresh()
    expect(await play.pay(invoice)).toEqual({ ok: false, error })
  })

  it('accepts the invoice in every spelling of wallet apps, or its hash', async () => {
    for (const spell of [
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      (text: string) => `lightning:${text}`,
      (text: string) => ` LIGHTNING:${text.toUpperCase()}\n`,
    ]) {
      const { play } = fresh()
      const { bolt11, paymentHash } = await play.createInvoice(ASK)
      expect(await play.pay(spell(bolt11))).toMatchObject({ ok: true })
      expect(await play.pay(paymentHash)).toMatchObject({ ok: true })
    }
  })

  it('an expired invoice is refused, and stays unpaid', async () => {
    const { play, clock } = fresh()
    const { paymentHash, expiresAt } = await play.createInvoice(ASK)
    clock.now = expiresAt
    expect(await play.pay(paymentHash)).toEqual({ ok: false, error: 'expired' })
    expect(await play.lookup(paymentHash)).toEqual({ is: 'dead' })
  })

  it('paid twice, it was paid once, also after its expiry', async () => {
    const { play, clock } = fresh()
    const told = heard()
    play.watch(null, told.listen)
    const { paymentHash, expiresAt } = await play.createInvoice(ASK)
    const first = await play.pay(paymentHash)
    clock.now = expiresAt + 1
    expect(await play.pay(paymentHash)).toEqual(first)
    expect(told.hashes()).toEqual([paymentHash])
  })

  it('C1 the preimage is told only when the payment is on disk', async () => {
    const store = memoryFacts()
    const { play } = fresh(store)
    const { paymentHash } = await play.createInvoice(ASK)
    store.fail = true
    await expect(play.pay(paymentHash)).rejects.toThrow('disk full')
    store.fail = false
    expect(await play.lookup(paymentHash)).toEqual({ is: 'open' })
    expect(await play.pay(paymentHash)).toMatchObject({ ok: true })
    expect(await fresh(store).play.lookup(paymentHash)).toMatchObject({ is: 'settled' })
  })

  it('payments at the same time are all reported, each with its own cursor', async () => {
    const { play, store } = fresh()
    const told = heard()
    play.watch(null, told.listen)
    const invoices = await Promise.all([1, 2, 3, 4, 5].map(() => play.createInvoice(ASK)))
    const hashes = invoices.map((invoice) => invoice.paymentHash)
    await Promise.all(hashes.map((hash) => play.pay(hash)))
    expect(told.hashes().toSorted()).toEqual(hashes.toSorted())
    expect(told.all.map((one) => one.cursor)).toEqual(['1', '2', '3', '4', '5'])

    const replayed = heard()
    fresh(store).play.watch('2', replayed.listen)
    await new Promise((done) => setTimeout(done, 20))
    expect(replayed.hashes()).toEqual(told.hashes().slice(2))
  })
})

function fresh(store = memoryFacts()) {
  const clock = { now: Date.now() }
  const play = openPlayWallet({
    store,
    world: { ...world, now: () => clock.now },
    background: unheard,
  })
  return { play, clock, store }
}
