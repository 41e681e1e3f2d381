import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as soon } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiErrors } from '../../../src/dialects/openai/errors.ts'
import { listen } from '../../../src/http/listen.ts'
import { closeGently, gateServer } from '../../../src/http/server.ts'
import { RawClient, serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

const cleanups: Array<() => unknown> = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const fresh = (): Server => {
  const server = createServer()
  cleanups.push(() => server.close())
  return server
}
const host = '127.0.0.1'
/** A taken port with a free one after it. */
async function taken(): Promise<number> {
  for (;;) {
    const first = await listen(fresh(), { host, port: 0, explicit: true })
    const port = first.ok ? first.value.port : 0
    const probe = fresh()
    const next = await listen(probe, { host, port: port + 1, explicit: true })
    await new Promise((then) => probe.close(then))
    if (next.ok && port < 65_000) return port
  }
}

describe('K20 idle connections', () => {
  it('K20 live longer here than in proxies before the gate', () => {
    const server = gateServer(() => {}, { clientOf: () => null, errors: openAiErrors })
    // cloudflared keeps its own for 90 s, Caddy for 2 min.
    expect(server.keepAliveTimeout).toBeGreaterThan(120_000)
  })
})

describe('listening', () => {
  it('port 0 takes a free one', async () => {
    const got = await listen(fresh(), { host, port: 0, explicit: true })
    expect(got).toMatchObject({ ok: true, value: { taken: [] } })
    expect(got.ok && got.value.port).toBeGreaterThan(0)
  })

  it('a taken default port leads to the next one, and the taken one is told', async () => {
    const port = await taken()
    const got = await listen(fresh(), { host, port, explicit: false })
    expect(got).toEqual({ ok: true, value: { port: port + 1, taken: [port] } })
  })

  it('a taken explicit port fails, naming the port', async () => {
    const port = await taken()
    const got = await listen(fresh(), { host, port, explicit: true })
    expect(got).toEqual({ ok: false, error: { why: 'port_taken', port } })
  })

  it('an address that is not ours is named in the error', async () => {
    const got = await listen(fresh(), { host: '203.0.113.7', port: 0, explicit: true })
    expect(got).toEqual({ ok: false, error: { why: 'no_such_host', host: '203.0.113.7' } })
  })
})

const okListener: RequestListener = (request, response) => {
  request.resume().on('end', () => response.end(`read ${request.url}`))
}
async function gate(
  listener = okListener,
  options = {},
): Promise<{ port: number; server: Server }> {
  const clientOf = () => null
  const started = await serve(listener, (each) =>
    gateServer(each, { clientOf, errors: openAiErrors, ...options }),
  )
  cleanups.push(started.close)
  return started
}
async function say(bytes: string, listener = okListener, options = {}): Promise<string> {
  const client = new RawClient((await gate(listener, options)).port)
  cleanups.push(() => client.socket.destroy())
  return client.send(bytes).untilClosed()
}

describe('G4 a request that can be read in two ways is not read', () => {
  const body = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n'
  it.each([
    ['length and chunks', `content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n${body}`],
    ['chunks and length', `transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${body}`],
    ['two lengths', 'content-length: 4\r\ncontent-length: 5\r\n\r\nabcde'],
    ['the same length twice', 'content-length: 4\r\ncontent-length: 4\r\n\r\nabcd'],
    ['a list of lengths', 'content-length: 4, 4\r\n\r\nabcd'],
    ['a signed length', 'content-length: +4\r\n\r\nabcd'],
    ['a folded line', 'x-a: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'content-length : 4\r\n\r\nabcd'],
    ['chunked, then another coding', `transfer-encoding: chunked, identity\r\n\r\n${body}`],
    ['a bare CR in a value', 'x-a: b\rc\r\n\r\n'],
    ['a NUL in a value', 'x-a: b\0c\r\n\r\n'],
    ['a bad chunk size', 'transfer-encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n'],
    ['no method that exists', null],
  ])('G4 %s', async (_, rest) => {
    const answer = await say(
      rest === null ? 'FOO\x01 / HTTP/1.1\r\n\r\n' : `POST / HTTP/1.1\r\nhost: x\r\n${rest}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).not.toContain('smuggled')
    const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'bad_request', param: null })
  })

  it('G4 HTTP/1.1 without Host', async () => {
    expect(await say('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
  })

  it('nothing is written into an answer that is under way', async () => {
    const answer = await say(
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      (_, response) => response.writeHead(200, { 'content-length': 100 }).write('half'),
    )
    expect(answer).not.toContain('bad_request')
  })
})

describe('D6 clients that send too much or too slowly', () => {
  it('D6 headers above 64 KiB are 431, below are read', async () => {
    const bomb = (size: number) =>
      `GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: ${'a'.repeat(size)}\r\n\r\n`
    const answer = await say(bomb(70_000))
    expect(answer).toMatch(/^HTTP\/1\.1 431[\s\S]*headers_too_large/)
    expect(await say(bomb(60_000))).toContain('read /')
  })

  it('D6 a head that comes too slowly is 408', async () => {
    const { port } = await gate(okListener, { headMs: 150 })
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nhost: x\r\n')
    const drip = setInterval(() => client.send('x-a: b\r\n'), 30)
    const answer = await client.untilClosed()
    clearInterval(drip)
    expect(answer).toMatch(/^HTTP\/1\.1 408[\s\S]*request_timeout/)
  })

  it('D6 more connections than allowed are closed', async () => {
    const { port } = await gate(okListener, { connections: 2 })
    const kept = [new RawClient(port), new RawClient(port)]
    for (const client of kept) await client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n').until('read')
    expect(await new RawClient(port).untilClosed()).toBe('')
    for (const client of kept) client.socket.destroy()
    // The server sees a little later that they are gone.
    for (let answer = ''; !answer.includes('read'); ) {
      const next = new RawClient(port).send(
        'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      )
      answer = await next.untilClosed()
    }
  })

  it('J7 one client may have so many connections, and another as many', async () => {
    let client: string | null = 'one'
    const clientOf = () => (client === null ? null : { client, site: client })
    const { port } = await gate(okListener, { clientOf, connectionsEach: 2 })
    const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
    const connected = async () => {
      const next = new RawClient(port).send(GET)
      cleanups.push(() => next.socket.destroy())
      return { next, served: (await next.until('read')).includes('read') }
    }
    const first = await connected()
    expect([first.served, (await connected()).served, (await connected()).served]).toEqual([
      true,
      true,
      false,
    ])
    client = 'other'
    expect((await connected()).served).toBe(true)
    client = null
    for (let many = 0; many < 5; many += 1) expect((await connected()).served).toBe(true)
    client = 'one'
    first.next.socket.destroy()
    while (!(await connected()).served) await soon(5)
  })

  it('J7 a site has as many as four clients, however many clients it has', async () => {
    let count = 0
    let site = 'one'
    const clientOf = () => ({ client: `${count++}`, site })
    const { port } = await gate(okListener, { clientOf, connectionsEach: 2 })
    const served = async () => {
      const next = new RawClient(port).send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      cleanups.push(() => next.socket.destroy())
      return (await next.until('read')).includes('read')
    }
    for (let many = 0; many < 8; many += 1) expect(await served()).toBe(true)
    expect(await served()).toBe(false)
    site = 'other'
    expect(await served()).toBe(true)
  })

  it('J7 a connection that sends many requests without waiting for answers is closed', async () => {
    let asked = 0
    const { port } = await gate(() => {
      asked += 1
    })
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000))
    expect(await client.untilClosed()).toBe('')
    expect(asked).toBe(32)
  })

  it('requests that wait for their answers are not limited', async () => {
    const { port } = await gate((_, response) => response.end('read'))
    const client = new RawClient(port)
    for (let turn = 1; turn <= 100; turn += 1) {
      client.text = ''
      await client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n').until('read')
    }
    expect(client.closed).toBe(false)
    client.socket.destroy()
  })

  it('a scanner that hangs up at once does no harm', async () => {
    const { port } = await gate()
    for (let turn = 0; turn < 20; turn += 1) {
      const socket = connect(port, host, () => {
        socket.write('\x16\x03\x01\x02')
        socket.resetAndDestroy()
      })
      socket.on('error', () => {})
    }
    await soon(50)
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(await client.until('read')).toContain('read')
    client.socket.destroy()
  })
})

describe('closing', () => {
  const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
  it('lets a running answer end, closes idle connections, takes no new ones', async () => {
    const { port, server } = await gate(async (_, response) => {
      response.write('half')
      await soon(120)
      response.end('END')
    })
    const idle = new RawClient(port)
    await soon(20)
    const running = new RawClient(port).send(GET)
    await running.until('half')
    const cut = closeGently(real, server, 5_000)
    await expect(new RawClient(port).untilClosed()).resolves.toBe('')
    expect(await running.untilClosed()).toContain('END')
    expect(await cut).toBe(0)
    await idle.untilClosed()
  })

  it('cuts what still runs after the grace', async () => {
    const { port, server } = await gate((_, response) => response.write('half'))
    const running = new RawClient(port).send(GET)
    await running.until('half')
    expect(await closeGently(real, server, 100)).toBe(1)
    await running.untilClosed()
  })

  it('a server that does not listen is closed already', async () => {
    expect(await closeGently(real, createServer(), 1_000)).toBe(0)
  })
})
