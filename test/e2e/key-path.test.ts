import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, child, type Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

let gate: TestGate
let pass: Pass
beforeAll(async () => {
  const settings = { dialects: { keyPath: true }, limits: { invoicesPerClient: 1_000 } }
  gate = await startGate({ shared: true, settings })
  pass = await gate.buy(5_000)
})
afterAll(() => gate.close())

/** With slashes, as it is given; in the URL-safe alphabet; and escaped. */
const SPELLINGS: readonly [string, (text: string) => string][] = [
  ['as it is given', (text) => text],
  ['in the URL-safe alphabet', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
  ['without padding', (text) => text.replace(/=*:/, ':')],
  ['escaped', (text) => encodeURIComponent(text)],
  ['with an escaped colon', (text) => text.replace(':', '%3A')],
]
const BODY = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], stream: false }
const CHAT = '/api/chat'

describe('a pass in the path', () => {
  it.each(SPELLINGS)('%s pays, for every API', async (_, spell) => {
    const under = `/k/${spell(pass.text)}`
    for (const path of [CHAT, '/v1/chat/completions']) {
      const answered = await gate.ask({ path: under + path, body: BODY })
      expect([answered.status, answered.text]).toEqual([200, expect.any(String)])
      expect(gate.fake.seen.at(-1)?.path).toBe(path)
    }
    const balance = await gate.ask({ path: `${under}/v1/balance` })
    expect(balance.json).toMatchObject({ balance_msat: expect.any(Number) })
  })

  it('whatever the bytes of the pass: slashes in its base64 are no end of it', async () => {
    for (let n = 0; n < 20; n += 1) {
      const narrow = child(pass, `label = ${'/?>'.repeat(n)}x`)
      const answered = await gate.ask({ path: `/k/${narrow}/v1/balance` })
      expect([narrow, answered.status]).toEqual([narrow, 200])
    }
  })

  it.each([
    ['the start of the ollama command', 'HEAD', '/', 200],
    ['without a slash', 'GET', '', 200],
    ['the models', 'GET', '/api/tags', 200],
    ['the version', 'GET', '/api/version', 200],
  ])('%s', async (_, method, rest, status) => {
    expect((await gate.ask({ method, path: `/k/${pass.text}${rest}` })).status).toBe(status)
  })

  it.each([
    ['a doubled slash', '//api/chat'],
    ['a second key', '/k/x/api/chat'],
    ['dots', '/../api/chat'],
    ['an escape', '/api%2fchat'],
    ['a slash at the end', '/api/chat/'],
    ['G7 a path that is not sold', '/api/pull'],
  ])('G1 %s behind it is a 404, sent to nobody', async (_, rest) => {
    const before = gate.fake.seen.length
    const answered = await gate.ask({ path: `/k/${pass.text}${rest}`, body: BODY })
    expect(answered.status).toBe(404)
    expect(gate.fake.seen.length).toBe(before)
  })

  it.each([
    ['a wrong secret', () => pass.text.replace(/.{64}$/, '0'.repeat(64)), 402],
    ['a word', () => 'sk-nothing', 402],
    ['half a key', () => pass.text.slice(0, 100).replaceAll('/', '_'), 402],
  ])('%s is answered as in a header', async (_, key, status) => {
    const inPath = await gate.ask({ path: `/k/${key()}${CHAT}`, body: BODY })
    const inHeader = await gate.ask({ path: CHAT, body: BODY, headers: { 'x-api-key': key() } })
    expect([inPath.status, inHeader.status]).toEqual([status, status])
    expect(inPath.json.payment_state).toBe(inHeader.json.payment_state)
    expect(inPath.json.error.split('.')[0]).toBe(inHeader.json.error.split('.')[0])
  })

  it('C5 beside a key in a header: the same one counts once, another one is a conflict', async () => {
    const path = `/k/${pass.text}${CHAT}`
    const ask = (headers: Record<string, string>) => gate.ask({ path, body: BODY, headers })
    expect((await ask(bearer(pass))).status).toBe(200)
    expect((await ask({ 'x-api-key': pass.text })).status).toBe(200)
    expect((await ask({ authorization: 'Bearer sk-of-another-service' })).status).toBe(200)
    const other = await ask(bearer(child(pass, 'calls <= 3')))
    expect([other.status, other.json.error]).toEqual([
      400,
      expect.stringContaining('two different'),
    ])
  })

  it('G3 H3 it is in no log, no answer and no request to the backend', async () => {
    const secret = pass.text.slice(-64)
    const macaroon = pass.text.slice(0, 60)
    const texts: string[] = []
    for (const rest of [
      CHAT,
      '/',
      '/nothing',
      '/v1/models',
      '/openapi.json',
      '/.well-known/l402',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
        const body = method === 'GET' ? undefined : BODY
        const path = `/k/${pass.text}${rest}`
        const { text, rawHeaders } = await gate.ask({ method, path, ...(body && { body }) })
        texts.push(text, rawHeaders.join('\n'))
      }
    }
    texts.push(gate.log())
    for (const { path, rawHeaders, bytes } of gate.fake.seen)
      texts.push(path, rawHeaders.join('\n'), bytes.toString())
    for (const text of texts) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(macaroon)
      expect(text).not.toContain('/k/')
    }
  })

  it('is not served unless the operator turns it on', async () => {
    const own = await startGate()
    const mine = await own.buy(100)
    const answered = await own.ask({
      path: `/k/${mine.text.replaceAll('/', '_')}${CHAT}`,
      body: BODY,
    })
    expect(answered.status).toBe(404)
    expect(answered.text).not.toContain(mine.text.slice(-64))
    expect(own.fake.seen.filter(({ method }) => method === 'POST')).toEqual([])
  })
})
