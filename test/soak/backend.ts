import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Roster } from '../../src/floor/roster.ts'

/** The text of each event: one token. */
export const TICK = ' tick'
/** ms between two events of a stream. */
export const PACE = 100

const event = (choices: readonly unknown[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'soak', object: 'chat.completion.chunk', created: 1, model: 'soak', choices, ...more })}\n\n`
const DELTA = event([{ index: 0, delta: { content: TICK }, finish_reason: null }])
const FINISH = event([{ index: 0, delta: {}, finish_reason: 'stop' }])

interface Running {
  seat: number
  readonly buyer: string
  readonly response: ServerResponse
  left: number
  made: number
  waits: boolean
}

export interface PacedBackend {
  readonly url: string
  /** The tokens that were made for a buyer, in all of its streams. */
  made(buyer: string): number
  close(): Promise<void>
}

/**
 * A model server whose streams have one token every `PACE` ms, up to `max_tokens`. The prompt names the
 * buyer. One timer serves all streams. It holds a stream back whose reader does not read.
 */
export async function startPacedBackend(): Promise<PacedBackend> {
  const running = new Roster<Running>()
  const made = new Map<string, number>()
  const end = (one: Running): void => {
    running.delete(one)
    const usage = { prompt_tokens: 1, completion_tokens: one.made, total_tokens: one.made + 1 }
    one.response.end(`${FINISH}${event([], { usage })}data: [DONE]\n\n`)
  }
  const tick = (one: Running): void => {
    if (one.waits) return
    if (one.left === 0) {
      end(one)
      return
    }
    one.left -= 1
    one.made += 1
    made.set(one.buyer, (made.get(one.buyer) ?? 0) + 1)
    if (one.response.write(DELTA)) return
    one.waits = true
    one.response.once('drain', () => {
      one.waits = false
    })
  }
  const timer = setInterval(() => running.each(tick), PACE)
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'soak', object: 'model' }] }))
      return
    }
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const { max_tokens: left, messages } = JSON.parse(body)
      const one: Running = {
        ...{ seat: -1, response, made: 0, waits: false },
        buyer: messages[0].content,
        left,
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      response.on('close', () => running.delete(one))
      running.add(one)
    })
  })
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    made: (buyer) => made.get(buyer) ?? 0,
    async close() {
      clearInterval(timer)
      server.closeAllConnections()
      await new Promise((then) => server.close(then))
    },
  }
}
