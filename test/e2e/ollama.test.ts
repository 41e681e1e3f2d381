import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, type Pass, until } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'

/** An input token costs nothing and an output token one sat. */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 50 } }
const NDJSON = { 'content-type': 'application/x-ndjson' }
const AT = { model: 'fake', created_at: '2026-01-01T00:00:00Z' }
const MESSAGES = [{ role: 'user', content: 'hi' }]

const line = (content: string): string =>
  `${JSON.stringify({ ...AT, message: { role: 'assistant', content }, done: false })}\n`
const last = (eval_count: number): string =>
  `${JSON.stringify({
    ...AT,
    message: { role: 'assistant', content: '' },
    ...{ done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count },
  })}\n`
const words = (count: number) => Array.from({ length: count }, () => line(' word'))

async function paid(
  script: GateOptions['script'],
  { sats = 1_000, settings = {} }: { readonly sats?: number; readonly settings?: object } = {},
): Promise<{ gate: TestGate; pass: Pass }> {
  const gate = await startGate({ settings: { ...PRICES, ...settings } })
  const pass = await gate.buy(sats)
  gate.fake.script = { headers: NDJSON, ...script }
  return { gate, pass }
}

const question = (pass: Pass | null, body: object = {}, path = '/api/chat') => ({
  path,
  body: { model: 'fake', ...(path === '/api/chat' ? { messages: MESSAGES } : {}), ...body },
  headers: bearer(pass),
})
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one))

async function spent(gate: TestGate, pass: Pass, bought = 1_000): Promise<number> {
  await until(async () => (await gate.balance(pass)).held_msat === 0)
  return bought - (await gate.balance(pass)).balance_msat / 1_000
}

