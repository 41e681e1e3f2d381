/**
 * The least that a streaming proxy on Node can be, against which satgate is held: it passes the
 * method, path, headers and bodies, with back-pressure in both directions and kept connections, and
 * does nothing else. `node bench/bare.ts PORT` proxies to that port of this machine and writes
 * `{"ready":PORT}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/** These belong to one connection and are not passed on (RFC 9110, 7.6.1). */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade'])

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { headersTimeout: 0, bodyTimeout: 0 })

/** Writes the answer of the backend to the client as it comes. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const response = this.#response
    response.on('drain', () => controller.resume())
    response.on('close', () => {
      if (!response.writableFinished) controller.abort(new Error('the client has gone'))
    })
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    const passed: (string | string[])[] = []
    for (const name in headers) {
      const value = headers[name]
      if (value !== undefined && !OF_THE_CONNECTION.has(name)) passed.push(name, value)
    }
    this.#response.writeHead(status, passed as string[])
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#response.end()
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy()
    else this.#response.writeHead(502).end()
  }
}

const server = createServer((request: IncomingMessage, response) => {
  const { method = 'GET', url: path = '/', rawHeaders } = request
  const headers: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]]
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) headers.push(name, value)
  }
  const body = method === 'GET' || method === 'HEAD' ? null : request
  pool.dispatch(
    { method: method as Dispatcher.HttpMethod, path, headers, body },
    new Answer(response),
  )
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    process.stdout.write(`${JSON.stringify({ ready: address.port })}\n`)
})
