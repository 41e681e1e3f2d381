import { describe, expect, it } from 'vitest'
import type { Answered } from '../support/ask.ts'
import { bearer, type Pass } from '../support/buyer.ts'
import { type DollarGate, startDollarGate } from '../support/dollar-gate.ts'
import type { TestGate } from '../support/gate.ts'
import { FakePayer, invoiceOf } from '../support/withdrawal-bed.ts'
import { rateOf } from '../support/x402-bed.ts'
import { read402 } from '../support/x402-buyer.ts'

/** 100 sat for 1,000 tokens, and 50 dollars for a million: both are large enough to see the rounding. */
const IN_SATS = { default: '100' }
const IN_DOLLARS = { default: { usdPerMillion: { input: 50, output: 50 } } }
const BOTH = { ...IN_SATS, models: { other: { usdPerMillion: { input: 50, output: 50 } } } }

/** A million tokens of input and of output cost 50,000,000 µ$. */
const parOf = ({ json: { usage } }: Answered) =>
  (usage.prompt_tokens + usage.completion_tokens) * 50
/** The msat of an answer, changed into µ$ once and up. */
const atRate = (msat: number, rate: string) =>
  Number((BigInt(msat) * rateOf(rate) + 10n ** 13n - 1n) / 10n ** 13n)

