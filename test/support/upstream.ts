import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { APIS, type ApiSample } from './apis.ts'
import { Spoken } from './spoken.ts'

/**
 * A test double of an OpenAI-compatible backend. It answers what a test tells it to answer, and
 * misbehaves on request. It counts one token for each delta and knows no model. The tests in
 * test/interop use real backends.
 */
export interface FakeUpstream {
  readonly base: URL
  readonly port: number
  /** All requests as they arrived. The body is read to its end. */
  readonly seen: Seen[]
  /** The next answer. A test may change it between requests. */
  script: Script
  /** The number of answers that the client cut before their end. */
  readonly aborted: number
  /** The number of answers that are running now. */
  readonly running: number
  /** The number of connections since the start. */
  readonly connections: number
  /**
   * Resolves when that many answers have been cut. If there are so many already, it resolves at
   * once.
   */
  untilAborted(count?: number): Promise<void>
  close(): Promise<void>
}

interface Seen {
  readonly method: string
  /** The path with its query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly bytes: Buffer
  /** The body as JSON. Undefined if it is none. */
  readonly json: Record<string, unknown> | undefined
}

export interface Script {
  /** The texts of the answer. Each one is a delta. */
  deltas?: readonly string[]
  /** Texts of `reasoning_content`, sent before the answer. */
  reasoning?: readonly string[]
  toolCall?: { readonly name: string; readonly arguments: readonly string[] }
  finish?: 'stop' | 'length' | 'tool_calls'
  promptTokens?: number
  /**
   * Where a stream has its usage: nowhere; in a chunk of its own if it was asked for; in such a
   * chunk always; in the finish chunk; or in every chunk, with zeros in all but the last one.
   */
  usage?: 'none' | 'own' | 'always' | 'finish' | 'every'
  /** Sent as the usage without changes, for example nonsense, missing fields or cached tokens. */
  usageValue?: unknown
  /** Keep to the client's own limit (one delta is one token). */
  obeyLimit?: boolean
  /** Without `data: [DONE]`. */
  noDone?: boolean
  firstByteMs?: number
  /** Waited for before the first byte. */
  before?: () => Promise<unknown>
  paceMs?: number
  /** Another status and body instead of an answer. */
  status?: number
  body?: string | Uint8Array
  headers?: Readonly<Record<string, string>>
  /**
   * A body in pieces, `paceMs` apart. It is an event stream unless `headers` say something else. A
   * function is awaited before the next piece.
   */
  pieces?: readonly (string | Uint8Array | (() => Promise<unknown>))[]
  /** The answer stays open after its pieces. */
  staysOpen?: boolean
  /**
   * What happens after that many deltas: it cuts the socket, sends nothing more, or repeats the
   * last delta for ever.
   */
  after?: { readonly deltas: number; readonly does: 'die' | 'silence' | 'flood' }
  /** Cut the socket before any byte of an answer. */
  refuse?: boolean
  /** Compresses the buffered answer, whatever the client accepts. */
  gzip?: boolean
  models?: readonly Record<string, unknown>[]
  /** Paths that are not there, and what is answered instead: 404 unless it says something else. */
  lacks?: {
    readonly paths: readonly string[]
    readonly status?: number
    readonly body?: string
    /** Waited for before that answer. */
    readonly before?: () => Promise<unknown>
  }
  /** Refuses requests with one of these fields, in the words of that backend (threats K5). */
  refuses?: { readonly fields: readonly string[]; readonly as: keyof typeof REFUSALS }
}

