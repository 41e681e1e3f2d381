import { describe, expect, it } from 'vitest'
import type { Rail, Receipt } from '../../src/rails/rail.ts'
import { startGate } from '../support/gate.ts'
import { FakeMint, MINT } from '../support/withdrawal-bed.ts'
import { VoucherShop } from './voucher.ts'

/** The change of a payment, on a rail that only this test defines. */

const HEADER = 'x-voucher-change'

/** Vouchers whose sats are at a mint, and whose unspent rest goes back. */
function withChange({ rail }: VoucherShop): Rail {
  const redeem: Rail['redeem'] = async (voucher, call) => {
    const redeemed = await rail.redeem(voucher as never, call)
    if (!redeemed.ok) return redeemed
    if (redeemed.value.credit === 'usd') throw new Error('a voucher is in sats')
    const receipt: Receipt = { ...redeemed.value, source: `ecash ${MINT}` }
    return { ok: true, value: receipt }
  }
  return { ...rail, redeem, change: () => HEADER } as Rail
}

async function opened(settings = {}) {
  const shop = new VoucherShop()
  const mint = new FakeMint()
  const ecash = { source: `ecash ${MINT}`, lightning: null, ecash: mint, held: async () => null }
  const gate = await startGate({
    rails: [withChange(shop)],
    books: 'sqlite',
    // A fake answer of some 20 tokens costs some 20 sat.
    settings: { pricing: { default: '1000' }, ...settings },
    ecash: { sources: [ecash], restored: { restored: () => null, confirm() {} } },
  })
  const paid = (voucher: string, body = {}) => gate.chat(null, body, { 'x-voucher': voucher })
  return { shop, mint, gate, paid }
}

describe('L2 L11 the change of a payment', () => {
  it('goes back with a whole answer, and the pass has what is less than a sat', async () => {
    const { gate, mint, paid, shop } = await opened()
    const answer = await paid(shop.sell(1_000))
    expect(answer.status).toBe(200)
    const cost = Number(answer.headers['x-cost-msat'])
    const [[, { token, feeSat }] = ['', { token: '', feeSat: 0 }]] = mint.made
    expect(answer.headers[HEADER]).toBe(token)
    const sat = Number(token.split('-')[1])
    const left = 1_000_000 - cost - (sat + feeSat) * 1000
    expect(left).toBeLessThan(1_000)
    expect(answer.headers['x-credit-balance-msat']).toBe(`${left}`)
    const pass = String(answer.headers['x-satgate-pass'])
    expect((await gate.balance(pass)).balance_msat).toBe(left)
    expect(answer.headers['cache-control']).toContain('no-store')
    expect(gate.events).toContainEqual(
      expect.objectContaining({ event: 'withdrawn', kind: 'change' }),
    )
    await gate.proof()
  })

  it('B10 the same payment again gets the same change, whatever the answer is', async () => {
    const { gate, mint, paid, shop } = await opened()
    const voucher = shop.sell(1_000)
    const first = await paid(voucher)
    const again = await paid(voucher)
    expect(again.status).toBe(402)
    expect(again.headers[HEADER]).toBe(first.headers[HEADER])
    expect(mint.made.size).toBe(1)
    gate.world.advance(3_600_000)
    expect((await paid(voucher)).headers).not.toHaveProperty(HEADER)
    await gate.proof()
  })

  it('stays on the pass with a stream', async () => {
    const { gate, mint, paid, shop } = await opened()
    const answer = await paid(shop.sell(1_000), { stream: true })
    expect(answer.status).toBe(200)
    expect(answer.headers).not.toHaveProperty(HEADER)
    const pass = String(answer.headers['x-satgate-pass'])
    expect((await gate.balance(pass)).balance_msat).toBeGreaterThan(900_000)
    expect(mint.made.size).toBe(0)
  })

  it.each([
    ['does not answer', { away: true, fault: null }],
    ['refuses', { away: false, fault: async () => {} }],
  ])('stays on the pass if the mint %s, and the answer is the same', async (_, how) => {
    const { gate, mint, paid, shop } = await opened()
    Object.assign(mint, how)
    const answer = await paid(shop.sell(1_000))
    expect(answer.status).toBe(200)
    expect(answer.json.choices).toHaveLength(1)
    expect(answer.headers).not.toHaveProperty(HEADER)
    const pass = String(answer.headers['x-satgate-pass'])
    expect((await gate.balance(pass)).balance_msat).toBeGreaterThan(900_000)
    await gate.proof()
  })

  it('stays on the pass if the request was not served', async () => {
    const { gate, mint, paid, shop } = await opened()
    gate.fake.script = { ...gate.fake.script, status: 500 }
    const answer = await paid(shop.sell(1_000))
    expect(answer.status).toBe(502)
    expect(answer.headers).not.toHaveProperty(HEADER)
    const pass = String(answer.headers['x-satgate-pass'])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
    expect(mint.made.size).toBe(0)
  })

  it('is no part of a payment by a pass', async () => {
    const { gate, paid, shop } = await opened()
    const answer = await paid(shop.sell(1_000), { stream: true })
    const next = await gate.chat(String(answer.headers['x-satgate-pass']))
    expect(next.status).toBe(200)
    expect(next.headers).not.toHaveProperty(HEADER)
  })
})
