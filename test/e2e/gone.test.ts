import { createServer } from 'node:https'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { GateEvent } from '../../src/gate/ports.ts'
import { bearer, tick, until } from '../support/buyer.ts'
import { selfSigned } from '../support/certificate.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { serve } from '../support/serve.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'

/** A gate whose backend is gone sells nothing that it cannot deliver. */
const CHAT = '/v1/chat/completions'

const said = (gate: TestGate, event: 'problem' | 'solved') =>
  gate.events.filter(
    (one): one is Extract<GateEvent, { event: 'problem' | 'solved' }> =>
      one.event === event && 'what' in one && one.what === 'upstream_unreachable',
  )

/** Two failed tries, 15 s apart. The gate's own tries, every 5 s, have the same effect. */
async function vanish(gate: TestGate): Promise<void> {
  await gate.chat(null)
  gate.world.advance(15_000)
  await gate.chat(null)
}

/** Starts a gate with a backend, and a buyer with credit. Then `end` removes the backend. */
async function orphan(end: (fake: FakeUpstream) => unknown): Promise<TestGate> {
  const gate = await startGate()
  await end(gate.fake)
  gate.world.advance(60_000)
  return gate
}

/** Nobody is asked for money, and everything that is free to read says why. */
async function expectGone(gate: TestGate, words: RegExp): Promise<void> {
  const asked = [
    await gate.chat(null),
    await gate.ask({ path: CHAT, method: 'GET' }),
    await gate.ask({ path: CHAT, body: '' }),
    await gate.ask({ path: '/create-invoice', body: {} }),
    await gate.chat('not:apass'),
  ]
  for (const refused of asked) {
    expect([refused.status, refused.json.error.code]).toEqual([503, 'upstream_unreachable'])
    expect(refused.json.error.message).toMatch(words)
    expect(refused.headers['retry-after']).toBe('5')
    expect(refused.headers['www-authenticate']).toBe(undefined)
    expect(refused.text).not.toContain('lnbcrt')
  }
  const head = await gate.ask({ path: CHAT, method: 'HEAD' })
  expect([head.status, head.headers['x-l402-price-sats']]).toEqual([503, undefined])
  const health = await gate.ask({ path: '/health' })
  expect([health.status, health.json.upstream]).toEqual([503, 'unreachable'])
  expect(health.json.reason).toMatch(words)
  const wellKnown = (await gate.ask({ path: '/.well-known/l402' })).json
  expect(wellKnown).toMatchObject({ upstream: 'unreachable', accepting_payments: false })
  expect(wellKnown.reason).toMatch(words)
  const llms = (await gate.ask({ path: '/llms.txt' })).text
  expect(llms).toMatch(words)
  expect(llms).toContain('Nothing is sold')
}

