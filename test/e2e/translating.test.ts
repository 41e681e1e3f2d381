import { describe, expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { openaiChat } from '../../src/dialects/openai/chat.ts'
import { type Mode, pattern, type Route, Routes } from '../../src/gate/route.ts'
import { bearer, type Pass, tick } from '../support/buyer.ts'
import { startCashuGate } from '../support/cashu-gate.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'

const PATH = '/v1/other'
const HOUR = 3_600_000

/** Another API, in which a request looks like one to chat completions. */
const other: Dialect = { ...openaiChat, name: 'other', path: PATH }

/** Its translation. It cannot say a seed, and a request with a user is 100,000 tokens longer in it. */
const asChat: Dialect = {
  ...openaiChat,
  name: 'other-as-chat',
  path: PATH,
  read(body, head, terms) {
    const asked = openaiChat.read(body, head, terms)
    if (!asked.ok) return asked
    const text = Buffer.from(body).toString()
    if (text.includes('"seed"')) {
      const error = { status: 400, code: 'not_translatable', message: 'No seed.', param: 'seed' }
      return { ok: false, error }
    }
    const longer = text.includes('"user":') ? 100_000 : 0
    const { most } = asked.value
    return { ok: true, value: { ...asked.value, most: { input: most.input + longer } } }
  },
  rewrite: (...args) => ({ ...openaiChat.rewrite(...args), path: openaiChat.path }),
}

const withOther =
  (mode: Mode = 'charge', off = false): NonNullable<GateOptions['routes']> =>
  (targets) => {
    const route = (dialect: Dialect): Route => ({
      ...{ method: 'POST', path: pattern(PATH), dialect, mode, targets },
      ...{ price: { by: 'model' }, query: false, tellsPrice: true },
    })
    const translated = off ? 'off' : route(asChat)
    return new Routes([
      ...routesOf([openaiChat], mode, targets).all,
      { ...route(other), translated },
    ])
  }

type Lacks = Partial<NonNullable<TestGate['fake']['script']['lacks']>>

async function lacking(lacks: Lacks = {}, options: GateOptions = {}): Promise<TestGate> {
  const gate = await startGate({ routes: withOther(), ...options })
  gate.fake.script = { ...gate.fake.script, lacks: { paths: [PATH], ...lacks } }
  return gate
}

const question = (pass: Pass | null, body: object = {}, model = 'fake') => ({
  path: PATH,
  body: { model, messages: [{ role: 'user', content: 'hi' }], ...body },
  headers: bearer(pass),
})

/** The paths of the requests that were sent to the backend. */
const sent = (gate: TestGate) =>
  gate.fake.seen.filter(({ method }) => method === 'POST').map(({ path }) => path)

const TWICE = [PATH, '/v1/chat/completions']
const ONCE = ['/v1/chat/completions']

describe('a request whose API the backend lacks', () => {
  it.each([false, true])('is served once more, translated: stream %s', async (stream) => {
    const gate = await lacking()
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(pass, { stream }))
    expect([answer.status, sent(gate)]).toEqual([200, TWICE])
    expect(answer.text).toContain(stream ? '[DONE]' : '"choices"')
    const [event, ...more] = await gate.requests()
    expect([event?.dialect, event?.status, more]).toEqual(['other-as-chat', 200, []])
    expect(event?.charged_msat).toBeGreaterThan(0)
    const { balance_msat: left } = await gate.balance(pass)
    expect(left).toBe(1_000_000 - (event?.charged_msat ?? 0))
    await gate.proof()
  })

  it.each([
    ['Ollama, Go', {}],
    [
      'llama.cpp',
      { body: '{"error":{"message":"File Not Found","type":"not_found_error","code":404}}' },
    ],
    ['vLLM, LiteLLM, SGLang', { body: '{"detail":"Not Found"}' }],
    ['a static server', { status: 405, body: '' }],
    ['a server of the standard library of Python', { status: 501, body: '<html>' }],
    [
      'LM Studio',
      {
        status: 200,
        body: '{"error":"Unexpected endpoint or method. (POST /v1/other). Returning 200 anyway"}',
      },
    ],
  ] as const)('in the words of %s', async (_, lacks) => {
    for (const stream of [false, true]) {
      const gate = await lacking(lacks)
      const answer = await gate.ask(question(await gate.buy(1000), { stream }))
      expect([answer.status, sent(gate)]).toEqual([200, TWICE])
      await gate.proof()
    }
  })

  it.each([
    [
      'Ollama',
      '{"type":"error","error":{"type":"not_found_error","message":"model \'x\' not found"}}',
    ],
    [
      'vLLM',
      '{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","code":404}}',
    ],
    ['OpenAI', '{"error":{"message":"It does not exist","code":"model_not_found"}}'],
    [
      'OpenAI, of thinking that a client invents',
      '{"error":{"message":"Item with id \'rs_1\' not found. Items are not persisted when `store` is set to false.","param":"input"}}',
    ],
  ])(
    'L18 a model or an item that is not there is no path that is not there, in the words of %s',
    async (_, body) => {
      const gate = await lacking({ body })
      const answer = await gate.ask(question(await gate.buy(1000)))
      expect([answer.status, sent(gate)]).toEqual([404, [PATH]])
      expect((await gate.last()).charged_msat).toBe(0)
      await gate.proof()
    },
  )

  it.each([
    '{"status":"failed","error":{"message":"x"},"instructions":"unexpected endpoint or method"}',
    '{"error":{"message":"I cannot answer: Unexpected endpoint or method"}}',
  ])('L18 nor does a text that a request brought with it decide: %s', async (body) => {
    const gate = await lacking({ status: 200, body })
    await gate.ask(question(await gate.buy(1000)))
    expect(sent(gate)).toEqual([PATH])
    await gate.proof()
  })

  it.each([400, 403, 422, 500, 503])('nor is any other refusal: %d', async (status) => {
    const gate = await lacking({ status, body: '{"error":{"message":"Not Found"}}' })
    await gate.ask(question(await gate.buy(1000)))
    expect(sent(gate)).toEqual([PATH])
    await gate.proof()
  })

  it('is translated from the start for an hour, and then asked in its own API once more', async () => {
    const gate = await lacking()
    const pass = await gate.buy(1000)
    for (let at = 0; at < 3; at += 1) await gate.ask(question(pass))
    expect(sent(gate)).toEqual([...TWICE, ...ONCE, ...ONCE])
    gate.world.advance(HOUR)
    await gate.ask(question(pass))
    expect(sent(gate).slice(4)).toEqual(TWICE)
  })

  it('is not remembered if the translation had no answer either', async () => {
    const gate = await lacking({ paths: TWICE })
    const pass = await gate.buy(1000)
    for (let at = 0; at < 2; at += 1) {
      const answer = await gate.ask(question(pass))
      expect(answer.status).toBe(404)
    }
    expect(sent(gate)).toEqual([...TWICE, ...TWICE])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
    await gate.proof()
  })

  it('is refused with its name if the translation cannot say it; nothing is charged', async () => {
    const gate = await lacking({}, { settings: { capacity: { maxConcurrent: 1 } } })
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(pass, { seed: 1 }))
    expect([answer.status, answer.json.error.code]).toEqual([400, 'not_translatable'])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
    expect((await gate.ask(question(pass))).status).toBe(200)
    await gate.proof()
  })

  it('has one slot: the only one suffices, and it is free afterwards', async () => {
    const gate = await lacking({}, { settings: { capacity: { maxConcurrent: 1 } } })
    const pass = await gate.buy(1000)
    for (let at = 0; at < 3; at += 1) {
      expect((await gate.ask(question(pass))).status).toBe(200)
      gate.world.advance(HOUR)
    }
    await gate.proof()
  })

  it('I8 is priced as its translation: too dear is a 402, and paying that offer admits it', async () => {
    const settings = { pricing: { default: '1000' }, capacity: { maxConcurrent: 1 } }
    const gate = await lacking({}, { settings })
    const pass = await gate.buy(10_000)
    const dear = { user: 'a' }
    const refused = await gate.ask(question(pass, dear))
    expect([refused.status, sent(gate)]).toEqual([402, [PATH]])
    expect((await gate.balance(pass)).balance_msat).toBe(10_000_000)
    await gate.pay(refused.json.l402.invoice)
    const rich = await gate.buy(200_000)
    expect((await gate.ask(question(rich, dear))).status).toBe(200)
    // From now on the first 402 is that of the translation.
    const offered = await gate.ask(question(null, dear))
    expect(offered.status).toBe(402)
    const paid = await gate.accept(offered)
    expect((await gate.ask(question(paid, dear))).status).toBe(200)
    await gate.proof()
  })

  it('of a buyer who leaves meanwhile is not sent again, and costs nothing', async () => {
    const gate = await lacking({}, { settings: { capacity: { maxConcurrent: 1 } } })
    const pass = await gate.buy(1000)
    let leave: () => void = () => {}
    const asked = new Promise<void>((resolve) => {
      leave = resolve
    })
    const controller = new AbortController()
    gate.fake.script = {
      ...gate.fake.script,
      lacks: {
        paths: [PATH],
        before: async () => {
          leave()
          await new Promise((resolve) => setTimeout(resolve, 100))
        },
      },
    }
    const { path, body, headers } = question(pass, { stream: true })
    const fetched = fetch(`${gate.url}${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body), signal: controller.signal },
      headers: { ...headers, 'content-type': 'application/json' },
    }).catch(() => null)
    await asked
    controller.abort()
    await fetched
    await gate.requests()
    expect(sent(gate)).toEqual([PATH])
    await gate.proof()
    gate.fake.script = { ...gate.fake.script, lacks: { paths: [PATH] } }
    // The slot is free when the connection is closed.
    let { status } = await gate.ask(question(pass))
    while (status === 503) {
      await tick()
      status = (await gate.ask(question(pass))).status
    }
    expect(status).toBe(200)
  })

  it.each(['free', 'observe'] as const)('in the mode %s', async (mode) => {
    const free = { mode, pricing: { default: 'free' } }
    const settings = mode === 'free' ? free : { mode }
    const gate = await lacking(
      {},
      { routes: withOther('observe'), settings: { ...settings, mode: 'observe' } },
    )
    const answer = await gate.ask(question(null))
    expect([answer.status, sent(gate)]).toEqual([200, TWICE])
    await gate.proof()
  })

  it('paid with a token: it is taken once, and what is left stays on its pass', async () => {
    const { gate, payer } = await startCashuGate({ gate: { routes: withOther() } })
    gate.fake.script = { ...gate.fake.script, lacks: { paths: [PATH] } }
    const token = await payer.token(4096)
    const { path, body } = question(null)
    const answer = await gate.ask({ path, body, headers: { 'x-cashu': token } })
    expect([answer.status, sent(gate)]).toEqual([200, TWICE])
    const event = await gate.last()
    const { balance_msat: left } = await gate.balance(String(answer.headers['x-satgate-pass']))
    expect(left).toBe(4_096_000 - (event.charged_msat ?? 0))
    await gate.proof()
  })

  it('is told so, with the setting, if the operator turned translation off', async () => {
    const gate = await lacking({}, { routes: withOther('charge', true) })
    const answer = await gate.ask(question(await gate.buy(1000)))
    expect([answer.status, answer.json.error.code]).toEqual([404, 'api_not_available'])
    expect(answer.json.error.message).toContain('dialects.translate')
    expect(sent(gate)).toEqual([PATH])
    await gate.proof()
  })

  it('is not translated if the backend has the API', async () => {
    const gate = await startGate({ routes: withOther() })
    gate.fake.script = { ...gate.fake.script, body: JSON.stringify(WHOLE) }
    const answer = await gate.ask(question(await gate.buy(1000)))
    expect([answer.status, sent(gate)]).toEqual([200, [PATH]])
    expect((await gate.last()).dialect).toBe('other')
    await gate.proof()
  })
})

const WHOLE = {
  ...{ id: 'x', object: 'chat.completion', created: 1, model: 'fake' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
}
