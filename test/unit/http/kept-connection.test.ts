import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { makeUpstream } from '../../../src/http/upstream.ts'
import { asked, Bench, chat, hear, settled, soon } from '../../support/hear.ts'
import { real } from '../../support/world.ts'

const bench = new Bench()
afterEach(() => bench.clean())

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** A server of raw sockets. `speak` gets the number of earlier requests on this connection. */
async function rawServer(
  speak: (socket: Socket, before: number) => void,
): Promise<{ base: URL; requests: string[] }> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let before = 0
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      requests.push(data.toString())
      speak(socket, before++)
    })
  })
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  bench.later(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const base = new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  return { base, requests }
}

const upstreamAt = (base: URL, more: object = {}) => {
  const upstream = makeUpstream({ world: real, base, key: null, now: Date.now, ...more })
  bench.later(() => upstream.close())
  return upstream
}

describe('K21 a kept connection that the backend closed', () => {
  it.each([
    ['ends', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('%s under a request: it is sent once more, on a new one', async (_, close) => {
    const { base, requests } = await rawServer((socket, before) => {
      if (before === 0) socket.write(OK)
      else close(socket)
    })
    const upstream = upstreamAt(base)
    await asked(upstream)
    const heard = await asked(upstream)
    expect([heard.end, heard.text]).toEqual(['end', 'ok'])
    expect(requests).toHaveLength(3)
    expect(requests[2]).toBe(requests[1])
  })

  it('never a third time: if the new connection closes too, the request has failed', async () => {
    let open = true
    const { base, requests } = await rawServer((socket) => {
      if (open) socket.write(OK)
      else socket.end()
    })
    const upstream = upstreamAt(base)
    await asked(upstream)
    open = false
    expect((await asked(upstream)).end).toBe('unreachable')
    expect(requests).toHaveLength(3)
  })

  it('not on a new connection', async () => {
    const { base, requests } = await rawServer((socket) => socket.end())
    expect((await asked(upstreamAt(base))).end).toBe('unreachable')
    expect(requests).toHaveLength(1)
  })

  it('not after one byte came, even if only of a head', async () => {
    const { base, requests } = await rawServer((socket, before) => {
      if (before === 0) socket.write(OK)
      else socket.end('HTTP/1.1 2')
    })
    const upstream = upstreamAt(base)
    await asked(upstream)
    expect((await asked(upstream)).end).toBe('unreachable')
    expect(requests).toHaveLength(2)
  })

  it('not after early hints, nor in the middle of an answer', async () => {
    for (const part of [
      'HTTP/1.1 103 Early Hints\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf',
    ]) {
      const { base, requests } = await rawServer((socket, before) => {
        if (before === 0) socket.write(OK)
        else socket.end(part)
      })
      const upstream = upstreamAt(base)
      await asked(upstream)
      await asked(upstream)
      expect(requests).toHaveLength(2)
    }
  })

  it('not later than 500 ms, because a runner that crashed at this request must not get it twice', async () => {
    const clock = { now: 0 }
    const { base, requests } = await rawServer((socket, before) => {
      if (before === 0) return void socket.write(OK)
      clock.now += 501
      socket.end()
    })
    const upstream = upstreamAt(base, { now: () => clock.now })
    await asked(upstream)
    expect((await asked(upstream)).end).toBe('unreachable')
    expect(requests).toHaveLength(2)
  })

  it('not to another backend than the one that it was written for', async () => {
    const { base, requests } = await rawServer((socket, before) => {
      if (before === 0) socket.write(OK)
      else socket.end()
    })
    const upstream = upstreamAt(base, {
      behind: { kind: () => 'other', isStill: async () => false },
    })
    await asked(upstream)
    expect((await asked(upstream)).end).toBe('unreachable')
    expect(requests).toHaveLength(2)
  })

  it('the backend is the one that was there when the request was written', async () => {
    let kind = 'ollama'
    const asks: string[] = []
    const { base } = await rawServer((socket, before) => {
      if (before === 0) return void socket.write(OK)
      kind = 'vllm'
      socket.end()
    })
    const isStill = async (one: string) => asks.push(one) > 0
    const upstream = upstreamAt(base, { behind: { kind: () => kind, isStill } })
    await asked(upstream)
    await asked(upstream)
    expect(asks).toEqual(['ollama'])
  })

  it('not for a buyer who left meanwhile', async () => {
    let answer: (same: boolean) => void = () => {}
    const { base, requests } = await rawServer((socket, before) => {
      if (before === 0) socket.write(OK)
      else socket.end()
    })
    const same = new Promise<boolean>((then) => {
      answer = then
    })
    const upstream = upstreamAt(base, { behind: { kind: () => 'other', isStill: () => same } })
    await asked(upstream)
    const heard = hear(upstream, chat({}))
    while (requests.length < 2) await soon(5)
    await soon(20)
    heard.sent.abort()
    answer(true)
    await heard.released
    await soon(20)
    expect([requests.length, heard.calls]).toEqual([2, []])
  })

  it('any other failure is reported once, and causes a doubt', async () => {
    let doubts = 0
    const { base } = await rawServer((socket) => socket.end('nonsense\r\n\r\n'))
    const upstream = upstreamAt(base, { onDoubt: () => (doubts += 1) })
    const heard = await settled(hear(upstream, chat({})))
    expect([heard.calls, doubts]).toEqual([['unreachable'], 1])
  })
})

describe('K20 kept connections towards the backend', () => {
  it('one that the backend closes while nobody uses it causes a doubt, and is not used again', async () => {
    let doubts = 0
    const { base, requests } = await rawServer((socket) => {
      socket.write(OK)
      setTimeout(() => socket.end(), 20)
    })
    const upstream = upstreamAt(base, { onDoubt: () => (doubts += 1) })
    await asked(upstream)
    while (doubts === 0) await soon(5)
    expect(doubts).toBe(1)
    expect((await asked(upstream)).end).toBe('end')
    expect(requests).toHaveLength(2)
  })
})
