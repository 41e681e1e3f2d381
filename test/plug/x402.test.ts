import { describe, expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import { openaiChat } from '../../src/dialects/openai/chat.ts'
import { railContract } from '../contract/rail.ts'
import { until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import { VoucherShop } from './voucher.ts'
import { decoded, Facilitator } from './x402.ts'

for (const version of ['v1', 'v2'] as const) {
  railContract(`x402 ${version}`, () => {
    const facilitator = new Facilitator()
    const rail = facilitator[version]
    const [header = ''] = rail.reads
    return {
      rail,
      pay: async ({ accepts, headers }) => {
        const [asked] = accepts as { maxAmountRequired: string }[]
        const [other] = Object.values(headers).map(decoded)
        return [
          header,
          facilitator.sign(Number(asked?.maxAmountRequired ?? other.accepts[0].amount)),
        ]
      },
      unpaid: () => [header, Buffer.from('{"nonce":"0x1","value":21}').toString('base64')],
      malformed: [header, 'e30='],
      outage: () => {
        facilitator.open = false
      },
      unpresented: 'a signature is settled when it is presented',
    }
  })
}

const PAGE = { origin: 'https://page.example' }
const CHAT = '/v1/chat/completions'

describe('several rails of other people in one gate', () => {
  const opened = async () => {
    const facilitator = new Facilitator()
    const shop = new VoucherShop()
    const gate = await startGate({
      rails: [facilitator.v1, facilitator.v2, shop.rail],
      settings: { pricing: { default: '1000' }, cors: '*' },
    })
    const paid = (headers: object) => gate.chat(null, {}, headers)
    const accounts = () => gate.books.statement.accounts(9)
    return { facilitator, shop, gate, paid, accounts }
  }

  it('a 402 has all of their offers, which a web page can read', async () => {
    const { gate } = await opened()
    const { status, json, headers } = await gate.chat(null, {}, PAGE)
    expect(status).toBe(402)
    expect(headers['www-authenticate']).toMatch(/^L402 /)
    expect(json.voucher.sats).toBe(json.amount_sats)
    expect([json.x402Version, json.accepts.length]).toEqual([1, 1])
    expect(json.accepts[0]).toMatchObject({
      maxAmountRequired: `${json.amount_sats}`,
      resource: `${gate.url}${CHAT}`,
    })
    expect(decoded(headers['payment-required']).resource.url).toBe(`${gate.url}${CHAT}`)
    const exposed = String(headers['access-control-expose-headers']).toLowerCase().split(', ')
    expect(exposed).toEqual(expect.arrayContaining(['payment-required', 'x-voucher-offer']))
    expect(new Set(exposed).size).toBe(exposed.length)
  })

  it('the documents name them all as ways to pay', async () => {
    const { gate } = await opened()
    const { json } = await gate.ask({ path: '/.well-known/l402' })
    expect(json.payment.methods).toEqual(['l402', 'x402-v1', 'x402-v2', 'voucher'])
  })

  it('L3 a payment is served, with its receipt each time and a pass the first time', async () => {
    const { gate, facilitator, paid } = await opened()
    const payment = facilitator.sign(500)
    const first = await paid({ 'x-payment': payment, ...PAGE })
    expect(first.status).toBe(200)
    expect(decoded(first.headers['x-payment-response'])).toMatchObject({ transaction: 'tx-1' })
    expect(first.headers['cache-control']).toContain('no-store')
    const exposed = String(first.headers['access-control-expose-headers'])
    expect(exposed).toContain('X-Satgate-Pass')
    expect(exposed).toContain('X-PAYMENT-RESPONSE')
    const pass = String(first.headers['x-satgate-pass'])
    expect((await gate.chat(pass)).status).toBe(200)
    const again = await paid({ 'x-payment': payment })
    expect(again.headers['x-satgate-pass']).toBeUndefined()
    expect(decoded(again.headers['x-payment-response'])).toMatchObject({ transaction: 'tx-1' })
    expect(await gate.books.statement.verify()).toMatchObject({ ok: true })
  })

  it('L4 one payment that two rails present, also at once, is one credit', async () => {
    const { gate, facilitator, paid, accounts } = await opened()
    const payment = facilitator.sign(500)
    const [one, two] = await Promise.all([
      paid({ 'x-payment': payment }),
      paid({ 'payment-signature': payment }),
    ])
    const third = await paid({ 'payment-signature': payment })
    expect([one.status, two.status, third.status]).toEqual([200, 200, 200])
    const passes = [one, two, third].map(({ headers }) => headers['x-satgate-pass'])
    expect(passes.filter((pass) => pass !== undefined)).toHaveLength(1)
    expect(await accounts()).toHaveLength(1)
    expect(gate.events.filter(({ event }) => event === 'paid')).toHaveLength(1)
    const cost = [one, two, third].map(({ headers }) => Number(headers['x-cost-msat']))
    const pass = String(passes.find((text) => text !== undefined))
    const spent = cost.reduce((sum, msat) => sum + msat)
    expect((await gate.balance(pass)).balance_msat).toBe(500_000 - spent)
    await gate.proof()
  })

  it('the outage of one removes its own offers alone, and keeps its payments safe', async () => {
    const { gate, facilitator, shop, paid, accounts } = await opened()
    facilitator.open = false
    const without = await gate.chat(null)
    expect([without.status, without.json.accepts]).toEqual([402, []])
    expect(without.headers['payment-required']).toBeUndefined()
    expect([without.json.l402.scheme, without.json.voucher.sats]).toEqual([
      'L402',
      expect.any(Number),
    ])
    const waiting = paid({ 'x-payment': facilitator.sign(500) })
    await until(() => facilitator.refused > 0)
    facilitator.open = true
    gate.world.advance(500)
    expect((await waiting).status).toBe(200)
    shop.open = false
    const other = await gate.chat(null)
    expect([other.json.voucher, other.json.accepts.length]).toEqual([undefined, 1])
    expect(await accounts()).toHaveLength(1)
  })

  it('C5 credentials of two rails at once are refused, and neither payment is taken', async () => {
    const { gate, facilitator, shop, paid, accounts } = await opened()
    const payment = facilitator.sign(500)
    const pass = await gate.buy(100)
    const voucher = shop.sell(500)
    for (const headers of [
      { 'x-payment': payment, 'payment-signature': payment },
      { 'x-payment': payment, 'x-voucher': voucher },
      { 'x-payment': 'damaged', 'x-voucher': voucher },
      { 'payment-signature': 'damaged', 'x-api-key': pass.text },
    ]) {
      const { status, json } = await paid(headers)
      expect([status, json.error.code]).toEqual([400, 'conflicting_credentials'])
    }
    expect(facilitator.settled.size).toBe(0)
    expect(await accounts()).toHaveLength(1)
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
  })

  it('G3 what a rail reads reaches no backend, and no dialect may ask for it', async () => {
    const { gate, shop, paid } = await opened()
    expect((await paid({ 'x-voucher': shop.sell(500) })).status).toBe(200)
    expect(gate.fake.seen.at(-1)?.headers).not.toHaveProperty('x-voucher')
    const nosy = { ...openaiChat, headers: ['x-voucher'] }
    const routes = {
      routes: (targets: Parameters<typeof routesOf>[2]) => routesOf([nosy], 'charge', targets),
    }
    await expect(startGate({ ...routes, rails: [new VoucherShop().rail] })).rejects.toThrow(
      'no dialect sees a credential: x-voucher',
    )
  })
})
