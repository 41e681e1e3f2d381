import { describe, expect, it } from 'vitest'
import { bearer, type Pass } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

/** An API that the backend of these tests lacks. */
interface Api {
  readonly path: string
  readonly dialect: string
  readonly request: object
  /** A tool of the request, and the limit of its output. */
  readonly tools: object
  readonly limit: (tokens: number) => object
  /** A part that cannot be said in chat completions, and its name. */
  readonly untold: readonly [part: object, param: string]
  // biome-ignore lint/suspicious/noExplicitAny: the answer of another API
  readonly text: (answer: any) => string
  // biome-ignore lint/suspicious/noExplicitAny: the answer of another API
  readonly call: (answer: any) => readonly [name: string, given: unknown]
  /** What the last event says if the limit ended the stream. */
  readonly cut: string
}

const SCHEMA = { type: 'object', properties: { x: { type: 'number' } } }

const RESPONSES: Api = {
  path: '/v1/responses',
  dialect: 'openai-responses-as-chat',
  request: { model: 'fake', input: 'hi' },
  tools: { tools: [{ type: 'function', name: 'add', parameters: SCHEMA }] },
  limit: (tokens) => ({ max_output_tokens: tokens }),
  untold: [{ top_logprobs: 3 }, 'top_logprobs'],
  text: ({ output }) => output[0].content[0].text,
  call: ({ output }) => [output[0].name, JSON.parse(output[0].arguments)],
  cut: '"reason":"max_output_tokens"',
}

const MESSAGES: Api = {
  path: '/v1/messages',
  dialect: 'anthropic-messages-as-chat',
  request: { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
  tools: { tools: [{ name: 'add', input_schema: SCHEMA }] },
  limit: (tokens) => ({ max_tokens: tokens }),
  untold: [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, 'thinking.budget_tokens'],
  text: ({ content }) => content[0].text,
  call: ({ content }) => [content[0].name, content[0].input],
  cut: '"stop_reason":"max_tokens"',
}

const PASSING: Script = { deltas: ['a', ' b', ' c'], promptTokens: 5 }

async function lacking(
  { path }: Api,
  script: Script = {},
  options: GateOptions = {},
): Promise<TestGate> {
  const gate = await startGate(options)
  gate.fake.script = { ...gate.fake.script, ...PASSING, ...script, lacks: { paths: [path] } }
  return gate
}

const question = ({ path, request }: Api, pass: Pass | null, more: object = {}) => ({
  ...{ path, body: { ...request, ...more } },
  headers: bearer(pass),
})

const sent = (gate: TestGate) =>
  gate.fake.seen.filter(({ method }) => method === 'POST').map(({ path }) => path)

/** The data of the events of a stream. */
const events = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)))

