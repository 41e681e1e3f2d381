import { describe, expect, it } from 'vitest'
import {
  type ApiBed,
  apiBed,
  dialectOf,
  REPORT,
  streamOf,
  TEXT,
  WORDS,
  withoutCost,
} from '../support/api-bed.ts'
import type { ApiRow, StreamRow } from '../support/api-row.ts'
import { ROWS } from '../support/api-rows.ts'
import { tick, until } from '../support/buyer.ts'

/** The threats that every dialect with streams meets, through a whole gate, one row for each API. */

/** An input token costs nothing and an output token one sat. */
const OUTPUT_ALONE = { pricing: { default: '0/1000', maxOutputTokens: 50 } }

const STREAMING = ROWS.flatMap((row): [string, ApiRow, StreamRow][] =>
  row.stream === null ? [] : [[row.path, row, row.stream]],
)

describe.each(STREAMING)('%s: a stream', (_, row, stream) => {
  const streamed = (bed: ApiBed, more: object = {}) => bed.ask({ ...row.streams, ...more })
  const complete = { made: TEXT, end: 'done' }
  const whole = Buffer.from(streamOf(row))

  it('reaches the client byte for byte, but for its cost, which is what the backend reported', async () => {
    const bed = await apiBed(row)
    const odd = streamOf(row)
      .replace('"model":"fake"', '"satgate_unknown":[1e3,"\\u00fc",null],"model":"fake"')
      .replace(' three', ' thr\\u00ebe')
    bed.streams([odd])
    const answer = await streamed(bed)
    const { stream: shown, msat } = withoutCost(answer.text)
    expect([answer.status, shown, msat]).toEqual([200, odd, 8_000])
    expect(answer.headers['content-type']).toContain(stream.type)
    expect(answer.trailers['x-cost-msat']).toBe('8000')
    expect(await bed.spent()).toBe(8)
    expect(await bed.gate.last()).toMatchObject({
      ...{ end: 'complete', usage: 'reported', dialect: dialectOf(row).name },
    })
    await bed.gate.proof()
  })

  it('A1 in pieces of any size, it costs the same, and the client sees the same bytes', async () => {
    const bed = await apiBed(row)
    bed.streams([whole])
    const { text } = await streamed(bed)
    const single = [...whole].map((byte) => Uint8Array.of(byte))
    const splits = Array.from({ length: 12 }, (_, at) => Math.floor(((at + 1) * whole.length) / 13))
    for (const pieces of [
      single,
      ...splits.map((at) => [whole.subarray(0, at), whole.subarray(at)]),
    ]) {
      bed.streams(pieces)
      expect((await streamed(bed)).text).toBe(text)
    }
    expect(await bed.spent()).toBe(8 * 14)
  })

  it('A4 that breaks off is told from one that ended, and only what arrived is charged', async () => {
    const bed = await apiBed(row, { settings: OUTPUT_ALONE })
    const breaks = () => Promise.reject(new Error('the backend dies'))
    bed.streams([stream.opens, ...WORDS.map(stream.says), () => tick(30), breaks])
    const answer = await streamed(bed)
    expect(stream.reads(answer.text)).toEqual({ made: TEXT, end: 'error' })
    expect(withoutCost(answer.text).msat).toBe(3_000)
    expect(await bed.spent()).toBe(3)
    expect((await bed.gate.last()).end).toBe('upstream_failed')
    await bed.gate.proof()
  })

  it('A3 D7 whose client leaves is stopped at the backend, and costs what flowed', async () => {
    const bed = await apiBed(row, { settings: OUTPUT_ALONE })
    bed.streams([stream.opens, ...Array.from({ length: 45 }, () => stream.says(' word'))], {
      paceMs: 5,
      staysOpen: true,
    })
    const open = await bed.gate.client.open(bed.question({ ...row.streams }))
    await until(() => (open.text().match(/ word/g)?.length ?? 0) >= 10)
    const seen = open.text().match(/ word/g)?.length ?? 0
    open.leave()
    await bed.gate.fake.untilAborted()
    const spent = await bed.spent()
    expect(spent).toBeGreaterThanOrEqual(seen)
    expect(spent).toBeLessThanOrEqual(46)
    expect(await bed.gate.last()).toMatchObject({ end: 'client_left', usage: 'counted' })
    await bed.gate.proof()
  })

  it('J15 left before its first token, it costs as much as behind it: the prompt, as estimated', async () => {
    const settings = { pricing: { default: '1000/0', maxOutputTokens: 50 } }
    const prompt = 'Tell me of the sea and its ships. '.repeat(20)
    const costs: number[] = []
    for (const pieces of [[], [stream.opens + stream.says('one')]]) {
      const bed = await apiBed(row, { settings, sats: 10_000 })
      bed.streams([() => (pieces.length === 0 ? tick(300) : tick(0)), ...pieces], {
        staysOpen: true,
      })
      const asked = bed.question({ ...row.streams }, bed.pass, prompt)
      const sent = bed.gate.client.start(asked)
      if (pieces.length > 0) {
        const response = await sent.answer
        await new Promise((then) => response.once('data', then))
      } else await until(() => bed.gate.fake.running === 1)
      sent.leave()
      await bed.gate.fake.untilAborted()
      costs.push(await bed.spent())
      await bed.gate.proof()
    }
    expect(costs[0]).toBe(costs[1])
    expect(costs[0]).toBeGreaterThan(100)
    expect(costs[0]).toBeLessThan(400)
  })

  it('J8 that a small balance buys is short, and ends as at a limit, with what it used', async () => {
    const bed = await apiBed(row, { sats: 10, settings: OUTPUT_ALONE })
    bed.streams([stream.opens, ...Array.from({ length: 500 }, () => stream.says(' word'))], {
      staysOpen: true,
    })
    const answer = await streamed(bed)
    expect(answer.headers['x-max-tokens-applied']).toBe('10')
    expect(row.limitIn(bed.sent.at(-1) ?? {})).toBe(10)
    const { made, end } = stream.reads(answer.text)
    expect(end).toBe('limit')
    // K3: pieces are no tokens, so the gate's own count stops a stream only far above the limit.
    expect(made.length).toBeLessThanOrEqual(5 * 80)
    expect(made.length).toBeGreaterThanOrEqual(5 * 10)
    expect(withoutCost(answer.text).msat).toBe(10_000)
    const told = /"(?:completion_tokens|output_tokens|eval_count)":(\d+)/g
    expect([...answer.text.matchAll(told)].at(-1)?.[1]).toBe('10')
    await bed.gate.fake.untilAborted()
    expect(await bed.spent()).toBe(10)
    expect((await streamed(bed)).status).toBe(402)
    await bed.gate.proof()
  })

  it('J8 that comes in one event is cut in it', async () => {
    const bed = await apiBed(row, { sats: 10, settings: OUTPUT_ALONE })
    const long = ' word'.repeat(5_000)
    bed.streams([streamOf(row, [long], { input: 5, output: 5_000 })])
    const { text } = await streamed(bed)
    const { made, end } = stream.reads(text)
    expect([end, long.startsWith(made)]).toEqual(['limit', true])
    expect(made.length).toBeLessThan(400)
    expect(await bed.spent()).toBe(10)
    await bed.gate.proof()
  })

  it.each<[string, readonly string[]]>([
    ['K8 an error of the backend', [stream.fails('secret of 10.0.0.7')]],
    ['J9 something that nobody can read', ['data: {"a":\n\n{"a":\n']],
    ['J9 compressed bytes', ['\u001f\u008b\u0008\u0000garbage\n\n']],
  ])(
    '%s in the middle ends it as this API ends one, and what arrived is charged',
    async (_, bad) => {
      const bed = await apiBed(row, { settings: OUTPUT_ALONE })
      const words = WORDS.map(stream.says)
      bed.streams([stream.opens, ...words, ...bad, ...words, stream.closes(TEXT, REPORT)])
      const { text, trailers } = await streamed(bed)
      expect(stream.reads(text)).toEqual({ made: TEXT, end: 'error' })
      expect(text).not.toMatch(/10\.0\.0\.7|garbage/)
      expect(withoutCost(text).msat).toBe(3_000)
      expect(trailers['x-cost-msat']).toBe('3000')
      expect(await bed.spent()).toBe(3)
      await bed.gate.proof()
    },
  )

  it('A6 without a report, or with one of nonsense, it costs what was counted', async () => {
    for (const report of [null, ...[-1, 'x', 0, null, [], 1.5, {}].map(both)]) {
      const bed = await apiBed(row)
      bed.streams([streamOf(row, WORDS, report)])
      expect(stream.reads((await streamed(bed)).text)).toEqual(complete)
      const spent = await bed.spent()
      expect(spent).toBeGreaterThanOrEqual(4)
      expect(spent).toBeLessThan(60)
      expect(await bed.gate.last()).toMatchObject({ usage: 'counted', end: 'complete' })
      await bed.gate.proof()
    }
  })

  it('A5 that has nothing in it costs its prompt', async () => {
    const bed = await apiBed(row)
    bed.streams([streamOf(row, [], { input: 5, output: 0 })])
    expect(stream.reads((await streamed(bed)).text)).toEqual({ made: '', end: 'done' })
    expect(await bed.spent()).toBe(5)
  })

  it('J16 a report above the limit costs at most the limit', async () => {
    const bed = await apiBed(row)
    bed.streams([streamOf(row, WORDS, { input: 5, output: 9_000 })])
    expect((await streamed(bed, row.limit?.(20))).status).toBe(200)
    expect(await bed.spent()).toBe(25)
  })

  it('H3 of its words, nothing stands in a log, however it ends', async () => {
    const bed = await apiBed(row)
    const secret = 'my-secret-answer-0815'
    for (const last of [stream.closes(secret, REPORT), stream.fails(secret), `{"${secret}"`]) {
      bed.streams([stream.opens, stream.says(secret), last])
      await streamed(bed)
    }
    await bed.gate.requests(3)
    expect(bed.gate.log()).not.toContain(secret)
  })
})

const both = (figure: unknown) => ({ input: figure, output: figure })
