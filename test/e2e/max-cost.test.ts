import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { APIS } from '../support/apis.ts'
import { bearer, child, type Pass } from '../support/buyer.ts'
import { startCashuGate } from '../support/cashu-gate.ts'
import { FORM_HEAD, form } from '../support/forms.ts'
import { startGate, type TestGate } from '../support/gate.ts'

/** 1 sat for 1,000 tokens, so that a token costs one msat. */
const settings = { pricing: { default: '1', models: { gift: 'free' } } }
const MODELS = ['fake', 'gift'].map((id) => ({ id, object: 'model', created: 0, owned_by: 'x' }))
const USAGE = { prompt_tokens: 5, completion_tokens: 1 }

const start = (more: object = {}) =>
  startGate({
    settings: { ...settings, ...more },
    script: { models: MODELS, deltas: ['yes'], usageValue: USAGE },
  })

const asked = (pass: Pass | string | null, max: string, body: object = {}) => ({
  path: '/v1/chat/completions',
  headers: { ...(pass === null ? {} : bearer(pass)), 'x-max-cost': max },
  body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
})

const sentLimit = ({ fake }: TestGate) => {
  const json = fake.seen.at(-1)?.json as Readonly<Record<string, number>> | undefined
  return json?.max_completion_tokens ?? json?.max_tokens
}

describe('X-Max-Cost', () => {
  it.each([
    ['2', 200],
    ['2.000', 200],
    ['0002.5', 200],
    ['21000000000000', 402],
    ['', 400],
    ['-1', 400],
    ['1e3', 400],
    ['0.0005', 400],
    ['2 sat', 400],
    ['2,3', 400],
    ['.5', 400],
    ['5.', 400],
    ['Infinity', 400],
    [`${'9'.repeat(39)}`, 400],
  ])('of %j is answered with %i', async (max, status) => {
    const gate = await start()
    const pass = status === 402 ? null : await gate.buy(1_000)
    const answer = await gate.ask(asked(pass, max))
    expect(answer.status).toBe(status)
    if (status !== 400) return
    expect(answer.json.error).toMatchObject({ param: 'X-Max-Cost', type: expect.any(String) })
    expect((await gate.balance(pass as Pass)).balance_msat).toBe(1_000_000)
  })

  it.each([
    ['fits', '2', '2', 64, 64],
    ['is clamped to what is left of the bound', '0.1', '0.1', 4_000, 14],
    ['is clamped by the smaller of two limits', '0.1', '0.095', 4_000, 9],
    ['leaves one token', '0.087', '2', 4_000, 1],
  ])('an output that %s: %s of the request, %s of the pass', async (_, own, pass, most, sent) => {
    const gate = await start()
    const narrowed = child(await gate.buy(1_000), `spend <= ${pass} / req`)
    const answer = await gate.ask(asked(narrowed, own, { max_tokens: most }))
    expect([answer.status, sentLimit(gate)]).toEqual([200, sent])
    await gate.proof()
  })

  it('a prompt that is dearer alone is refused with the number, and nothing is sent', async () => {
    const gate = await start()
    const pass = await gate.buy(1_000)
    const before = gate.fake.seen.length
    const refused = await gate.ask(asked(pass, '0.086'))
    expect(refused.status).toBe(402)
    expect(refused.json).not.toHaveProperty('l402')
    expect(refused.headers).not.toHaveProperty('www-authenticate')
    expect(refused.json.error.message).toContain(
      'X-Max-Cost allows 0.086 sat for this request, and its prompt alone may need 0.087 sat.',
    )
    expect(gate.fake.seen).toHaveLength(before)
    expect((await gate.ask(asked(pass, '0.087'))).status).toBe(200)
  })

  it('0 lets in what is free, and nothing else', async () => {
    const gate = await start()
    const pass = await gate.buy(1_000)
    for (const who of [null, pass]) {
      expect((await gate.ask(asked(who, '0', { model: 'gift' }))).status).toBe(200)
    }
    expect((await gate.ask(asked(pass, '0'))).status).toBe(402)
  })

  it('without credit an offer is made all the same', async () => {
    const gate = await start()
    const { status, json } = await gate.ask(asked(null, '0.001'))
    expect([status, json.l402.scheme]).toEqual([402, 'L402'])
  })

  it('J4 is judged with what the template was seen to add', async () => {
    const gate = await start()
    gate.fake.script = {
      models: MODELS,
      deltas: ['yes'],
      usageValue: { ...USAGE, prompt_tokens: 620 },
    }
    const pass = await gate.buy(1_000)
    const first = await gate.ask(asked(pass, '0.12'))
    expect([first.status, first.headers['x-cost-msat']]).toEqual([200, '621'])
    expect((await gate.ask(asked(pass, '0.12'))).status).toBe(402)
    expect((await gate.ask(asked(pass, '0.8'))).status).toBe(200)
    await gate.proof()
  })

  it('an observed request is judged by it, and served', async () => {
    const before = await start()
    const pass = await before.buy(1_000)
    await before.stop()
    const gate = await startGate({ settings: { ...settings, mode: 'observe' }, after: before })
    expect((await gate.ask(asked(pass, 'x'))).status).toBe(400)
    expect((await gate.ask(asked(pass, '0.01'))).status).toBe(200)
    expect(await gate.last()).toMatchObject({ would_refuse: 'payment_required' })
  })

  it('a page may send it', async () => {
    const gate = await start({ cors: ['https://page.example'] })
    const preflight = await gate.ask({
      ...{ path: '/v1/chat/completions', method: 'OPTIONS' },
      headers: {
        origin: 'https://page.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-max-cost',
      },
    })
    expect(preflight.headers['access-control-allow-headers']).toContain('x-max-cost')
  })
})

