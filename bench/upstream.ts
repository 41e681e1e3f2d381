/**
 * The mock model server. Its answers are buffers that exist before the first request, and are
 * written to plain sockets, because it uses the core on which the load runs. The name of the model
 * chooses the answer: `whole`, `burst` (100 events without delay) or `paced` (50 events, 20 ms
 * apart).
 */
import { createServer, type Socket } from 'node:net'
import { type Kind, PACED } from './work.ts'

const chunk = (text: string): Buffer =>
  Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)

const event = (choices: unknown[], more: object = {}): string => {
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench' }
  return `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`
}

const delta = (index: number): Buffer =>
  chunk(event([{ index: 0, delta: { content: ` word${index}` }, finish_reason: null }]))

const usage = (output: number) => ({
  usage: { prompt_tokens: 150, completion_tokens: output, total_tokens: 150 + output },
})

const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n',
)
const DELTAS = Array.from({ length: 100 }, (_, index) => delta(index))
const FINISH = chunk(event([{ index: 0, delta: {}, finish_reason: 'stop' }]))
const DONE = Buffer.from('e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n')

const json = (status: string, body: object): Buffer => {
  const text = JSON.stringify(body)
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`
  return Buffer.from(`${head}\r\n\r\n${text}`)
}

const KINDS: readonly Kind[] = ['whole', 'burst', 'paced']
const WHOLE = json('200 OK', {
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1,
  model: 'whole',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: ' and so on'.repeat(40) },
      finish_reason: 'stop',
    },
  ],
  ...usage(120),
})
const MODELS = json('200 OK', {
  object: 'list',
  data: KINDS.map((id) => ({ id, object: 'model', created: 1, owned_by: 'bench' })),
})
const NOT_FOUND = json('404 Not Found', { error: { message: 'no such path', code: null } })

function answer(socket: Socket, head: string, body: Buffer): void {
  if (head.startsWith('GET /v1/models ')) socket.write(MODELS)
  else if (!head.startsWith('POST /v1/chat/completions ')) socket.write(NOT_FOUND)
  else if (body.includes('"whole"')) socket.write(WHOLE)
  else stream(socket, { paced: body.includes('"paced"'), counted: body.includes('include_usage') })
}

function stream(socket: Socket, { paced, counted }: { paced: boolean; counted: boolean }): void {
  const events = paced ? PACED.events : DELTAS.length
  const last = (): void => {
    socket.write(FINISH)
    if (counted) socket.write(chunk(event([], usage(events))))
    socket.write(DONE)
  }
  if (!paced) {
    // One write for each event, as model servers do it.
    socket.write(STREAM_HEAD)
    for (const bytes of DELTAS) socket.write(bytes)
    last()
    return
  }
  let sent = 0
  let timer = setTimeout(() => {
    socket.write(STREAM_HEAD)
    next()
    timer = setInterval(next, PACED.everyMs)
  }, PACED.firstMs)
  const stop = (): void => clearTimeout(timer)
  const next = (): void => {
    const bytes = sent < events ? DELTAS[sent++] : undefined
    if (bytes) {
      socket.write(bytes)
      return
    }
    stop()
    socket.off('close', stop)
    last()
  }
  socket.once('close', stop)
}

/** Splits the received bytes into requests by content-length, which is all that these proxies send. */
function serve(socket: Socket): void {
  let waiting: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => {
    waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])
    for (;;) {
      const end = waiting.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = waiting.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const whole = end + 4 + length
      if (waiting.length < whole) return
      const body = waiting.subarray(end + 4, whole)
      waiting = waiting.subarray(whole)
      answer(socket, head, body)
    }
  })
}

const server = createServer(serve)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  if (address && typeof address === 'object') process.send?.({ port: address.port })
})
process.once('disconnect', () => process.exit())
