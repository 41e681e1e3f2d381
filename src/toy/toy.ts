import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { assert } from '../floor/assert.ts'
import { sleep, type World } from '../floor/world.ts'
import { speak, tokenize } from './speech.ts'

interface ToyOptions {
  readonly world: World
  /** Time between two tokens of a stream, in ms. 40 is a visible pace. */
  readonly paceMs?: number
}

export interface ToyModel {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts the backend of `satgate demo` on loopback: one model and chat completions, streamed or whole.
 * It streams a token at a time and reports the tokens that it really used.
 */
export async function startToyModel({ world, paceMs = 40 }: ToyOptions): Promise<ToyModel> {
  let answers = 0
  const server = createServer((request, response) => {
    const created = Math.floor(world.now() / 1000)
    serve(request, response, {
      world,
      created,
      paceMs,
      id: () => `chatcmpl-toy-${++answers}`,
    }).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.on('error', () => {})
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening server has a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const MODEL = 'toy'

interface Toy {
  readonly world: World
  readonly created: number
  readonly paceMs: number
  /** Of the next answer. */
  id(): string
}

async function serve(request: IncomingMessage, response: ServerResponse, toy: Toy): Promise<void> {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /v1/models') {
    const model = { id: MODEL, object: 'model', created: toy.created, owned_by: 'satgate' }
    return json(response, 200, { object: 'list', data: [model] })
  }
  if (route !== 'POST /v1/chat/completions') return refuse(response, 404, 'there is no such path')
  const asked = read(await textOf(request))
  if (asked === null) return refuse(response, 400, 'the toy model reads chat messages of text')
  if (asked.model !== MODEL) return refuse(response, 404, 'the toy model is called toy')
  const tokens = tokenize(speak(asked.question))
  const answer = {
    ...{ asked, id: toy.id(), created: toy.created },
    tokens: tokens.slice(0, asked.limit),
    finish: tokens.length > asked.limit ? 'length' : 'stop',
  }
  if (!asked.stream) return json(response, 200, whole(answer))
  await stream(answer, response, toy)
}

interface Asked {
  readonly model: unknown
  readonly question: string
  readonly promptTokens: number
  /** Output tokens; without a limit in the request it is infinite. */
  readonly limit: number
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** A chat request as the gate sends it. Null: it is none that a toy can answer. */
function read(text: string): Asked | null {
  try {
    const { model, messages, stream, stream_options: options, ...limits } = JSON.parse(text)
    const texts: readonly string[] = messages.map(contentOf)
    const last = messages.findLastIndex(({ role }: { role: unknown }) => role === 'user')
    return {
      model,
      question: texts[last] ?? '',
      promptTokens: texts.reduce((sum, one) => sum + tokenize(one).length, 0),
      limit: limits.max_completion_tokens ?? limits.max_tokens ?? Number.POSITIVE_INFINITY,
      stream: stream === true,
      includeUsage: options?.include_usage === true,
    }
  } catch {
    return null
  }
}

/** The text of a message: a string, or parts of text. Throws at everything else. */
function contentOf({ content }: { readonly content: unknown }): string {
  if (typeof content === 'string') return content
  const parts = content as readonly { readonly text: string }[]
  if (!parts.every(({ text }) => typeof text === 'string')) throw new TypeError('no text')
  return parts.map(({ text }) => text).join('\n')
}

interface Answer {
  readonly id: string
  readonly created: number
  readonly asked: Asked
  readonly tokens: readonly string[]
  readonly finish: string
}

const head = ({ id, created }: Answer, object: string) => ({ id, object, created, model: MODEL })

function whole(answer: Answer): object {
  const message = { role: 'assistant', content: answer.tokens.join('') }
  const choice = { index: 0, message, logprobs: null, finish_reason: answer.finish }
  return { ...head(answer, 'chat.completion'), choices: [choice], usage: usageOf(answer) }
}

/** Writes one token an event at the model's pace, no faster than they are taken. Throws when the client has left. */
async function stream(answer: Answer, response: ServerResponse, toy: Toy): Promise<void> {
  const gone = new AbortController()
  const { signal } = gone
  response.once('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (const chunk of chunks(answer)) {
    const taken = response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    if (!taken) await once(response, 'drain', { signal })
    if (toy.paceMs > 0) await sleep(toy.world, toy.paceMs, { signal })
    signal.throwIfAborted()
  }
  response.end('data: [DONE]\n\n')
}

function* chunks(answer: Answer): Generator<object> {
  const start = head(answer, 'chat.completion.chunk')
  const usage = answer.asked.includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finish: string | null = null): object => {
    const choice = { index: 0, delta, logprobs: null, finish_reason: finish }
    return { ...start, choices: [choice], ...usage }
  }
  yield chunk({ role: 'assistant', content: '' })
  for (const content of answer.tokens) yield chunk({ content })
  yield chunk({}, answer.finish)
  if (answer.asked.includeUsage) yield { ...start, choices: [], usage: usageOf(answer) }
}

function usageOf({ asked: { promptTokens }, tokens }: Answer): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: tokens.length,
    total_tokens: promptTokens + tokens.length,
    completion_tokens_details: { reasoning_tokens: 0 },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}

const refuse = (response: ServerResponse, status: number, message: string): void =>
  json(response, status, { error: { message, type: 'invalid_request_error' } })

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
