import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GateProcess } from '../support/gate-process.ts'
import {
  about,
  Buyer,
  bearer,
  chunksOf,
  costOf,
  countedIn,
  deltasOf,
  INPUT,
  OUTPUT,
  PRICE,
  textOf,
  until,
  withoutComments,
} from './buyer.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { closeProved, playGate } from './opening.ts'
import { openTap, type Tap } from './tap.ts'

const CHAT = '/v1/chat/completions'
const TEXT = '/v1/completions'
const CONTEXT = '8192'
/** The token with which the model ends. Without it the answer goes on to its limit. */
const ENDLESS = { logit_bias: { 1019: -100 } }
const hello = (more: object = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content: 'What is a license?' }],
  ...more,
})

/** Without the figures of the prompt cache, which a buyer is shown only of his own prompts (threats L21). */
const uncached = (text: string): string =>
  text.replace(
    /"(cached_tokens|cache_n|prompt_n|prompt_per_token_ms|prompt_per_second)":[\d.eE+-]+/g,
    '"$1":0',
  )

describeWithLab('satgate in front of llama.cpp', () => {
  let lab: Lab
  let tap: Tap
  let gate: GateProcess
  let buyer: Buyer
  let upstream = ''
  let embeddings = ''

  beforeAll(async () => {
    lab = await openLab()
    const env = await lab.startPart('llamacpp', { CTX: CONTEXT })
    upstream = env.LLAMACPP_URL ?? ''
    embeddings = env.LLAMACPP_EMBED_URL ?? ''
    tap = await openTap(upstream)
    gate = await playGate(tap.url).start()
    buyer = new Buyer(gate, await gate.mint(10_000))
  })
  afterAll(() => closeProved({ lab, gate, between: tap }))

  const idle = async (url = upstream): Promise<boolean> => {
    const slots = (await (await fetch(`${url}/slots`)).json()) as { is_processing: boolean }[]
    return slots.every((slot) => !slot.is_processing)
  }
  /** How many tokens that text is for this backend. */
  const tokensOf = async (content: string): Promise<number> => {
    const body = JSON.stringify({ content, add_special: false })
    const answer = await fetch(`${upstream}/tokenize`, { method: 'POST', body })
    return ((await answer.json()) as { tokens: number[] }).tokens.length
  }

  it('is named by its list of models', () => {
    expect(gate.events('ready')[0]).toMatchObject({ upstream: { kind: 'llamacpp', models: 1 } })
  })

  describe('charges the reported usage exactly', () => {
    it.each([
      ['a chat', CHAT, hello({ max_tokens: 30 })],
      ['a completion', TEXT, { model: 'tiny', prompt: 'The licence', max_tokens: 30 }],
    ])('%s, buffered', async (_, path, body) => {
      const { answer, event, charged } = await buyer.buy(path, body)
      expect(answer.status).toBe(200)
      expect(charged).toBe(costOf(answer.json.usage))
      expect(event).toMatchObject({ end: 'complete', usage: 'reported' })
      expect(uncached(answer.text)).toBe(uncached(tap.last().answer))
      const { balance_msat } = await buyer.balance()
      expect(answer.headers['x-credit-balance-msat']).toBe(String(balance_msat))
      expect(answer.headers['x-credit-balance']).toBe(String(Math.floor(balance_msat / 1000)))
    })

    it.each([
      ['a chat', CHAT, hello({ max_tokens: 30 })],
      ['a completion', TEXT, { model: 'tiny', prompt: 'The licence', max_tokens: 30 }],
    ])('%s, streamed with include_usage', async (_, path, body) => {
      const asked = { ...body, stream: true, stream_options: { include_usage: true } }
      const { answer, event, charged } = await buyer.buy(path, asked)
      const { usage } = chunksOf(answer.text).findLast((chunk) => chunk.usage)
      expect(charged).toBe(costOf(usage))
      expect(event).toMatchObject({ end: 'complete', usage: 'reported' })
      expect(uncached(withoutComments(answer.text))).toBe(uncached(tap.last().answer))
    })

    it('A2 a chat streamed without include_usage: no usage chunk, every other byte the same', async () => {
      const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 30, stream: true }))
      const upstreams = tap.last().answer
      const { usage } = chunksOf(upstreams).findLast((chunk) => chunk.usage)
      expect(charged).toBe(costOf(usage))
      const without = upstreams.replace(/^data: \{"choices":\[\],[^\n]*\n\n/m, '')
      expect(without.length).toBeLessThan(upstreams.length)
      expect(uncached(withoutComments(answer.text))).toBe(uncached(without))
      expect(answer.text).toMatch(/: satgate cost_msat=\d+\ndata: \[DONE\]\n\n$/)
    })

    it('a completion streamed without include_usage keeps the usage that llama.cpp sends anyway', async () => {
      const body = { model: 'tiny', prompt: 'The licence', max_tokens: 20, stream: true }
      const { answer, charged } = await buyer.buy(TEXT, body)
      const { usage } = chunksOf(answer.text).findLast((chunk) => chunk.usage)
      expect(charged).toBe(costOf(usage))
      expect(uncached(withoutComments(answer.text))).toBe(uncached(tap.last().answer))
    })

    it('embeddings, one and a list', async () => {
      const apart = await playGate(embeddings).start()
      try {
        const owner = new Buyer(apart, await apart.mint(100))
        for (const input of ['The licence', ['one', 'two of them']]) {
          const { answer, charged } = await owner.buy('/v1/embeddings', { model: 'tiny', input })
          expect(answer.status).toBe(200)
          expect(charged).toBe(answer.json.usage.prompt_tokens * INPUT)
        }
      } finally {
        await apart.remove()
      }
    })
  })

  describe('counts every choice, though the usage counts one of them', () => {
    it('n = 2, streamed: the usage of each choice, summed', async () => {
      const body = hello({ n: 2, max_tokens: 12, stream: true, ...ENDLESS })
      const { answer, event, charged } = await buyer.buy(CHAT, body)
      expect(answer.status).toBe(200)
      const usages = chunksOf(tap.last().answer).flatMap(({ usage }) => usage ?? [])
      expect(usages).toHaveLength(2)
      const [{ prompt_tokens }] = usages
      const completion_tokens = usages[0].completion_tokens + usages[1].completion_tokens
      expect(completion_tokens).toBe(24)
      expect(event).toMatchObject({ prompt_tokens, completion_tokens })
      expect(charged).toBe(costOf({ prompt_tokens, completion_tokens }))
    })

    it('n = 2, buffered: clearly more than the usage of one', async () => {
      const body = hello({ n: 2, max_tokens: 40, ...ENDLESS })
      const { answer, event } = await buyer.buy(CHAT, body)
      expect(answer.json.choices).toHaveLength(2)
      const reported = answer.json.usage.completion_tokens
      expect(reported).toBe(40)
      expect(event.completion_tokens).toBeGreaterThan(reported)
      expect(event.completion_tokens).toBeLessThanOrEqual(80)
    })

    it.each([[false], [true]])('a list of prompts (streamed: %s)', async (stream) => {
      const prompt = ['The licence', 'This program is free software']
      const body = { model: 'tiny', prompt, max_tokens: 20, stream, ...ENDLESS }
      const { event } = await buyer.buy(TEXT, body)
      expect(event.completion_tokens).toBeGreaterThan(20)
      expect(event.completion_tokens).toBeLessThanOrEqual(40)
      expect(event.prompt_tokens).toBeGreaterThan(await tokensOf('The licence'))
    })
  })

  describe('bounds the output in the field that llama.cpp obeys', () => {
    it.each([
      ['max_tokens', { max_tokens: 7 }],
      ['max_completion_tokens', { max_completion_tokens: 7 }],
      ['both: the smaller one', { max_tokens: 7, max_completion_tokens: 400 }],
    ])('%s', async (_, limit) => {
      const { answer } = await buyer.buy(CHAT, hello({ ...limit, ...ENDLESS }))
      expect(answer.json.usage.completion_tokens).toBe(7)
      expect(answer.json.choices[0].finish_reason).toBe('length')
    })

    it('no limit of the buyer: the operator’s, and the answer says so', async () => {
      const { answer } = await buyer.buy(CHAT, hello(ENDLESS))
      expect(answer.json.usage.completion_tokens).toBe(64)
      expect(answer.headers['x-max-tokens-applied']).toBe('64')
    })

    it('a small balance buys a short answer', async () => {
      const poor = new Buyer(gate, await gate.mint(1))
      const { answer, charged } = await poor.buy(CHAT, hello({ max_tokens: 4000, ...ENDLESS }))
      const applied = Number(answer.headers['x-max-tokens-applied'])
      expect(answer.json.usage.completion_tokens).toBe(applied)
      expect(applied).toBeLessThan(334)
      expect(charged).toBeLessThanOrEqual(1000)
    })

    it('I6 fields that make more than was paid for do nothing', async () => {
      const hostile = { n_predict: 3900, ignore_eos: true, min_tokens: 900, n_probs: 5 }
      const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 5, ...hostile }))
      expect(answer.json.usage.completion_tokens).toBeLessThanOrEqual(5)
      expect(charged).toBe(costOf(answer.json.usage))
      for (const key of Object.keys(hostile)) expect(tap.last().sent).not.toContain(key)
    })

    it.each(['Max_Tokens', 'max_toKenſ', 'Model'])(
      'I6 the key %s can be read as another: 400, free',
      async (key) => {
        const sent = tap.tapped.length
        const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 5, [key]: 3900 }))
        expect(answer.status).toBe(400)
        expect(answer.json.error.code).toBe('ambiguous_key')
        expect(charged).toBe(0)
        expect(tap.tapped).toHaveLength(sent)
      },
    )
  })

  describe('passes what llama.cpp refuses, free', () => {
    it.each([[false], [true]])('a prompt over the context (streamed: %s)', async (stream) => {
      const content = 'licence '.repeat(9000)
      const messages = [{ role: 'user', content }]
      const { answer, charged } = await buyer.buy(CHAT, hello({ messages, stream }))
      expect(answer.status).toBe(400)
      expect(answer.json.error.message).toContain('context')
      expect(charged).toBe(0)
    })

    it('an unknown model is 404 and goes nowhere', async () => {
      const sent = tap.tapped.filter(({ method }) => method === 'POST').length
      const { answer, charged } = await buyer.buy(CHAT, hello({ model: 'nobody' }))
      expect(answer.status).toBe(404)
      expect(answer.json.error.code).toBe('model_not_found')
      expect(charged).toBe(0)
      expect(tap.tapped.filter(({ method }) => method === 'POST')).toHaveLength(sent)
    })
  })

  describe('a buyer who leaves', () => {
    it('A3 mid-stream: llama.cpp stops, the charge is the estimate and what came so far', async () => {
      const seen = await gate.requestsSoFar()
      const before = await buyer.balance()
      const stream = await buyer.open(CHAT, hello({ max_tokens: 7000, stream: true, ...ENDLESS }))
      await until(() => deltasOf(stream.text()) >= 50, 20_000)
      stream.leave()
      const got = about(countedIn(stream.text()))
      const event = await buyer.lastEvent(seen)
      expect(await until(idle, 3_000)).toBeLessThan(3_000)
      expect(event).toMatchObject({ end: 'client_left', usage: 'counted', status: 200 })
      const made = deltasOf(tap.last().answer)
      expect(event.completion_tokens).toBeGreaterThanOrEqual(got.least)
      const most = about(countedIn(tap.last().answer)).most
      expect(event.completion_tokens).toBeLessThanOrEqual(most)
      expect(made).toBeLessThan(7000)
      const prompt = await tokensOf('What is a license?')
      expect(event.prompt_tokens).toBeGreaterThanOrEqual(prompt)
      const after = await buyer.balance()
      const { prompt_tokens, completion_tokens } = event
      const cost = costOf({ prompt_tokens, completion_tokens })
      expect(before.balance_msat - after.balance_msat).toBe(cost)
      expect(after.held_msat).toBe(0)
    })

    it('I6 before a buffered answer: charged the ceiling', async () => {
      const seen = await gate.requestsSoFar()
      const before = await buyer.balance()
      const sent = buyer.start(CHAT, hello({ max_tokens: 500, ...ENDLESS }))
      await until(async () => !(await idle()), 5_000)
      sent.leave()
      const event = await buyer.lastEvent(seen)
      expect(event).toMatchObject({ end: 'client_left' })
      expect(event.charged_msat).toBe(event.held_msat)
      expect(event.held_msat).toBeGreaterThanOrEqual(500 * OUTPUT)
      const after = await buyer.balance()
      expect(before.balance_msat - after.balance_msat).toBe(event.charged_msat)
      await until(idle, 30_000)
    })
  })

  it('a base URL with /v1 is the same upstream', async () => {
    const apart = await playGate(`${upstream}/v1/`).start()
    try {
      const owner = new Buyer(apart, await apart.mint(10))
      const { answer, charged } = await owner.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(200)
      expect(charged).toBe(costOf(answer.json.usage))
      expect((await apart.client.ask({ path: '/v1/models' })).json.data[0].id).toBe('tiny')
    } finally {
      await apart.remove()
    }
  })

  it('the upstream killed mid-stream: an error event, charged for what flowed', async () => {
    const seen = await gate.requestsSoFar()
    const stream = await buyer.open(CHAT, hello({ max_tokens: 7000, stream: true, ...ENDLESS }))
    await until(() => deltasOf(stream.text()) >= 50, 20_000)
    await lab.kill('llamacpp')
    const { text, cut } = await stream.over
    expect(cut).toBe(false)
    expect(chunksOf(text).at(-1).error).toMatchObject({ code: 'upstream_error' })
    expect(text).not.toContain('[DONE]')
    const event = await buyer.lastEvent(seen)
    expect(event).toMatchObject({ end: 'upstream_failed', usage: 'counted' })
    const { least, most } = about(countedIn(text))
    expect(event.completion_tokens).toBeGreaterThanOrEqual(least)
    expect(event.completion_tokens).toBeLessThanOrEqual(most)
    const { prompt_tokens, completion_tokens } = event
    expect(event.charged_msat).toBe(costOf({ prompt_tokens, completion_tokens }))

    const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
    expect(answer.status).toBe(502)
    expect(charged).toBe(0)

    await lab.startPart('llamacpp', { KEEP: '1', CTX: CONTEXT })
    expect((await buyer.buy(CHAT, hello({ max_tokens: 5 }))).answer.status).toBe(200)
  })
})

