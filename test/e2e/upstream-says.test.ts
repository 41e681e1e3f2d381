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

  const SECRETS = [
    ...['/srv/models/x.gguf', 'gpu-7.internal', '[2001:db8::1]:8000', 'proj_0a1b2c', 'org-9sK2'],
    ...['eyJhbGciOi.eyJzdWIi.abc', 'C:\\models\\x', 'tcp://10.0.0.7:8000'],
  ]

  it.each(SECRETS)('J21 %s passes in no answer and in no stream', async (secret) => {
    const error = { message: `The model at ${secret} is invalid.`, code: secret, param: secret }
    const body = JSON.stringify({ error })
    for (const status of [400, 404, 413, 422, 429, 500]) {
      expect((await scripted(status, body)).text).not.toContain(secret)
    }
    const kept = gate.fake.script
    const first = JSON.stringify({
      ...{ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'fake' },
      choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: null }],
    })
    gate.fake.script = { ...kept, pieces: [`data: ${first}\n\n`, `data: ${body}\n\n`] }
    const answer = await gate.chat(rich, { stream: true })
    gate.fake.script = kept
    expect(answer.text).toContain('upstream_error')
    expect(answer.text).not.toContain(secret)
  })

  it.each([
    ['17', '17'],
    ['60', '60'],
    ['0', '1'],
    ['1.5', '2'],
    ['soon\t', '5'],
    ['-3', '5'],
    ['soon 5', '5'],
    ['', '5'],
    ['Thu, 01 Jan 1970 00:00:00 GMT', '1'],
  ])('J25 its Retry-After passes with a 429 if it is soon: %j', async (says, told) => {
    const { headers, json } = await scripted(429, said, { 'retry-after': says })
    expect(headers['retry-after']).toBe(told)
    expect([headers['x-should-retry'], json.resets_at]).toEqual([undefined, undefined])
  })

  const inDays = 3 * 86_400
  it.each([
    ['61', 61],
    ['413991', 413_991],
    ['a date', inDays],
    ['1e9', 5],
    ['99999999999999999999', 366 * 86_400],
  ])('J25 if it is far away there is no Retry-After: %s', async (says, seconds) => {
    const date = new Date(gate.world.now() + inDays * 1000).toUTCString()
    const told = says === 'a date' ? date : says
    const { headers, json } = await scripted(429, said, { 'retry-after': told })
    if (seconds <= 60) return expect(headers['retry-after']).toBe(`${seconds}`)
    expect([headers['retry-after'], headers['x-should-retry']]).toEqual([undefined, 'false'])
    const away = (Date.parse(json.resets_at) - gate.world.now()) / 1000
    expect(Math.abs(away - seconds)).toBeLessThan(20)
  })

  it.each([
    ['no JSON', '<html>', 502],
    ['JSON that is no answer', '{"ok":true}', 502],
    ['an answer without choices', '{"choices":[]}', 502],
    ['nothing', '', 502],
  ])('a 200 with %s is not usable, and free', async (_, body, status) => {
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
