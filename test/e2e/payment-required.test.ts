import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answered, lines, type Question } from '../support/ask.ts'
import { bearer, child } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

/**
 * The 402 that every client accepts, header by header, and the expressions with which deployed
 * clients read it.
 */
let gate: TestGate
beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: { pricing: { default: 1 }, limits: { invoicesPerClient: 1000 } },
  })
})
afterAll(() => gate.close())

const CHAT = '/v1/chat/completions'
const ask = (question: Partial<Question> = {}): Promise<Answered> =>
  gate.ask({ ...gate.chatQuestion(null), ...question })

const STANDARD_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

describe('a 402', () => {
  it('has one challenge, in a header line of its own, with L402 first', async () => {
    const refused = await ask()
    expect(refused.status).toBe(402)
    const challenges = lines(refused, 'www-authenticate')
    expect(challenges).toHaveLength(1)
    const found = /^L402 macaroon="([^"]*)", invoice="([^"]*)", version="0", token="([^"]*)"$/.exec(
      challenges[0] ?? '',
    )
    expect(found).not.toBe(null)
    const [, macaroon, invoice, token] = found ?? []
    expect(token).toBe(macaroon)
    expect(macaroon).toMatch(STANDARD_BASE64)
    expect((macaroon?.length ?? 1) % 4).toBe(0)
    expect(invoice).toMatch(/^lnbcrt100n1/)
  })

  it('C11 is read by the expressions of deployed clients, as separate lines and folded', async () => {
    const refused = await ask()
    const separate = lines(refused, 'www-authenticate')
    const folded = [...separate, 'Payment id="x", realm="y", method="lightning"'].join(', ')
    const { macaroon, invoice } = refused.json.l402
    for (const header of [separate[0] ?? '', folded]) {
      // The client of aperture and lnd: l402/client_interceptor.go
      const aperture = /(LSAT|L402) macaroon="(.*?)", invoice="(.*?)"/.exec(header)
      expect(aperture?.slice(2, 4)).toEqual([macaroon, invoice])
      // lnget reads only the first value, and decodes the identifier of the macaroon
      expect(/^(l402|lsat)/i.test(header)).toBe(true)
      // 402-mcp reads all lines joined
      expect(/^(?:L402|LSAT)\s+/i.test(header)).toBe(true)
      expect(/macaroon="([^"]+)"/.exec(header)?.[1]).toBe(macaroon)
      // npm l402: the header begins with the scheme
      expect(header.split(' ')[0]).toBe('L402')
      expect(/invoice="([^"]+)"/.exec(header)?.[1]).toBe(invoice)
      // Alby: every k="v", the last one counts, and token before macaroon
      const pairs = Object.fromEntries(
        [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
      )
      expect(pairs.token ?? pairs.macaroon).toBe(macaroon)
      expect(pairs.invoice).toBe(invoice)
    }
  })

  it('carries a V2 macaroon whose identifier is version 0, the payment hash, 32 random bytes', async () => {
    const { l402 } = (await ask()).json
    const bytes = Buffer.from(l402.macaroon, 'base64')
    expect(bytes[0]).toBe(2)
    const at = bytes.indexOf(Buffer.from([0x02, 66]))
    const identifier = bytes.subarray(at + 2, at + 68)
    expect(identifier.subarray(0, 2)).toEqual(Buffer.from([0, 0]))
    expect(identifier.subarray(2, 34).toString('hex')).toBe(l402.payment_hash)
  })

  it('is an OpenAI error first, with all machine fields beside it', async () => {
    const { json, headers } = await ask()
    expect(Object.keys(json)[0]).toBe('error')
    expect(json.error).toMatchObject({ type: 'insufficient_quota', code: 402, param: null })
    expect(json.error.message).toMatch(/^Insufficient credits: this needs up to 10 sat/)
    expect(json.error.message).toContain(`${gate.url}${json.payment_url}`)
    expect(json).toMatchObject({
      payment_url: `/invoice-status/${json.payment_hash}?token=${json.l402.status_token}`,
      amount_sats: 10,
      payment_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      l402: { scheme: 'L402', amount_sats: 10, payment_hash: json.payment_hash },
      credit_tiers: [
        { amountSats: 10, creditSats: 10 },
        { amountSats: 100, creditSats: 100 },
        { amountSats: 1000, creditSats: 1000 },
      ],
    })
    expect(headers['content-type']).toMatch(/^application\/json/)
  })

  it('tells a program how to make a pass of it, and gives whole links beside the path', async () => {
    const { json, text } = await ask()
    expect(json).toMatchObject({
      pay_at: `${gate.url}${json.payment_url}`,
      llms_txt: `${gate.url}/llms.txt`,
      pass_format: '<macaroon>:<preimage>',
    })
    expect(json.how_to_pay).toContain('"Authorization: Bearer <macaroon>:<preimage>"')
    expect(json.how_to_pay).toContain('GET payment_url')
    expect(json.error.message).toContain(`How: ${json.llms_txt}`)
    expect(json.payment_url.startsWith('/')).toBe(true)
    expect(text.length).toBeLessThan(3_000)
  })

  it('is read by a legacy x402 client: version 1, and nothing unknown in accepts', async () => {
    const { json } = await ask()
    expect(json.x402Version).toBe(1)
    expect(json.accepts).toEqual([])
  })

  it('F7 is never stored, and its headers stay under 4 KB', async () => {
    const refused = await ask()
    expect(refused.headers['cache-control']).toBe('no-store')
    expect(refused.headers.vary).toMatch(/Authorization/)
    expect(refused.rawHeaders.join('').length).toBeLessThan(4_000)
    expect(refused.headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/)
  })

  it('asks for the estimate within the bounds, and tells the balance to the holder of a pass', async () => {
    const dear = await ask({
      body: {
        model: 'fake',
        stream: true,
        max_tokens: 20_000,
        messages: [{ role: 'user', content: 'hi' }],
      },
    })
    expect(dear.json.amount_sats).toBe(21)
    const pass = await gate.buy(1)
    const short = await gate.chat(pass, {
      messages: [{ role: 'user', content: 'word '.repeat(2_000) }],
    })
    expect(short.status).toBe(402)
    expect(short.json.error.message).toMatch(
      /^Insufficient credits: this needs [\d.]+ sat, the pass has 1\. Pay at http/,
    )
  })

  it('a root pass is offered a top-up of its account, a narrowed one a new account', async () => {
    const pass = await gate.buy(1)
    const long = { messages: [{ role: 'user', content: 'word '.repeat(2_000) }] }
    const topUp = await gate.accept(await gate.chat(pass, long))
    const [a, b] = [await gate.balance(pass), await gate.balance(topUp)]
    expect(b.account).toBe(a.account)
    expect(a.balance_msat).toBeGreaterThan(2_000)
    expect((await gate.chat(pass, long)).status).toBe(200)
    const narrowed = child(await gate.buy(1), 'path = /v1/*')
    const opened = await gate.accept(await gate.chat(narrowed, long))
    expect((await gate.balance(opened)).account).not.toBe((await gate.balance(narrowed)).account)
  })

  it.each([
    ['no credential', {}],
    ['another service’s key', { authorization: 'Bearer sk-proj-0123456789' }],
    ['what Ollama’s clients send', { authorization: 'Bearer ollama' }],
    [
      'a bad signature',
      { authorization: `L402 ${Buffer.alloc(90, 'x').toString('base64')}:${'0'.repeat(64)}` },
    ],
    ['a scheme without a macaroon', { authorization: 'L402 nothing' }],
  ])('is the answer to %s: never 401, always a fresh challenge', async (_, headers) => {
    const refused = await ask({ headers })
    expect(refused.status).toBe(402)
    expect(lines(refused, 'www-authenticate')).toHaveLength(1)
  })
})