const passIn = ({ headers }: Answered) => String(headers['x-satgate-pass'])
const costOf = ({ headers }: Answered) => Number(headers['x-cost-msat'])
const usage = async (gate: TestGate, pass: Pass | string) =>
  (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json.data
const usdOf = async (gate: TestGate, pass: Pass | string): Promise<number> =>
  (await gate.balance(pass)).usd_micros ?? 0

const payFor = async ({ gate, sign }: DollarGate, version: 1 | 2, body: object = {}) =>
  sign(version, await gate.chat(null, body))

describe('L5 the rate moves between the offer and the payment', () => {
  const MOVES = [
    ['sats', IN_SATS, '95000'],
    ['sats', IN_SATS, '105000'],
    ['dollars', IN_DOLLARS, '95000'],
    ['dollars', IN_DOLLARS, '105000'],
  ] as const
  for (const version of [1, 2] as const) {
    it.each(MOVES)(
      `I8 v${version}: priced in %s %j, now %s: the least that was asked for suffices, and later requests go at the rate of now`,
      async (priced, pricing, moved) => {
        // No comfort: an offer is what its request needs.
        const shop = await startDollarGate({ settings: { pricing }, x402: { maxPayment: 5 } })
        const { gate } = shop
        const messages = [{ role: 'user', content: 'word '.repeat(4_000) }]
        const paying = await payFor(shop, version, { messages })
        // More than the offer of a short prompt, so it is the least that this one needs.
        expect(paying.authorization.value).toBeGreaterThan(150_000n)
        const body = { messages }
        shop.rate = rateOf(moved)
        gate.world.advance(119_000)
        const first = await gate.chat(null, body, paying.headers)
        expect(first.status, first.text.slice(0, 300)).toBe(200)
        const cost = (answer: Answered, rate: string) =>
          priced === 'dollars' ? parOf(answer) : atRate(costOf(answer), rate)
        const left = Number(paying.authorization.value) - cost(first, '100000')
        expect(await usdOf(gate, passIn(first))).toBe(left)
        const receipt = read402(
          first.headers[version === 1 ? 'x-payment-response' : 'payment-response'],
        )
        expect(receipt).toMatchObject({
          ...{ success: true, usd_per_btc: '100000' },
          amount: `${paying.authorization.value}`,
        })
        const later = await gate.chat(passIn(first))
        expect(later.status, later.text.slice(0, 300)).toBe(200)
        expect(await usdOf(gate, passIn(first))).toBe(left - cost(later, moved))
        const rows = await usage(gate, passIn(first))
        expect(rows.map((row: { usd_per_btc: string }) => row.usd_per_btc)).toEqual([
          ...[moved, '100000'],
        ])
        await gate.proof()
      },
    )
  }

  it.each([1, 2] as const)('v%d: after two minutes nothing is taken, of a pass too', async (v) => {
    const shop = await startDollarGate({ settings: { pricing: IN_SATS } })
    const { gate } = shop
    const pass = passIn(await gate.chat(null, {}, (await payFor(shop, 2)).headers))
    const had = await usdOf(gate, pass)
    const paying = await payFor(shop, v)
    gate.world.advance(121_000)
    const late = await gate.chat(null, {}, paying.headers)
    expect([late.status, late.json.reason]).toEqual([402, 'x402_offer'])
    expect(shop.chain.transactions.length).toBe(1)
    expect(await usdOf(gate, pass)).toBe(had)
  })
})

describe('L5 a price in sats', () => {
  it('costs dollars at the rate of its hold, whatever the rate is when it is charged', async () => {
    const shop = await startDollarGate({ settings: { pricing: IN_SATS } })
    const { gate } = shop
    const pass = passIn(await gate.chat(null, {}, (await payFor(shop, 2)).headers))
    for (const rate of ['9000', '120000', '87654.32']) {
      shop.rate = rateOf(rate)
      const had = await usdOf(gate, pass)
      const answer = await gate.chat(pass)
      expect(answer.status, answer.text.slice(0, 300)).toBe(200)
      const spent = atRate(costOf(answer), rate)
      expect(had - (await usdOf(gate, pass))).toBe(spent)
      expect((await usage(gate, pass))[0]).toMatchObject({
        ...{ charged_msat: costOf(answer), charged_usd_micros: spent, usd_per_btc: rate },
      })
    }
    await gate.proof()
  })

  it('is not charged at a rate that came while it ran', async () => {
    const shop = await startDollarGate({ settings: { pricing: IN_SATS } })
    const { gate } = shop
    const pass = passIn(await gate.chat(null, {}, (await payFor(shop, 2)).headers))
    const had = await usdOf(gate, pass)
    gate.fake.script = {
      ...gate.fake.script,
      get deltas() {
        shop.rate = rateOf('9000')
        return ['yes']
      },
    }
    const answer = await gate.chat(pass)
    expect(shop.rate).toBe(rateOf('9000'))
    expect(had - (await usdOf(gate, pass))).toBe(atRate(costOf(answer), '100000'))
  })
})

/** An account with sats and dollars. */
async function mixed(sats: number, options: Parameters<typeof startDollarGate>[0] = {}) {
  const shop = await startDollarGate({ settings: { pricing: BOTH }, ...options })
  const { gate } = shop
  const pass = await gate.buy(sats)
  const body = { max_tokens: 500 }
  const paying = await payFor(shop, 2, body)
  const topped = await gate.chat(pass, body, paying.headers)
  expect(topped.status, topped.text.slice(0, 300)).toBe(200)
  return { ...{ shop, gate, pass }, paid: Number(paying.authorization.value), topped }
}

describe('L5 an account with sats and dollars', () => {
  it('pays a price in sats with sats first, and keeps its dollars', async () => {
    const { gate, pass, paid, topped } = await mixed(1_000)
    expect(await gate.balance(pass)).toMatchObject({
      ...{ usd_micros: paid, paid_msat: 1_000_000 - costOf(topped) },
    })
    expect((await usage(gate, pass))[0]).not.toHaveProperty('usd_per_btc')
    await gate.proof()
  })

  it('pays a price in dollars with dollars first, at par, and keeps its sats', async () => {
    const { gate, pass, paid } = await mixed(1_000)
    const sats = (await gate.balance(pass)).paid_msat
    const answer = await gate.chat(pass, { model: 'other' })
    expect(answer.status, answer.text.slice(0, 300)).toBe(200)
    expect(await gate.balance(pass)).toMatchObject({
      ...{ usd_micros: paid - parOf(answer), paid_msat: sats },
    })
    await gate.proof()
  })

  it('pays with both where one does not suffice; what was held too much comes back, dollars first', async () => {
    const { gate, pass, paid, topped } = await mixed(2)
    expect(costOf(topped)).toBeLessThan(2_000)
    const sats = (await gate.balance(pass)).paid_msat
    // 500 tokens hold 50 sat; the answer takes few of them. Dollars pay only what sats do not.
    const answer = await gate.chat(pass, { max_tokens: 300 })
    expect(answer.status, answer.text.slice(0, 300)).toBe(200)
    const rest = Math.max(0, costOf(answer) - sats)
    const after = await gate.balance(pass)
    expect([after.paid_msat, after.usd_micros, after.held_msat]).toEqual([
      ...[Math.max(0, sats - costOf(answer)), paid - rest, 0],
    ])
    await gate.proof()
  })

  it('pays a price in dollars with sats for what is missing', async () => {
    const { gate, pass, shop } = await mixed(5_000)
    let seen: unknown = null
    for (let n = 0; n < 200 && seen === null; n += 1) {
      const [before, answer] = [await gate.balance(pass), await gate.chat(pass, { model: 'other' })]
      expect(answer.status, answer.text.slice(0, 300)).toBe(200)
      const after = await gate.balance(pass)
      if (after.paid_msat < before.paid_msat) {
        expect(after.usd_micros ?? 0).toBe(0)
        // At 100,000 dollars a msat is one µ$.
        expect(before.usd_micros + before.paid_msat - after.paid_msat).toBe(parOf(answer))
        seen = answer
      }
    }
    expect(seen).not.toBe(null)
    expect(shop.chain.transactions.length).toBe(1)
    await gate.proof()
  })

  it('has all fields of its balance, with a rate and without', async () => {
    const { gate, pass, paid, shop } = await mixed(1_000)
    const sats = (await gate.balance(pass)).paid_msat
    expect(await gate.balance(pass)).toMatchObject({
      ...{ usd_micros: paid, usd: (paid / 1e6).toFixed(6).replace(/0{1,4}$/, '') },
      ...{ usd_counted: true, available_msat: sats + paid, balance_msat: sats + paid },
    })
    shop.rate = rateOf('200000')
    expect((await gate.balance(pass)).available_msat).toBe(sats + Math.floor(paid / 2))
    shop.rate = null
    expect(await gate.balance(pass)).toMatchObject({
      ...{ usd_micros: paid, usd_counted: false, available_msat: sats, balance_msat: sats },
    })
  })

  it('is told both balances if they do not suffice', async () => {
    const { gate, pass, paid } = await mixed(1_000)
    const sats = (await gate.balance(pass)).paid_msat / 1_000
    const refused = await gate.chat(pass, {
      messages: [{ role: 'user', content: 'word '.repeat(40_000) }],
    })
    expect(refused.status, refused.text.slice(0, 300)).toBe(402)
    const usd = (paid / 1e6).toFixed(6).replace(/0{1,4}$/, '')
    expect(refused.json.error.message).toMatch(
      new RegExp(`${sats}0* sat and \\$${usd.replace('.', '\\.')}`),
    )
  })

  it('takes out its sats to the last, and no dollars', async () => {
    const payer = new FakePayer()
    const { gate, pass, paid } = await mixed(5_000, {
      settings: { pricing: BOTH },
      wallet: (play) => ({ ...play, outgoing: payer }),
    })
    const { paid_msat, withdrawable, withdrawable_msat } = await gate.balance(pass)
    expect(withdrawable_msat).toBe(Math.floor(paid_msat / 1_000) * 1_000)
    const [source] = withdrawable
    const ask = (sat: number, name: string) =>
      gate.ask({
        ...{ path: '/v1/withdraw', headers: bearer(pass) },
        body: { invoice: invoiceOf(gate.world, sat, { name }) },
      })
    const much = await ask(withdrawable_msat / 1_000 + 10, 'much')
    expect(much.status).toBeGreaterThanOrEqual(400)
    expect(payer.orders).toHaveLength(0)
    const out = await ask(source.invoice_sats, 'all')
    expect(out.status, out.text.slice(0, 300)).toBe(200)
    const again = await ask(source.invoice_sats, 'again')
    expect(again.status).toBeGreaterThanOrEqual(400)
    expect(payer.orders).toHaveLength(1)
    expect(await usdOf(gate, pass)).toBe(paid)
    await gate.proof()
  })
})

describe('L5 dollars in the other modes', () => {
  /** Starts again in a mode, with the dollars of before. */
  async function again(mode: 'control' | 'observe') {
    const before = await startDollarGate({ settings: { pricing: IN_DOLLARS } })
    const pass = passIn(await before.gate.chat(null, {}, (await payFor(before, 2)).headers))
    const had = await usdOf(before.gate, pass)
    await before.gate.stop()
    // With its rail of dollars, so that an offer could be made.
    const { gate } = await startDollarGate({
      ...{ after: before.gate, world: before.gate.world },
      settings: { mode, pricing: IN_DOLLARS },
    })
    return { gate, pass, had }
  }

  it('control charges them at par, and sells none', async () => {
    const { gate, pass, had } = await again('control')
    const answer = await gate.chat(pass)
    expect(answer.status, answer.text.slice(0, 300)).toBe(200)
    expect(await usdOf(gate, pass)).toBe(had - parOf(answer))
    const refused = await gate.chat(null)
    expect(refused.status).toBe(402)
    expect(refused.headers).not.toHaveProperty('payment-required')
    expect(refused.json).not.toHaveProperty('x402')
    await gate.proof()
  })

  it('observe takes none of them', async () => {
    const { gate, pass, had } = await again('observe')
    expect((await gate.chat(pass)).status).toBe(200)
    expect((await gate.chat(null)).status).toBe(200)
    expect(await gate.books.ledger.outstandingUsd()).toBe(BigInt(had))
    await gate.proof()
  })
})

describe('L5 maxPayment', () => {
  const small = () =>
    startDollarGate({ settings: { pricing: IN_SATS }, x402: { maxPayment: 0.02 } })

  it('bounds an offer, and a request that needs more has none', async () => {
    const { gate } = await small()
    const usual = await gate.chat(null, { max_tokens: 2_000 })
    expect(Number(usual.json.x402.amount)).toBeLessThanOrEqual(20_000)
    const long = [{ role: 'user', content: 'word '.repeat(4_000) }]
    const needing = await gate.chat(null, { messages: long })
    expect(needing.status).toBe(402)
    expect(needing.headers).not.toHaveProperty('payment-required')
    expect(needing.json).not.toHaveProperty('x402')
  })

  it('bounds a payment that nobody asked for, and nothing is taken', async () => {
    const shop = await small()
    const { gate } = shop
    for (const [amount, status] of [
      [20_001n, 402],
      [20_000n, 200],
    ] as const) {
      const paying = shop.sign(1, await gate.chat(null), { amount })
      const answer = await gate.chat(null, {}, paying.headers)
      expect(answer.status, answer.text.slice(0, 300)).toBe(status)
      if (status === 402) expect(answer.json.reason).toBe('x402_amount')
      expect(shop.chain.transactions.length).toBe(status === 200 ? 1 : 0)
    }
    await gate.proof()
  })
})
