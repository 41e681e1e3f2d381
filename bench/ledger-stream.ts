/**
 * The two ends of the streams that `ledger.ts` watches, each a process of its own. `upstream`
 * answers every chat with an event each 5 ms until its reader leaves. `reader` reads one stream
 * straight and one through the gate, and tells the longest pause in each since it was last asked.
 */
import { createServer, request } from 'node:http'
import { setInterval } from 'node:timers'

const EVERY_MS = 5

const event = (delta: object): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'model1',
    choices: [{ index: 0, delta, finish_reason: null }],
  })}\n\n`

function upstream(): void {
  const models = ['model0', 'model1', 'model2', 'model3', 'model4']
  const server = createServer((incoming, response) => {
    if (incoming.method === 'GET') {
      const data = models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'bench' }))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', data }))
      return
    }
    incoming.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write(event({ content: ' a' })), EVERY_MS)
    response.on('close', () => clearInterval(timer))
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') process.send?.({ port: address.port })
  })
}

/** Where the stream of `reader` is read from. */
export interface Watched {
  readonly direct: number
  readonly gate: number
  readonly authorization: string
}

/** Longest pauses in ms, and events read, since the last question. */
export interface Pauses {
  readonly direct: number
  readonly gate: number
  readonly events: number
}

interface Seen {
  last: number
  longest: number
  events: number
  ended: boolean
}

function read(port: number, authorization: string): Seen {
  const seen: Seen = { last: performance.now(), longest: 0, events: 0, ended: false }
  const headers = { authorization, 'content-type': 'application/json' }
  const sent = request({
    port,
    host: '127.0.0.1',
    path: '/v1/chat/completions',
    method: 'POST',
    headers,
  })
  sent.on('response', (response) => {
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    response.on('data', () => {
      const now = performance.now()
      seen.longest = Math.max(seen.longest, now - seen.last)
      seen.last = now
      seen.events++
    })
    response.on('end', () => {
      seen.ended = true
    })
  })
  const messages = [{ role: 'user', content: 'Count.' }]
  sent.end(JSON.stringify({ model: 'model1', stream: true, max_tokens: 1_000_000, messages }))
  return seen
}

function reader({ direct, gate, authorization }: Watched): void {
  const streams = [read(direct, ''), read(gate, authorization)] as const
  process.on('message', () => {
    const now = performance.now()
    const [straight, proxied] = streams.map((seen) => {
      if (seen.ended) throw new Error('a stream ended early')
      const longest = Math.max(seen.longest, now - seen.last)
      seen.longest = 0
      return { longest, events: seen.events }
    })
    process.send?.({
      direct: straight?.longest ?? Number.NaN,
      gate: proxied?.longest ?? Number.NaN,
      events: proxied?.events ?? 0,
    } satisfies Pauses)
  })
}

process.once('disconnect', () => process.exit())
if (process.argv[2] === 'upstream') upstream()
if (process.argv[2] === 'reader') process.once('message', (watched) => reader(watched as Watched))
