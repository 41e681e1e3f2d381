import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GateProcess } from '../support/gate-process.ts'
import {
  about,
  Buyer,
  chunksOf,
  costOf,
  countedIn,
  deltasOf,
  INPUT,
  OUTPUT,
  until,
  withoutComments,
} from './buyer.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { closeProved, playGate } from './opening.ts'
import { openTap, type Tap } from './tap.ts'

const CHAT = '/v1/chat/completions'
const TEXT = '/v1/completions'
/** An answer that cannot end early: JSON with 400 numbers. */
const LONG = {
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'numbers',
      schema: { type: 'array', items: { type: 'integer' }, minItems: 400 },
    },
  },
}
const hello = (more: object = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content: 'What is a license?' }],
  ...more,
})

describeWithLab('satgate in front of Ollama', () => {
  let lab: Lab
  let tap: Tap
  let gate: GateProcess
  let buyer: Buyer
  let context = 0

  beforeAll(async () => {
    lab = await openLab()
    const env = await lab.startPart('ollama', { CTX: '2048' })
    context = Number(env.CTX)
    tap = await openTap(env.OLLAMA_URL ?? '')
    gate = await playGate(tap.url).start()
    buyer = new Buyer(gate, await gate.mint(10_000))
  })
  afterAll(() => closeProved({ lab, gate, between: tap }))

  it('is named by its list of models', () => {
    expect(gate.events('ready')[0]).toMatchObject({ upstream: { kind: 'ollama', models: 1 } })
  })

  it('sells a model by its short name too', async () => {
    for (const model of ['tiny', 'tiny:latest']) {
      const { answer } = await buyer.buy(CHAT, hello({ model, max_tokens: 5 }))
      expect(answer.status).toBe(200)
    }
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
      expect(answer.text).toBe(tap.last().answer)
    })

    it.each([
      ['a chat', CHAT, hello({ max_tokens: 30 })],
      ['a completion', TEXT, { model: 'tiny', prompt: 'The licence', max_tokens: 30 }],
    ])('%s, streamed with include_usage: the bytes are Ollama’s', async (_, path, body) => {
      const asked = { ...body, stream: true, stream_options: { include_usage: true } }
      const { answer, event, charged } = await buyer.buy(path, asked)
      const { usage } = chunksOf(answer.text).findLast((chunk) => chunk.usage)
      expect(charged).toBe(costOf(usage))
      expect(event).toMatchObject({ end: 'complete', usage: 'reported' })
      expect(withoutComments(answer.text)).toBe(tap.last().answer)
    })

    it('A2 a chat streamed without include_usage: no usage chunk, every other byte the same', async () => {
      const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 30, stream: true }))
      const upstreams = tap.last().answer
      const { usage } = chunksOf(upstreams).findLast((chunk) => chunk.usage)
      expect(charged).toBe(costOf(usage))
      expect(answer.text).not.toContain('"usage"')
      const without = upstreams.replace(/^data: [^\n]*"choices":\[\][^\n]*\n\n/m, '')
      expect(without.length).toBeLessThan(upstreams.length)
      expect(withoutComments(answer.text)).toBe(without)
    })

    it('A2 a completion streamed without include_usage: the usage is cut out of every chunk', async () => {
      const body = { model: 'tiny', prompt: 'The licence', max_tokens: 20, stream: true }
      const { answer, event, charged } = await buyer.buy(TEXT, body)
      const chunks = chunksOf(tap.last().answer)
      expect(chunks.every(({ usage }) => usage !== undefined)).toBe(true)
      expect(charged).toBe(costOf(chunks.at(-1).usage))
      expect(event.usage).toBe('reported')
      expect(answer.text).not.toContain('"usage"')
      const cut = tap.last().answer.replace(/,"usage":\{[^}]*\}/g, '')
      const shown = chunksOf(cut).filter(({ choices }) => choices.length > 0)
      expect(chunksOf(answer.text)).toEqual(shown)
      const bytes = withoutComments(answer.text)
      expect(cut.replace(/^data: [^\n]*"choices":\[\][^\n]*\n\n/m, '')).toBe(bytes)
    })

    it.each([
      ['one', 'The licence'],
      ['a list', ['one', 'two of them']],
    ])('embeddings of %s', async (_, input) => {
      const { answer, charged } = await buyer.buy('/v1/embeddings', { model: 'tiny', input })
      expect(answer.status).toBe(200)
      expect(charged).toBe(answer.json.usage.prompt_tokens * INPUT)
    })

    it('n = 2 is ignored by Ollama: one choice came, one is charged', async () => {
      // The words are the same each time. Of a text with many more tokens by our count than were
      // reported, our count is charged, because a report may be of one choice of several.
      const always = { temperature: 0, seed: 1 }
      const { answer, charged } = await buyer.buy(CHAT, hello({ n: 2, max_tokens: 12, ...always }))
      expect(answer.json.choices).toHaveLength(1)
      expect(charged).toBe(costOf(answer.json.usage))
    })
  })

  describe('bounds the output in the field that Ollama obeys', () => {
    it.each([
      ['max_tokens', { max_tokens: 7 }],
      ['max_completion_tokens, which Ollama itself ignores', { max_completion_tokens: 7 }],
      ['both: the smaller one', { max_tokens: 7, max_completion_tokens: 400 }],
    ])('%s', async (_, limit) => {
      const { answer } = await buyer.buy(CHAT, hello({ ...limit, ...LONG }))
      expect(answer.json.usage.completion_tokens).toBe(7)
    })

    it('max_tokens 0 is no limit to Ollama, and one token here', async () => {
      const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 0, ...LONG }))
      const made = answer.status === 200 ? answer.json.usage.completion_tokens : 0
      expect(made).toBeLessThanOrEqual(1)
      expect(charged).toBeLessThanOrEqual(50)
    })

    it('no limit of the buyer: the operator’s, and the answer says so', async () => {
      const { answer } = await buyer.buy(CHAT, hello(LONG))
      expect(answer.json.usage.completion_tokens).toBe(64)
      expect(answer.headers['x-max-tokens-applied']).toBe('64')
    })

    it('a small balance buys a short answer', async () => {
      const poor = new Buyer(gate, await gate.mint(1))
      const { answer, charged } = await poor.buy(CHAT, hello({ max_tokens: 1900, ...LONG }))
      const applied = Number(answer.headers['x-max-tokens-applied'])
      expect(answer.json.usage.completion_tokens).toBe(applied)
      expect(charged).toBeLessThanOrEqual(1000)
    })

    it('I6 fields that make more than was paid for do nothing', async () => {
      const hostile = {
        options: { num_predict: -1, num_ctx: 8192 },
        num_predict: -1,
        n_predict: 3900,
      }
      const more = { max_tokens: 5, keep_alive: -1, ...hostile, ...LONG }
      const { answer, charged } = await buyer.buy(CHAT, hello(more))
      expect(answer.json.usage.completion_tokens).toBe(5)
      expect(charged).toBe(costOf(answer.json.usage))
      for (const key of ['num_predict', 'num_ctx', 'n_predict', 'keep_alive', 'options']) {
        expect(tap.last().sent).not.toContain(`"${key}"`)
      }
    })

    it.each([
      ['Max_Tokens', { Max_Tokens: 3900 }],
      ['max_toKenſ', { max_toKenſ: 3900 }],
      ['Stream', { Stream: true }],
    ])('I13 Go reads %s as the key it knows: 400, free', async (_, more) => {
      const sent = tap.tapped.filter(({ method }) => method === 'POST').length
      const { answer, charged } = await buyer.buy(CHAT, hello({ max_tokens: 5, ...more }))
      expect(answer.status).toBe(400)
      expect(charged).toBe(0)
      expect(tap.tapped.filter(({ method }) => method === 'POST')).toHaveLength(sent)
    })
  })

  it('a prompt over the context is cut by Ollama: what it reports is charged', async () => {
    const messages = [{ role: 'user', content: 'licence '.repeat(3000) }]
    const { answer, event, charged } = await buyer.buy(CHAT, hello({ messages, max_tokens: 5 }))
    expect(answer.status).toBe(200)
    expect(answer.json.usage.prompt_tokens).toBeLessThanOrEqual(context)
    expect(event.usage).toBe('reported')
    expect(charged).toBe(costOf(answer.json.usage))
  })

  it('an unknown model is 404 and goes nowhere', async () => {
    const { answer, charged } = await buyer.buy(CHAT, hello({ model: 'nobody' }))
    expect(answer.status).toBe(404)
    expect(answer.json.error.code).toBe('model_not_found')
    expect(charged).toBe(0)
  })

  describe('a buyer who leaves', () => {
    it('A3 mid-stream: Ollama stops, the charge is the estimate and what came so far', async () => {
      const seen = await gate.requestsSoFar()
      const before = await buyer.balance()
      const body = hello({ max_tokens: 1900, stream: true, ...LONG })
      const stream = await buyer.open(CHAT, body)
      await until(() => deltasOf(stream.text()) >= 50, 20_000)
      stream.leave()
      const got = about(countedIn(stream.text()))
      const event = await buyer.lastEvent(seen)
      expect(event).toMatchObject({ end: 'client_left', usage: 'counted' })
      const made = deltasOf(tap.last().answer)
      expect(tap.last().hungUp).toBe(true)
      expect(event.completion_tokens).toBeGreaterThanOrEqual(got.least)
      const most = about(countedIn(tap.last().answer)).most
      expect(event.completion_tokens).toBeLessThanOrEqual(most)
      expect(made).toBeLessThan(1500)
      const after = await buyer.balance()
      const { prompt_tokens, completion_tokens } = event
      const cost = costOf({ prompt_tokens, completion_tokens })
      expect(before.balance_msat - after.balance_msat).toBe(cost)
      expect(after.held_msat).toBe(0)
    })

    it('I6 before a buffered answer: charged the ceiling', async () => {
      const seen = await gate.requestsSoFar()
      const posts = tap.tapped.length
      const sent = buyer.start(CHAT, hello({ max_tokens: 800, ...LONG }))
      await until(() => tap.tapped.length > posts, 5_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
      sent.leave()
      const event = await buyer.lastEvent(seen)
      expect(event).toMatchObject({ end: 'client_left' })
      expect(event.charged_msat).toBe(event.held_msat)
      expect(event.held_msat).toBeGreaterThanOrEqual(800 * OUTPUT)
    })
  })

  it('a base URL with /v1 is the same upstream', async () => {
    const apart = await playGate(`${tap.url}/v1`).start()
    try {
      const owner = new Buyer(apart, await apart.mint(10))
      const { answer, charged } = await owner.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(200)
      expect(charged).toBe(costOf(answer.json.usage))
    } finally {
      await apart.remove()
    }
  })

  it('Ollama killed mid-stream: an error event, charged for what flowed', async () => {
    const seen = await gate.requestsSoFar()
    const body = hello({ max_tokens: 1900, stream: true, ...LONG })
    const stream = await buyer.open(CHAT, body)
    await until(() => deltasOf(stream.text()) >= 50, 20_000)
    await lab.kill('ollama')
    const { text, cut } = await stream.over
    expect(cut).toBe(false)
    expect(chunksOf(text).at(-1).error).toMatchObject({ code: 'upstream_error' })
    const event = await buyer.lastEvent(seen)
    expect(event).toMatchObject({ end: 'upstream_failed', usage: 'counted' })
    const { least, most } = about(countedIn(text))
    expect(event.completion_tokens).toBeGreaterThanOrEqual(least)
    expect(event.completion_tokens).toBeLessThanOrEqual(most)
    const { prompt_tokens, completion_tokens } = event
    expect(event.charged_msat).toBe(costOf({ prompt_tokens, completion_tokens }))
    await lab.startPart('ollama', { KEEP: '1', CTX: '2048' })
    expect((await buyer.buy(CHAT, hello({ max_tokens: 5 }))).answer.status).toBe(200)
  })
})