describe('Ollama through a whole gate', () => {
  it('A9 streams unless it is told not to, and the last line tells the cost', async () => {
    const { gate, pass } = await paid({ pieces: [...words(3), last(3)] })
    const { status, headers, text, trailers } = await gate.ask(question(pass))
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson'])
    const all = linesOf(text)
    expect(all.map(({ done }) => done)).toEqual([false, false, false, true])
    expect(all.at(-1)).toMatchObject({ eval_count: 3, cost_msat: 3_000 })
    expect(trailers['x-cost-msat']).toBe('3000')
    expect(await spent(gate, pass)).toBe(3)
    expect(gate.fake.seen.at(-1)?.json).toEqual({
      ...{ model: 'fake', messages: MESSAGES, options: { num_predict: 50 } },
    })
    await gate.proof()
  })

  it('A15 L20 a huge num_ctx, num_predict -1 and keep_alive -1 reach nobody, and are named', async () => {
    const { gate, pass } = await paid({ pieces: [line('a'), last(1)] })
    const options = { num_ctx: 1e9, num_predict: -1, num_gpu: 99, seed: 1 }
    const { headers } = await gate.ask(question(pass, { options, keep_alive: -1 }))
    expect(gate.fake.seen.at(-1)?.json).toMatchObject({ options: { seed: 1, num_predict: 50 } })
    expect(gate.fake.seen.at(-1)?.json).not.toHaveProperty('keep_alive')
    expect(headers['x-satgate-ignored']).toBe('options.num_ctx, options.num_gpu, keep_alive')
    expect(headers['x-max-tokens-applied']).toBe('50')
  })

  it('a balance that affords less makes a shorter answer: the limit is in the client’s field', async () => {
    const { gate, pass } = await paid({ pieces: [...words(200)] }, { sats: 10 })
    const body = { options: { num_predict: 40 } }
    const { text, headers } = await gate.ask(question(pass, body))
    const sent = Number(headers['x-max-tokens-applied'])
    expect(sent).toBeLessThanOrEqual(10)
    expect(gate.fake.seen.at(-1)?.json).toMatchObject({ options: { num_predict: sent } })
    // The backend ignored it: it is cut, and ends as at a limit.
    expect(linesOf(text).at(-1)).toMatchObject({ done: true, done_reason: 'length' })
    await gate.fake.untilAborted()
    expect(await spent(gate, pass, 10)).toBeLessThanOrEqual(10)
    await gate.proof()
  })

  it('A3 a buyer who leaves midway pays what flowed, and the backend is stopped', async () => {
    const { gate, pass } = await paid(
      { pieces: words(400), paceMs: 5 },
      {
        settings: {
          pricing: { default: '0/1000', maxOutputTokens: 400 },
        },
      },
    )
    const stream = await gate.client.open(question(pass))
    await until(() => stream.text().split('\n').length > 10)
    const seen = stream.text().split('\n').length - 1
    stream.leave()
    await gate.fake.untilAborted()
    const cost = await spent(gate, pass)
    expect(cost).toBeGreaterThanOrEqual(seen)
    expect(cost).toBeLessThan(seen + 60)
    expect(await gate.last()).toMatchObject({ end: 'client_left', dialect: 'ollama-chat' })
  })

  it.each([
    ['an error in its stream', [...words(3), '{"error":"out of memory at 10.0.0.7"}\n']],
    ['a line that nobody can read', [...words(3), '{"model":\n']],
  ])(
    'K8 J9 %s: the last line is an error as text, and what arrived is charged',
    async (_, pieces) => {
      const { gate, pass } = await paid({ pieces })
      const { text } = await gate.ask(question(pass))
      const all = linesOf(text)
      expect(all).toHaveLength(4)
      expect(all.at(-1)).toEqual({ error: expect.stringContaining('broke off'), cost_msat: 3_000 })
      expect(text).not.toContain('10.0.0.7')
      expect(await spent(gate, pass)).toBe(3)
    },
  )

  it('K2 a silent stream is kept open by empty pieces', async () => {
    const { gate, pass } = await paid(
      { pieces: [line('a'), () => new Promise((then) => setTimeout(then, 30)), last(1)] },
      { settings: { timeouts: { firstByte: '5m' } } },
    )
    const stream = await gate.client.open(question(pass))
    await stream.until('"a"')
    gate.world.advance(16_000)
    const { text } = await stream.over
    for (const one of linesOf(text)) expect(one).toMatchObject({ message: { role: 'assistant' } })
    expect(
      linesOf(text)
        .map(({ message }) => message.content)
        .join(''),
    ).toBe('a')
  })

  it('a 402 is a string, with the offer beside it, and the pass that it buys pays', async () => {
    const { gate } = await paid({ pieces: [line('a'), last(1)] })
    const refused = await gate.ask(question(null))
    expect([refused.status, refused.json.error]).toEqual([402, expect.any(String)])
    expect(refused.json.l402.invoice).toMatch(/^lnbc/)
    const pass = await gate.accept(refused)
    expect((await gate.ask(question(pass))).status).toBe(200)
  })

  it('L20 a request without a prompt is answered by the gate, free, and no backend is asked', async () => {
    const { gate, pass } = await paid({})
    const before = gate.fake.seen.length
    const asked = [
      [question(null, { messages: [] }), 'load'],
      [question(pass, { keep_alive: 0 }, '/api/generate'), 'unload'],
      [question(null, { prompt: '', keep_alive: -1 }, '/api/generate'), 'load'],
    ] as const
    for (const [one, reason] of asked) {
      const { status, headers, json } = await gate.ask(one)
      expect([status, headers['content-type']]).toEqual([200, 'application/json'])
      expect(json).toMatchObject({ model: 'fake', done: true, done_reason: reason })
      expect(headers['www-authenticate']).toBeUndefined()
    }
    const embed = await gate.ask(question(null, { input: [] }, '/api/embed'))
    expect(embed.json).toEqual({ model: 'fake', embeddings: [] })
    const embeddings = await gate.ask(question(null, {}, '/api/embeddings'))
    expect(embeddings.json).toEqual({ embedding: [] })
    const unknown = await gate.ask(question(null, { model: 'gpt-x' }, '/api/generate'))
    expect([unknown.status, unknown.json.error]).toEqual([404, expect.any(String)])
    expect(gate.fake.seen.length).toBe(before)
    expect(await spent(gate, pass)).toBe(0)
    const [first] = await gate.requests()
    expect(first).toMatchObject({ status: 200, end: 'complete', reason: 'answered_here' })
    await gate.proof()
  })

  it('L20 nothing is loaded while the backend is gone: 503', async () => {
    const gate = await startGate({ script: { refuse: true } })
    const { status } = await gate.ask(question(null, { messages: [] }))
    expect(status).toBe(503)
  })

  it.each([
    ['/api/chat', '/v1/chat/completions', { messages: MESSAGES }],
    ['/api/generate', '/v1/chat/completions', { prompt: 'hi' }],
    ['/api/embed', '/v1/embeddings', { input: 'hi' }],
    ['/api/embeddings', '/v1/embeddings', { prompt: 'hi' }],
  ])(
    'a backend without %s: 404 that names %s, and nothing is charged',
    async (path, other, body) => {
      for (const said of ['{"detail":"Not Found"}', '404 page not found', '']) {
        const { gate, pass } = await paid({ status: 404, body: said })
        const { status, json } = await gate.ask({
          path,
          body: { model: 'fake', ...body },
          headers: bearer(pass),
        })
        expect([status, json.error]).toEqual([404, expect.stringContaining(other)])
        expect(await spent(gate, pass)).toBe(0)
      }
    },
  )

  it('a model that Ollama does not have is a 404 about the model', async () => {
    const { gate, pass } = await paid({ status: 404, body: '{"error":"model \'fake\' not found"}' })
    const { status, json } = await gate.ask(question(pass))
    expect([status, json.error]).toEqual([404, expect.stringContaining('model')])
    expect(json.error).not.toContain('/v1/')
  })
})

