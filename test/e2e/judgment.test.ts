import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, child, type Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

/** The order of the checks: if two things are wrong, the first one decides the status. */
let gate: TestGate
let rich: Pass
let poor: Pass

beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: {
      limits: { body: '20kb', invoicesPerClient: 1000 },
      pricing: { default: 1, models: { dear: 100_000, 'no-*': 'refuse' } },
    },
    script: { models: ['fake', 'other', 'no-sale'].map((id) => ({ id, object: 'model' })) },
  })
  rich = await gate.buy(1000)
  poor = await gate.buy(1)
})
afterAll(() => gate.close())

const LONG = 'word '.repeat(1_500)
const HUGE = 'x'.repeat(30_000)
const MESSAGES = [{ role: 'user', content: 'hi' }]
const FOREIGN_PASS = () => child(rich, 'label = x').replace(/:.*/, `:${'0'.repeat(64)}`)

interface Row {
  readonly why: string
  readonly status: number
  readonly code?: string | number
  readonly body?: unknown
  readonly headers?: () => Record<string, string>
  readonly method?: string
  readonly path?: string
  /** The answer is a 402 with an offer. No other answer has one. */
  readonly offer?: true
}

const TABLE: readonly Row[] = [
  // 413, 415, 400
  {
    why: 'a body over the limit, unpaid, of an unknown model',
    status: 413,
    code: 'request_too_large',
    body: { model: 'x', messages: HUGE },
  },
  {
    why: 'a compressed body',
    status: 415,
    body: gzipSync('{}'),
    headers: () => ({ 'content-encoding': 'gzip' }),
  },
  { why: 'no JSON, unpaid', status: 400, body: 'model=fake' },
  {
    why: 'no model',
    status: 400,
    code: 'missing_required_parameter',
    body: { messages: MESSAGES },
  },
  {
    why: 'I13 a key that folds to a known one',
    status: 400,
    code: 'ambiguous_key',
    body: { Model: 'fake', model: 'fake', messages: MESSAGES },
  },
  { why: 'A11 a model twice', status: 400, body: '{"model":"fake","model":"other","messages":[]}' },
  {
    why: 'two different credentials',
    status: 400,
    code: 'conflicting_credentials',
    headers: () => ({ ...bearer(rich), 'x-api-key': poor.text }),
  },
  {
    why: 'two different credentials, and a model that is unknown',
    status: 400,
    code: 'conflicting_credentials',
    body: { model: 'x', messages: MESSAGES },
    headers: () => ({ ...bearer(rich), 'x-api-key': poor.text }),
  },
  {
    why: 'G11 a picture by URL',
    status: 400,
    body: {
      model: 'fake',
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'http://a.example/x.png' } }],
        },
      ],
    },
  },
  // 404
  { why: 'a path that is not served', status: 404, code: 'not_found', path: '/v1/files' },
  { why: 'a path of the upstream’s own', status: 404, path: '/api/blobs' },
  {
    why: 'an unknown model, unpaid',
    status: 404,
    code: 'model_not_found',
    body: { model: 'gpt-x', messages: MESSAGES },
  },
  {
    why: 'an unknown model, bad pass',
    status: 404,
    code: 'model_not_found',
    body: { model: 'gpt-x', messages: MESSAGES },
    headers: () => bearer(FOREIGN_PASS()),
  },
  {
    why: 'A12 a model that is refused, paid',
    status: 404,
    code: 'model_not_found',
    body: { model: 'no-sale', messages: MESSAGES },
    headers: () => bearer(rich),
  },
  // 405
  { why: 'another method, paid or not', status: 405, method: 'PUT' },
  { why: 'DELETE with a pass', status: 405, method: 'DELETE', headers: () => bearer(rich) },
  // 402 with offers
  { why: 'no credential', status: 402, code: 402, offer: true },
  {
    why: 'a bad secret',
    status: 402,
    code: 402,
    offer: true,
    headers: () => bearer(FOREIGN_PASS()),
  },
  {
    why: 'an expired pass, whatever else it forbids',
    status: 402,
    offer: true,
    headers: () => bearer(child(rich, 'expires = 2020-01-01T00:00:00Z', 'model = other')),
  },
  {
    why: 'C4 a caveat that is unknown',
    status: 402,
    offer: true,
    headers: () => bearer(withCaveat(rich, 'services = chat:0')),
  },
  {
    why: 'a used-up account',
    status: 402,
    offer: true,
    body: { model: 'fake', messages: [{ role: 'user', content: LONG }] },
    headers: () => bearer(poor),
  },
  // 403 without an offer
  {
    why: 'C3 a path that the pass forbids',
    status: 403,
    code: 'forbidden',
    headers: () => bearer(child(rich, 'path = /v1/embeddings')),
  },
  {
    why: 'C3 a method that it forbids',
    status: 403,
    code: 'forbidden',
    headers: () => bearer(child(rich, 'method = GET')),
  },
  {
    why: 'C3 a model that it forbids',
    status: 403,
    code: 'forbidden',
    headers: () => bearer(child(rich, 'model = other,llama*')),
  },
  {
    why: 'forbidden, and no money either',
    status: 403,
    headers: () => bearer(child(poor, 'model = other')),
    body: { model: 'fake', messages: [{ role: 'user', content: LONG }] },
  },
  {
    why: 'calls in total',
    status: 403,
    code: 'limit_reached',
    headers: () => bearer(child(rich, 'calls <= 0')),
  },
  {
    why: 'tokens in total',
    status: 403,
    code: 'limit_reached',
    headers: () => bearer(child(rich, 'tokens <= 1')),
  },
  // 402 without an offer
  {
    why: 'a pass’s own spend in total',
    status: 402,
    code: 402,
    headers: () => bearer(child(rich, 'spend <= 0')),
  },
  // 429
  {
    why: 'calls in a window',
    status: 429,
    code: 'rate_limit_exceeded',
    headers: () => bearer(child(rich, 'calls <= 0 / day')),
  },
  {
    why: 'a window, and no money either',
    status: 429,
    headers: () => bearer(child(poor, 'spend <= 0 / hour')),
    body: { model: 'fake', messages: [{ role: 'user', content: LONG }] },
  },
  // 200
  { why: 'nothing is wrong', status: 200, headers: () => bearer(rich) },
  {
    why: 'a caveat that is known, added by hand',
    status: 200,
    headers: () => bearer(withCaveat(rich, 'label = x')),
  },
  { why: 'as x-api-key', status: 200, headers: () => ({ 'x-api-key': rich.text }) },
  { why: 'as L402', status: 200, headers: () => ({ authorization: `L402 ${rich.text}` }) },
  {
    why: 'the same credential twice is one',
    status: 200,
    headers: () => ({ ...bearer(rich), 'x-api-key': rich.text }),
  },
]

