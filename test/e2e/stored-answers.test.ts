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
