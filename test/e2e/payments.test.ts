import { describe, expect, it } from 'vitest'
import { type InvoiceState, type Wallet, WalletUnreachable } from '../../src/wallets/wallet.ts'
import { passOf, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const create = (gate: TestGate, body: unknown = {}, headers = {}) =>
  gate.ask({ path: '/create-invoice', body, headers })

/** A wallet whose answers a test can hold back. */
function lateWallet(state: { lookup: InvoiceState | 'down' | null }) {
  return (play: Wallet): Wallet => ({
    ...play,
    async lookup(hash) {
      if (state.lookup === 'down') throw new WalletUnreachable('down')
      return state.lookup ?? play.lookup(hash)
    },
    watch: () => ({ stop() {} }),
  })
}

describe('payments', () => {
  it('I8 a payment that the wallet sees late is waited for: served, and never asked for again', async () => {
    const state = { lookup: { is: 'open' } as InvoiceState | null }
    const gate = await startGate({ wallet: lateWallet(state) })
    const pass = await gate.accept(await gate.chat(null))
    setTimeout(() => {
      state.lookup = null
    }, 700)
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it.each([
    ['not seen', { is: 'unknown' } as const],
    ['not to be asked for', 'down' as const],
  ])(
    'I8 and C1 a right preimage whose payment is %s after 15 s: 503 without a challenge',
    async (_, lookup) => {
      const state = { lookup: lookup as InvoiceState | 'down' | null }
      const gate = await startGate({ wallet: lateWallet(state) })
      const pass = await gate.accept(await gate.chat(null))
      const answer = gate.chat(pass)
      await new Promise((then) => setTimeout(then, 100))
      gate.world.advance(16_000)
      const { status, headers, json } = await answer
      expect([status, json.error.code]).toEqual([503, 'payment_pending'])
      expect(headers['www-authenticate']).toBe(undefined)
      expect(headers['retry-after']).toBe('3')
      expect(gate.events.filter(({ event }) => event === 'paid')).toEqual([])
      state.lookup = null
      expect((await gate.chat(pass)).status).toBe(200)
    },
  )

  it('C10 a payment without a notification is credited by looking it up', async () => {
    const state = { lookup: null }
    const gate = await startGate({ wallet: lateWallet(state) })
    const { json } = await create(gate, { amountSats: 10 })
    await gate.pay(json.bolt11)
    expect(gate.events).toEqual([])
    await until(async () => (await gate.ask({ path: json.payment_url })).json.paid)
    expect(gate.events).toMatchObject([{ event: 'paid', amount_msat: 10_000 }])
  })

  it('C8 a payment that nobody presents is credited when it is reported, and found by its hash later', async () => {
    const gate = await startGate()
    const { json } = await create(gate, { amountSats: 10 })
    const preimage = await gate.pay(json.bolt11)
    await until(() => gate.events.some(({ event }) => event === 'paid'))
    gate.world.advance(86_400_000)
    const pass = passOf(json.macaroon, preimage, json.payment_hash)
    expect((await gate.balance(pass)).balance_msat).toBe(10_000)
    expect(gate.events.filter(({ event }) => event === 'paid')).toHaveLength(1)
  })

  it('C8 an invoice that was paid after its expiry is credited nevertheless', async () => {
    const state: { lookup: InvoiceState | null } = { lookup: { is: 'dead' } }
    const gate = await startGate({ wallet: lateWallet(state) })
    const refused = await gate.chat(null)
    const pass = await gate.accept(refused)
    gate.world.advance(86_400_000)
    state.lookup = { is: 'settled', preimage: null, receivedMsat: 10_000n }
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('C8 the macaroon of one invoice and the preimage of another open nothing', async () => {
    const gate = await startGate()
    const [cheap, dear] = [await gate.buy(1), (await create(gate, { amountSats: 1_000 })).json]
    const mixed = passOf(dear.macaroon, cheap.secret, dear.payment_hash)
    expect((await gate.chat(mixed)).status).toBe(402)
  })

  it('B7 a first use by many at once credits once', async () => {
    const gate = await startGate({ books: 'sqlite' })
    const { json } = await create(gate, { amountSats: 100 })
    const preimage = await gate.pay(json.bolt11)
    const pass = passOf(json.macaroon, preimage, json.payment_hash)
    const all = await Promise.all(Array.from({ length: 30 }, () => gate.balance(pass)))
    expect(new Set(all.map((one) => one.balance_msat))).toEqual(new Set([100_000]))
    expect(gate.events.filter(({ event }) => event === 'paid')).toHaveLength(1)
    await gate.proof()
  })

  it('a wallet outage: 503 without an offer for strangers, passes are served, reported once each way', async () => {
    const state = { down: false }
    const gate = await startGate({
      wallet: (play) => ({
        ...play,
        async createInvoice(ask) {
          if (state.down) throw new WalletUnreachable('down')
          return play.createInvoice(ask)
        },
        async probe() {
          if (state.down) throw new WalletUnreachable('down')
        },
      }),
    })
    const pass = await gate.buy(10)
    state.down = true
    for (let i = 0; i < 3; i += 1) {
      const refused = await gate.chat(null)
      expect([refused.status, refused.json.error.code]).toEqual([503, 'wallet_unreachable'])
      expect(refused.headers['www-authenticate']).toBe(undefined)
    }
    expect((await create(gate)).status).toBe(503)
    expect((await gate.chat(pass)).status).toBe(200)
    expect((await gate.ask({ path: '/health' })).json).toMatchObject({ wallet: 'unreachable' })
    state.down = false
    await gate.world.until(() => gate.composed.wallets.up)
    expect((await gate.chat(null)).status).toBe(402)
    const said = gate.events.filter(({ event }) => event === 'problem' || event === 'solved')
    expect(said).toMatchObject([
      { event: 'problem', what: 'wallet_unreachable', wallet: 'play' },
      { event: 'solved', what: 'wallet_unreachable' },
    ])
  })
})

describe('D1 a flood of unpaid requests', () => {
  it('makes invoices for a client up to its bound, then shared ones, and no further rows', async () => {
    let made = 0
    const gate = await startGate({
      books: 'sqlite',
      settings: { limits: { invoicesPerClient: 20, invoicesTotal: 50 } },
      wallet: (play) => ({
        ...play,
        createInvoice(ask) {
          made += 1
          return play.createInvoice(ask)
        },
      }),
    })
    for (let round = 0; round < 30; round += 1) {
      const all = await Promise.all(
        Array.from({ length: 100 }, () =>
          gate.chat(null, {}, { 'x-forwarded-for': `10.0.${round}.1` }),
        ),
      )
      expect(all.every(({ status }) => status === 402)).toBe(true)
    }
    // Twenty invoices of its own, and a shared one.
    expect(gate.composed.openInvoices()).toBe(21)
    expect(made).toBe(21)
  })

  it('D3 behind a trusted proxy clients are told apart, and all together have a bound', async () => {
    const gate = await startGate({
      settings: {
        trustedProxies: ['127.0.0.1'],
        limits: { invoicesPerClient: 3, invoicesTotal: 10 },
      },
    })
    const from = (address: string) => gate.chat(null, {}, { 'x-forwarded-for': address })
    const exclusive = async (address: string) =>
      (await from(address)).json.payment_url !== undefined
    const own: boolean[] = []
    for (let i = 0; i < 4; i += 1) own.push(await exclusive('198.51.100.1'))
    expect(own).toEqual([true, true, true, false])
    // The /64 of one customer is one client, whatever address in it is used.
    for (let i = 0; i < 3; i += 1) await from(`2001:db8:0:1::${i}`)
    expect(await exclusive('2001:db8:0:1:ffff::9')).toBe(false)
    expect(await exclusive('2001:db8:0:2::1')).toBe(true)
    for (let i = 10; i < 40; i += 1) await from(`198.51.100.${i}`)
    // A fifth of the places is kept for buyers.
    expect(gate.composed.openInvoices()).toBe(8)
  })

  it('D2 and it evicts nobody who has just paid', async () => {
    const gate = await startGate({ settings: { limits: { invoicesPerClient: 3 } } })
    const refused = await gate.chat(null)
    const secret = await gate.pay(refused.json.l402.invoice)
    await Promise.all(Array.from({ length: 200 }, () => gate.chat(null)))
    const { macaroon, payment_hash: hash } = refused.json.l402
    expect((await gate.chat(passOf(macaroon, secret, hash))).status).toBe(200)
  })
})
