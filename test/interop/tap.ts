import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One exchange between the gate and its upstream, as it was on the wire. */
export interface Tapped {
  readonly method: string
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  /** The request's body. */
  sent: string
  status: number
  /** The answer's body so far. */
  answer: string
  /** Whether the gate hung up before the end of the answer. */
  hungUp: boolean
}

/** Sits between a gate and a real upstream, changes nothing, and records everything. */
export interface Tap {
  readonly url: string
  readonly tapped: readonly Tapped[]
  /** The last request for an answer. Requests for the list of models do not count. */
  last(): Tapped
  close(): Promise<void>
}

export async function openTap(target: string): Promise<Tap> {
  const { hostname, port } = new URL(target)
  const tapped: Tapped[] = []
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const one = { method, path, headers, sent: '', status: 0, answer: '', hungUp: false }
    tapped.push(one)
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      one.status = answer.statusCode ?? 0
      outgoing.writeHead(one.status, answer.rawHeaders)
      outgoing.flushHeaders()
      answer.on('data', (chunk: Buffer) => {
        one.answer += chunk.toString('utf8')
      })
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.on('data', (chunk: Buffer) => {
      one.sent += chunk.toString('utf8')
    })
    outgoing.on('close', () => {
      one.hungUp = !outgoing.writableFinished
      if (one.hungUp) onward.destroy()
    })
    incoming.pipe(onward)
  })
  const url = await listen(server)
  return {
    url,
    tapped,
    last() {
      const found = tapped.findLast(({ method }) => method === 'POST')
      if (found === undefined) throw new Error('nothing was sent upstream')
      return found
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