describeWithLab('llama.cpp with one slot and a key', () => {
  const key = 'upstream-key-0123456789'
  let lab: Lab
  let gate: GateProcess
  let buyer: Buyer
  let upstream = ''

  beforeAll(async () => {
    lab = await openLab()
    const env = await lab.startPart('llamacpp', { CTX: CONTEXT, SLOTS: '1', API_KEY: key })
    upstream = env.LLAMACPP_URL ?? ''
    process.env.UPSTREAM_KEY = key
    gate = await playGate(upstream, { upstreamKey: { env: 'UPSTREAM_KEY' } }).start()
    buyer = new Buyer(gate, await gate.mint(1000))
  })
  afterAll(async () => {
    delete process.env.UPSTREAM_KEY
    await gate?.remove()
    await lab?.stop()
  })

  it('G3 the operator’s key goes upstream in place of the buyer’s pass', async () => {
    const refused = await fetch(`${upstream}${CHAT}`, {
      method: 'POST',
      body: JSON.stringify(hello()),
      headers: bearer(buyer.pass),
    })
    expect(refused.status).toBe(401)
    const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
    expect(answer.status).toBe(200)
    expect(charged).toBe(costOf(answer.json.usage))
    expect(`${answer.text}${JSON.stringify(gate.events())}${gate.stderr}`).not.toContain(key)
  })

  it('a wrong key of the operator’s is a 502 without a word of it, free', async () => {
    process.env.UPSTREAM_KEY = 'wrong-key-0123456789'
    const wrong = playGate(upstream, {
      upstreamKey: { env: 'UPSTREAM_KEY' },
      pricing: { default: PRICE, models: { tiny: PRICE } },
    })
    try {
      await wrong.start()
      const owner = new Buyer(wrong, await wrong.mint(10))
      const { answer, charged } = await owner.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(502)
      expect(answer.text).not.toMatch(/key/i)
      expect(charged).toBe(0)
    } finally {
      process.env.UPSTREAM_KEY = key
      await wrong.remove()
    }
  })

  it('a stream that waits for a slot is kept open by comments, and lives', async () => {
    const first = await buyer.open(CHAT, hello({ max_tokens: 300, stream: true, ...ENDLESS }))
    await first.until('"content"')
    await lab.pause('llamacpp')
    const began = Date.now()
    const second = await buyer.open(CHAT, hello({ max_tokens: 20, stream: true }))
    await second.until(': waiting for the model')
    const waited = Date.now() - began
    expect(waited).toBeGreaterThan(9_000)
    expect(waited).toBeLessThan(30_000)
    await lab.resume('llamacpp')
    const both = await Promise.all([first.over, second.over])
    for (const { text, cut } of both) {
      expect(cut).toBe(false)
      expect(text).toMatch(/data: \[DONE\]\n\n$/)
    }
    expect(textOf(both[1].text)).not.toBe('')
    const events = [first, second].map(({ headers }) => gate.request(headers['x-request-id']))
    for (const event of events) expect(await event).toMatchObject({ end: 'complete' })
  })
})
