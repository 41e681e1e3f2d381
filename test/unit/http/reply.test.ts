import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as soon } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Reply } from '../../../src/gate/ports.ts'
import { nodeReply } from '../../../src/http/reply.ts'
import { RawClient, serve } from '../../support/serve.ts'

const cleanups: Array<() => unknown> = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** Answers every request with `speak`; gives a raw client. */
async function talk(
  speak: (reply: Reply, request: IncomingMessage, response: ServerResponse) => void,
  idleMs = 5_000,
): Promise<RawClient> {
  const server = await serve((request, response) =>
    speak(nodeReply(request, response, { idleMs }), request, response),
  )
  cleanups.push(server.close)
  const client = new RawClient(server.port)
  cleanups.push(() => client.socket.destroy())
  return client
}
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
/** More than the kernel takes for a reader that does not read. */
const BIG = Buffer.alloc(20_000_000)
const text = (bytes: string) => Buffer.from(bytes)

describe('a reply', () => {
  it('buffered: one head, a content-length, the body', async () => {
    const client = await talk((reply) => {
      reply.head(402, { 'content-type': 'application/json' })
      reply.end(text('{}'))
    })
    const answer = await client.send(GET).until('{}')
    expect(answer).toMatch(/^HTTP\/1\.1 402 Payment Required\r\n/)
    expect(answer).toMatch(/content-length: 2\r\n/i)
    expect(answer).toMatch(/connection: keep-alive/i)
  })

  it('C11 several values of a header are separate lines, in order', async () => {
    const client = await talk((reply) => {
      reply.head(402, { 'www-authenticate': ['L402 a="1"', 'Payment b="2"'] })
      reply.end()
    })
    const answer = await client.send(GET).until('\r\n\r\n')
    const lines = answer.split('\r\n').filter((line) => /^www-authenticate/i.test(line))
    expect(lines).toEqual(['www-authenticate: L402 a="1"', 'www-authenticate: Payment b="2"'])
  })

  it('G9 head and first bytes leave together, the next ones at once', async () => {
    const client = await talk(async (reply) => {
      reply.head(200, {})
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

  it('G9 a head alone does not wait for the body', async () => {
    const client = await talk((reply) => reply.head(200, { 'x-a': 'b' }))
    expect(await client.send(GET).until('x-a: b')).toContain('x-a: b')
  })

  it('a trailer is announced and sent on HTTP/1.1', async () => {
    const client = await talk((reply) => {
      reply.head(200, { trailer: 'X-Cost-Msat' })
      reply.write(text('hi'))
      reply.end(undefined, { 'X-Cost-Msat': '52' })
    })
    const answer = await client.send(GET).until('0\r\nX-Cost-Msat: 52\r\n\r\n')
    expect(answer).toContain('trailer: X-Cost-Msat')
    expect(answer).toContain('0\r\nX-Cost-Msat: 52\r\n\r\n')
  })

  it('a trailer is neither announced nor sent on HTTP/1.0', async () => {
    const client = await talk((reply) => {
      reply.head(200, { trailer: 'X-Cost-Msat' })
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
      reply.head(200, {})
      reply.end(body)
    })
    const answer = await client
      .send(GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
      .untilClosed()
    expect(answer).toMatch(/content-length: 3000001/)
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toHaveLength(3_000_001)
  })

  it('G4 an unread body closes the connection: it is never the next request', async () => {
    const client = await talk((reply) => {
      reply.head(413, {})
      reply.end(text('too large'))
    })
    client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n${GET}`)
    const answer = await client.untilClosed()
    expect(answer).toMatch(/connection: close/i)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('an unread GET keeps the connection', async () => {
    const client = await talk((reply) => {
      reply.head(200, {})
      reply.end(text('ok'))
    })
    await client.send(GET).until('ok')
    expect(client.text).not.toMatch(/connection: close/i)
  })
})

describe('back-pressure', () => {
  it('write answers false, drain comes when the reader goes on', async () => {
    const seen: string[] = []
    const client = await talk((reply) => {
      reply.head(200, {})
      expect(reply.write(BIG)).toBe(false)
      seen.push(`backlog ${reply.backlog > 0}`)
      reply.onDrain(() => {
        seen.push(`drained to ${reply.backlog}`)
        reply.end(text('END'))
      })
    })
    client.socket.pause()
    client.send(GET)
    await soon(60)
    expect(seen).toEqual(['backlog true'])
    client.socket.resume()
    await client.until('END')
    expect(seen).toEqual(['backlog true', 'drained to 0'])
  })

  it('onDrain where nothing waits is called all the same', async () => {
    const client = await talk((reply) => {
      reply.head(200, {})
      reply.onDrain(() => reply.end(text('END')))
    })
    expect(await client.send(GET).until('END')).toContain('END')
  })
})

describe('a buyer that leaves', () => {
  it('is told once, and what is written after is dropped', async () => {
    let gone = 0
    let replied: Reply | undefined
    const client = await talk((reply) => {
      replied = reply
      reply.onGone(() => {
        gone += 1
      })
      reply.head(200, {})
      reply.write(text('one'))
    })
    await client.send(GET).until('one')
    client.socket.destroy()
    await soon(50)
    expect(gone).toBe(1)
    expect(replied?.write(text('two'))).toBe(true)
    replied?.end(text('three'))
    expect(gone).toBe(1)
  })

  it('before onGone was asked for: told at once', async () => {
    const told: string[] = []
    const client = await talk(async (reply) => {
      await soon(60)
      reply.onGone(() => told.push('gone'))
    })
    client.send(GET)
    await soon(20)
    client.socket.destroy()
    await soon(80)
    expect(told).toEqual(['gone'])
  })

  it('A4 a reply that ended is not a buyer that left', async () => {
    const told: string[] = []
    const client = await talk((reply) => {
      reply.onGone(() => told.push('gone'))
      reply.head(200, {})
      reply.end(text('END'))
    })
    await client.send(GET).until('END')
    client.socket.destroy()
    await soon(50)
    expect(told).toEqual([])
  })
})

describe('D6 G8 a reader that stops reading', () => {
  it('has left when nothing was taken for the idle time, whatever is written meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const client = await talk((reply) => {
      const start = performance.now()
      reply.head(200, {})
      reply.write(BIG)
      const more = setInterval(() => reply.write(text(': still here\n\n')), 20)
      reply.onGone(() => {
        clearInterval(more)
        resolve(performance.now() - start)
      })
    }, 150)
    client.socket.pause()
    client.send(GET)
    const took = await promise
    expect(took).toBeGreaterThan(140)
    expect(took).toBeLessThan(1_000)
  })

  it('is cut after the end too', async () => {
    const closed = Promise.withResolvers<void>()
    const client = await talk((reply, _, response) => {
      response.on('close', () => closed.resolve())
      reply.head(200, {})
      reply.end(BIG)
    }, 100)
    client.socket.pause()
    client.send(GET)
    await closed.promise
  })

  it('a slow one that goes on reading lives beyond the idle time', async () => {
    const body = Buffer.alloc(12_000_000, 'x')
    const client = await talk((reply) => {
      reply.head(200, {})
      reply.end(body)
    }, 1_000)
    client.send(GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
    const start = performance.now()
    const slow = setInterval(() => {
      client.socket.resume()
      setTimeout(() => client.socket.pause(), 1)
    }, 20)
    client.socket.on('data', () => client.socket.pause())
    const answer = await client.untilClosed()
    clearInterval(slow)
    expect(performance.now() - start).toBeGreaterThan(1_500)
    expect(answer.length).toBeGreaterThan(body.length)
  })

  it('a silent upstream is no fault of the reader', async () => {
    let gone = false
    const client = await talk(async (reply) => {
      reply.onGone(() => {
        gone = true
      })
      reply.head(200, {})
      reply.write(text('one'))
      await soon(200)
      reply.end(text('END'))
    }, 60)
    await client.send(GET).until('END')
    expect(gone).toBe(false)
  })
})
