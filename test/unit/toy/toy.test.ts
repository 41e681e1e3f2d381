import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { startToyModel, type ToyModel, type ToyOptions } from '../../../src/toy/toy.ts'
import { countTokens } from '../../../src/toy/words.ts'

let toy: ToyModel | undefined
afterEach(() => toy?.close())

const start = async (options: ToyOptions = {}) => {
  toy = await startToyModel({ paceMs: 0, ...options })
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

const json = async (response: Response | Promise<Response>) =>
  JSON.parse(await (await response).text())

/** The events of a stream, parsed; the last one must be `[DONE]`. */
const events = async (response: Response) => {
  const data = (await response.text()).split('\n\n').filter((event) => event !== '')
  expect(data.pop()).toBe('data: [DONE]')
  return data.map((event) => JSON.parse(event.replace(/^data: /, '')))
}

describe('buffered answers', () => {
  it('lists its models', async () => {
    const { url } = await start({ now: () => 1_700_000_000_999 })
    const { data } = await json(fetch(`${url}/v1/models`))
    expect(data.map((model: { id: string }) => model.id)).toEqual(['toy', 'toy-thinker'])
    expect(data[0].created).toBe(1_700_000_000)
  })

  it('answers the same prompt with the same sentences, another seed with others', async () => {
    const { url } = await start()
    const say = async () =>
      (await json(post(`${url}/v1/chat/completions`, chat()))).choices[0].message.content
    const first = await say()
    expect(await say()).toBe(first)
    await toy?.close()
    const { url: other } = await start({ seed: 'x' })
    const { choices } = await json(post(`${other}/v1/chat/completions`, chat()))
    expect(choices[0].message.content).not.toBe(first)
  })

  it('reports the tokens that are there', async () => {
    const { url } = await start()
    const { choices, usage } = await json(post(`${url}/v1/chat/completions`, chat()))
    const output = countTokens(choices[0].message.content)
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
      { role: 'assistant', content: null, tool_calls: [] },
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
  ])('%j makes %i tokens and says length', async (limit, most) => {
    const { url } = await start()
    const { choices, usage } = await json(post(`${url}/v1/chat/completions`, chat(limit)))
    expect(usage.completion_tokens).toBe(most)
    expect(countTokens(choices[0].message.content)).toBe(most)
    expect(choices[0].finish_reason).toBe('length')
  })

  it('makes n choices, each of them counted', async () => {
    const { url } = await start()
    const body = await json(post(`${url}/v1/chat/completions`, chat({ n: 3 })))
    const texts: string[] = body.choices.map(
      (c: { message: { content: string } }) => c.message.content,
    )
    expect(texts).toHaveLength(3)
    expect(body.usage.completion_tokens).toBe(
      texts.reduce((sum, text) => sum + countTokens(text), 0),
    )
  })

  it('thinks first where it is asked to: reasoning is output and falls under the limit', async () => {
    const { url } = await start()
    const ask = async (extra: object) =>
      json(post(`${url}/v1/chat/completions`, chat({ model: 'toy-thinker', ...extra })))
    const { choices, usage } = await ask({})
    const { reasoning_content: thought, content } = choices[0].message
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(countTokens(thought))
    expect(usage.completion_tokens).toBe(countTokens(thought) + countTokens(content))
    const cut = await ask({ max_tokens: 3 })
    expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } })
    expect(cut.usage.completion_tokens).toBe(3)
  })

  it('completes every prompt of a list', async () => {
    const { url } = await start()
    const prompt = ['What is a sat?', 'And a macaroon?']
    const body = await json(post(`${url}/v1/completions`, { model: 'toy', prompt, n: 2 }))
    expect(body.object).toBe('text_completion')
    expect(body.choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2, 3])
    expect(body.choices[2].text).toContain('macaroon')
    expect(body.usage.prompt_tokens).toBe(9)
  })

  it('embeds texts as numbers, or as base64 of the same 32-bit floats', async () => {
    const { url } = await start()
    const ask = async (extra: object) =>
      json(post(`${url}/v1/embeddings`, { model: 'toy', input: ['one', 'two words'], ...extra }))
    const plain = await ask({})
    expect(plain.data[1].embedding).toHaveLength(32)
    expect(plain.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
    const packed = Buffer.from(
      (await ask({ encoding_format: 'base64' })).data[1].embedding,
      'base64',
    )
    expect(packed.readFloatLE(4)).toBeCloseTo(plain.data[1].embedding[1], 5)
  })
})

