import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { child, type Pass, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { RawClient } from '../support/serve.ts'

/**
 * Whatever is sent, the answer is documented or an error in OpenAI's envelope, a refusal costs
 * nothing, and the gate goes on.
 */
let gate: TestGate
let pass: Pass
beforeAll(async () => {
  gate = await startGate({ shared: true, settings: { limits: { invoicesPerClient: 5 } } })
  pass = await gate.buy(100_000)
})
afterAll(() => gate.close())

const REFUSALS = new Set([400, 402, 403, 404, 405, 408, 413, 415, 429, 431])
const RUNS = 250

/**
 * Sends a question. Everything but a paid 200 must cost nothing, and be an error that every client
 * reads.
 */
async function harmless(question: Parameters<TestGate['ask']>[0]): Promise<number> {
  const before = (await gate.balance(pass)).balance_msat
  const answered = await gate.ask(question)
  const after = (await gate.balance(pass)).balance_msat
  if (answered.status === 200) {
    expect(before - after).toBe(
      Number(answered.headers['x-cost-msat'] ?? answered.trailers['x-cost-msat'] ?? 0),
    )
    return 200
  }
  expect(REFUSALS).toContain(answered.status)
  expect(after).toBe(before)
  if (question.method !== 'HEAD') expect(typeof answered.json?.error?.message).toBe('string')
  expect(answered.headers['www-authenticate'] === undefined || answered.status === 402).toBe(true)
  return answered.status
}

const paths = fc.constantFrom('/v1/chat/completions', '/v1/completions', '/v1/embeddings')

/** A valid value in most cases, and any value sometimes. */
const mostly = <T>(sane: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: sane }, { weight: 1, arbitrary: fc.jsonValue() })

const message = fc.record({
  role: fc.constantFrom('user', 'system', 'assistant'),
  content: mostly(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed())),
})
const texts = fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 }))

/** Requests that are nearly valid. */
const nearly = fc.record(
  {
    model: mostly(fc.constant('fake')),
    messages: mostly(fc.array(mostly(message), { minLength: 1, maxLength: 4 })),
    prompt: mostly(texts),
    input: mostly(texts),
    stream: mostly(fc.boolean()),
    stream_options: mostly(fc.record({ include_usage: fc.boolean() })),
    max_tokens: mostly(fc.nat()),
    max_completion_tokens: mostly(fc.nat()),
    n: mostly(fc.integer({ min: 1, max: 4 })),
    stop: fc.jsonValue(),
    logit_bias: fc.jsonValue(),
    options: fc.jsonValue(),
  },
  { requiredKeys: ['model', 'messages', 'prompt', 'input'] },
)

const body = fc.oneof(
  { weight: 8, arbitrary: nearly.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.tuple(nearly, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const bytes = Buffer.from(JSON.stringify(value))
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    }),
  },
)

