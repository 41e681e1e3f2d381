import { setTimeout as soon } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiErrors } from '../../../src/dialects/openai/errors.ts'
import type { Result } from '../../../src/floor/result.ts'
import type { Incoming } from '../../../src/gate/ports.ts'
import type { Refusal } from '../../../src/gate/refusal.ts'
import { BodyShare, strangersBounds } from '../../../src/http/body-share.ts'
import { makeClients } from '../../../src/http/clients.ts'
import { canonicalPath, makeReceive } from '../../../src/http/incoming.ts'
import { nodeReply } from '../../../src/http/reply.ts'
import { gateServer } from '../../../src/http/server.ts'
import { RawClient, serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

const cleanups: Array<() => unknown> = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Setup {
  publicUrl?: string | null
  trustedProxies?: string[]
  bodyMs?: number
}
type Read = Result<Incoming, Refusal> & { readonly began: Incoming; readonly text: string }

/** A server that reads bodies of up to 1,000 bytes, and answers with the resulting status. */
async function receiving(setup: Setup = {}): Promise<{ client: RawClient; received: Read[] }> {
  const received: Read[] = []
  const share = new BodyShare(strangersBounds(1_000), Date.now)
  const receive = makeReceive({
    world: real,
    clients: makeClients({ trustedProxies: setup.trustedProxies ?? [], salt: new Uint8Array(8) }),
    readCredentials: () => ({ is: 'absent' }),
    shares: { passes: share, strangers: share },
    bodyLimit: 1_000,
    bodyMs: setup.bodyMs ?? 2_000,
    publicUrl: () => setup.publicUrl ?? null,
    ownUrl: () => 'http://127.0.0.1:3000',
  })
  const server = await serve(
    async (request, response) => {
      const begun = receive.begin(request)
      const body = await receive.body(request, begun, { headers: [] })
      const text = body.ok ? Buffer.from(body.value.body).toString() : ''
      received.push({ ...body, began: begun.incoming, text })
      const reply = nodeReply(request, response, { world: real, idleMs: 1_000 })
      reply.head(body.ok ? 200 : body.error.status, [])
      reply.end(Buffer.from(body.ok ? 'read' : body.error.code))
      if (body.ok) body.value.letGoOfBody()
      expect([share.bytes, body.ok && body.value.body.length]).toEqual([0, body.ok && 0])
    },
    (listener) => gateServer(listener, { clientOf: () => null, errors: openAiErrors }),
  )
  cleanups.push(server.close)
  const client = new RawClient(server.port)
  cleanups.push(() => client.socket.destroy())
  return { client, received }
}
const post = (headers: string, body = '') =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: gate.example\r\n${headers}\r\n\r\n${body}`

describe('a body', () => {
  it('arrives whole, by length or in chunks', async () => {
    const { client, received } = await receiving()
    await client.send(post('content-length: 5', 'hello')).until('read')
    client.text = ''
    await client
      .send(post('transfer-encoding: chunked', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'))
      .until('read')
    expect(received.map(({ text }) => text)).toEqual(['hello', 'hello'])
  })

  it('a missing body is an empty one', async () => {
    const { client, received } = await receiving()
    await client.send('GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n').until('read')
    expect(received[0]).toMatchObject({ ok: true, value: { method: 'GET', path: '/v1/models' } })
  })

  it('D6 413 before reading if the length is declared, without 100 Continue', async () => {
    const { client } = await receiving()
    const answer = await client
      .send(post('expect: 100-continue\r\ncontent-length: 1001'))
      .until('request_too_large')
    expect(answer).toMatch(/^HTTP\/1\.1 413/)
  })

  it('a client that waits for 100 Continue gets it', async () => {
    const { client } = await receiving()
    const asked = client.send(post('expect: 100-continue\r\ncontent-length: 5'))
    expect(await asked.until('100 Continue')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    expect(await client.send('hello').until('read')).toContain('HTTP/1.1 200')
  })

  it('D6 413 at the first byte too many if no length is declared', async () => {
    const { client } = await receiving()
    client.send(post('transfer-encoding: chunked', `3e9\r\n${'x'.repeat(1001)}\r\n`))
    const answer = await client.untilClosed()
    expect(answer).toMatch(/413[\s\S]*connection: close/i)
  })

  it('D6 a refused body of megabytes does not hide the refusal', async () => {
    const { client } = await receiving()
    client.send(post('content-length: 4000000', 'x'.repeat(4_000_000)))
    expect(await client.until('request_too_large')).toMatch(/HTTP\/1\.1 413/)
  })

  it('D6 a client that never stops sending is cut', async () => {
    const { client } = await receiving()
    client.send(post('transfer-encoding: chunked'))
    const more = setInterval(() => client.send(`400\r\n${'x'.repeat(1024)}\r\n`), 5)
    await client.untilClosed()
    clearInterval(more)
  })

  it('D6 a body that comes too slowly is 408 at its deadline', async () => {
    const { client } = await receiving({ bodyMs: 120 })
    client.send(post('content-length: 900'))
    const drip = setInterval(() => client.send('x'), 20)
    const answer = await client.untilClosed()
    clearInterval(drip)
    expect(answer).toMatch(/HTTP\/1\.1 408/)
  })

  it.each(['gzip', 'br', 'deflate, identity', 'x'])('415 content-encoding %s', async (encoding) => {
    const { client } = await receiving()
    const answer = await client
      .send(post(`content-encoding: ${encoding}\r\ncontent-length: 2`, '{}'))
      .until('unsupported_encoding')
    expect(answer).toMatch(/HTTP\/1\.1 415/)
  })

  it('G4 415 a transfer coding before the chunks', async () => {
    const { client } = await receiving()
    const answer = await client
      .send(post('transfer-encoding: gzip, chunked', '0\r\n\r\n'))
      .until(/unsupported_encoding|400/)
    expect(answer).toMatch(/HTTP\/1\.1 4(?:15|00)/)
  })

  it('a buyer that leaves in the middle of it is a refusal, not an exception', async () => {
    const { client, received } = await receiving()
    client.send(post('content-length: 900', 'half'))
    await soon(30)
    client.socket.destroy()
    while (received.length === 0) await soon(5)
    expect(received[0]).toMatchObject({
      ok: false,
      error: { status: 400, code: 'incomplete_body' },
    })
  })
})

describe('G1 a path is spelled exactly, or nothing is served', () => {
  it.each([
    ['/', '/'],
    ['/v1/models', '/v1/models'],
    ['/v1/chat/completions?api-version=1&x=//..', '/v1/chat/completions'],
    ['/v1/models/qwen3:8b', '/v1/models/qwen3:8b'],
    ['/.well-known/l402', '/.well-known/l402'],
    ['/v1/models/a..b', '/v1/models/a..b'],
  ])('%s is %s', (target, path) => {
    expect(canonicalPath(target)).toBe(path)
  })

  it.each([
    undefined,
    '',
    '*',
    'http://evil.example/v1/chat/completions',
    'evil.example:443',
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1/chat/completions/',
    '/v1/../v1/chat/completions',
    '/v1/./chat/completions',
    '/v1/chat/..',
    '/v1/chat%2fcompletions',
    '/v1/chat/%63ompletions',
    '/v1/%2e%2e/x',
    '/v1\\chat\\completions',
    '/@evil.example/v1',
    '/v1/chat/completions;x=1',
    '/v1/chat/completions#x',
    '/v1/chat/cömpletions',
    '/v1/chat/completions\u0000',
    '/v1/chat/completions\n',
  ])('%j is nothing', (target) => {
    expect(canonicalPath(target)).toBeNull()
  })

  it('a path is read in the same way by the URL standard', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'/.%2e@:\\?#abv1') }), (text) => {
        const path = canonicalPath(`/${text}`)
        if (path !== null) expect(new URL(path, 'http://gate.example').pathname).toBe(path)
      }),
      { numRuns: 2_000 },
    )
  })

  it('404 for an absolute target, and the body stays unread', async () => {
    const { client } = await receiving()
    const answer = await client
      .send(
        'POST http://evil.example/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}',
      )
      .until('not_found')
    expect(answer).toMatch(/HTTP\/1\.1 404/)
  })
})

describe('where the buyer reaches us', () => {
  const origin = async (headers: string, setup: Setup = {}) => {
    const { client, received } = await receiving(setup)
    await client.send(`GET / HTTP/1.1\r\n${headers}\r\n\r\n`).until('read')
    return received[0]?.ok ? received[0].value.origin : null
  }
  const proxied = { trustedProxies: ['127.0.0.1'] }
  it.each<[string, string, Setup, string]>([
    ['the configured URL', 'host: x', { publicUrl: 'https://pay.example' }, 'https://pay.example'],
    ['the Host header', 'host: gate.example:3000', {}, 'http://gate.example:3000'],
    ['IPv6', 'host: [::1]:3000', {}, 'http://[::1]:3000'],
    ['our own where Host is no host', 'host: a/b@c', {}, 'http://127.0.0.1:3000'],
    ['markup in Host', 'host: x"><script>', {}, 'http://127.0.0.1:3000'],
    [
      'G5 not what a stranger forwards',
      'host: x\r\nx-forwarded-proto: https\r\nx-forwarded-host: evil',
      {},
      'http://x',
    ],
    [
      'what a trusted proxy forwards',
      'host: x\r\nx-forwarded-proto: https\r\nx-forwarded-host: pay.example',
      proxied,
      'https://pay.example',
    ],
  ])('%s', async (_, headers, setup, url) => {
    expect(await origin(headers, setup)).toBe(url)
  })
})

it('an id is random, and the client is no address', async () => {
  const { client, received } = await receiving()
  await client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n').until('read')
  client.text = ''
  await client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n').until('read')
  const [one, two] = received.map(({ began }) => began)
  expect(one?.id).toMatch(/^[0-9a-f]{24}$/)
  expect(one?.id).not.toBe(two?.id)
  expect(one?.client).toBe(two?.client)
  expect(JSON.stringify(one)).not.toContain('127.0.0.1')
  expect(one?.trailers).toBe(true)
})
