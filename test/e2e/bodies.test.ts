import { describe, expect, it, onTestFinished } from 'vitest'
import type { Streaming } from '../support/ask.ts'
import { until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { GateProcess } from '../support/gate-process.ts'
import { RawClient } from '../support/serve.ts'
import { startFakeUpstream } from '../support/upstream.ts'

const CHAT = '/v1/chat/completions'
const KB = 1024
const MB = 1024 * KB
/** Requests come through a trusted proxy, which names the client. */
const settings = { trustedProxies: ['127.0.0.1'] }

/** Sends the beginning of a body and never its end. */
function unfinished(gate: Pick<TestGate, 'port'>, headers: string, bytes: number): RawClient {
  const client = new RawClient(gate.port)
  onTestFinished(() => void client.socket.destroy())
  client.send(`POST ${CHAT} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${'x'.repeat(bytes)}`)
  return client
}
const as = (who: number | string) => `X-Forwarded-For: 198.51.100.${who}`
const long = (bytes: number, more = '') => `${more}Content-Length: ${bytes}`

/** JSON of a little more than that many bytes. */
const prompt = (bytes: number) => ({
  messages: [{ role: 'user', content: 'a '.repeat(bytes / 2) }],
})

describe('J7 unpaid_bytes_take_bounded_memory', () => {
  it('J7 unfinished bodies of 10 MB: one client has one of them, all have 64 MB, and buyers are served', async () => {
    const gate = await startGate({ settings })
    const pass = await gate.buy(1_000)
    const bodies = Array.from({ length: 40 }, (_, n) =>
      unfinished(gate, `${as(n % 20)}\r\n${long(10_000_000)}`, 3 * MB),
    )
    const refused = () => bodies.filter(({ text }) => text.includes('bodies_busy')).length
    await until(() => refused() >= 25)
    expect(gate.composed.bodyBytes()).toBeLessThanOrEqual(48 * MB)
    expect(bodies.find(({ text }) => text !== '')?.text).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*"type":"server_error","code":"bodies_busy"/i,
    )
    expect((await gate.chat(pass)).status).toBe(200)
    expect((await gate.chat(pass, prompt(400 * KB))).status).not.toBe(503)
    expect(
      (await gate.chat(null, prompt(100 * KB), { 'x-forwarded-for': '203.0.113.9' })).status,
    ).toBe(402)
    for (const { socket } of bodies) socket.destroy()
    await until(() => gate.composed.bodyBytes() === 0)
    await gate.proof()
  })

  it('J7 small unfinished bodies of one client take at most an eighth, and others go on', async () => {
    const gate = await startGate({ settings })
    const bodies = Array.from({ length: 60 }, () =>
      unfinished(gate, `${as(1)}\r\n${long(200 * KB)}`, 180 * KB),
    )
    await until(() => bodies.some(({ text }) => text.includes('bodies_busy')))
    expect(gate.composed.bodyBytes()).toBeLessThanOrEqual(8 * MB)
    const other = await gate.chat(null, prompt(200 * KB), { 'x-forwarded-for': '198.51.100.2' })
    expect(other.status).toBe(402)
  })

  it('J7 a client that sends before it has a pass gets a 402, with a body of 9 MB too', async () => {
    const gate = await startGate()
    const refused = await gate.chat(null, prompt(9_000_000))
    expect([refused.status, refused.json.error.type]).toEqual([402, 'insufficient_quota'])
    expect(gate.composed.bodyBytes()).toBe(0)
  })

  it('J7 somebody with a pass of ten sats cannot fill the memory of all passes', async () => {
    const gate = await startGate()
    const [thief, buyer] = [await gate.buy(10), await gate.buy(100_000)]
    const stolen = `Authorization: Bearer ${thief.text}\r\n`
    const bodies = Array.from({ length: 12 }, () =>
      unfinished(gate, long(10_000_000, stolen), 9 * MB),
    )
    await until(() => bodies.filter(({ text }) => text.includes('bodies_busy')).length >= 9)
    expect(gate.composed.bodyBytes()).toBeLessThanOrEqual(32 * MB)
    expect((await gate.chat(buyer, prompt(5_000_000))).status).not.toBe(503)
    expect((await gate.chat(null, prompt(300 * KB))).status).toBe(402)
  })

  it('J7 a macaroon of ours with a wrong secret is a stranger', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const wrong = `Authorization: Bearer ${pass.macaroon}:${'0'.repeat(64)}\r\n`
    const first = unfinished(gate, long(1 * MB, wrong), 10)
    const second = unfinished(gate, long(1 * MB, wrong), 10)
    await until(() => first.text !== '' || second.text !== '')
    expect(first.text + second.text).toContain('bodies_busy')
  })

  it('J7 a pass whose payment is not seen yet counts as none: its wallet is not asked before the body is read', async () => {
    const gate = await startGate()
    const made = await gate.ask({ path: '/create-invoice', body: { amountSats: 10 } })
    const wrong = `Authorization: L402 ${made.json.macaroon}:${'1'.repeat(64)}\r\n`
    const lookups = gate.events.length
    const body = unfinished(gate, long(2 * MB, wrong), 100)
    await until(() => gate.composed.bodyBytes() > 0)
    expect([body.text, gate.events.length]).toEqual(['', lookups])
  })

  it('J7 a body is freed with its answer, whatever the answer is', async () => {
    const gate = await startGate()
    const pass = await gate.buy(1_000)
    const statuses = [
      await gate.chat(null),
      await gate.chat(pass),
      await gate.chat(pass, { stream: true }),
      await gate.chat(pass, { model: 'nope' }),
      await gate.ask({ path: CHAT, body: '{' }),
      await gate.ask({ path: '/create-invoice', body: { amountSats: 0 } }),
      await gate.ask({ path: '/nowhere', body: { a: 1 } }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([402, 200, 200, 404, 400, 400, 404])
    await until(() => gate.composed.bodyBytes() === 0)
  })

  it('J7 a paid stream keeps no body while it runs; the body of an unpaid one counts to its end', async () => {
    const script = { deltas: ['a', 'b', 'c'], after: { deltas: 2, does: 'silence' } } as const
    const gate = await startGate({
      settings: { pricing: { models: { 'free-*': 'free' } } },
      script,
    })
    const pass = await gate.buy(100_000)
    const long = { ...prompt(300 * KB), stream: true }
    const paid = await gate.client.open(gate.chatQuestion(pass, long))
    await paid.until('"b"')
    expect(gate.composed.bodyBytes()).toBe(0)
    const free = await gate.client.open(gate.chatQuestion(pass, { ...long, model: 'free-1' }))
    await free.until('"b"')
    expect(gate.composed.bodyBytes()).toBe(0)
    const stranger = await gate.client.open(gate.chatQuestion(null, { ...long, model: 'free-1' }))
    await stranger.until('"b"')
    expect(gate.composed.bodyBytes()).toBeGreaterThan(300 * KB)
    for (const stream of [paid, free, stranger]) stream.leave()
    await until(() => gate.composed.bodyBytes() === 0)
    await until(() => gate.composed.running() === 0)
    await gate.proof()
  })

  it('J7 a free model serves one client in parallel, also with large prompts', async () => {
    const script = { deltas: ['a', 'b'], after: { deltas: 1, does: 'silence' } } as const
    const gate = await startGate({
      settings: { pricing: { models: { 'free-*': 'free' } } },
      script,
    })
    const long = { ...prompt(300 * KB), stream: true, model: 'free-1' }
    const streams: Streaming[] = []
    for (let n = 0; n < 5; n += 1) {
      const stream = await gate.client.open(gate.chatQuestion(null, long))
      expect(stream.status).toBe(200)
      await stream.until('"a"')
      streams.push(stream)
    }
    expect(gate.composed.bodyBytes()).toBeGreaterThan(5 * 300 * KB)
    for (const stream of streams) stream.leave()
    await until(() => gate.composed.bodyBytes() === 0)
  })

  it('J7 a client that asks before sending is refused before sending, if there is no room', async () => {
    const gate = await startGate()
    unfinished(gate, long(1 * MB), 300 * KB)
    await until(() => gate.composed.bodyBytes() > 0)
    const asks = unfinished(gate, long(1 * MB, 'Expect: 100-continue\r\n'), 0)
    const answer = await asks.until('bodies_busy')
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    const nowhere = new RawClient(gate.port)
    onTestFinished(() => void nowhere.socket.destroy())
    nowhere.send(
      'POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
    )
    expect(await nowhere.until('not_found')).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('J7 in a process of its own', () => {
  it('J7 a megabyte in one-byte chunks over six connections fits a heap of 80 MB', async () => {
    const fake = await startFakeUpstream({ models: [{ id: 'fake', object: 'model' }] })
    onTestFinished(() => fake.close())
    const gate = new GateProcess({ upstream: fake.base.origin, wallet: 'play' })
    onTestFinished(() => gate.remove())
    await gate.start({ NODE_OPTIONS: '--max-old-space-size=80' })
    const port = Number(new URL(gate.url).port)
    const chunks = '1\r\nx\r\n'.repeat(175_000)
    const bodies = Array.from({ length: 6 }, () => {
      const client = unfinished({ port }, 'Transfer-Encoding: chunked', 0)
      return client.send(chunks)
    })
    for (const client of bodies) client.send('0\r\n\r\n')
    for (const client of bodies) expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 400 /)
    expect((await gate.client.ask({ path: '/health' })).status).toBe(200)
  }, 60_000)
})
