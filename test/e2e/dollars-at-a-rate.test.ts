import { describe, expect, it } from 'vitest'
import { startDollarGate } from '../support/dollar-gate.ts'
import { rateOf } from '../support/x402-bed.ts'

/** A million tokens of input and output, in dollars. */
const PRICE = { usdPerMillion: { input: 0.5, output: 2.5 } }

/** What an answer cost at par, in micro-dollars. */
const parOf = ({ usage }: { usage: { prompt_tokens: number; completion_tokens: number } }) =>
  Math.ceil(usage.prompt_tokens * 0.5 + usage.completion_tokens * 2.5)

describe('L5 dollars_do_not_leave_as_sats', () => {
  it.each(['9000', '90000', '120000', '987654.321'])(
    'a model priced in dollars is charged at par, at %s dollars a bitcoin',
    async (rate) => {
      const settings = { pricing: { default: PRICE } }
      const shop = await startDollarGate({ rate, settings })
      const { gate } = shop
      const paying = shop.sign(2, await gate.chat(null))
      const first = await gate.chat(null, {}, paying.headers)
      expect(first.status, first.text).toBe(200)
      const pass = String(first.headers['x-satgate-pass'])
      const left = (await gate.balance(pass)).usd_micros
      expect(left).toBe(Number(paying.authorization.value) - parOf(first.json))
      const { data } = (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json
      expect(data[0]).toMatchObject({ charged_usd_micros: parOf(first.json), usd_per_btc: rate })
      await gate.proof()
    },
  )

  it('what was bought in dollars cannot be withdrawn, and is no sat of the balance', async () => {
    const shop = await startDollarGate()
    const { gate } = shop
    const first = await gate.chat(null, {}, shop.sign(2, await gate.chat(null)).headers)
    const pass = String(first.headers['x-satgate-pass'])
    expect(await gate.balance(pass)).toMatchObject({ paid_msat: 0, withdrawable_msat: 0 })
    const body = { ecash: true }
    const out = await gate.ask({ path: '/v1/withdraw', body, headers: bearer(pass) })
    expect(out.status).toBe(400)
    expect(await gate.balance(pass)).toMatchObject({ withdrawable: [] })
    await gate.proof()
  })

  it('an offer says its rate, is good for two minutes, and then nothing is taken', async () => {
    const shop = await startDollarGate({ rate: '100000' })
    const { gate } = shop
    const refused = await gate.chat(null)
    expect(JSON.stringify(refused.json.x402)).toContain('100000')
    const paying = shop.sign(2, refused)
    gate.world.advance(121_000)
    const late = await gate.chat(null, {}, paying.headers)
    expect([late.status, late.json.reason]).toEqual([402, 'x402_offer'])
    expect(shop.chain.transactions).toEqual([])
    const again = await gate.chat(null, {}, shop.sign(2, late).headers)
    expect(again.status, again.text).toBe(200)
  })

  it('without a rate a price in sats is not for dollars, and the pass is not told to pay', async () => {
    const shop = await startDollarGate()
    const { gate } = shop
    const first = await gate.chat(null, {}, shop.sign(2, await gate.chat(null)).headers)
    const pass = String(first.headers['x-satgate-pass'])
    shop.rate = null
    const refused = await gate.chat(pass)
    expect([refused.status, refused.json.error.code]).toEqual([503, 'usd_rate_unavailable'])
    expect(refused.headers).not.toHaveProperty('www-authenticate')
    expect(refused.headers).not.toHaveProperty('payment-required')
    expect(await gate.balance(pass)).toMatchObject({ usd_counted: false })
    shop.rate = rateOf('100000')
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('a pass whose dollars do not suffice is told what it has in both', async () => {
    const settings = { pricing: { default: '1000' } }
    const shop = await startDollarGate({ settings })
    const { gate } = shop
    const first = await gate.chat(null, {}, shop.sign(2, await gate.chat(null)).headers)
    const pass = String(first.headers['x-satgate-pass'])
    let last = await gate.chat(pass)
    for (let n = 0; n < 60 && last.status === 200; n += 1) last = await gate.chat(pass)
    expect(last.status, last.text).toBe(402)
    expect(last.json.error.message).toMatch(/\d sat and \$\d/)
    await gate.proof()
  })

  it('one payment and all that is outstanding have a maximum', async () => {
    const shop = await startDollarGate({ x402: { maxPayment: 0.015, maxOutstanding: 0.015 } })
    const { gate } = shop
    const refused = await gate.chat(null)
    expect((await gate.chat(null, {}, shop.sign(2, refused).headers)).status).toBe(200)
    const full = await gate.chat(null)
    expect(full.headers).not.toHaveProperty('payment-required')
    const second = await gate.chat(null, {}, shop.sign(2, refused).headers)
    expect(second.json.reason).toBe('x402_full')
    expect(shop.chain.transactions.length).toBe(1)
    await gate.proof()
  })
})

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
