import { describe, expect, it } from 'vitest'
import { dialects } from '../../src/dialects/index.ts'
import { answerOf, apiBed, dialectOf, REPORT, TEXT } from '../support/api-bed.ts'
import type { ApiRow } from '../support/api-row.ts'
import { ROWS } from '../support/api-rows.ts'
import { tick } from '../support/buyer.ts'

/**
 * The threats that every dialect meets, through a whole gate, one row for each API. Streams are in
 * `every-dialect-streams.test.ts`.
 */

it('every dialect has a row', () => {
  expect(ROWS.map(({ path }) => path).sort()).toEqual(dialects.map(({ path }) => path).sort())
})

const SOLD = ROWS.map((row) => [row.path, row] as const)

/** The sats of an answer that reports `REPORT`. */
const costOf = ({ limit, media }: ApiRow): number =>
  media ?? Number(REPORT.input) + (limit === null ? 0 : Number(REPORT.output))

const TOKENS = SOLD.filter(([, { media }]) => media === undefined)

describe.each(SOLD)('%s: an answer in one piece', (_, row) => {
  it('reaches the client byte for byte, and its cost is what the backend reported', async () => {
    const bed = await apiBed(row)
    // A transcript is asked for at length and shown in short (docs/wire.md), so nothing is added to it.
    const odd = row.form === undefined ? { satgate_unknown: { a: [1e3, 'ü', null] } } : {}
    const value = JSON.stringify({ ...row.whole(TEXT, REPORT), ...odd }, null, 3)
    const body = row.sound ? answerOf(row) : `  ${value.replaceAll('ü', '\\u00fc')}\r\n `
    bed.answers(body)
    const answer = await bed.ask()
    expect([answer.status, answer.text]).toEqual([200, body])
    const spent = await bed.spent()
    const told = answer.headers['x-cost-msat'] ?? answer.trailers['x-cost-msat']
    expect(told).toBe(`${spent * 1_000}`)
    if (!row.counted) expect(spent).toBe(costOf(row))
    const { dialect, charged_msat: charged } = await bed.gate.last()
    expect([dialect, charged]).toEqual([dialectOf(row).name, spent * 1_000])
    await bed.gate.proof()
  })

  it('J9 what is no answer of this API is not delivered, and is free', async () => {
    for (const body of ['', '{"a":', '<html>no</html>', 'null', '[]', '{}', '{"detail":"no"}']) {
      const bed = await apiBed(row)
      bed.answers(body)
      const { status, json } = await bed.ask()
      expect([body, status, row.refusal(json)]).toEqual([body, 502, expect.any(String)])
      expect(await bed.spent()).toBe(0)
      await bed.gate.proof()
    }
  })

  it('J14 that outgrows what may be kept of it costs all that was held', async () => {
    const bed = await apiBed(row)
    const part = Buffer.alloc(9 * 1024 * 1024, row.sound ? 7 : ' ')
    bed.answers('', { pieces: Array.from({ length: 8 }, () => part) })
    const { status, json } = await bed.ask()
    // Sound leaves as it comes, up to the bytes that such a speech has at most.
    if (row.sound) expect(status).toBe(200)
    else {
      const said = expect.stringContaining('msat were charged')
      expect([status, row.refusal(json)]).toEqual([400, said])
    }
    const { held_msat, charged_msat } = await bed.gate.last()
    expect(charged_msat).toBe(held_msat)
    await bed.gate.proof()
  })
})

describe.each(TOKENS)('%s: the tokens of an answer in one piece', (_, row) => {
  it.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['negative', -5],
    ['a string', '5'],
    ['a fraction', 2.5],
    ['a list', [5]],
    ['an object', { a: 5 }],
    ['true', true],
    ['zero', 0],
  ])('A6 figures that are %s are counted, and never zero', async (_, figure) => {
    const bed = await apiBed(row)
    bed.answers(JSON.stringify(row.whole(TEXT, { input: figure, output: figure })))
    expect((await bed.ask()).status).toBe(200)
    const spent = await bed.spent()
    expect(spent).toBeGreaterThanOrEqual(row.limit === null ? 1 : 4)
    expect(spent).toBeLessThan(60)
    expect(await bed.gate.last()).toMatchObject({ usage: 'counted' })
    await bed.gate.proof()
  })

  it('A6 J16 figures that are NaN or too large do not make it free, nor dearer than what was held', async () => {
    for (const figure of ['NaN', '1e400', '-Infinity', '1e15', '9007199254740993']) {
      const bed = await apiBed(row)
      const text = JSON.stringify(row.whole(TEXT, { input: 4711, output: 4711 }))
      bed.answers(text.replaceAll('4711', figure))
      const { status } = await bed.ask()
      const { held_msat: held = 0, charged_msat: charged = 0 } = await bed.gate.last()
      expect([figure, status, charged > 0]).toEqual([figure, 200, true])
      // Of its input, at most the bound and the template's share; of its output, the limit.
      expect(charged).toBeLessThanOrEqual(Math.max(held, 0) + 2_048_000)
      await bed.gate.proof()
    }
  })
})