describe('asking the price', () => {
  it.each([
    ['GET', undefined],
    ['POST', ''],
  ])('%s with an empty body is the 402, and asks for the least', async (method, body) => {
    const refused = await ask({ method, body, headers: {} })
    expect(refused.status).toBe(402)
    expect(refused.json.amount_sats).toBe(10)
    expect(lines(refused, 'www-authenticate')).toHaveLength(1)
  })

  it('D4 HEAD answers 402 with only the price: no challenge, no invoice, no body', async () => {
    const before = gate.composed.openInvoices()
    const head = await gate.ask({ method: 'HEAD', path: CHAT })
    expect(head.status).toBe(402)
    expect(head.headers['x-l402-price-sats']).toBe('10')
    expect(head.headers['www-authenticate']).toBe(undefined)
    expect(head.text).toBe('')
    expect(gate.composed.openInvoices()).toBe(before)
  })

  it('D4 OPTIONS, free paths and malformed requests make no invoice', async () => {
    const before = gate.composed.openInvoices()
    const questions: Question[] = [
      { method: 'OPTIONS', path: CHAT, headers: { origin: 'https://a.example' } },
      { path: '/v1/models' },
      { path: '/health' },
      { path: '/.well-known/l402' },
      { path: '/v1/balance' },
      { path: '/v1/usage' },
      { path: CHAT, body: '{' },
      { path: CHAT, body: { model: 'unknown', messages: [] } },
      { path: '/v1/responses', body: {} },
      { method: 'PUT', path: CHAT, body: {} },
    ]
    for (const question of questions) {
      const answered = await gate.ask(question)
      expect(answered.headers['www-authenticate']).toBe(undefined)
    }
    expect(gate.composed.openInvoices()).toBe(before)
  })

  it('a GET with a good pass is a 405, a POST with an empty body a 400, both free', async () => {
    const pass = await gate.buy(10)
    const get = await gate.ask({ path: CHAT, headers: bearer(pass) })
    const post = await gate.ask({ path: CHAT, body: '', headers: bearer(pass) })
    expect([get.status, post.status]).toEqual([405, 400])
    expect(get.headers['www-authenticate']).toBe(undefined)
    expect(get.headers.allow).toBe('POST')
    expect((await gate.balance(pass)).balance_msat).toBe(10_000)
  })

  it('every dialect’s path asks for payment, in the same words', async () => {
    for (const path of [CHAT, '/v1/completions', '/v1/embeddings']) {
      const refused = await gate.ask({ path })
      expect([refused.status, refused.json.error.code]).toEqual([402, 402])
    }
  })
})
