import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

/** A backend that has chat completions and its models, and nothing else. */
export interface ChatOnly {
  readonly url: string
  /** The paths that were asked for with POST. */
  readonly asked: string[]
  close(): Promise<void>
}

const HAS = ['/v1/chat/completions', '/v1/models']

/** Stands before a backend with more APIs. Every other path is answered as servers in Go do. */
export async function startChatOnly(backend: string): Promise<ChatOnly> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    if (request.method === 'POST') asked.push(request.url ?? '')
    pass(backend, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function pass(backend: string, request: IncomingMessage, response: ServerResponse) {
  const { method = 'GET', url = '' } = request
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (!HAS.includes(url)) {
    response.statusCode = 404
    return void response.end('404 page not found\n')
  }
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const answer = await fetch(backend + url, {
    ...{ method, signal: gone.signal },
    ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
    headers: { 'content-type': 'application/json' },
  })
  const label = answer.headers.get('content-type')
  response.writeHead(answer.status, label === null ? {} : { 'content-type': label })
  if (answer.body === null) return void response.end()
  const body = Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0])
  body.on('error', () => response.destroy()).pipe(response)
}
