import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as soon } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Reply } from '../../../src/gate/ports.ts'
import { nodeReply } from '../../../src/http/reply.ts'
import { until } from '../../support/buyer.ts'
import { RawClient, serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

const cleanups: Array<() => unknown> = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** Answers every request with `speak`. Returns a raw client. */
async function talk(
  speak: (reply: Reply, request: IncomingMessage, response: ServerResponse) => void,
  idleMs = 5_000,
): Promise<RawClient> {
  const server = await serve((request, response) =>
    speak(nodeReply(request, response, { world: real, idleMs }), request, response),
  )
  cleanups.push(server.close)
  const client = new RawClient(server.port)
  cleanups.push(() => client.socket.destroy())
  return client
}
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
/** More bytes than the kernel buffers for a reader that does not read. */
const BIG = Buffer.alloc(20_000_000)
/** A response whose reader takes the written bytes when the test says so. */
class SlowReader extends EventEmitter {
  readonly #written: Array<{ readonly size: number; readonly told?: () => void }> = []
  bytes = 0
  writableLength = 0
  destroyed = false
  chunkedEncoding = false

  get waiting(): boolean {
    return this.#written.length > 0
  }
  writeHead(): void {}
  flushHeaders(): void {}
  cork(): void {}
  uncork(): void {}
  destroy(): void {
    this.destroyed = true
  }
  write(bytes: Uint8Array | string, how?: string | (() => void)): void {
    const { length: size } = bytes
    this.#written.push(typeof how === 'function' ? { size, told: how } : { size })
    this.writableLength += bytes.length
  }
  end(bytes: Uint8Array | string = ''): void {
    if (bytes.length > 0) this.write(bytes)
  }
  /** Takes what was written, up to the next piece of a body. */
  take(): void {
    do {
      const first = this.#written.shift()
      this.writableLength -= first?.size ?? 0
      this.bytes += first?.size ?? 0
      first?.told?.()
    } while (this.#written[0]?.size === 0)
  }
}
/** A request that was read to its end. */
const FINE = { httpVersion: '1.1', headers: {}, complete: true } as IncomingMessage
const text = (bytes: string) => Buffer.from(bytes)

describe('a reply', () => {
  it('buffered: one head, a content-length, the body', async () => {
    const client = await talk((reply) => {
      reply.head(402, ['content-type', 'application/json'])
      reply.end(text('{}'))
    })
    const answer = await client.send(GET).until('{}')
    expect(answer).toMatch(/^HTTP\/1\.1 402 Payment Required\r\n/)
    expect(answer).toMatch(/content-length: 2\r\n/i)
    expect(answer).toMatch(/connection: keep-alive/i)
  })

  it('C11 several values of a header are separate lines, in order', async () => {
    const client = await talk((reply) => {
      const name = 'www-authenticate'
      reply.head(402, [name, 'L402 a="1"', name, 'Payment b="2"'])
      reply.end()
    })
    const answer = await client.send(GET).until('\r\n\r\n')
    const lines = answer.split('\r\n').filter((line) => /^www-authenticate/i.test(line))
    expect(lines).toEqual(['www-authenticate: L402 a="1"', 'www-authenticate: Payment b="2"'])
  })

  it('G9 head and first bytes leave together, the next ones at once', async () => {
    const client = await talk(async (reply) => {
      reply.head(200, [])
      reply.write(text('one'))
      await soon(60)
      reply.end(text('two'))
    })
    const packets: string[] = []
    client.socket.on('data', (data) => packets.push(data.toString()))
    await client.send(GET).until('two')
    expect(packets[0]).toMatch(/^HTTP\/1\.1 200[\s\S]*one/)
    expect(packets[0]).not.toContain('two')
  })

  it('G9 what is written in one turn of the event loop is one chunk', async () => {
    const client = await talk(async (reply) => {
      reply.head(200, [])
      reply.write(text('one'))
      reply.write(text('two'))
      await soon(20)
      reply.write(text('three'))
      reply.end(text('four'))
    })
    const answer = await client.send(GET).until('0\r\n\r\n')
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(
      '6\r\nonetwo\r\n9\r\nthreefour\r\n0\r\n\r\n',
    )
  })

  it('G9 a head, small pieces in turns of their own and a trailer: all in order', async () => {
    const client = await talk(async (reply) => {
      reply.head(200, ['x-a', 'b'])
      await soon(10)
      for (const piece of ['one', 'two', 'three']) {
        reply.write(text(piece))
        await soon(10)
      }
      reply.end(undefined, { 'X-Cost-Msat': '52' })
    })
    const answer = await client.send(GET).until('52\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(
      '3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\nX-Cost-Msat: 52\r\n\r\n',
    )
  })

  it('every byte arrives as it is, in small pieces and in large ones', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const large = Buffer.alloc(20_000, bytes)
    const client = await talk(async (reply) => {
      reply.head(200, [])
      reply.write(bytes)
      await soon(20)
      reply.write(new Uint8Array(large))
      await soon(20)
      reply.end(large)
    })
    const answer = await client.send(GET).until('0\r\n\r\n')
    const chunk = (body: Buffer) => `${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n`
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    expect(body === `${chunk(bytes)}${chunk(large)}${chunk(large)}0\r\n\r\n`).toBe(true)
  })

  it('G9 a head does not wait for the body', async () => {
    const client = await talk((reply) => reply.head(200, ['x-a', 'b']))
    expect(await client.send(GET).until('x-a: b')).toContain('x-a: b')
  })

  it('a trailer is announced and sent on HTTP/1.1', async () => {
    const client = await talk((reply) => {
      reply.head(200, ['trailer', 'X-Cost-Msat'])
      reply.write(text('hi'))
      reply.end(undefined, { 'X-Cost-Msat': '52' })
    })
    const answer = await client.send(GET).until('0\r\nX-Cost-Msat: 52\r\n\r\n')
    expect(answer).toContain('trailer: X-Cost-Msat')
    expect(answer).toContain('0\r\nX-Cost-Msat: 52\r\n\r\n')
  })

  it('a trailer is neither announced nor sent on HTTP/1.0', async () => {
    const client = await talk((reply) => {
      reply.head(200, ['trailer', 'X-Cost-Msat'])
      reply.write(text('hi'))
      reply.end(undefined, { 'X-Cost-Msat': '52' })
    })
    const answer = await client.send('GET / HTTP/1.0\r\n\r\n').untilClosed()
    expect(answer).toMatch(/\r\n\r\nhi$/)
    expect(answer).not.toMatch(/trailer|cost/i)
  })

  it('a large body arrives whole, with its length', async () => {
    const body = Buffer.alloc(3_000_001, 'x')
    const client = await talk((reply) => {
      reply.head(200, [])
      reply.end(body)
    })
    const answer = await client
      .send(GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
      .untilClosed()
    expect(answer).toMatch(/content-length: 3000001/)
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toHaveLength(3_000_001)
  })

  it('G4 an unread body closes the connection, so it is never read as the next request', async () => {
    const client = await talk((reply) => {
      reply.head(413, [])
      reply.end(text('too large'))
    })
    client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n${GET}`)
    const answer = await client.untilClosed()
    expect(answer).toMatch(/connection: close/i)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('a header that cannot be sent is a bug of who writes, and not of the event loop', async () => {
    const told: unknown[] = []
    const client = await talk((reply, _, response) => {
      reply.head(200, ['x-a', 'two\r\nlines'])
      try {
        reply.write(text('one'))
      } catch (error) {
        told.push(error)
      }
      response.destroy()
    })
    await client.send(GET).untilClosed()
    expect(told).toMatchObject([{ code: 'ERR_INVALID_CHAR' }])
  })

  it('an unread GET keeps the connection', async () => {
    const client = await talk((reply) => {
      reply.head(200, [])
      reply.end(text('ok'))
    })
    await client.send(GET).until('ok')
    expect(client.text).not.toMatch(/connection: close/i)
  })
})

describe('an answer', () => {
  it('has one head: a second one is a bug', async () => {
    const told: unknown[] = []
    const client = await talk((reply) => {
      reply.head(200, [])
      try {
        reply.head(500, [])
      } catch (error) {
        told.push(error)
      }
      reply.end(text('END'))
    })
    expect(await client.send(GET).until('END')).toMatch(/^HTTP\/1\.1 200/)
    expect(told).toMatchObject([{ message: 'an answer has one head' }])
  })
})

describe('back-pressure', () => {
  it('write answers false, drain comes when the reader goes on', async () => {
    const seen: string[] = []
    const client = await talk((reply) => {
      reply.head(200, [])
      expect(reply.write(BIG)).toBe(false)
      seen.push(`backlog ${reply.backlog > 0}`)
      reply.onDrain(() => {
        seen.push(`drained to ${reply.backlog}`)
        reply.end(text('END'))
      })
    })
    // Searching all bytes after each piece would take longer than the piece.
    const ended = new Promise<void>((then) => {
      client.socket.on('data', (piece) => piece.toString('latin1').includes('END') && then())
    })
    client.socket.pause()
    client.send(GET)
    await until(() => seen.length > 0)
    await soon(60)
    expect(seen).toEqual(['backlog true'])
    client.socket.resume()
    await ended
    expect(seen).toEqual(['backlog true', 'drained to 0'])
  })

  it('onDrain is called even if nothing waits', async () => {
    const client = await talk((reply) => {
      reply.head(200, [])
      reply.onDrain(() => reply.end(text('END')))
    })
    expect(await client.send(GET).until('END')).toContain('END')
  })
})

describe('a buyer that leaves', () => {
  it('is reported once, and what is written afterwards is dropped', async () => {
    let gone = 0
    let replied: Reply | undefined
    const client = await talk((reply) => {
      replied = reply
      reply.onGone(() => {
        gone += 1
      })
      reply.head(200, [])
      reply.write(text('one'))
    })
    await client.send(GET).until('one')
    client.socket.destroy()
    await until(() => gone > 0)
    expect(replied?.write(text('two'))).toBe(true)
    replied?.end(text('three'))
    expect(gone).toBe(1)
  })

  it('before onGone was set: reported at once', async () => {
    const told: string[] = []
    let arrived = false
    const client = await talk(async (reply, _, response) => {
      arrived = true
      await until(() => response.destroyed)
      reply.onGone(() => told.push('gone'))
    })
    client.send(GET)
    await until(() => arrived)
    client.socket.destroy()
    await until(() => told.length > 0)
    expect(told).toEqual(['gone'])
  })

  it('A4 a reply that ended does not count as a buyer that left', async () => {
    const told: string[] = []
    const client = await talk((reply) => {
      reply.onGone(() => told.push('gone'))
      reply.head(200, [])
      reply.end(text('END'))
    })
    await client.send(GET).until('END')
    client.socket.destroy()
    await soon(50)
    expect(told).toEqual([])
  })
})

describe('D6 G8 a reader that stops reading', () => {
  it('has left if nothing was taken for the idle time, whatever is written meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const client = await talk((reply) => {
      reply.head(200, [])
      reply.write(BIG)
      const more = setInterval(() => reply.write(text(': still here\n\n')), 20)
      reply.onGone(() => {
        clearInterval(more)
        resolve()
      })
    }, 150)
    client.socket.pause()
    client.send(GET)
    await promise
  })

  it('is cut after the end too', async () => {
    const closed = Promise.withResolvers<void>()
    const client = await talk((reply, _, response) => {
      response.on('close', () => closed.resolve())
      reply.head(200, [])
      reply.end(BIG)
    }, 100)
    client.socket.pause()
    client.send(GET)
    await closed.promise
  })

  it('a slow one that takes some now and then lives on, however much waits for it', () => {
    vi.useFakeTimers()
    cleanups.push(() => vi.useRealTimers())
    for (const ends of [false, true]) {
      const slow = new SlowReader()
      const reply = nodeReply(FINE, slow as never, { world: real, idleMs: 1_000 })
      reply.head(200, [])
      const body = Buffer.alloc(1_200_001, 'x')
      if (ends) reply.end(body)
      else expect(reply.write(body)).toBe(false)
      let taken = 0
      while (slow.waiting) {
        vi.advanceTimersByTime(999)
        expect(slow.destroyed).toBe(false)
        slow.take()
        taken += 1
      }
      // No piece waits for everything after it.
      expect(taken).toBe(Math.ceil(body.length / 65_536))
      expect(slow.bytes).toBe(body.length)
      expect(reply.backlog).toBe(0)
    }
  })

  it('one that takes nothing more has left, also in the middle of one large write', () => {
    vi.useFakeTimers()
    cleanups.push(() => vi.useRealTimers())
    const slow = new SlowReader()
    const reply = nodeReply(FINE, slow as never, { world: real, idleMs: 1_000 })
    reply.head(200, [])
    reply.write(Buffer.alloc(1_200_000))
    for (let turn = 0; turn < 3; turn += 1) slow.take()
    vi.advanceTimersByTime(999)
    expect(slow.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(slow.destroyed).toBe(true)
  })

  it('large and small, in any order: what arrives is what was written', async () => {
    const parts = [3, 70_000, 65_536, 1, 200_001, 5].map((size, at) =>
      Buffer.alloc(size, 'abcdef'[at]),
    )
    const client = await talk((reply) => {
      reply.head(200, [])
      for (const part of parts.slice(0, -1)) reply.write(part)
      reply.end(parts.at(-1))
    })
    const answer = await client.send('GET / HTTP/1.0\r\n\r\n').untilClosed()
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    expect(body === Buffer.concat(parts).toString()).toBe(true)
  })

  it('a silent upstream is not the reader’s fault', async () => {
    let gone = false
    const client = await talk(async (reply) => {
      reply.onGone(() => {
        gone = true
      })
      reply.head(200, [])
      reply.write(text('one'))
      await soon(200)
      reply.end(text('END'))
    }, 60)
    await client.send(GET).until('END')
    expect(gone).toBe(false)
  })
})