describe.each([RESPONSES, MESSAGES])('$path at a backend of chat completions', (api) => {
  it('is answered in one piece and charged as the chat that it was', async () => {
    const gate = await lacking(api)
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(api, pass))
    expect([answer.status, api.text(answer.json)]).toEqual([200, 'a b c'])
    expect(sent(gate)).toEqual([api.path, '/v1/chat/completions'])
    const event = await gate.last()
    expect(event).toMatchObject({ dialect: api.dialect, prompt_tokens: 5, completion_tokens: 3 })
    expect(answer.headers['x-cost-msat']).toBe(String(event.charged_msat))
    expect(answer.json.usage).toMatchObject({ input_tokens: 5, output_tokens: 3 })
    const { balance_msat: left } = await gate.balance(pass)
    expect(left).toBe(1_000_000 - (event.charged_msat ?? 0))
    await gate.proof()
  })

  it('streams, and costs the same', async () => {
    const gate = await lacking(api)
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(api, pass, { stream: true }))
    expect(answer.headers['content-type']).toMatch(/^text\/event-stream/)
    const texts = events(answer.text).map(({ delta }) => delta?.text ?? delta)
    expect(texts.filter((text) => typeof text === 'string').join('')).toBe('a b c')
    const { charged_msat: cost } = await gate.last()
    expect(answer.text).toContain(`cost_msat=${cost}`)
    expect(cost).toBe(Number((await gate.ask(question(api, pass))).headers['x-cost-msat']))
    await gate.proof()
  })

  it.each([false, true])('calls a tool of the client: stream %s', async (stream) => {
    const toolCall = { name: 'add', arguments: ['{"x"', ':1', '}'] }
    const gate = await lacking(api, { toolCall, deltas: [], finish: 'tool_calls' })
    const answer = await gate.ask(question(api, await gate.buy(1000), { ...api.tools, stream }))
    const chat = gate.fake.seen.at(-1)?.json
    expect(chat?.tools).toEqual([
      { type: 'function', function: { name: 'add', parameters: SCHEMA } },
    ])
    if (!stream) expect(api.call(answer.json)).toEqual(['add', { x: 1 }])
    else {
      const pieces = events(answer.text).map(({ delta }) => delta?.partial_json ?? delta)
      expect(pieces.filter((piece) => typeof piece === 'string').join('')).toBe('{"x":1}')
    }
    await gate.proof()
  })

  it('sends the granted limit in the name that the backend takes (threats K5)', async () => {
    const refuses = { fields: ['max_tokens'], as: 'openai' } as const
    const gate = await lacking(api, { refuses })
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(api, pass, api.limit(7)))
    expect(answer.status).toBe(200)
    const limits = gate.fake.seen
      .filter(({ path }) => path.endsWith('/chat/completions'))
      .map(({ json }) => [json?.max_tokens, json?.max_completion_tokens])
    expect(limits).toEqual([
      [7, undefined],
      [undefined, 7],
    ])
    await gate.proof()
  })

  it.each([false, true])('a small balance buys a short answer: stream %s', async (stream) => {
    const deltas = Array.from({ length: 400 }, (_, at) => `word${at} `)
    const settings = { pricing: { default: '1000' } }
    const gate = await lacking(api, { deltas, obeyLimit: true }, { settings })
    const pass = await gate.buy(200)
    const answer = await gate.ask(question(api, pass, { stream }))
    expect(answer.status).toBe(200)
    expect(answer.text).toContain(stream ? api.cut : '"word0 ')
    expect(answer.text).not.toContain('word399')
    expect(Number(answer.headers['x-max-tokens-applied'])).toBeLessThan(200)
    await gate.proof()
  })

  it('J8 a backend that ignores its limit is cut, and the stream ends as at a limit', async () => {
    const settings = { pricing: { default: '1000' } }
    const script = { deltas: ['go '], after: { deltas: 1, does: 'flood' } } as const
    const gate = await lacking(api, script, { settings })
    const answer = await gate.ask(question(api, await gate.buy(150), { stream: true }))
    expect(answer.text).toContain(api.cut)
    await gate.fake.untilAborted()
    await gate.proof()
  })

  it('a backend that breaks off: what arrived is charged, and an error ends it', async () => {
    const gate = await lacking(api, { after: { deltas: 2, does: 'die' }, paceMs: 20 })
    const pass = await gate.buy(1000)
    const answer = await gate.ask(question(api, pass, { stream: true }))
    expect(answer.text).toContain('The model server broke off')
    expect((await gate.last()).charged_msat).toBeGreaterThan(0)
    await gate.proof()
  })

  it('a refusal of the backend is free, and in the form of the API', async () => {
    const gate = await lacking(api)
    const pass = await gate.buy(1000)
    await gate.ask(question(api, pass))
    const refusal = '{"error":{"message":"The context length is 10 tokens.","code":400}}'
    gate.fake.script = { ...gate.fake.script, status: 400, body: refusal }
    const before = await gate.balance(pass)
    const answer = await gate.ask(question(api, pass))
    expect(answer.status).toBe(400)
    expect(answer.json.error.message).toContain('context')
    expect((await gate.balance(pass)).balance_msat).toBe(before.balance_msat)
    await gate.proof()
  })

  it('L18 what cannot be said is refused by name before anything is paid, once that is known', async () => {
    const gate = await lacking(api)
    const [part, param] = api.untold
    const pass = await gate.buy(1000)
    for (const payer of [pass, null]) {
      await gate.ask(question(api, pass))
      const refused = await gate.ask(question(api, payer, part))
      expect(refused.status).toBe(400)
      expect(refused.json.error.message).toContain(param)
    }
    await gate.proof()
  })

  it('D7 a buyer who leaves stops the backend, and pays for what flowed', async () => {
    const gate = await lacking(api, { deltas: Array(50).fill('word '), paceMs: 20 })
    const pass = await gate.buy(1000)
    const { path, body, headers } = question(api, pass, { stream: true })
    const answer = await fetch(`${gate.url}${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { ...headers, 'content-type': 'application/json' },
    })
    const reader = answer.body?.getReader()
    let read = ''
    while (!read.includes('word'))
      read += Buffer.from((await reader?.read())?.value ?? []).toString()
    await reader?.cancel()
    await gate.fake.untilAborted()
    const event = await gate.last()
    expect(event.end).toBe('client_left')
    expect(event.charged_msat).toBeGreaterThan(0)
    await gate.proof()
  })
})

it('dialects.translate: false answers with the name of the setting', async () => {
  const settings = { dialects: { translate: false } }
  const gate = await lacking(RESPONSES, {}, { settings })
  const answer = await gate.ask(question(RESPONSES, await gate.buy(1000)))
  expect([answer.status, answer.json.error.code]).toEqual([404, 'api_not_available'])
  expect(answer.json.error.message).toContain('dialects.translate')
  await gate.proof()
})