describe('G7 what Ollama has besides', () => {
  let gate: TestGate
  let rich: Pass
  beforeAll(async () => {
    gate = await startGate({ shared: true })
    rich = await gate.buy(1_000)
  })
  afterAll(() => gate.close())

  it.each([
    ...['POST /api/pull', 'POST /api/push', 'POST /api/create', 'DELETE /api/delete'],
    ...[
      'POST /api/delete',
      'POST /api/copy',
      'POST /api/blobs/sha256:0a',
      'HEAD /api/blobs/sha256:0a',
    ],
    ...[
      'GET /api/blobs',
      'POST /api/me',
      'GET /api/me',
      'POST /api/signout',
      'DELETE /api/user/keys/a',
    ],
    ...['POST /api/tags', 'POST /api/ps', 'GET /api/show', 'DELETE /api/tags', 'POST /api/version'],
    ...[
      'POST /api/experimental/web_search',
      'GET /api/status',
      'POST /API/CHAT',
      'POST /api/chat/',
    ],
    ...['POST /api', 'GET /api/', 'POST /api/embeddings/x', 'GET /api/experimental/aliases'],
  ])('%s never reaches the backend', async (what) => {
    const [method = '', path = ''] = what.split(' ')
    const before = gate.fake.seen.length
    const body =
      method === 'GET' || method === 'HEAD' ? {} : { body: { model: 'fake', name: 'fake' } }
    const { status, json } = await gate.ask({ method, path, ...body, headers: bearer(rich) })
    expect([404, 405]).toContain(status)
    if (method !== 'HEAD' && /^\/api\/.*[^/]$/.test(path))
      expect(json.error).toEqual(expect.any(String))
    expect(gate.fake.seen.length).toBe(before)
  })

  it('L20 the free endpoints ask the backend for nothing but its models, and need no pass', async () => {
    const before = gate.fake.seen.length
    for (const path of ['/api/tags', '/api/ps', '/api/version']) {
      expect((await gate.ask({ path })).status).toBe(200)
      expect((await gate.ask({ path, method: 'HEAD' })).status).toBe(200)
    }
    const shown = await gate.ask({ path: '/api/show', body: { model: 'fake', verbose: true } })
    expect(shown.json).toMatchObject({ capabilities: ['completion'] })
    const unknown = await gate.ask({ path: '/api/show', body: { model: 'gpt-x' } })
    expect([unknown.status, unknown.json]).toEqual([404, { error: "model 'gpt-x' not found" }])
    expect((await gate.ask({ path: '/', method: 'HEAD' })).status).toBe(200)
    const asked = gate.fake.seen.slice(before).map(({ path }) => path)
    expect(asked.filter((path) => path !== '/v1/models')).toEqual([])
  })
})
