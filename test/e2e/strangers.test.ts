import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Question } from '../support/ask.ts'
import { bearer, type Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

let gate: TestGate
let pass: Pass
beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: {
      limits: { body: '100kb', invoicesPerClient: 1000 },
      pricing: { default: 1, models: { 'free-*': 'free' } },
    },
  })
  pass = await gate.buy(1_000)
})
afterAll(() => gate.close())

const CHAT = '/v1/chat/completions'

describe('G10 CORS', () => {
  const origin = 'https://app.example'

  it('a preflight is answered and never gated, with every header that a buyer needs', async () => {
    const answered = await gate.ask({
      method: 'OPTIONS',
      path: CHAT,
      headers: { origin, 'access-control-request-headers': 'authorization,content-type' },
    })
    expect(answered.status).toBe(204)
    expect(answered.headers['access-control-allow-origin']).toBe(origin)
    const allowed = String(answered.headers['access-control-allow-headers']).toLowerCase()
    for (const name of ['authorization', 'content-type', 'x-api-key'])
      expect(allowed).toContain(name)
    expect(answered.headers['access-control-allow-credentials']).toBe(undefined)
  })

  const preflight = (asked: string, from = origin, own = gate) =>
    own.ask({
      method: 'OPTIONS',
      path: CHAT,
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    })

  it.each([
    'x-stainless-lang',
    'x-stainless-arch,x-stainless-os,x-stainless-package-version,x-stainless-retry-count',
    'authorization, x-stainless-timeout, openai-organization, http-referer, x-title',
    'x-a-name-that-nobody-here-knows',
  ])('K6 a preflight may ask for any header: %s', async (asked) => {
    const answered = await preflight(asked)
    const allowed = String(answered.headers['access-control-allow-headers']).split(', ')
    expect(answered.status).toBe(204)
    for (const name of asked.split(/, ?/)) {
      expect(
        allowed.map((each) => each.toLowerCase()).filter((each) => each === name),
      ).toHaveLength(1)
    }
    expect(answered.headers.vary).toMatch(/Origin.*Access-Control-Request-Headers/)
  })

  it('K6 what is no name of a header is left out, and their number is limited', async () => {
    const many = Array.from({ length: 500 }, (_, n) => `x-${n}`).join(',')
    const answered = await preflight(`x-good, sp ace, <b>, "q", , *, ${'a'.repeat(300)},${many}`)
    const allowed = String(answered.headers['access-control-allow-headers'])
    expect(allowed).toMatch(/, x-good, \*, x-0, /)
    expect(allowed).not.toMatch(/[<>"]|sp ace|aaa/)
    expect(allowed.length).toBeLessThan(1_000)
  })

  it('K6 an origin that is not named is told nothing', async () => {
    const own = await startGate({ settings: { cors: ['https://named.example'] } })
    const stranger = await preflight('x-stainless-lang', origin, own)
    expect(stranger.headers['access-control-allow-headers']).toBe(undefined)
    expect(stranger.headers['access-control-allow-origin']).toBe(undefined)
    expect(stranger.headers.vary).toMatch(/Origin/)
    const named = await preflight('x-stainless-lang', 'https://named.example', own)
    expect(named.headers['access-control-allow-headers']).toContain('x-stainless-lang')
  })

  it('H4 a preflight opens nothing local: another site cannot pay play money', async () => {
    const { json } = await gate.ask({ path: '/create-invoice', body: {} })
    const answered = await gate.ask({
      path: '/play/pay',
      body: { payment_hash: json.payment_hash },
      headers: { origin, 'x-stainless-lang': 'js' },
    })
    expect(answered.status).toBe(404)
  })

  it('one origin only, payment headers exposed, on a 402, a paid answer and an error', async () => {
    const headers = { origin }
    const answers = [
      await gate.chat(null, {}, headers),
      await gate.chat(pass, {}, headers),
      await gate.chat(pass, { stream: true }, headers),
      await gate.chat(pass, { model: 'x' }, headers),
      await gate.ask({ path: '/v1/balance', headers: { ...headers, ...bearer(pass) } }),
    ]
    for (const answered of answers) {
      const names = answered.rawHeaders.filter((name) =>
        /^access-control-allow-origin$/i.test(name),
      )
      expect(names).toHaveLength(1)
      expect(answered.headers['access-control-allow-origin']).toBe(origin)
      expect(answered.headers['access-control-expose-headers']).toMatch(
        /WWW-Authenticate.*X-Credit-Balance.*X-Cost-Msat.*X-Request-Id/,
      )
      expect(answered.headers.vary).toContain('Origin')
    }
  })

  it('answers without a credential cannot be read by other pages', async () => {
    for (const stream of [false, true]) {
      const served = await gate.chat(null, { model: 'free-1', stream }, { origin })
      expect(served.status).toBe(200)
      expect(served.headers['access-control-allow-origin']).toBe(undefined)
    }
    const paid = await gate.chat(pass, { model: 'free-1' }, { origin })
    expect(paid.headers['access-control-allow-origin']).toBe(origin)
  })
})

describe('one request has one id', () => {
  it.each<[string, Question]>([
    ['a chat that is served', { path: CHAT, body: { model: 'free-1', messages: [] } }],
    ['a chat that is refused', { path: CHAT, body: '{' }],
    ['a bad body', { path: '/create-invoice', body: '{' }],
    ['a bad field', { path: '/create-invoice', body: { amountSats: 0 } }],
    ['no credential', { path: '/v1/balance' }],
    ['no such model', { path: '/v1/models/gpt-x' }],
    ['no such path', { path: '/nowhere', body: {} }],
  ])('%s', async (_, question) => {
    const own = await startGate({
      settings: { pricing: { default: 1, models: { 'free-*': 'free' } } },
    })
    const made = vi.spyOn(own.world, 'random')
    const answered = await own.ask(question)
    expect(answered.headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/)
    // An id has six random bytes, and nothing else here has that many.
    expect(made.mock.calls.filter(([bytes]) => bytes === 6)).toHaveLength(1)
  })
})

describe('what is free to read', () => {
  it('H5 the gate’s own routes are its own, whatever the upstream has under them', async () => {
    const before = gate.fake.seen.length
    for (const path of [
      '/health',
      '/.well-known/l402',
      '/v1/balance',
      '/v1/usage',
      '/create-invoice',
      '/play/pay',
    ]) {
      await gate.ask({ path, headers: bearer(pass) })
    }
    expect(gate.fake.seen.slice(before).filter(({ path }) => path !== '/v1/models')).toEqual([])
  })

  it('/v1/models: the list of the upstream, each model with its price', async () => {
    const { status, json } = await gate.ask({ path: '/v1/models' })
    expect([status, json.object]).toEqual([200, 'list'])
    expect(json.data.find(({ id }: { id: string }) => id === 'fake')).toMatchObject({
      object: 'model',
      pricing: { unit: 'sats per 1,000 tokens', input: 1, cached: 1, output: 1, request: 0 },
    })
    expect((await gate.ask({ path: '/v1/models/fake' })).json.id).toBe('fake')
    expect((await gate.ask({ path: '/v1/models/gpt-x' })).json.error.code).toBe('model_not_found')
  })

  it('/.well-known/l402: how to pay, at what price', async () => {
    const { json } = await gate.ask({ path: '/.well-known/l402' })
    expect(json).toMatchObject({
      version: 1,
      pricing: { currency: 'SAT', models: { fake: { perThousandTokens: 1 } } },
      payment: { methods: ['l402'], createInvoice: '/create-invoice', balance: '/v1/balance' },
      capabilities: { streaming: true },
    })
  })

  it('/health: ok, or 503 with the reason', async () => {
    const own = await startGate()
    expect((await own.ask({ path: '/health' })).json).toEqual({
      status: 'ok',
      upstream: 'ok',
      wallet: 'ok',
      ledger: 'ok',
    })
  })

  it('an upstream that never answered: 502 for models, 503 for a request, no challenge', async () => {
    const own = await startGate({ script: { refuse: true } })
    expect((await own.ask({ path: '/v1/models' })).status).toBe(502)
    const refused = await own.chat(null)
    expect([refused.status, refused.json.error.code]).toEqual([503, 'upstream_unreachable'])
    expect(refused.headers['www-authenticate']).toBe(undefined)
    expect((await own.ask({ path: '/health' })).status).toBe(503)
  })
})

describe('H4 and I3 proxied_loopback_is_public', () => {
  const pay = async (headers: Record<string, string>, hash = '0'.repeat(64)) =>
    gate.ask({ path: '/play/pay', body: { payment_hash: hash }, headers })

  it.each([
    ['a forwarded request', { 'x-forwarded-for': '1.2.3.4' }],
    ['one through any proxy', { via: '1.1 nginx' }],
    ['a foreign Host', { host: 'rebound.example' }],
    ['a page of another site', { origin: 'https://evil.example' }],
  ])('play money is not paid by %s', async (_, headers) => {
    const { json } = await gate.ask({ path: '/create-invoice', body: {} })
    const answered = await pay(headers, json.payment_hash)
    expect([answered.status, answered.json.error.code]).toEqual([404, 'not_found'])
    expect((await pay({}, json.payment_hash)).status).toBe(200)
  })

  it('control and metrics are not on this listener', async () => {
    for (const path of ['/metrics', '/control', '/admin', '/ledger', '/debug']) {
      expect((await gate.ask({ path })).status).toBe(404)
    }
  })

  it('the single bucket behind an unnamed proxy is reported once', async () => {
    const own = await startGate()
    for (let i = 0; i < 3; i += 1) await own.chat(null, {}, { 'x-forwarded-for': `1.2.3.${i}` })
    const said = own.events.filter((event) => event.event === 'problem')
    expect(said).toMatchObject([{ what: 'clients_look_alike', fix: 'trustedProxies' }])
  })
})