describe('X-Max-Cost in every API', () => {
  const pricing = { models: { fake: { input: 1, output: 1, image: 5, second: 0.1 } } }

  it.each(Object.entries(APIS))('%s: refused in its own words, and served', async (path, api) => {
    const gate = await startGate({ settings: { pricing } })
    const pass = await gate.buy(5_000)
    const type = api.form === undefined ? {} : { 'content-type': FORM_HEAD.contentType ?? '' }
    const body =
      api.form === undefined
        ? { model: 'fake', ...api.body }
        : form([['model', 'fake'], ...api.form])
    const ask = (max: string) =>
      gate.ask({ path, headers: { ...bearer(pass), ...type, 'x-max-cost': max }, body })
    const plain = await gate.ask({ path, headers: bearer(pass), body: '{' })
    const bad = await ask('x')
    expect(bad.status).toBe(400)
    expect(Object.keys(bad.json)).toEqual(Object.keys(plain.json))
    expect(bad.text).toContain('X-Max-Cost')
    const sent = gate.fake.seen.length
    const dear = await ask('0.001')
    expect([dear.status, dear.text.includes('X-Max-Cost allows 0.001 sat')]).toEqual([402, true])
    expect(gate.fake.seen).toHaveLength(sent)
    expect((await gate.balance(pass)).balance_msat).toBe(5_000_000)
    expect((await ask('4000')).status).toBe(200)
    await gate.proof()
  })
})

describe('X-Max-Cost with a payment in the same request (L16)', () => {
  it('refuses before the payment is taken, and bounds what is bought', async () => {
    const { gate, payer } = await startCashuGate({ gate: { settings } })
    const token = await payer.token(200)
    const pays = (max: string) => {
      const { headers, ...others } = asked(null, max)
      return gate.ask({ ...others, headers: { ...headers, 'x-cashu': token } })
    }
    const refused = await pays('0.01')
    expect([refused.status, refused.headers['x-satgate-pass']]).toEqual([402, undefined])
    expect((await pays('x')).status).toBe(400)
    const served = await pays('0.1')
    expect([served.status, sentLimit(gate)]).toEqual([200, 14])
    expect(String(served.headers['x-satgate-pass'])).toMatch(/^\S+:[0-9a-f]{64}$/)
    await gate.proof()
  })
})

describe('what is charged', () => {
  it('is never above it by the gate’s own count, whatever is asked', async () => {
    const gate = await startGate({ settings, shared: true })
    onTestFinished(() => gate.close())
    gate.fake.script = { deltas: Array.from({ length: 400 }, () => ' word'), usageValue: null }
    const pass = await gate.buy(100_000)
    const question = fc.record({
      max: fc.integer({ min: 0, max: 600 }),
      text: fc.string({ unit: 'grapheme', maxLength: 60 }),
      stream: fc.boolean(),
      n: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(question, async ({ max, text, stream, n }) => {
        const before = (await gate.balance(pass)).balance_msat
        const body = { stream, n, messages: [{ role: 'user', content: text }] }
        const { status } = await gate.ask(asked(pass, `${max / 1000}`, body))
        expect([200, 402]).toContain(status)
        const charged = before - (await gate.balance(pass)).balance_msat
        expect(charged).toBeLessThanOrEqual(status === 200 ? max : 0)
      }),
      { numRuns: 60 },
    )
    await gate.proof()
  })
})
