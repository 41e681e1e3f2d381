import { describe, expect, it } from 'vitest'
import { WalletUnreachable } from '../../src/wallets/wallet.ts'
import { railContract } from '../contract/rail.ts'
import { startGate } from '../support/gate.ts'
import { VoucherShop } from './voucher.ts'

railContract('a voucher', () => {
  const shop = new VoucherShop()
  const voucher = (sat: number) => ['X-Voucher', shop.sell(sat)]
  return {
    rail: shop.rail,
    pay: async ({ body }) => voucher((body.voucher as { sats: number }).sats),
    unpaid: () => ['x-voucher', `v1.21.${'0'.repeat(64)}`],
    malformed: ['x-voucher', 'v1.21'],
    outage: () => {
      shop.open = false
    },
    unpresented: 'a voucher is paid by presenting it',
  }
})

describe('a rail that only a test defines, in a real gate', () => {
  const opened = async (down = false, settings = {}) => {
    const shop = new VoucherShop()
    const gate = await startGate({
      rails: [shop.rail],
      settings: { pricing: { default: '1000' }, ...settings },
      wallet: (play) =>
        down
          ? { ...play, createInvoice: () => Promise.reject(new WalletUnreachable('down')) }
          : play,
    })
    return { shop, gate, paid: (voucher: string) => gate.chat(null, {}, { 'x-voucher': voucher }) }
  }

  it('a 402 has the offers of both, L402 first, each challenge on a line of its own', async () => {
    const { gate } = await opened()
    const { status, json, headers } = await gate.chat(null)
    expect(status).toBe(402)
    expect(json).toMatchObject({ l402: { scheme: 'L402' }, voucher: { sats: json.amount_sats } })
    expect(headers['x-voucher-offer']).toBe(`${json.amount_sats}`)
    expect(headers['www-authenticate']).toMatch(/^L402 macaroon=.*Voucher sats="\d+"$/)
    expect(json.error.message).toContain('Pay at ')
    expect(json.error.message).toContain('X-Voucher.')
    expect(json.how_to_pay).toContain('Buy a voucher')
  })

  it('the outage of one rail removes its offer alone', async () => {
    const { gate } = await opened(true)
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.l402, json.voucher.sats]).toEqual([402, undefined, expect.any(Number)])
    expect(headers['www-authenticate']).toMatch(/^Voucher /)
    const other = await opened()
    other.shop.open = false
    const alone = await other.gate.chat(null)
    expect([alone.status, alone.json.voucher]).toEqual([402, undefined])
    expect(alone.json.l402.scheme).toBe('L402')
  })

  it('no offer of any rail is a refusal without a challenge', async () => {
    const { gate, shop } = await opened(true)
    shop.open = false
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.error.code]).toEqual([503, 'wallet_unreachable'])
    expect(headers['www-authenticate']).toBeUndefined()
  })

  it('L3 every_rail_returns_a_pass: the first paid answer carries it, and no other one does', async () => {
    const { gate, shop, paid } = await opened()
    const voucher = shop.sell(500)
    const first = await paid(voucher)
    expect(first.status).toBe(200)
    const pass = String(first.headers['x-satgate-pass'])
    expect(first.headers['cache-control']).toContain('no-store')
    const { balance_msat, paid_msat } = await gate.balance(pass)
    expect(balance_msat).toBe(500_000 - Number(first.headers['x-cost-msat']))
    expect(paid_msat).toBe(balance_msat)
    expect((await gate.chat(pass)).status).toBe(200)
    const again = await paid(voucher)
    expect([again.status, again.headers['x-satgate-pass']]).toEqual([200, undefined])
    expect(gate.events.filter(({ event }) => event === 'paid')).toHaveLength(1)
    expect(await gate.books.statement.verify()).toMatchObject({ ok: true })
  })

  it('L3 a stream carries the pass too, and so does a refusal behind the payment', async () => {
    const { gate, shop } = await opened()
    const headers = { 'x-voucher': shop.sell(500) }
    const stream = await gate.chat(null, { stream: true }, headers)
    expect(stream.headers['x-satgate-pass']).toMatch(/:[0-9a-f]{64}$/)
    const little = await gate.chat(null, {}, { 'x-voucher': shop.sell(1) })
    expect(little.status).toBe(402)
    const pass = String(little.headers['x-satgate-pass'])
    expect(await gate.balance(pass)).toMatchObject({ balance_msat: 1_000 })
  })

  it('a payment is taken by a request that is answered, and by no look at price or balance', async () => {
    const { gate, shop } = await opened()
    const headers = { 'x-voucher': shop.sell(500) }
    const price = await gate.ask({ method: 'GET', path: '/v1/chat/completions', headers })
    const balance = await gate.ask({ path: '/v1/balance', headers })
    expect([price.status, balance.status]).toEqual([405, 402])
    expect(await gate.books.statement.accounts(9)).toEqual([])
  })

  it('a payment is not taken while nothing can be delivered, nor by a gate that sells nothing', async () => {
    const { gate, shop, paid } = await opened()
    await gate.fake.close()
    gate.world.advance(60_000)
    await paid(shop.sell(500))
    gate.world.advance(15_000)
    const before = (await gate.books.statement.accounts(9)).length
    const refused = await paid(shop.sell(500))
    expect([refused.status, refused.json.error.code]).toEqual([503, 'upstream_unreachable'])
    expect(refused.headers['x-satgate-pass']).toBeUndefined()
    expect(await gate.books.statement.accounts(9)).toHaveLength(before)
    const watched = await opened(false, { mode: 'observe' })
    const observed = await watched.paid(watched.shop.sell(500))
    expect([observed.status, observed.headers['x-satgate-pass']]).toEqual([402, undefined])
    expect(await watched.gate.books.statement.accounts(9)).toEqual([])
  })

  it('a payment that is damaged is told what is wrong with it', async () => {
    const { paid } = await opened()
    const { status, json } = await paid('v1.500')
    expect(status).toBe(402)
    expect(json.error.message).toContain('a voucher is id.sats.seal')
  })

  it('L16 a payment beside a root pass tops it up; two payments are a conflict', async () => {
    const { gate, shop } = await opened()
    const pass = await gate.buy(100)
    const both = await gate.chat(pass, {}, { 'x-voucher': shop.sell(500) })
    expect([both.status, both.headers['x-satgate-pass']]).toEqual([200, pass.text])
    const cost = Number(both.headers['x-cost-msat'])
    expect(await gate.balance(pass)).toMatchObject({ balance_msat: 600_000 - cost })
  })
})
