import { createServer as createTcp, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { asked, Bench, chat, hear, settled, soon } from '../../support/hear.ts'

const bench = new Bench()
afterEach(() => bench.clean())

/** A server that answers with raw bytes. */
async function rawServer(speak: (socket: Socket, request: string) => void): Promise<URL> {
  const sockets = new Set<Socket>()
  const server = createTcp((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => speak(socket, data.toString()))
  })
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  bench.later(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
}

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n'

describe('an upstream answers', () => {
  it('buffered: status, body, end', async () => {
    const { upstream } = await bench.both()
    const heard = await asked(upstream)
    expect(heard.status).toBe(200)
    expect(JSON.parse(heard.text).choices[0].message.content).toBe('Hello there')
    expect(heard.end).toBe('end')
    await heard.released
  })

  it('streamed: each event as it comes, byte for byte', async () => {
    const { upstream } = await bench.both({ deltas: ['a', 'b', 'c'], paceMs: 10 })
    const heard = await settled(hear(upstream, chat({ stream: true })))
    expect(heard.calls.filter((call) => call === 'data').length).toBeGreaterThan(2)
    expect(heard.text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('in many pieces at once: they are heard as one, before the end and before a break', async () => {
    for (const [rest, end] of [
      ['0\r\n\r\n', 'end'],
      ['no chunk\r\n', 'broken'],
    ]) {
      const pieces = '5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n'
      const base = await rawServer((socket) => socket.write(`${CHUNKED}\r\n${pieces}${rest}`))
      const heard = await settled(hear(bench.at(base), chat({})))
      expect([heard.text, heard.end]).toEqual(['hello, world', end])
      expect(heard.calls.filter((call) => call === 'data')).toHaveLength(1)
    }
  })

  it('with a refusal: it is passed on, not thrown', async () => {
    const { upstream } = await bench.both({ status: 400, body: '{"error":"no"}' })
    const heard = await asked(upstream)
    expect([heard.status, heard.text, heard.end]).toEqual([400, '{"error":"no"}', 'end'])
  })

  it('one connection carries requests that follow each other', async () => {
    const { fake, upstream } = await bench.both()
    for (let turn = 0; turn < 5; turn += 1) await asked(upstream)
    expect(fake.connections).toBe(1)
  })

  it('many streams at once, each on a connection of its own', async () => {
    const { fake, upstream } = await bench.both({ deltas: ['a', 'b'], paceMs: 30 })
    const all = Array.from({ length: 200 }, () => hear(upstream, chat({ stream: true })))
    await Promise.all(all.map(settled))
    expect(all.every((heard) => heard.end === 'end')).toBe(true)
    expect(fake.connections).toBe(200)
  })

  it('early hints are not the answer', async () => {
    const base = await rawServer((socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      ),
    )
    const heard = await asked(bench.at(base))
    expect(heard.calls).toEqual(['head', 'data', 'end'])
    expect(heard.status).toBe(200)
  })
})

describe('an upstream fails', () => {
  it('nobody listens: unreachable', async () => {
    const { fake, upstream } = await bench.both()
    await fake.close()
    const heard = await asked(upstream)
    expect([heard.end, heard.status]).toEqual(['unreachable', 0])
    expect(heard.detail).toMatch(/ECONNREFUSED/)
    await heard.released
  })

  it('it closes before a byte of the answer: unreachable, and the request is not sent again', async () => {
    const { fake, upstream } = await bench.both({ refuse: true })
    expect((await asked(upstream)).end).toBe('unreachable')
    await soon(50)
    expect(fake.seen).toHaveLength(1)
  })

  it('it dies midway: broken, with what came before', async () => {
    const { upstream } = await bench.both({
      deltas: ['a', 'b', 'c'],
      paceMs: 5,
      after: { deltas: 2, does: 'die' },
    })
    const heard = await settled(hear(upstream, chat({ stream: true })))
    expect(heard.end).toBe('broken')
    expect(heard.text).toContain('"content":"b"')
    await heard.released
  })

  it('it speaks something else than HTTP: unreachable', async () => {
    const base = await rawServer((socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'))
    expect((await asked(bench.at(base))).end).toBe('unreachable')
  })

  it('a failed connection does not spoil the next request', async () => {
    const { fake, upstream } = await bench.both({ refuse: true })
    await asked(upstream)
    fake.script = {}
    expect((await asked(upstream)).end).toBe('end')
  })

  it('an operator sees why, never the key', async () => {
    const { fake, upstream } = await bench.both()
    await fake.close()
    expect((await asked(upstream)).detail).not.toContain('sk-operator')
  })
})

describe('abort', () => {
  it.each(['flood', 'silence'] as const)(
    'D7 stops a stream in %s at once, and says when it has let go',
    async (does) => {
      const { fake, upstream } = await bench.both({ after: { deltas: 1, does } })
      const heard = hear(upstream, chat({ stream: true }))
      while (heard.text === '') await soon(5)
      const calls = heard.calls.length
      heard.sent.abort()
      await heard.released
      await fake.untilAborted()
      await soon(20)
      expect(heard.calls).toHaveLength(calls)
      expect(fake.running).toBe(0)
    },
  )

  it('D7 stops a buffered request that has not answered', async () => {
    const { fake, upstream } = await bench.both({ firstByteMs: 60_000 })
    const heard = hear(upstream, chat({}))
    while (fake.seen.length === 0) await soon(5)
    heard.sent.abort()
    await heard.released
    await fake.untilAborted()
    expect(heard.calls).toEqual([])
  })

  it('before the connection is made sends nothing', async () => {
    const { fake, upstream } = await bench.both()
    const heard = hear(upstream, chat({}))
    heard.sent.abort()
    await heard.released
    await soon(30)
    expect([fake.seen.length, heard.calls.length]).toEqual([0, 0])
  })

  it('from within data: nothing more is heard, and others go on', async () => {
    const { upstream } = await bench.both({ deltas: ['a', 'b', 'c', 'd'] })
    const other = hear(upstream, chat({ stream: true }))
    const heard = hear(upstream, chat({ stream: true }), ({ sent }) => {
      sent.abort()
      return true
    })
    await heard.released
    expect(heard.calls).toEqual(['head', 'data'])
    expect((await settled(other)).end).toBe('end')
  })

  it('after the end, or twice, does nothing', async () => {
    const { upstream } = await bench.both()
    const heard = await asked(upstream)
    heard.sent.abort()
    heard.sent.abort()
    expect((await asked(upstream)).end).toBe('end')
  })
})

describe('back-pressure', () => {
  it('a listener that answers false hears nothing until resume', async () => {
    const { upstream } = await bench.both({
      deltas: Array.from({ length: 40 }, () => 'x'.repeat(4_000)),
      paceMs: 1,
    })
    const heard = hear(upstream, chat({ stream: true }), () => false)
    while (heard.text === '') await soon(5)
    const calls = heard.calls.length
    await soon(80)
    expect(heard.calls.length).toBe(calls)
    const pump = setInterval(() => heard.sent.resume(), 1)
    await heard.over
    clearInterval(pump)
    expect(heard.end).toBe('end')
    expect(heard.text.match(/x{4000}/g)).toHaveLength(40)
  })

  it('resume from within another stream’s data is safe', async () => {
    const { upstream } = await bench.both({ deltas: ['a', 'b', 'c'], paceMs: 20 })
    const slow = hear(upstream, chat({ stream: true }), () => false)
    while (slow.text === '') await soon(2)
    const quick = hear(upstream, chat({ stream: true }), () => {
      slow.sent.resume()
      return true
    })
    await quick.over
    const pump = setInterval(() => slow.sent.resume(), 2)
    await slow.over
    clearInterval(pump)
    expect([quick.end, slow.end]).toEqual(['end', 'end'])
  })

  it.each([
    ['told by closing', 'HTTP/1.1 200 OK\r\n\r\nhello', 'end'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\nhello', 'broken'],
    ['of a closing connection', `${CHUNKED}connection: close\r\n\r\n5\r\nhello\r\n`, 'broken'],
  ])('an answer %s is not paused, and its end is no crash', async (_, bytes, end) => {
    const base = await rawServer((socket) => socket.end(bytes))
    const heard = await settled(hear(bench.at(base), chat({}), () => false))
    expect([heard.text, heard.end]).toEqual(['hello', end])
  })

  it('an upstream that died while it was paused is broken on resume', async () => {
    const base = await rawServer((socket) => {
      socket.write(`${CHUNKED}\r\n5\r\nhello\r\n`, () => setTimeout(() => socket.end(), 30))
    })
    const heard = hear(bench.at(base), chat({}), () => false)
    await soon(80)
    heard.sent.resume()
    await heard.over
    expect([heard.text, heard.end]).toEqual(['hello', 'broken'])
  })
})

describe('getJson', () => {
  it('reads a document, any status', async () => {
    const { fake, upstream } = await bench.both()
    const answer = await upstream.getJson('/v1/models', 1_000)
    expect(answer).toMatchObject({ ok: true, value: { status: 200, json: { object: 'list' } } })
    fake.script = { status: 401, body: 'no' }
    const refused = await upstream.getJson('/v1/models', 1_000)
    expect(refused).toMatchObject({ ok: true, value: { status: 401, json: undefined } })
  })

  it('gives up at its deadline and lets go', async () => {
    const { fake, upstream } = await bench.both({ firstByteMs: 60_000 })
    expect(await upstream.getJson('/v1/models', 60)).toEqual({
      ok: false,
      error: 'no answer within 60 ms',
    })
    await fake.untilAborted()
  })

  it('D6 reads no more than 8 MiB', async () => {
    const { upstream } = await bench.both({ body: 'x'.repeat(9 * 1024 * 1024) })
    expect(await upstream.getJson('/v1/models', 5_000)).toMatchObject({
      ok: false,
      error: /more than/,
    })
  })

  it('says that nobody is there', async () => {
    const { fake, upstream } = await bench.both()
    await fake.close()
    expect(await upstream.getJson('/v1/models', 1_000)).toMatchObject({
      ok: false,
      error: /^unreachable/,
    })
  })
})