describe('status codes, in the order of judgment', () => {
  it.each(TABLE)('$status: $why', async (row) => {
    const charged = (await gate.balance(rich)).balance_msat
    const answered = await gate.ask({
      path: row.path ?? '/v1/chat/completions',
      body: row.body ?? { model: 'fake', messages: MESSAGES },
      ...(row.method === undefined ? {} : { method: row.method }),
      headers: row.headers?.() ?? {},
    })
    expect(answered.status).toBe(row.status)
    if (row.code !== undefined) expect(answered.json.error.code).toBe(row.code)
    expect(answered.headers['www-authenticate'] !== undefined).toBe(row.offer === true)
    if (row.status === 200) return
    expect(Object.keys(answered.json)[0]).toBe('error')
    // Whole sentences, or a link at the end. A 402 ends with what stops aider from asking again.
    const { error } = answered.json
    // Ollama's clients read a string.
    expect(row.path?.startsWith('/api/') ? error : error.message).toMatch(
      /^.{10,}(?:\.|\/llms\.txt)(?: \("code":402\))?$/s,
    )
    expect((await gate.balance(rich)).balance_msat).toBe(charged)
  })

  it('B3 none of them left a hold open', async () => {
    await gate.proof()
  })

  const NEVER = 'x-should-retry'

  it.each(['hour', 'day', 'month'])(
    'J25 a_window_that_resets_in_days_is_no_retry_after: calls <= 0 / %s',
    async (window) => {
      const { status, headers, json } = await gate.chat(child(rich, `calls <= 0 / ${window}`))
      expect(status).toBe(429)
      expect(json.resets_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00.000Z$/)
      const seconds = (Date.parse(json.resets_at) - gate.world.now()) / 1000
      if (seconds <= 58) expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
      else if (seconds > 62)
        expect([headers['retry-after'], headers[NEVER]]).toEqual([undefined, 'false'])
    },
  )

  it('J25 a window of a minute tells in how many seconds to try again', async () => {
    const before = gate.world.now()
    const { headers, json } = await gate.chat(child(rich, 'calls <= 0 / min'))
    const until = (now: number) => (Date.parse(json.resets_at) - now) / 1000
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(Math.ceil(until(before)))
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(
      Math.floor(until(gate.world.now())),
    )
    expect(headers[NEVER]).toBe(undefined)
  })

  it('J25 a page on the web can read both', async () => {
    const { headers } = await gate.chat(rich, {}, { origin: 'https://app.example' })
    expect(headers['access-control-expose-headers']).toMatch(/Retry-After.*X-Should-Retry/)
  })

  it('every refusal is one event that says why', async () => {
    gate.events.length = 0
    await gate.chat(child(rich, 'calls <= 0'))
    await gate.chat(null)
    await gate.chat(null, { model: 'gpt-x' })
    expect(await gate.requests(3)).toMatchObject([
      { status: 403, end: 'refused', reason: 'limit_reached', dialect: 'openai-chat' },
      { status: 402, end: 'refused', reason: 'payment_required', account: null },
      { status: 404, end: 'refused', reason: 'model_not_found', model: null },
    ])
  })
})

/** Adds a caveat that this gate would not write. */
function withCaveat(pass: Pass, caveat: string): string {
  const macaroon = Buffer.from(pass.macaroon, 'base64')
  const signature = macaroon.subarray(-32)
  const next = createHmac('sha256', signature).update(caveat).digest()
  const packet = Buffer.concat([Buffer.from([2, caveat.length]), Buffer.from(caveat), Buffer.of(0)])
  const bytes = Buffer.concat([macaroon.subarray(0, -35), packet, Buffer.from([0, 6, 32]), next])
  return `${bytes.toString('base64')}:${pass.secret}`
}
