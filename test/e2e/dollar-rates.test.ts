import { describe, expect, it } from 'vitest'
import { startDollarGate } from '../support/dollar-gate.ts'
import { rateOf } from '../support/x402-bed.ts'

describe('L5 the rate of an offer is good for the request that it was made for', () => {
  it('its first request is held at it, whatever the rate did since', async () => {
    const shop = await startDollarGate({ rate: '50000' })
    const { gate } = shop
    const paying = shop.sign(2, await gate.chat(null))
    shop.rate = rateOf('500000')
    const first = await gate.chat(null, {}, paying.headers)
    expect(first.status, first.text).toBe(200)
    const left = (await gate.balance(String(first.headers['x-satgate-pass']))).usd_micros
    const cost = Number(first.headers['x-cost-msat'])
    expect(Number(paying.authorization.value) - left).toBe(Math.ceil(cost / 2))
  })

  it('an old payment beside a pass does not bring back its old rate', async () => {
    const shop = await startDollarGate({ rate: '50000' })
    const { gate } = shop
    const old = shop.sign(2, await gate.chat(null))
    expect((await gate.chat(null, {}, old.headers)).status).toBe(200)
    const alone = shop.sign(1, await gate.chat(null))
    const first = await gate.chat(null, {}, alone.headers)
    const pass = String(first.headers['x-satgate-pass'])
    gate.world.advance(600_000)
    shop.rate = rateOf('100000')
    const spent = async (headers: object) => {
      const before = (await gate.balance(pass)).usd_micros
      const answer = await gate.chat(pass, {}, headers)
      expect(answer.status, answer.text).toBe(200)
      return before - (await gate.balance(pass)).usd_micros
    }
    const honest = await spent({})
    expect(honest).toBeGreaterThan(0)
    // His own, and one that somebody else has on the chain.
    expect(await spent(alone.headers)).toBe(honest)
    expect(await spent(old.headers)).toBe(honest)
    await gate.proof()
  })

  it('a payment that is presented again spends its dollars at the rate of now', async () => {
    const shop = await startDollarGate({ rate: '50000' })
    const { gate } = shop
    const paying = shop.sign(2, await gate.chat(null))
    const first = await gate.chat(null, {}, paying.headers)
    const left = async () =>
      (await gate.balance(String(first.headers['x-satgate-pass']))).usd_micros
    const before = await left()
    shop.rate = rateOf('100000')
    const again = await gate.chat(null, {}, paying.headers)
    expect(again.status, again.text).toBe(200)
    expect(before - (await left())).toBe(Number(again.headers['x-cost-msat']))
    await gate.proof()
  })
})
