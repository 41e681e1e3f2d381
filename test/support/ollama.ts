import type { IncomingMessage, ServerResponse } from 'node:http'
import { startToyModel } from '../../src/toy/toy.ts'
import { serve } from './serve.ts'
import { real } from './world.ts'

const MODEL = 'llama3.2:3b'

/** A backend that says that it is Ollama, with one model. The toy model answers. */
export async function startOllama(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const toy = await startToyModel({ world: real, paceMs: 0 })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'GET' && request.url === '/v1/models') {
      const model = { id: MODEL, object: 'model', created: 1_750_000_000, owned_by: 'library' }
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify({ object: 'list', data: [model] }))
    }
    const body = await text(request)
    const answered = await fetch(`${toy.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      body: request.method === 'GET' ? null : body.replaceAll(`"${MODEL}"`, '"toy"'),
    })
    response.writeHead(answered.status, {
      'content-type': answered.headers.get('content-type') ?? 'text/plain',
    })
    return response.end((await answered.text()).replaceAll('"toy"', `"${MODEL}"`))
  }
  const served = await serve((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  return {
    port: served.port,
    async close() {
      await served.close()
      await toy.close()
    },
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}