describe('fuzz', () => {
  it('any body on any dialect, paid or not', async () => {
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(
        paths,
        body,
        fc.integer({ max: 9, min: 0 }).map((dice) => dice === 0),
        async (path, sent, unpaid) => {
          const headers: Record<string, string> = unpaid
            ? {}
            : { authorization: `Bearer ${pass.text}` }
          const status = await harmless({ path, body: sent, method: 'POST', headers })
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        },
      ),
      { numRuns: RUNS },
    )
    // Not all requests are refused: well-formed ones are served.
    expect(statuses.get(200)).toBeGreaterThan(RUNS / 20)
    expect(statuses.get(400)).toBeGreaterThan(RUNS / 20)
  }, 60_000)

  it('any credential: a pass that was mangled anywhere', async () => {
    const name = fc.constantFrom(
      'authorization',
      'x-api-key',
      'api-key',
      'macaroon',
      'grpc-metadata-macaroon',
      'x-cashu',
      'x-payment',
    )
    const scheme = fc.constantFrom('L402 ', 'LSAT ', 'Bearer ', 'Payment ', 'Basic ', '', 'l402  ')
    const printable = fc.string({
      unit: fc.constantFrom(...' !"#$%&\'()*+,-./0123456789:;<=>?@ABCabcdef[]^_`{|}~'),
    })
    const mangled = fc
      .tuple(
        fc.nat(),
        fc.nat(),
        printable,
        fc.constantFrom('cut', 'insert', 'replace', 'double', 'whole'),
      )
      .map(([from, length, text, how]) => {
        const own = pass.text
        const at = from % own.length
        if (how === 'cut') return own.slice(0, at) + own.slice(at + 1 + (length % 40))
        if (how === 'insert') return own.slice(0, at) + text + own.slice(at)
        if (how === 'replace') return own.slice(0, at) + text + own.slice(at + text.length)
        if (how === 'double') return `${own},${own.slice(at)}`
        return text
      })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, scheme, mangled), { minLength: 1, maxLength: 3 }),
        async (headers) => {
          const all: Record<string, string[]> = {}
          for (const [key, before, value] of headers) {
            all[key] ??= []
            all[key].push(`${before}${value}`.trim())
          }
          await harmless({ ...gate.chatQuestion(null, { max_tokens: 5 }), headers: all })
        },
      ),
      { numRuns: RUNS },
    )
  }, 60_000)

  it('any caveats: a child never costs its parent more than it may', async () => {
    const caveat = fc.oneof(
      fc.constantFrom(
        'model = fake',
        'path = /v1/*',
        'calls <= 3',
        'tokens <= 90 / day',
        'label = x',
      ),
      fc.nat(60).map((sats) => `spend <= 0.0${sats}`),
      fc
        .tuple(
          fc.constantFrom('calls', 'tokens', 'spend'),
          fc.nat(200),
          fc.constantFrom('req', 'min', 'hour', 'total'),
        )
        .map(([unit, max, window]) => `${unit} <= ${max} / ${window}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(caveat, { minLength: 1, maxLength: 6 }), async (caveats) => {
        const narrowed = child(pass, ...caveats)
        const most = Math.min(
          ...caveats.map((one) => Number(/^spend <= ([\d.]+)/.exec(one)?.[1] ?? 1e6) * 1_000),
        )
        const before = (await gate.balance(pass)).balance_msat
        for (let i = 0; i < 3; i += 1) await gate.chat(narrowed, { max_tokens: 5 })
        const all = caveats.every((one) => /^spend <= [\d.]+(?: \/ total)?$/.test(one))
        const spent = before - (await gate.balance(pass)).balance_msat
        if (all) expect(spent).toBeLessThanOrEqual(most)
        expect(spent).toBeLessThanOrEqual(3 * Math.max(most, 0))
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('any path, method and query', async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        'v1',
        'chat',
        'completions',
        'models',
        'usage',
        'balance',
        'invoice-status',
        'create-invoice',
        'play',
        'pay',
        'health',
        '..',
        '.',
        '',
        '%2e%2e',
        '%00',
        '@',
        'api',
      ),
      fc.string({ unit: fc.constantFrom(..."abcXYZ019%$-_.~!*'(),;:@&=+?") }),
    )
    const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS')
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { maxLength: 5 }), methods, async (segments, method) => {
        const answered = await gate.ask({ path: `/${segments.join('/')}`, method })
        expect(answered.status).toBeLessThan(500)
      }),
      { numRuns: RUNS },
    )
  }, 60_000)

  it('any bytes on the wire', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'POST /v1/chat/completions HTTP/1.1',
        'Host: x',
        'Content-Length: 5',
        'Content-Length: -1',
        'Transfer-Encoding: chunked',
        'Transfer-Encoding: gzip',
        'Expect: 100-continue',
        'Connection: upgrade',
        'Upgrade: h2c',
        '',
        '0',
        'ffffffffffffffff',
      ),
      fc.string({ unit: 'binary', maxLength: 60 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (all) => {
        const client = new RawClient(gate.port)
        client.send(`${all.join('\r\n')}\r\n\r\n`)
        client.socket.end()
        const text = await client.untilClosed()
        expect(text).not.toMatch(/^HTTP\/1\.1 5/m)
      }),
      { numRuns: 100 },
    )
    expect((await gate.chat(pass)).status).toBe(200)
  }, 60_000)

  it('at the end the books balance, and no bug was reported', async () => {
    await until(() => gate.composed.running() === 0)
    await gate.proof()
    expect(gate.events.filter((event) => event.event === 'problem')).toEqual([])
  })
})
