import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, type Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { RawClient } from '../support/serve.ts'

let gate: TestGate
let pass: Pass
beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: {
      limits: { body: '100kb', invoicesPerClient: 1000 },
      pricing: { default: 1, models: { 'free-*': 'free' } },
    },
  })
  pass = await gate.buy(1_000)
})
afterAll(() => gate.close())

const CHAT = '/v1/chat/completions'
const body = (model = 'fake') =>
  JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] })

/** Sends one request as bytes. The connection is closed after the answer. */
async function raw(head: string, payload = ''): Promise<string> {
  const client = new RawClient(gate.port)
  client.send(`${head.replaceAll('\n', '\r\n')}\r\nConnection: close\r\n\r\n${payload}`)
  return client.untilClosed()
}
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)

describe('what reaches the upstream', () => {
  it.each([
    '/api/push',
    '/api/pull',
    '/v1/models/../chat/completions',
    '/v1/./chat/completions',
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1/chat%2fcompletions',
    '/v1/ch%61t/completions',
    '/v1/chat/completions/',
    '/v1/chat/completions;x=1',
    '/v1/chat/completions@evil.example',
    '/V1/chat/completions',
    '/metrics',
    '/control.sock',
    '/slots',
    '/v1/internal/model/load',
  ])('G1 and G7 %s is a 404 and is sent to nobody', async (path) => {
    const before = gate.fake.seen.length
    const answered = await gate.ask({ path, body: body(), headers: bearer(pass) })
    expect(answered.status).toBe(404)
    expect(gate.fake.seen.length).toBe(before)
  })

  it.each([
    ['/v1\\chat\\completions', 'x'],
    ['*', 'x'],
    ['http://[/', 'x'],
    [CHAT, 'evil@x'],
    [CHAT, 'a b'],
  ])('G1 %s with Host %s is no URL: 400 in the words of the dialect', async (target, host) => {
    const before = gate.fake.seen.length
    const text = await raw(`POST ${target} HTTP/1.1\nHost: ${host}\nContent-Length: 0`)
    expect(statusOf(text)).toBe(400)
    expect(text).toMatch(/{"error":{.*"code":"bad_request"/)
    expect(gate.fake.seen.length).toBe(before)
  })

  it('G1 whatever the target, the Host or an @ says, only the operator’s upstream is called', async () => {
    const before = gate.fake.seen.length
    const own = `Host: evil.example\nAuthorization: Bearer ${pass.text}\nContent-Length: ${body().length}`
    const absolute = await raw(`POST http://evil.example${CHAT} HTTP/1.1\n${own}`, body())
    expect(statusOf(absolute)).toBe(404)
    expect(gate.fake.seen.length).toBe(before)
    expect(statusOf(await raw(`POST ${CHAT} HTTP/1.1\n${own}`, body()))).toBe(200)
    expect(gate.fake.seen.at(-1)?.headers.host).toBe(gate.fake.base.host)
  })

  it('G3 G5 G6 nothing of the buyer but its body: no credential, no origin, no forged name', async () => {
    await gate.chat(
      pass,
      {},
      {
        origin: 'https://a.example',
        referer: 'https://a.example/x',
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        'x-satgate-account': 'root',
        'openai-organization': 'org-1',
        'user-agent': 'somebody/1.0',
        te: 'trailers',
        'proxy-authorization': 'Basic eDp5',
        'accept-encoding': 'gzip',
        'x-custom': 'y',
      },
    )
    const headers = gate.fake.seen.at(-1)?.headers ?? {}
    expect(Object.keys(headers).sort()).toEqual([
      'accept-encoding',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'x-request-id',
    ])
    expect(JSON.stringify(headers)).not.toContain(pass.macaroon.slice(0, 20))
    expect(headers['user-agent']).toBe('satgate')
  })

  it('G2 a redirect is not followed', async () => {
    const kept = gate.fake.script
    const connections = gate.fake.seen.length
    gate.fake.script = {
      status: 307,
      body: '',
      headers: { location: `${gate.fake.base}v1/models` },
    }
    expect((await gate.chat(pass)).status).toBe(502)
    expect(gate.fake.seen.length).toBe(connections + 1)
    gate.fake.script = kept
  })

  it('I13 disagreeing_parsers: what is priced is what is sent, with each member as it was written', async () => {
    const text =
      '{ "model":"fake",\n "messages":[{"role":"user","content":"\\u00e9 \\ud83d\\ude00 1e400"}], "seed":1E2 }'
    await gate.ask({ path: CHAT, body: text, headers: bearer(pass) })
    const sent = gate.fake.seen.at(-1)?.bytes.toString() ?? ''
    expect(sent).toBe(
      '{"model":"fake","messages":[{"role":"user","content":"\\u00e9 \\ud83d\\ude00 1e400"}],"seed":1E2,"max_tokens":2048}',
    )
  })
})

describe('G4 requests that could be read in two ways', () => {
  const host = 'Host: x'
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `POST ${CHAT} HTTP/1.1\n${host}\nContent-Length: 5\nTransfer-Encoding: chunked`,
    ],
    [
      'two different lengths',
      `POST ${CHAT} HTTP/1.1\n${host}\nContent-Length: 5\nContent-Length: 6`,
    ],
    ['a folded header', `POST ${CHAT} HTTP/1.1\n${host}\nAuthorization: Bearer\n x`],
    ['no Host', `POST ${CHAT} HTTP/1.1\nContent-Length: 0`],
    ['a space before the colon', `POST ${CHAT} HTTP/1.1\n${host}\nContent-Length : 0`],
    ['a bare control character', `POST ${CHAT} HTTP/1.1\n${host}\nX: a\u0000b`],
  ])('%s: 400, and nothing is sent to anybody', async (_, head) => {
    const before = gate.fake.seen.length
    expect(statusOf(await raw(head, 'hello'))).toBe(400)
    expect(gate.fake.seen.length).toBe(before)
  })

  it('a header that is far too large is a 431, and the gate goes on', async () => {
    const bomb = `GET / HTTP/1.1\n${host}\nX: ${'a'.repeat(100_000)}`
    expect(statusOf(await raw(bomb))).toBe(431)
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('an upgrade is refused: no tunnel is opened', async () => {
    const head = `GET ${CHAT} HTTP/1.1\n${host}\nUpgrade: websocket`
    expect(statusOf(await raw(head))).toBe(402)
  })

  it('what follows a refused body does not count as a request', async () => {
    const head = `POST ${CHAT} HTTP/1.1\n${host}\nContent-Length: 200000`
    const client = new RawClient(gate.port)
    client.send(
      `${head.replaceAll('\n', '\r\n')}\r\n\r\n${'x'.repeat(200)}GET /health HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    const text = await client.untilClosed()
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(statusOf(text)).toBe(413)
  })
})

describe('D6 slow and large senders', () => {
  it('a body over the limit is refused by its declared length, or at the first byte too many', async () => {
    const declared = await gate.ask({
      path: CHAT,
      body: 'x'.repeat(200_000),
      headers: bearer(pass),
    })
    expect([declared.status, declared.json.error.code]).toEqual([413, 'request_too_large'])
    const chunk = `ffff\r\n${'x'.repeat(65_535)}\r\n`
    const text = await raw(
      `POST ${CHAT} HTTP/1.1\nHost: x\nTransfer-Encoding: chunked`,
      `${chunk}${chunk}0\r\n\r\n`,
    )
    expect(statusOf(text)).toBe(413)
  })

  it('a client that asks before sending too much is told at once', async () => {
    const client = new RawClient(gate.port)
    client.send(
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n`,
    )
    expect(await client.until('413')).not.toContain('100 Continue')
    client.socket.destroy()
  })

  it('a buyer who sends half a body and leaves holds nothing', async () => {
    const client = new RawClient(gate.port)
    client.send(
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${pass.text}\r\nContent-Length: 500\r\n\r\n{"model"`,
    )
    await new Promise((then) => setTimeout(then, 30))
    client.socket.destroy()
    await gate.proof()
    expect(gate.composed.running()).toBe(0)
  })
})
