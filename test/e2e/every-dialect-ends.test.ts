import { describe, expect, it } from 'vitest'
import { apiBed, dialectOf, JSON_TYPE, TEXT } from '../support/api-bed.ts'
import type { Json } from '../support/api-row.ts'
import { ROWS } from '../support/api-rows.ts'
import { bearer, child, tick } from '../support/buyer.ts'
import { checker } from '../support/schema.ts'

/** How every dialect refuses a request, and the limit of its output, through a whole gate. */

const SOLD = ROWS.map((row) => [row.path, row] as const)
const MAKING = SOLD.filter(([, { limit }]) => limit !== null)

describe.each(SOLD)('%s: an error is written as this API writes it', (_, row) => {
  const { wire } = dialectOf(row)
  const { schema, parts } = wire.errors
  const components = { components: { schemas: parts } }
  const wanted = { type: 'object', required: Object.keys(schema), properties: schema }
  const fits = checker(JSON.parse(JSON.stringify(wanted).replaceAll('#/', 'root#/')), components)

  it.each<[number, string, (bed: Awaited<ReturnType<typeof apiBed>>) => Promise<unknown>]>([
    [400, 'a body that is no JSON', (bed) => bed.gate.ask({ ...bed.question(), body: '{' })],
    [402, 'no pass', (bed) => bed.ask({}, null)],
    [402, 'a pass that is nonsense', (bed) => bed.ask({}, 'sk-nonsense')],
    [403, 'a pass for another model', (bed) => bed.ask({}, child(bed.pass, 'model = other'))],
    [404, 'a model that nobody has', (bed) => bed.ask({ model: 'gpt-x' })],
    [404, 'a path below it', (bed) => bed.gate.ask({ ...bed.question(), path: `${row.path}/x` })],
    [405, 'another method', (bed) => bed.gate.ask({ ...bed.question(), method: 'GET' })],
    [413, 'a body that is too large', (bed) => bed.gate.ask({ ...bed.question(), body: BIG })],
    [
      429,
      'a limit that is used up',
      async (bed) => {
        const once = child(bed.pass, 'calls <= 1 / min')
        await bed.ask({}, once)
        return bed.ask({}, once)
      },
    ],
    [
      502,
      'a backend that answers 500',
      (bed) => {
        bed.gate.fake.script = { status: 500, body: '{"error":"secret of 10.0.0.7"}' }
        return bed.ask()
      },
    ],
    [
      503,
      'a full gate',
      async (bed) => {
        bed.gate.fake.script = { before: () => new Promise(() => {}) }
        const first = bed.gate.client.start(bed.question())
        while (bed.gate.fake.running === 0) await tick()
        const answer = await bed.ask()
        first.leave()
        return answer
      },
    ],
    [
      504,
      'a backend that is too late',
      (bed) => {
        bed.gate.fake.script = { before: () => new Promise(() => {}) }
        setTimeout(() => bed.gate.world.advance(700_000), 60)
        return bed.ask()
      },
    ],
  ])('%i for %s', async (status, _, ask) => {
    const bed = await apiBed(row, {
      settings: { limits: { body: '100kb' }, capacity: { maxConcurrent: 1 } },
    })
    const answer = (await ask(bed)) as Awaited<ReturnType<typeof bed.ask>>
    expect([answer.status, fits(answer.json)]).toEqual([status, []])
    expect(answer.headers['content-type']).toContain('application/json')
    expect(row.refusal(answer.json)).toMatch(/^[A-Z].*[.:]/s)
    expect(answer.text).not.toContain('10.0.0.7')
    if (status === 402) {
      expect(answer.json.l402.invoice).toMatch(/^lnbc/)
      expect(answer.headers['www-authenticate']).toMatch(/^L402 /)
    }
  })
})

const BIG = `{"model":"fake","x":"${'x'.repeat(200_000)}"}`

describe.each(MAKING)('%s: the output limit', (_, row) => {
  const { limit, limitIn, said } = row
  const sentLimit = (sent: Json | undefined) => limitIn(sent ?? {})

  it.each<[string, number | null, number, string | undefined]>([
    ['the operator’s, if nobody names one', null, 50, '50'],
    ['the client’s own', 7, 7, undefined],
    ['the most of the operator, if the client asks for more', 9_999, 60, '60'],
    ['K19 the operator’s, for -1', -1, 50, '50'],
  ])('is %s', async (_, asks, sent, told) => {
    const bed = await apiBed(row, { settings: { limits: { outputTokens: 60 } } })
    const { headers, status } = await bed.ask(asks === null ? {} : limit?.(asks))
    expect(status).toBe(200)
    expect(sentLimit(bed.sent.at(-1))).toBe(sent)
    expect(headers['x-max-tokens-applied']).toBe(told)
  })

  it('A15 J8 is what a small balance affords, and an answer that is longer is cut as at a limit', async () => {
    const settings = { pricing: { default: '0/1000', maxOutputTokens: 50 } }
    const bed = await apiBed(row, { sats: 10, settings })
    const long = ' word'.repeat(200)
    bed.answers(JSON.stringify(row.whole(long, { input: 5, output: 200 })))
    const answer = await bed.ask()
    expect([answer.status, answer.headers['x-max-tokens-applied']]).toEqual([200, '10'])
    expect(sentLimit(bed.sent.at(-1))).toBe(10)
    const { made, end } = said(answer.json)
    expect(end).toBe('limit')
    expect(long.startsWith(made)).toBe(true)
    expect(made.length).toBeLessThan(300)
    expect(JSON.stringify(answer.json)).not.toContain('200')
    expect(await bed.spent()).toBe(10)
    expect((await bed.ask()).status).toBe(402)
    await bed.gate.proof()
  })

  it('J16 I6 a report above the limit costs at most the limit', async () => {
    const bed = await apiBed(row)
    bed.answers(JSON.stringify(row.whole(TEXT, { input: 5, output: 9_000 })))
    const { status } = await bed.ask(limit?.(20))
    expect(status).toBe(200)
    expect(await bed.spent()).toBe(25)
  })

  it('A5 zero for an answer with nothing in it is believed', async () => {
    const bed = await apiBed(row)
    bed.answers(JSON.stringify(row.whole('', { input: 5, output: 0 })))
    expect((await bed.ask()).status).toBe(200)
    expect(await bed.spent()).toBe(5)
  })

  it('D7 I6 hanging up on an answer in one piece stops the backend, and costs what was held', async () => {
    const bed = await apiBed(row)
    bed.gate.fake.script = { before: () => new Promise(() => {}), headers: JSON_TYPE }
    const sent = bed.gate.client.start(bed.question(limit?.(20)))
    while (bed.gate.fake.running === 0) await tick()
    sent.leave()
    await bed.gate.fake.untilAborted()
    const spent = await bed.spent()
    expect(spent).toBeGreaterThanOrEqual(21)
    expect((await bed.gate.last()).end).toBe('client_left')
    expect((await bed.gate.ask({ path: '/v1/balance', headers: bearer(bed.pass) })).status).toBe(
      200,
    )
    await bed.gate.proof()
  })
})