describe('streams', () => {
  it('sends one token an event, which joined are the buffered answer, then the usage', async () => {
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
    const all = await events(
      await post(`${url}/v1/completions`, { model: 'toy', prompt: 'x', stream: true }),
    )
    expect(all.some((event) => 'usage' in event)).toBe(false)
    expect(all.at(-1).choices[0]).toMatchObject({ text: '', finish_reason: 'stop' })
  })

  it('lets choices take turns and ends each of them', async () => {
    const { url } = await start()
    const all = await events(
      await post(`${url}/v1/chat/completions`, chat({ stream: true, n: 2, max_tokens: 3 })),
    )
    expect(all.map((event) => event.choices[0].index)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    expect(all.slice(-2).map((event) => event.choices[0].finish_reason)).toEqual([
      'length',
      'length',
    ])
  })

  it('streams reasoning before content', async () => {
    const { url } = await start()
    const all = await events(
      await post(`${url}/v1/chat/completions`, chat({ model: 'toy-thinker', stream: true })),
    )
    const kinds = all.slice(1, -1).map((event) => Object.keys(event.choices[0].delta)[0])
    expect(kinds[0]).toBe('reasoning_content')
    expect(kinds.indexOf('content')).toBe(kinds.lastIndexOf('reasoning_content') + 1)
  })

  it('has a visible pace', async () => {
    const { url } = await start({ paceMs: 20 })
    const started = performance.now()
    await (await post(`${url}/v1/chat/completions`, chat({ stream: true, max_tokens: 8 }))).text()
    expect(performance.now() - started).toBeGreaterThan(8 * 18)
  })

  it('stops at once when the client has left', async () => {
    const { url, running } = await start({ paceMs: 60_000 })
    const leave = new AbortController()
    const response = await post(`${url}/v1/chat/completions`, chat({ stream: true }), leave.signal)
    await response.body?.getReader().read()
    expect(running()).toBe(1)
    leave.abort()
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
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
    ['/v1/chat/completions', '{"model":', 400, null],
    ['/v1/chat/completions', [], 400, null],
    ['/v1/chat/completions', chat({ model: 'gpt-9' }), 404, 'model_not_found'],
    ['/v1/chat/completions', chat({ model: undefined }), 400, null],
    ['/v1/chat/completions', chat({ messages: [] }), 400, null],
    ['/v1/chat/completions', chat({ messages: [null] }), 400, null],
    ['/v1/chat/completions', chat({ messages: [{ content: [{ type: 'image_url' }] }] }), 400, null],
    ['/v1/chat/completions', chat({ max_tokens: 0 }), 400, null],
    ['/v1/chat/completions', chat({ max_tokens: 1.5 }), 400, null],
    ['/v1/chat/completions', chat({ n: 17 }), 400, null],
    ['/v1/completions', { model: 'toy', prompt: [] }, 400, null],
    ['/v1/completions', { model: 'toy' }, 400, null],
    ['/v1/embeddings', { model: 'toy', input: [[1, 2]] }, 400, null],
    ['/v1/embeddings', { model: 'nope', input: 'x' }, 404, 'model_not_found'],
    ['/v1/images', {}, 404, 'not_found'],
    ['/v1/completions', ' '.repeat(10_000_001), 413, null],
  ])('POST %s %j is %i in the shape of OpenAI', async (path, body, status, code) => {
    const { url } = await start()
    const response = await post(url + path, body)
    expect(response.status).toBe(status)
    const { error } = await json(response)
    expect(error).toMatchObject({ type: 'invalid_request_error', code })
    expect(error.message).not.toBe('')
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
