import { expect, it } from 'vitest'
import { startDollarGate } from '../support/dollar-gate.ts'
import { TestWorld } from '../support/world.ts'

it('L1 a lost answer of version 1 is given again for ten minutes', async () => {
  const world = new TestWorld()
  const shop = await startDollarGate({ world })
  const { gate } = shop
  const paying = shop.sign(1, await gate.chat(null))
  const first = await gate.chat(null, {}, paying.headers)
  expect(first.status, first.text).toBe(200)
  world.skip(9 * 60_000)
  const again = await gate.chat(null, {}, paying.headers)
  expect([again.status, again.text]).toEqual([200, first.text])
  world.skip(60_000)
  const late = await gate.chat(null, {}, paying.headers)
  expect([late.status, late.json.reason]).toEqual([402, 'x402_paid'])
  await gate.proof()
})

it('L1 a payment of version 1 whose request failed buys the answer when the same request comes again', async () => {
  const shop = await startDollarGate()
  const { gate } = shop
  const paying = shop.sign(1, await gate.chat(null))
  gate.fake.script = { status: 500, body: '{}' }
  const failed = await gate.chat(null, {}, paying.headers)
  expect(failed.status).toBe(502)
  gate.fake.script = {}
  const other = await gate.chat(null, { temperature: 1 }, paying.headers)
  expect([other.status, other.json.reason]).toEqual([402, 'x402_paid'])
  const again = await gate.chat(null, {}, paying.headers)
  expect(again.status, again.text).toBe(200)
  expect(again.headers).not.toHaveProperty('x-satgate-pass')
  expect(again.headers['x-payment-response']).toBe(failed.headers['x-payment-response'])
  expect(Number(again.headers['x-cost-msat'])).toBeGreaterThan(0)
  const stored = await gate.chat(null, {}, paying.headers)
  expect([stored.status, stored.text]).toEqual([200, again.text])
  expect(shop.chain.transactions.length).toBe(1)
  const pass = String(failed.headers['x-satgate-pass'])
  expect((await gate.chat(pass)).status).toBe(200)
  const late = await gate.chat(null, {}, paying.headers)
  expect([late.status, late.json.reason]).toEqual([402, 'x402_paid'])
  await gate.proof()
})