/** How backends write that they do not accept a field. */
export const REFUSALS = {
  openai: (field: string) => ({
    status: 400,
    body: {
      error: {
        message: `Unsupported parameter: '${field}' is not supported with this model.`,
        type: 'invalid_request_error',
        param: field,
        code: 'unsupported_parameter',
      },
    },
  }),
  fastapi: (field: string) => ({
    status: 422,
    body: {
      detail: [
        {
          type: 'extra_forbidden',
          loc: ['body', field],
          msg: 'Extra inputs are not permitted',
          input: { include_usage: true },
        },
      ],
    },
  }),
  mistral: (field: string) => ({
    status: 422,
    body: {
      object: 'error',
      message: { detail: [{ type: 'extra_forbidden', loc: ['body', field], msg: 'Extra inputs' }] },
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  }),
  azure: (field: string) => ({
    status: 400,
    body: {
      error: {
        message: `Unrecognized request argument supplied: ${field}`,
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    },
  }),
  coded: (field: string) => ({
    status: 400,
    body: { error: { message: `'${field}' is not known here.`, code: 'unknown_parameter' } },
  }),
  /** Only a text, which may repeat a prompt. */
  text: (field: string) => ({
    status: 400,
    body: { error: { message: `I was asked about ${field}, and do not like it.`, code: null } },
  }),
} as const

const MODELS = [{ id: 'fake', object: 'model', created: 0, owned_by: 'fake' }]

/** Listens on a free loopback port, or on the given one. */
export async function startFakeUpstream(script: Script = {}, port = 0): Promise<FakeUpstream> {
  const fake = new Fake(script)
  await fake.listen(port)
  return fake
}

class Fake implements FakeUpstream {
  readonly seen: Seen[] = []
  script: Script
  aborted = 0
  running = 0
  connections = 0
  #waiting: Array<() => void> = []
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((request, response) => void this.#take(request, response))

  constructor(script: Script) {
    this.script = script
    this.#server.on('connection', (socket) => {
      this.connections += 1
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get base(): URL {
    return new URL(`http://127.0.0.1:${this.port}`)
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
  }

  async untilAborted(count = 1): Promise<void> {
    while (this.aborted < count) await new Promise<void>((then) => this.#waiting.push(then))
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const script = this.script
    this.running += 1
    response.on('close', () => {
      this.running -= 1
      if (response.writableFinished || script.refuse) return
      this.aborted += 1
      for (const then of this.#waiting.splice(0)) then()
    })
    try {
      const seen = await read(request)
      this.seen.push(seen)
      await answer(seen, script, response)
    } catch {
      response.destroy()
    }
  }
}

async function read(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  let json: Seen['json']
  try {
    json = JSON.parse(bytes.toString())
  } catch {}
  const { method = '', url: path = '', headers, rawHeaders } = request
  return { method, path, headers, rawHeaders, bytes, json }
}

async function answer(seen: Seen, script: Script, response: ServerResponse): Promise<void> {
  if (script.refuse) return void response.destroy()
  const { lacks } = script
  if (lacks?.paths.includes(seen.path)) {
    await lacks.before?.()
    response.statusCode = lacks.status ?? 404
    return void response.end(lacks.body ?? '404 page not found')
  }
  if (script.firstByteMs) await sleep(script.firstByteMs)
  await script.before?.()
  for (const [name, value] of Object.entries(script.headers ?? {})) response.setHeader(name, value)
  if (script.status !== undefined || script.body !== undefined) {
    response.statusCode = script.status ?? 200
    return void response.end(script.body)
  }
  if (script.pieces !== undefined && seen.method === 'POST') return recite(script, response)
  const refused = script.refuses?.fields.find((field) => seen.json?.[field] !== undefined)
  if (script.refuses !== undefined && refused !== undefined) {
    const { status, body } = REFUSALS[script.refuses.as](refused)
    response.statusCode = status
    return json(response, body)
  }
  const sample = APIS[seen.path.split('?')[0] ?? '']?.answer
  if (seen.method === 'POST' && sample) return recited(sample, seen, response)
  const kind = seen.path.split('?')[0]?.replace(/^.*\/v1\//, '')
  if (kind === 'models') return json(response, { object: 'list', data: script.models ?? MODELS })
  if (kind === 'embeddings') return json(response, embeddings(seen, script))
  if (kind !== 'chat/completions' && kind !== 'completions') {
    response.statusCode = 404
    return json(response, { error: { message: 'no such path', type: 'not_found', code: 404 } })
  }
  const spoken = new Spoken(kind === 'chat/completions', seen.json ?? {}, script)
  if (seen.json?.stream === true) return stream(spoken, script, response)
  if (script.paceMs) await sleep(script.paceMs * spoken.count)
  json(response, spoken.whole(), script.gzip)
}

/** Sends the answer of the table of APIs. */
function recited(
  answer: NonNullable<ApiSample['answer']>,
  seen: Seen,
  response: ServerResponse,
): void {
  const { streams = ({ stream }) => stream === true, type, whole } = answer
  const asks = answer.stream !== undefined && streams(seen.json ?? {})
  response.setHeader('content-type', asks ? (answer.streamType ?? 'text/event-stream') : type)
  response.end(asks ? answer.stream : whole)
}

/** Sends its pieces unchanged. */
async function recite(script: Script, response: ServerResponse): Promise<void> {
  if (script.headers === undefined) response.setHeader('content-type', 'text/event-stream')
  response.flushHeaders()
  for (const piece of script.pieces ?? []) {
    if (response.destroyed) return
    if (typeof piece === 'function') await piece()
    else response.write(piece)
    await sleep(script.paceMs ?? 0)
  }
  if (!script.staysOpen) response.end()
}

function json(response: ServerResponse, value: unknown, gzip = false): void {
  const text = JSON.stringify(value)
  response.setHeader('content-type', 'application/json')
  if (gzip) response.setHeader('content-encoding', 'gzip')
  response.end(gzip ? gzipSync(text) : text)
}

function embeddings(seen: Seen, script: Script): unknown {
  const input = seen.json?.input
  const texts = Array.isArray(input) ? input : [input]
  const prompt = script.promptTokens ?? texts.length
  return {
    object: 'list',
    model: seen.json?.model ?? 'fake',
    data: texts.map((_, index) => ({ object: 'embedding', index, embedding: [0.5, -0.5] })),
    ...(script.usage === 'none'
      ? {}
      : { usage: script.usageValue ?? { prompt_tokens: prompt, total_tokens: prompt } }),
  }
}

async function stream(spoken: Spoken, script: Script, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  const send = (event: unknown) => response.write(`data: ${JSON.stringify(event)}\n\n`)
  let sent = 0
  for (const event of spoken.events()) {
    if (response.destroyed) return
    if (script.after && sent >= script.after.deltas) return misbehave(script, response, spoken)
    send(event)
    sent += 1
    if (script.paceMs) await sleep(script.paceMs)
  }
  if (script.after) return misbehave(script, response, spoken)
  for (const event of spoken.ending()) send(event)
  response.end(script.noDone ? undefined : 'data: [DONE]\n\n')
}

async function misbehave(script: Script, response: ServerResponse, spoken: Spoken): Promise<void> {
  if (script.after?.does === 'die') return void response.destroy()
  while (script.after?.does === 'flood' && !response.destroyed) {
    response.write(`data: ${JSON.stringify(spoken.delta({ content: 'more' }, 0))}\n\n`)
    await sleep(script.paceMs ?? 1)
  }
}
