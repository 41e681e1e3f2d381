import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { speak, tokenize } from '../../../src/toy/speech.ts'
import { startToyModel, type ToyModel } from '../../../src/toy/toy.ts'
import { worldAt } from '../../support/world.ts'

let toy: ToyModel | undefined
afterEach(() => toy?.close())

const start = async (options: Partial<Parameters<typeof startToyModel>[0]> = {}) => {
  toy = await startToyModel({ world: worldAt(() => 0), paceMs: 0, ...options })
  return toy
}

const post = (url: string, body: unknown, signal?: AbortSignal) =>
  fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })

const chat = (extra: object = {}) => ({
  model: 'toy',
  messages: [{ role: 'user', content: 'What does a Lightning payment cost?' }],
  ...extra,
})
const PROMPT_TOKENS = 7
const tokensOf = (text: string): number => tokenize(text).length

const json = async (response: Response | Promise<Response>) =>
  JSON.parse(await (await response).text())

/** The parsed events of a stream. The last one must be `[DONE]`. */
const events = async (response: Response) => {
  const data = (await response.text()).split('\n\n').filter((event) => event !== '')
  expect(data.pop()).toBe('data: [DONE]')
  return data.map((event) => JSON.parse(event.replace(/^data: /, '')))
}

describe('buffered answers', () => {
  it('lists its models', async () => {
    const { url } = await start({ world: worldAt(() => 1_700_000_000_999) })
    const { data } = await json(fetch(`${url}/v1/models`))
    expect(data.map((model: { id: string }) => model.id)).toEqual(['toy'])
    expect(data[0].created).toBe(1_700_000_000)
  })

  it('reports the tokens that are there', async () => {
    const { url } = await start()
    const { choices, usage } = await json(post(`${url}/v1/chat/completions`, chat()))
    const output = tokensOf(choices[0].message.content)
    expect(choices[0].finish_reason).toBe('stop')
    expect(usage).toMatchObject({
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: output,
      total_tokens: PROMPT_TOKENS + output,
    })
  })

  it('counts every message, and text parts as text', async () => {
    const { url } = await start()
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text', text: 'One two' }] },
    ]
    const { usage } = await json(post(`${url}/v1/chat/completions`, chat({ messages })))
    expect(usage.prompt_tokens).toBe(5)
  })

  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 4 }, 4],
    [{ max_completion_tokens: 4, max_tokens: 9 }, 4],
    [{ max_completion_tokens: null, max_tokens: 9 }, 9],
  ])('%j makes %i tokens and ends with length', async (limit, most) => {
    const { url } = await start()
    const { choices, usage } = await json(post(`${url}/v1/chat/completions`, chat(limit)))
    expect(usage.completion_tokens).toBe(most)
    expect(tokensOf(choices[0].message.content)).toBe(most)
    expect(choices[0].finish_reason).toBe('length')
  })
})

describe('streams', () => {
  it('sends one token an event, which together are the buffered answer, then the usage', async () => {
    const { url } = await start()
    const { choices, usage } = await json(post(`${url}/v1/chat/completions`, chat()))
    const options = { stream: true, stream_options: { include_usage: true } }
    const response = await post(`${url}/v1/chat/completions`, chat(options))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const all = await events(response)
    expect(all.at(-1)).toMatchObject({ choices: [], usage })
    expect(all.at(-2).choices[0].finish_reason).toBe('stop')
    const deltas = all.slice(1, -2).map((event) => event.choices[0].delta.content)
    expect(deltas.join('')).toBe(choices[0].message.content)
    expect(deltas).toHaveLength(usage.completion_tokens)
    expect(all.slice(0, -1).every((event) => event.usage === null)).toBe(true)
  })

  it('says nothing of usage unless asked', async () => {
    const { url } = await start()
    const all = await events(await post(`${url}/v1/chat/completions`, chat({ stream: true })))
    expect(all.some((event) => 'usage' in event)).toBe(false)
    expect(all.at(-1).choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
  })

  it('has a visible pace', async () => {
    const { url } = await start({ paceMs: 20 })
    const started = performance.now()
    await (await post(`${url}/v1/chat/completions`, chat({ stream: true, max_tokens: 8 }))).text()
    expect(performance.now() - started).toBeGreaterThan(8 * 18)
  })

  it('closes with a stream still open', async () => {
    const { url, close } = await start({ paceMs: 60_000 })
    await post(`${url}/v1/chat/completions`, chat({ stream: true }))
    await close()
    await expect(fetch(`${url}/v1/models`)).rejects.toThrow()
    toy = undefined
  })
})

describe('refusals', () => {
  it.each([
    ['/v1/chat/completions', '{"model":', 400],
    ['/v1/chat/completions', chat({ model: 'gpt-9' }), 404],
    ['/v1/chat/completions', chat({ messages: [null] }), 400],
    ['/v1/chat/completions', chat({ messages: [{ content: [{ type: 'image_url' }] }] }), 400],
    ['/v1/images', {}, 404],
  ])('POST %s %j is %i in the shape of OpenAI', async (path, body, status) => {
    const { url } = await start()
    const response = await post(url + path, body)
    expect(response.status).toBe(status)
    expect((await json(response)).error).toMatchObject({ type: 'invalid_request_error' })
  })

  it('is not reachable from outside this machine', async () => {
    const { url } = await start()
    const addresses = Object.values(networkInterfaces()).flat()
    const outside = addresses.find((a) => a && !a.internal && a.family === 'IPv4')
    if (!outside) return
    const reached = await new Promise((done) => {
      const socket = connect(Number(new URL(url).port), outside.address)
      socket.once('connect', () => done(socket.destroy() && true)).once('error', () => done(false))
    })
    expect(reached).toBe(false)
  })
})

describe('the toy tokenizer', () => {
  it.each([
    ['', 0],
    ['Hello, world!', 4],
    ['  two   words ', 3],
    ['naïve Straße 東京', 3],
    ['1,000 sats…', 5],
    ['\u{1f680}\u{1f680}', 2],
  ])('%j is %i tokens, which together are the text', (text, count) => {
    expect(tokensOf(text)).toBe(count)
    expect(tokenize(text).join('')).toBe(text)
  })
})

describe('the toy speech', () => {
  it.each(['', 'hi', 'What is 2+2?', 'the price of a Lightning invoice'])(
    'to %j is three to six sentences, always the same',
    (question) => {
      expect(speak(question)).toBe(speak(question))
      const sentences = speak(question).match(/[.!](?= |$)/g) ?? []
      expect(sentences.length).toBeGreaterThanOrEqual(3)
      expect(sentences.length).toBeLessThanOrEqual(6)
    },
  )

  it.each([
    ['tell me of macaroons', 'can narrow'],
    ['$& and {topic} and photosynthesis', 'photosynthesis'],
    ['How do I pay?', '\n\n1. Ask for an **invoice**'],
    ['Show me a table of the units', '\n\n| Unit | In bitcoin |'],
    ['Give me Python code', '\n\n```python\nfrom openai'],
  ])('to %j says %j', (question, part) => {
    expect(speak(question)).toContain(part)
  })
})
