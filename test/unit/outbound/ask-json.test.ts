import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { type Ask, askJson } from '../../../src/outbound/ask-json.ts'
import { ownTransport, plainTransport } from '../../../src/outbound/transport.ts'
import { selfSigned } from '../../support/certificate.ts'
import { serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Answers = (request: IncomingMessage, response: ServerResponse) => void

/** A service, and a function that sends it a request. */
async function service(answers: Answers) {
  const server = await serve(answers)
  closers.push(() => server.close())
  const at = (path: string) => new URL(`http://127.0.0.1:${server.port}${path}`)
  const ask = (more: Partial<Ask> = {}) =>
    askJson(
      { transport: plainTransport, world: real },
      { url: at('/'), deadlineMs: 2_000, most: 1_000, ...more },
    )
  return { at, ask, close: () => server.close() }
}

const says =
  (status: number, body: string, headers: Record<string, string> = {}): Answers =>
  (_, response) => {
    response.writeHead(status, headers).end(body)
  }

describe('an answer', () => {
  it.each([
    [200, '{"a":1}', { a: 1 }],
    [500, '{"a":1}', { a: 1 }],
    [200, '[1]', [1]],
    [200, '<html>', undefined],
    [200, '', undefined],
  ])('of status %d with %j is a value', async (status, body, json) => {
    const { ask } = await service(says(status, body, { 'retry-after': '7' }))
    const answer = await ask()
    expect(answer).toMatchObject({ ok: true, value: { status } })
    expect(answer.ok && answer.value.json).toEqual(json)
    expect(answer.ok && answer.value.headers.get('Retry-After')).toBe('7')
  })

  it('is to a GET, or to a POST of JSON, without anything that tells who asks', async () => {
    const seen: unknown[] = []
    const { ask } = await service((request, response) => {
      const { host, ...headers } = request.headers
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        seen.push({ method: request.method, headers, body })
        response.end('{}')
      })
    })
    await ask()
    await ask({ body: { a: 1 }, headers: { 'x-key': 'k' } })
    const always = {
      ...{ accept: 'application/json', 'accept-encoding': 'identity' },
      ...{ 'user-agent': 'satgate', connection: 'keep-alive' },
    }
    expect(seen).toEqual([
      { method: 'GET', headers: always, body: '' },
      {
        method: 'POST',
        headers: {
          ...always,
          ...{ 'content-type': 'application/json', 'content-length': '7', 'x-key': 'k' },
        },
        body: '{"a":1}',
      },
    ])
  })

  it('that is longer than allowed is not read further', async () => {
    const { ask } = await service(says(200, JSON.stringify('x'.repeat(1_000))))
    expect(await ask()).toMatchObject({ ok: false, error: { why: 'too_large' } })
    expect(await ask({ most: 1_002 })).toMatchObject({ ok: true })
    expect(await ask({ reads: () => false })).toMatchObject({ ok: true, value: { status: 200 } })
  })
})

describe('a failure is a value', () => {
  it('if no answer comes in time, or it never ends', async () => {
    const silent = await service(() => {})
    expect(await silent.ask({ deadlineMs: 50 })).toEqual({
      ok: false,
      error: { why: 'silent', code: '50 ms' },
    })
    const slow = await service((_, response) => void response.writeHead(200).write('{'))
    expect(await slow.ask({ deadlineMs: 50 })).toMatchObject({ error: { why: 'silent' } })
  })

  it('if the caller gives up, the service hangs up, or nothing listens', async () => {
    const over = AbortSignal.abort()
    const silent = await service(() => {})
    expect(await silent.ask({ over })).toMatchObject({ error: { why: 'closed' } })
    const rude = await service((request) => void request.socket.destroy())
    expect(await rude.ask()).toMatchObject({ error: { why: 'hung_up' } })
    await rude.close()
    expect(await rude.ask()).toMatchObject({ error: { why: 'refused' } })
  })

  it('if the certificate is not trusted, until it is given', async () => {
    const tls = await serve(
      says(200, '{}'),
      (listener) => createServer(selfSigned, listener) as never,
    )
    closers.push(() => tls.close())
    const ask = { url: new URL(`https://127.0.0.1:${tls.port}/`), deadlineMs: 2_000, most: 100 }
    expect(await askJson({ transport: plainTransport, world: real }, ask)).toMatchObject({
      error: { why: 'untrusted', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
    const own = ownTransport({ ca: String(selfSigned.cert), connectMs: 2_000 })
    closers.push(() => own.close())
    expect(await askJson({ transport: own.transport, world: real }, ask)).toMatchObject({
      ok: true,
    })
  })
})

describe('a redirect', () => {
  const around: Answers = (request, response) => {
    const left = Number(request.url?.slice(1) || 3)
    const to = left > 1 ? { location: `/${left - 1}` } : undefined
    response.writeHead(to === undefined ? 200 : 302, to).end(`{"left":${left}}`)
  }

  it('is an answer like any other, unless there is a policy', async () => {
    const { ask } = await service(around)
    expect(await ask()).toMatchObject({ value: { status: 302, json: { left: 3 } } })
  })

  it('is followed as often, and as far, as the policy allows', async () => {
    const { at, ask } = await service(around)
    const follow = (location: string) => at(location)
    expect(await ask({ redirects: { times: 2, follow } })).toMatchObject({ value: { status: 200 } })
    expect(await ask({ redirects: { times: 1, follow } })).toMatchObject({ value: { status: 302 } })
    const refuse = () => {
      throw new Error('not there')
    }
    await expect(ask({ redirects: { times: 1, follow: refuse } })).rejects.toThrow('not there')
  })
})