describe('nothing is sold that cannot be delivered', () => {
  it.each([
    ['refuses connections', (fake: FakeUpstream) => fake.close(), /refuses connections/],
    [
      'answers 503',
      (fake: FakeUpstream) => {
        fake.script = { status: 503, body: 'down' }
      },
      /answers with errors/,
    ],
    [
      'cuts every connection',
      (fake: FakeUpstream) => {
        fake.script = { refuse: true }
      },
      /does not answer/,
    ],
    [
      'lists no model',
      (fake: FakeUpstream) => {
        fake.script = { models: [] }
      },
      /lists no model/,
    ],
    [
      'answers 502 with a page of the proxy before it',
      (fake: FakeUpstream) => {
        const headers = { 'content-type': 'text/html', 'retry-after': '600' }
        fake.script = { status: 502, headers, body: '<html><h1>502 Bad Gateway</h1></html>' }
      },
      /answers with errors/,
    ],
  ])('a backend that %s for 15 s is gone', async (_, end, words) => {
    const gate = await orphan(end)
    await vanish(gate)
    await expectGone(gate, words)
    expect(said(gate, 'problem')).toHaveLength(1)
  })

  it.each([
    ['whose name is not known', () => 'http://nobody.invalid:1', /cannot be found/],
    [
      'whose certificate nobody vouches for',
      async () => {
        const tls = await serve(
          () => {},
          (listener) => createServer(selfSigned, listener) as never,
        )
        onTestFinished(() => tls.close())
        return `https://127.0.0.1:${tls.port}`
      },
      /certificate/,
    ],
  ])('a backend %s is gone', async (_, where, words) => {
    const pricing = { default: 1, models: { fake: 1 } }
    const upstream = await where()
    const gate = await startGate({ settings: { upstream, pricing } })
    await vanish(gate)
    await expectGone(gate, words)
    // The address of the backend is for the operator only: the problem event has it, and nothing
    // that buyers read.
    const { host } = new URL(upstream)
    const [problem] = said(gate, 'problem')
    expect(problem).toMatchObject({ url: expect.stringContaining(host) })
    expect(String(problem?.detail)).toContain(host.split(':')[0])
    for (const path of ['/health', '/llms.txt', '/.well-known/l402', '/v1/models', '/']) {
      expect((await gate.ask({ path })).text).not.toContain(host)
    }
    expect(JSON.stringify(gate.events.filter(({ event }) => event === 'request'))).not.toContain(
      host,
    )
  })

  it.each([401, 404])('a %i on its list of models is an answer: it is there', async (status) => {
    const gate = await startGate({
      settings: { pricing: { default: 1, models: { fake: 1 } } },
      script: { status, body: '{}' },
    })
    await vanish(gate)
    expect((await gate.chat(null)).status).toBe(402)
    expect((await gate.ask({ path: '/health' })).json.upstream).toBe('ok')
    const pass = await gate.buy(10)
    gate.fake.script = {}
    expect((await gate.chat(pass)).status).toBe(200)
    expect(said(gate, 'problem')).toEqual([])
  })

  it('a backend that lists no model is there if a model has a price by its name', async () => {
    const gate = await startGate({
      settings: { pricing: { default: 1, models: { fake: 1 } } },
      script: { models: [] },
    })
    await vanish(gate)
    expect((await gate.chat(null)).status).toBe(402)
    expect((await gate.chat(await gate.buy(10))).status).toBe(200)
  })

  it('a backend that starts without a model is gone 15 s later, for passes too', async () => {
    const gate = await startGate({ script: { models: [] } })
    const pass = await gate.buy(10)
    await vanish(gate)
    await expectGone(gate, /lists no model/)
    expect((await gate.chat(pass)).status).toBe(503)
    gate.fake.script = {}
    await gate.world.until(() => said(gate, 'solved').length > 0)
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('a backend that fails for less than 15 s, or answers at its last try, is not gone', async () => {
    const gate = await orphan((fake) => {
      fake.script = { status: 500, body: '' }
    })
    expect((await gate.chat(null)).status).toBe(402)
    gate.world.advance(9_000)
    expect((await gate.chat(null)).status).toBe(402)
    gate.fake.script = {}
    gate.world.advance(6_000)
    expect((await gate.chat(null)).status).toBe(402)
    expect(said(gate, 'problem')).toEqual([])
  })
})

describe('while the backend is gone', () => {
  it('a pass keeps its credit, gets a 503 for free, and can be topped up', async () => {
    const gate = await startGate()
    const pass = await gate.buy(100)
    await gate.fake.close()
    gate.world.advance(60_000)
    await vanish(gate)
    const refused = await gate.chat(pass)
    expect([refused.status, refused.json.error.code]).toEqual([503, 'upstream_unreachable'])
    const made = await gate.ask({
      path: '/create-invoice',
      body: { amountSats: 50 },
      headers: bearer(pass),
    })
    expect(made.status).toBe(200)
    await gate.pay(made.json.bolt11)
    await until(async () => (await gate.balance(pass)).balance_msat === 150_000)
    await gate.proof()
  })

  it('no request waits for it, and no request of a buyer reaches it', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    gate.fake.script = { status: 500, body: '' }
    gate.world.advance(60_000)
    await vanish(gate)
    // From now on the backend accepts connections and answers nothing. A request that waited for it
    // would take long.
    gate.fake.script = { firstByteMs: 60_000 }
    gate.fake.seen.length = 0
    for (let turn = 0; turn < 20; turn += 1) {
      gate.world.advance(10_000)
      expect((await gate.chat(turn % 2 === 0 ? null : pass)).status).toBe(503)
    }
    expect((await gate.ask({ path: '/v1/models' })).status).toBe(200)
    expect(gate.fake.seen.filter(({ path }) => path !== '/v1/models')).toEqual([])
  })

  it('it is tried every 5 s, and the gate sells again by itself; both are reported once', async () => {
    const gate = await orphan((fake) => {
      fake.script = { status: 500, body: '' }
    })
    await vanish(gate)
    expect((await gate.chat(null)).status).toBe(503)
    gate.fake.script = {}
    gate.fake.seen.length = 0
    await gate.world.until(() => said(gate, 'solved').length > 0)
    // Only the gate's own try, and no request of a buyer.
    expect(gate.fake.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/models',
    ])
    expect((await gate.chat(null)).status).toBe(402)
    expect((await gate.ask({ path: '/health' })).status).toBe(200)
    expect(said(gate, 'problem')).toMatchObject([{ reason: 'failing', since: /^20/ }])
    expect(said(gate, 'solved')).toHaveLength(1)
  })

  it('a failed request starts the clock: nobody has to ask for the models', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    await gate.fake.close()
    expect((await gate.chat(pass)).status).toBe(502)
    await tick(100)
    gate.world.advance(15_000)
    await gate.world.until(() => said(gate, 'problem').length > 0)
    expect((await gate.ask({ path: CHAT, method: 'GET' })).status).toBe(503)
  })

  it('a backend that never answered since the start is gone 15 s later', async () => {
    const closed = await startFakeUpstream()
    const { origin } = closed.base
    await closed.close()
    const gate = await startGate({
      settings: { upstream: origin, pricing: { default: 1, models: { fake: 1 } } },
    })
    gate.world.advance(15_000)
    expect((await gate.chat(null)).status).toBe(503)
    await expectGone(gate, /refuses connections/)
  })
})
