/**
 * The mock model server. Its answers are buffers that exist before the first request, and are
 * written to plain sockets, because it uses the core on which the load runs. The name of the model
 * chooses the answer of chat: `whole`, `burst` (100 events without delay) or `paced` (50 events, 20 ms
 * apart). Streams of Messages and of Ollama's chat are paced.
 */
import { createServer, type Socket } from 'node:net'
import { CHAT, MESSAGES, OLLAMA, type Stream, usage } from './streams.ts'
import { type Kind, PACED } from './work.ts'

const json = (status: string, body: object): Buffer => {
  const text = JSON.stringify(body)
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`
  return Buffer.from(`${head}\r\n\r\n${text}`)
}

const KINDS: readonly Kind[] = ['whole', 'burst', 'paced', 'messages', 'ollama']
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
  else if (head.startsWith('POST /v1/messages ')) pace(socket, MESSAGES, true)
  else if (head.startsWith('POST /api/chat ')) pace(socket, OLLAMA, true)
  else if (!head.startsWith('POST /v1/chat/completions ')) socket.write(NOT_FOUND)
  else if (body.includes('"whole"')) socket.write(WHOLE)
  else {
    const counted = body.includes('include_usage')
    if (body.includes('"paced"')) pace(socket, CHAT, counted)
    else burst(socket, counted)
  }
}

/** One write for each event, as model servers do it. */
function burst(socket: Socket, counted: boolean): void {
  socket.write(CHAT.head)
  for (const bytes of CHAT.deltas) socket.write(bytes)
  for (const bytes of CHAT.end(CHAT.deltas.length, counted)) socket.write(bytes)
}

function pace(socket: Socket, { head, begin, deltas, end }: Stream, counted: boolean): void {
  let sent = 0
  let timer = setTimeout(() => {
    socket.write(head)
    if (begin.length > 0) socket.write(begin)
    next()
    timer = setInterval(next, PACED.everyMs)
  }, PACED.firstMs)
  const stop = (): void => clearTimeout(timer)
  const next = (): void => {
    const bytes = sent < PACED.events ? deltas[sent++] : undefined
    if (bytes) {
      socket.write(bytes)
      return
    }
    stop()
    socket.off('close', stop)
    for (const last of end(PACED.events, counted)) socket.write(last)
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
