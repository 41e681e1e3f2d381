import { describe, expect, it } from 'vitest'
import { bearer, child } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'

/** 1 sat for 1,000 tokens, so a token costs one msat. */
const settings = { pricing: { default: '1' } }
const reported = (prompt_tokens: number) => ({ prompt_tokens, completion_tokens: 1 })
const long = 'word '.repeat(4_000)

/** Limits decide about admission. An admitted request is paid in full by the account (threats J4). */
describe('J4 a limit protects its owner, not a buyer against the seller:', () => {
  it('a request that does not fit its limit is refused, and costs nothing', async () => {
    const gate = await startGate({ settings })
    gate.fake.script = { deltas: ['yes'], usageValue: reported(65_484) }
    const pass = await gate.buy(1_000)
    const sent = gate.fake.seen.length
    for (const narrowed of [
      child(pass, 'spend <= 14 / req'),
      child(pass, 'tokens <= 14000 / req'),
      child(pass, 'spend <= 1000 / day', 'spend <= 14 / req'),
    ]) {
      const refused = await gate.chat(narrowed, { messages: [{ role: 'user', content: long }] })
      expect([402, 403]).toContain(refused.status)
      expect(refused.json).not.toHaveProperty('l402')
      expect(refused.json.error.message).toContain('for each request')
    }
    expect(gate.fake.seen).toHaveLength(sent)
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
  })

  it('a template that was not known is paid in full, and known from then on', async () => {
    const gate = await startGate({ settings })
    gate.fake.script = { deltas: ['yes'], usageValue: reported(620) }
    const pass = await gate.buy(1_000)
    const narrowed = child(pass, 'spend <= 0.12 / req')
    const first = await gate.chat(narrowed)
    expect([first.status, first.headers['x-cost-msat']]).toEqual([200, '621'])
    for (const again of [narrowed, child(pass, 'spend <= 0.12 / req')]) {
      expect((await gate.chat(again)).status).toBe(402)
    }
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000 - 621)
    const event = (await gate.requests(1))[0]
    expect(event).toMatchObject({ charged_msat: 621 })
    expect(event).not.toHaveProperty('overrun_msat')
    expect((await gate.chat(child(pass, 'spend <= 0.8 / req'))).status).toBe(200)
    await gate.proof()
  })

  it('a known template is included in limits with a window, and in offers', async () => {
    const gate = await startGate({ settings })
    gate.fake.script = { deltas: ['yes'], usageValue: reported(620) }
    const pass = await gate.buy(1_000)
    const narrowed = child(pass, 'spend <= 0.12 / min')
    expect((await gate.chat(narrowed)).headers['x-cost-msat']).toBe('621')
    for (let minute = 0; minute < 3; minute += 1) {
      gate.world.advance(60_000)
      expect((await gate.chat(narrowed, { max_tokens: 5 })).status).toBe(429)
    }
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000 - 621)
    const refused = await gate.chat(null, { max_tokens: 9_990 })
    const bought = await gate.accept(refused)
    expect((await gate.chat(bought, { max_tokens: 9_990 })).status).toBe(200)
    await gate.proof()
  })

  it('a limit with a window may be exceeded, and admits nothing until it resets', async () => {
    const gate = await startGate({ settings: { pricing: { default: '0/1' } } })
    gate.fake.script = { deltas: Array.from({ length: 35 }, () => ' word') }
    const pass = await gate.buy(1_000)
    const narrowed = child(pass, 'spend <= 0.01 / day')
    expect((await gate.chat(narrowed, { stream: true })).status).toBe(200)
    expect(await gate.balance(narrowed)).toMatchObject({ available_msat: 0 })
    expect((await gate.chat(narrowed)).status).toBe(429)
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000 - 35)
    const { json } = await gate.ask({ path: '/v1/usage', headers: bearer(narrowed) })
    expect(json.data).toMatchObject([{ charged_msat: 35, held_msat: 10 }])
    gate.world.advance(86_400_000)
    expect((await gate.chat(narrowed)).status).toBe(200)
    await gate.proof()
  })
})
