import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { type Answer, chunks, compose, whole } from './answer.ts'
import {
  type Asked,
  MODELS,
  type Refusal,
  readChat,
  readCompletion,
  readEmbedding,
  type Texts,
} from './asked.ts'
import { countTokens, embed } from './words.ts'

export interface ToyOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number
  /** Time between two tokens of a stream, in ms. 40 is a visible pace. */
  readonly paceMs?: number
  /** Another seed gives other answers; the same seed and prompt give the same answer. */
  readonly seed?: string
  /** Wall time in ms for `created`, which is 0 without it. */
  readonly now?: () => number
}

export interface ToyModel {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string
  /** Answers that are being given right now. */
  running(): number
  close(): Promise<void>
}

/**
 * Starts a small OpenAI-compatible upstream on loopback: chat, completions, embeddings, models. It
 * answers in sentences, streams a token at a time and reports what it really used. Rejects where the
 * port is taken.
 */
export async function startToyModel(options: ToyOptions = {}): Promise<ToyModel> {
  const { port = 0, paceMs = 40, seed = '', now = () => 0 } = options
  const toy: Toy = { paceMs, seed, now, running: new Set(), answers: 0 }
  const server = createServer((request, response) => {
    serve(toy, request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.on('error', () => {})
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening server has a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    running: () => toy.running.size,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Toy {
  readonly paceMs: number
  readonly seed: string
  readonly now: () => number
  readonly running: Set<ServerResponse>
  answers: number
}

async function serve(toy: Toy, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = `${request.method} ${(request.url ?? '/').replace(/\?.*$/s, '')}`
  if (route === 'GET /v1/models') return json(response, 200, { object: 'list', data: models(toy) })
  const handle = ROUTES[route]
  const body = await readJson(request)
  if (!handle)
    return refuse(response, { ...NOT_FOUND, message: `There is no ${route.slice(0, 200)}` })
  if (!body.ok) return refuse(response, body.error)
  return handle(toy, body.value, response)
}

type Handle = (toy: Toy, body: unknown, response: ServerResponse) => void | Promise<void>

const ROUTES: Readonly<Record<string, Handle>> = {
  'POST /v1/chat/completions': (toy, body, response) => answer(toy, readChat(body), response),
  'POST /v1/completions': (toy, body, response) => answer(toy, readCompletion(body), response),
  'POST /v1/embeddings': (_, body, response) => embeddings(readEmbedding(body), response),
}

const NOT_FOUND = { status: 404, code: 'not_found', param: null }

const models = (toy: Toy): object[] =>
  MODELS.map((id) => ({ id, object: 'model', created: seconds(toy), owned_by: 'satgate' }))

async function answer(
  toy: Toy,
  read: Result<Asked, Refusal>,
  response: ServerResponse,
): Promise<void> {
  if (!read.ok) return refuse(response, read.error)
  const asked = read.value
  const id = `${asked.api === 'chat' ? 'chatcmpl' : 'cmpl'}-toy-${++toy.answers}`
  const said = { id, created: seconds(toy), asked, choices: compose(asked, toy.seed) }
  if (!asked.stream) return json(response, 200, whole(said))
  toy.running.add(response)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    await stream(said, response, { paceMs: toy.paceMs, signal: gone.signal })
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    toy.running.delete(response)
  }
}

/** Writes the events at the model's pace, no faster than they are taken. Throws when the client has left. */
async function stream(
  said: Answer,
  response: ServerResponse,
  { paceMs, signal }: { paceMs: number; signal: AbortSignal },
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (const chunk of chunks(said)) {
    const taken = response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    if (!taken) await once(response, 'drain', { signal })
    if (paceMs > 0) await pause(paceMs, undefined, { signal })
    signal.throwIfAborted()
  }
  response.end('data: [DONE]\n\n')
}

function embeddings(read: Result<Texts, Refusal>, response: ServerResponse): void {
  if (!read.ok) {
    refuse(response, read.error)
    return
  }
  const { model, inputs, base64 } = read.value
  const data = inputs.map((input, index) => {
    const vector = embed(input)
    const bytes = Buffer.from(Float32Array.from(vector).buffer)
    return { object: 'embedding', index, embedding: base64 ? bytes.toString('base64') : vector }
  })
  const used = inputs.reduce((sum, input) => sum + countTokens(input), 0)
  const usage = { prompt_tokens: used, total_tokens: used }
  json(response, 200, { object: 'list', data, model, usage })
}

const MOST_BYTES = 10_000_000

async function readJson(request: IncomingMessage): Promise<Result<unknown, Refusal>> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size <= MOST_BYTES) parts.push(part)
  }
  if (size > MOST_BYTES)
    return err({ status: 413, message: 'the body is too large', code: null, param: null })
  try {
    return ok(JSON.parse(Buffer.concat(parts).toString('utf8')))
  } catch {
    return err({ status: 400, message: 'the body is not JSON', code: null, param: null })
  }
}

function refuse(response: ServerResponse, { status, message, code, param }: Refusal): void {
  json(response, status, { error: { message, type: 'invalid_request_error', param, code } })
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const seconds = (toy: Toy): number => Math.floor(toy.now() / 1000)
