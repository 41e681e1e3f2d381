import { createServer as createTls } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { shownTarget } from '../../../src/http/target.ts'
import { selfSigned } from '../../support/certificate.ts'
import { asked, Bench, chat, hear, settled } from '../../support/hear.ts'
import { startFakeUpstream } from '../../support/upstream.ts'

const bench = new Bench()
afterEach(() => bench.clean())

describe('what an upstream sees', () => {
  it('A8 asks for no compression, whatever the buyer accepts', async () => {
    const { fake, upstream } = await bench.both()
    await asked(upstream, { 'accept-encoding': 'gzip, br' })
    expect(fake.seen[0]?.headers['accept-encoding']).toBe('identity')
  })

  it.each([
    ['/', '/v1/chat/completions'],
    ['/v1', '/v1/chat/completions'],
    ['/v1/', '/v1/chat/completions'],
    ['/openai/v1', '/openai/v1/chat/completions'],
    ['/openai/', '/openai/v1/chat/completions'],
    ['/?api-version=1', '/v1/chat/completions?api-version=1'],
  ])('G1 base %s: a canonical path becomes %s', async (base, path) => {
    const { fake } = await bench.both()
    await asked(bench.at(new URL(base, fake.base)))
    expect(fake.seen[0]?.path).toBe(path)
  })

  it.each([
    ['/api/paas/v4', '/api/paas/v4'],
    ['/api/paas/v4/', '/api/paas/v4'],
    ['/v1beta/openai', '/v1beta/openai'],
    ['/v1beta/openai/', '/v1beta/openai'],
    ['/v2', '/v2'],
    ['/compatible-mode/v1', '/compatible-mode/v1'],
    [
      '/v1/projects/a/locations/b/endpoints/openapi',
      '/v1/projects/a/locations/b/endpoints/openapi',
    ],
    ['/V3', '/V3'],
  ])('K15 base %s is used unchanged: %s', async (base, prefix) => {
    const { fake } = await bench.both()
    await asked(bench.at(new URL(base, fake.base)))
    await bench.at(new URL(base, fake.base)).getJson('/v1/models', 1_000)
    expect(fake.seen.map(({ path }) => path)).toEqual([
      `${prefix}/chat/completions`,
      `${prefix}/models`,
    ])
  })

  it('K15 a query of the base is on every call', async () => {
    const { fake } = await bench.both()
    const base = new URL('/openai/v1/?api-version=preview', fake.base)
    await asked(bench.at(base))
    expect(fake.seen[0]?.path).toBe('/openai/v1/chat/completions?api-version=preview')
    expect(shownTarget(base, '/v1/models')).toBe(`${fake.base.origin}/openai/v1/models`)
  })

  it.each(['/verse', '/v', '/version1', '/api/v1x2y'])('K15 %s names no version', (base) => {
    expect(shownTarget(new URL(base, 'http://h'), '/v1/models')).toBe(`http://h${base}/v1/models`)
  })

  it.each([
    'http://evil.example/v1/chat/completions',
    '//evil.example/v1',
    '/v1/../admin',
    '/v1/%2e%2e/admin',
    '/v1/chat%2fcompletions',
    '/v1/chat/completions?key=1',
    '/v1/chat/completions#x',
    '@evil.example/v1',
    '\\evil.example\\v1',
    '/v1/chat\r\nx: y',
    '/v1//chat',
    '',
  ])('G1 %j is a failed assertion, never a request', async (path) => {
    const { fake, upstream } = await bench.both()
    expect(() => hear(upstream, { ...chat({}), path })).toThrow(/allow-listed/)
    expect(fake.seen).toHaveLength(0)
  })

  it('G2 a redirect is an answer: nobody else gets the key', async () => {
    const thief = await startFakeUpstream()
    bench.later(() => thief.close())
    const { upstream } = await bench.both({
      status: 307,
      headers: { location: String(thief.base) },
      body: '',
    })
    const heard = await asked(upstream)
    expect([heard.status, heard.end]).toEqual([307, 'end'])
    expect(thief.connections).toBe(0)
  })

  it('G2 a server with an untrusted certificate gets no request', async () => {
    let requests = 0
    const server = createTls(selfSigned, () => {
      requests += 1
    })
    await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
    bench.later(() => server.close())
    const { port } = server.address() as { port: number }
    const heard = await asked(bench.at(new URL(`https://localhost:${port}`)))
    expect(heard.end).toBe('unreachable')
    expect(heard.detail).toMatch(/SELF_SIGNED/)
    expect(requests).toBe(0)
  })

  it('G3 the operator’s key replaces every credential of the buyer', async () => {
    const { fake, upstream } = await bench.both()
    await asked(upstream, {
      Authorization: 'L402 abc:def',
      'X-Api-Key': 'sk-buyer',
      'X-Cashu': 'cashuB',
      'X-Payment': 'p',
      'Payment-Signature': 's',
      Cookie: 'c=1',
      'Proxy-Authorization': 'Basic x',
      'Grpc-Metadata-Macaroon': 'm',
    })
    const rawHeaders = fake.seen[0]?.rawHeaders ?? []
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    expect(names.sort()).toEqual(
      [
        'accept-encoding',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
        'user-agent',
      ].sort(),
    )
    expect(fake.seen[0]?.headers.authorization).toBe('Bearer sk-operator')
  })

  it('G3 without a key of the operator there is no authorization', async () => {
    const { fake } = await bench.both()
    await asked(bench.at(fake.base, null), { authorization: 'Bearer buyer' })
    expect(fake.seen[0]?.headers.authorization).toBeUndefined()
  })

  it('G5 G6 Host is the upstream’s own; Origin, forwarded and gate headers are gone', async () => {
    const { fake, upstream } = await bench.both()
    await asked(upstream, {
      host: 'evil.example',
      origin: 'https://page.example',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-host': 'evil',
      forwarded: 'for=1.2.3.4',
      'x-satgate-account': 'root',
      'content-type': 'text/plain',
      'transfer-encoding': 'chunked',
      connection: 'x-request-id',
      accept: 'text/event-stream',
      'x-request-id': 'r-1',
    })
    const headers = fake.seen[0]?.headers ?? {}
    expect(headers.host).toBe(fake.base.host)
    expect(headers['content-type']).toBe('application/json')
    expect([headers.accept, headers['x-request-id']]).toEqual(['text/event-stream', 'r-1'])
    for (const name of [
      'origin',
      'x-forwarded-for',
      'x-forwarded-host',
      'forwarded',
      'x-satgate-account',
    ]) {
      expect(headers[name]).toBeUndefined()
    }
  })

  it('G4 a header value with a line break is left out', async () => {
    const { fake, upstream } = await bench.both()
    await asked(upstream, { 'x-request-id': 'a\r\nauthorization: Bearer x' })
    expect(fake.seen[0]?.headers['x-request-id']).toBeUndefined()
    expect(fake.seen[0]?.headers.authorization).toBe('Bearer sk-operator')
  })

  it('the body arrives unchanged', async () => {
    const { fake, upstream } = await bench.both()
    const body = Buffer.from('xx{"a":"ü"}xx').subarray(2, -2)
    await settled(hear(upstream, { ...chat({}), body }))
    expect(fake.seen[0]?.bytes).toEqual(body)
  })
})
