import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answered } from '../support/ask.ts'
import { type Pass, tick } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

let gate: TestGate
let rich: Pass
beforeAll(async () => {
  gate = await startGate({ shared: true })
  rich = await gate.buy(1000)
})
afterAll(() => gate.close())

describe('what the upstream says', () => {
  const scripted = async (status: number, body: string, headers = {}): Promise<Answered> => {
    const kept = gate.fake.script
    gate.fake.script = { ...kept, status, body, headers }
    const answered = await gate.chat(rich)
    gate.fake.script = kept
    return answered
  }
  const said = JSON.stringify({
    error: { message: 'ask http://10.0.0.7:8000 with sk-operator-0123456789', code: 'the_code' },
  })

  it.each([400, 404, 413, 422, 429])(
    '%i is about the request: it passes, scrubbed, free',
    async (status) => {
      const before = (await gate.balance(rich)).balance_msat
      const answered = await scripted(status, said)
      expect([answered.status, answered.json.error.code]).toEqual([status, 'the_code'])
      expect(answered.text).not.toMatch(/10\.0\.0\.7|sk-operator/)
      expect((await gate.balance(rich)).balance_msat).toBe(before)
    },
  )

  it.each([401, 402, 403, 405, 302, 500, 502, 503])(
    '%i is the operator’s affair: 502, free, its text gone',
    async (status) => {
      const before = (await gate.balance(rich)).balance_msat
      const answered = await scripted(status, said, {
        location: 'http://a.example/',
        'www-authenticate': 'Bearer realm="upstream"',
      })
      expect(answered.status).toBe(502)
      expect(answered.text).not.toMatch(/the_code|10\.0\.0\.7|sk-/)
      expect(answered.headers['www-authenticate']).toBe(undefined)
      expect((await gate.balance(rich)).balance_msat).toBe(before)
    },
  )

  it('its Retry-After passes with a 429 where it is sane', async () => {
    expect((await scripted(429, said, { 'retry-after': '17' })).headers['retry-after']).toBe('17')
    expect((await scripted(429, said, { 'retry-after': 'soon\t' })).headers['retry-after']).toBe(
      '5',
    )
  })

  it.each([
    ['no JSON', '<html>', 502],
    ['JSON that is no answer', '{"ok":true}', 502],
    ['an answer without choices', '{"choices":[]}', 502],
    ['nothing', '', 502],
  ])('a 200 with %s is nothing usable: free', async (_, body, status) => {
    const before = (await gate.balance(rich)).balance_msat
    expect((await scripted(200, body)).status).toBe(status)
    expect((await gate.balance(rich)).balance_msat).toBe(before)
  })

  it('a broken connection is 502, free', async () => {
    const kept = gate.fake.script
    gate.fake.script = { ...kept, refuse: true }
    const answered = await gate.chat(rich)
    gate.fake.script = kept
    expect([answered.status, answered.json.error.code]).toEqual([502, 'upstream_error'])
    await tick()
    await gate.proof()
  })
})