describe.each(SOLD)('%s: a request', (_, row) => {
  it('G3 G5 H3 has no credential, no address and no header of the gate when the backend sees it', async () => {
    const bed = await apiBed(row, { settings: { upstreamKey: { env: 'UPSTREAM_KEY' } } })
    const { headers, ...rest } = bed.question()
    const answer = await bed.gate.ask({
      ...rest,
      headers: {
        ...headers,
        ...{ 'x-api-key': bed.pass.text, cookie: 'c=stolen', origin: 'https://a.example' },
        ...{ 'x-forwarded-for': '10.1.2.3', 'x-satgate-balance': 'stolen', forwarded: 'for=x' },
        ...{ 'openai-organization': 'org-stolen', 'x-stainless-lang': 'stolen' },
        ...{ 'anthropic-version': '2023-06-01', 'anthropic-api-key': 'stolen' },
      },
    })
    expect(answer.status).toBe(200)
    const seen = bed.gate.fake.seen.at(-1)
    expect(seen?.headers.authorization).toBe('Bearer sk-operator-key')
    const raw = JSON.stringify([seen?.rawHeaders, seen?.path])
    expect(raw).not.toMatch(/stolen|10\.1\.2\.3|a\.example|x-satgate|x-api-key/i)
    for (const secret of [bed.pass.text, bed.pass.macaroon, bed.pass.secret])
      expect(raw).not.toContain(secret)
  })

  it('L18 J16 has none of the fields that nobody knows, and the client is told', async () => {
    const bed = await apiBed(row)
    const odd = { api_base: 'http://10.0.0.1', satgate_odd: 1, keep_alive: -1, num_ctx: 1e9 }
    const { status, headers } = await bed.ask(odd)
    expect(status).toBe(200)
    for (const name of Object.keys(odd)) {
      expect(headers['x-satgate-ignored']).toContain(name)
      expect(bed.gate.fake.seen.at(-1)?.bytes.toString()).not.toContain(name)
    }
  })

  it('A11 I13 that can be read in two ways is refused: nobody is asked, nothing is charged', async () => {
    const bed = await apiBed(row)
    const { body: good } = bed.question()
    const bad = row.form === undefined ? twoWays(JSON.stringify(good)) : twoForms(String(good))
    for (const body of bad) {
      const { status, json } = await bed.gate.ask({ ...bed.question(), body })
      expect([body, status, row.refusal(json)]).toEqual([body, 400, expect.any(String)])
    }
    expect(bed.sent).toEqual([])
    expect(await bed.spent()).toBe(0)
  })

  it('G1 G7 below, beside or above its path reaches nobody', async () => {
    const bed = await apiBed(row)
    const { path } = row
    for (const odd of [
      ...[`${path}/`, `/${path}`, `${path}/x`, `${path}%2f`, `/x/..${path}`, `${path};a=1`],
      ...[path.toUpperCase(), path.replace('/', '/./'), `${path}@a.example`, `${path}\\x`],
      path.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
    ]) {
      const { status, json } = await bed.gate.ask({ ...bed.question(), path: odd })
      expect([odd, status]).toEqual([odd, status === 400 ? 400 : 404])
      expect(json).toBeDefined()
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const { status, json } = await bed.gate.ask({ ...bed.question(), method })
      expect([method, status, row.refusal(json)]).toEqual([method, 405, expect.any(String)])
    }
    expect(bed.sent).toEqual([])
  })

  it('H1 H3 H8 whose model is SQL, or whose prompt is secret, leaves nothing in a log', async () => {
    const bed = await apiBed(row)
    const secret = 'my-secret-prompt-4711'
    const model = `fake'; DROP TABLE accounts; --\u001b[31m${secret}`
    expect((await bed.ask({ model })).status).toBe(404)
    expect((await bed.gate.ask(bed.question({}, bed.pass, secret))).status).toBe(200)
    bed.answers(JSON.stringify({ error: { message: secret } }), { status: 400, body: secret })
    expect((await bed.gate.ask(bed.question({}, bed.pass, secret))).status).toBe(400)
    await tick(20)
    expect(bed.gate.log()).not.toContain(secret)
    expect(bed.gate.log()).not.toContain('\u001b')
    expect(bed.gate.log()).not.toContain(bed.pass.secret)
    await bed.gate.proof()
  })
})

describe.each(TOKENS)('%s: the bound of a request', (_, row) => {
  it('J2 J3 with a long prompt is held at a bound above it, wherever white space stands', async () => {
    const bed = await apiBed(row, { sats: 100_000 })
    const held = async (prompt: string) => {
      const before = bed.gate.events.length
      expect((await bed.gate.ask(bed.question({}, bed.pass, prompt))).status).toBe(200)
      await bed.gate.requests(1)
      while (bed.gate.events.length === before) await tick()
      const last = bed.gate.events.at(-1)
      return last?.event === 'request' ? (last.held_msat ?? 0) / 1_000 : 0
    }
    const short = await held('a')
    for (const prompt of ['a'.repeat(2_000), ' '.repeat(2_000), 'é'.repeat(1_000)])
      expect((await held(prompt)) - short).toBeGreaterThanOrEqual(1_990)
  })
})

const twoWays = (text: string): readonly string[] => [
  text.replace('{', '{"model":"other",'),
  text.replace('{', '{"Model":"other",'),
  text.replace('{', '{"mod\\u0065l":"other",'),
  ...[`${text}{}`, `[${text}]`, text.slice(0, -1), '', '\u0000', '"x"'],
  text.replace('"fake"', '["fake"]'),
  text.replace('"fake"', `"${'x'.repeat(300)}"`),
]

const twoForms = (text: string): readonly string[] => {
  const [, model = ''] = text.split('--satgate-test\r\n')
  return [
    text.replace(model, `${model}--satgate-test\r\n${model}`),
    text.replace(model, `${model}--satgate-test\r\n${model.replace('model', 'Model')}`),
    text.replace('name="model"', 'name="model"; name="other"'),
    text.replace('name="model"', "name*=utf-8''model"),
    ...[`--satgate-test\r\n${text}`, text.slice(0, -10), '', '{"model":"fake"}'],
    text.replace('fake', 'x'.repeat(300)),
  ]
}
