import { describe, expect, it } from 'vitest'
import type { Streaming } from '../support/ask.ts'
import { type Pass, tick, until } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'
import { RawClient } from '../support/serve.ts'

/**
 * An input token costs nothing and an output token one sat, so the charge in sats is the number of
 * output tokens.
 */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 200 } }
const words = (count: number) => Array.from({ length: count }, () => ' word')

async function paid(options: GateOptions = {}): Promise<{ gate: TestGate; pass: Pass }> {
  const { script, ...rest } = options
  const gate = await startGate({ ...rest, settings: { ...PRICES, ...options.settings } })
  gate.fake.script = script ?? {}
  return { gate, pass: await gate.buy(1_000) }
}

const open = (gate: TestGate, pass: Pass, body = {}): Promise<Streaming> =>
  gate.client.open(gate.chatQuestion(pass, { stream: true, ...body }))

/** The sats that the account has spent, once nothing is held. */
async function spent(gate: TestGate, pass: Pass): Promise<number> {
  await until(async () => (await gate.balance(pass)).held_msat === 0)
  return (1_000_000 - (await gate.balance(pass)).balance_msat) / 1_000
}

describe('a buyer who leaves', () => {
  it.each([
    { when: 'at the first word', after: 1 },
    { when: 'in the middle', after: 20 },
  ])(
    'A3 and I7 leaving_before_usage_pays_as_staying: $when, a stream pays what flowed, and the upstream is stopped',
    async ({ after }) => {
      const { gate, pass } = await paid({ script: { deltas: words(200), paceMs: 5, usage: 'own' } })
      const stream = await open(gate, pass)
      await until(() => (stream.text().match(/word/g)?.length ?? 0) >= after)
      const seen = stream.text().match(/word/g)?.length ?? 0
      stream.leave()
      await gate.fake.untilAborted()
      const cost = await spent(gate, pass)
      expect(cost).toBeGreaterThanOrEqual(seen)
      expect(cost).toBeLessThan(seen + 60)
      expect(await gate.last()).toMatchObject({ end: 'client_left', usage: 'counted', status: 200 })
      await gate.proof()
    },
  )

  it('A3 before any output of a stream pays only its prompt', async () => {
    const { gate, pass } = await paid({
      settings: { pricing: { default: '1000/1000' } },
      script: { firstByteMs: 400 },
    })
    const sent = gate.client.start(gate.chatQuestion(pass, { stream: true }))
    await until(() => gate.fake.running === 1)
    sent.leave()
    await gate.fake.untilAborted()
    const cost = await spent(gate, pass)
    expect(cost).toBeGreaterThan(0)
    const tokens = { prompt_tokens: cost, completion_tokens: 0 }
    expect(await gate.last()).toMatchObject({ end: 'client_left', ...tokens })
  })

  it('J15 leaving_before_the_first_token_pays_the_estimate: as much as leaving behind it, not the bound', async () => {
    const { gate, pass } = await paid({ settings: { pricing: { default: '1000/0' } } })
    const messages = [{ role: 'user', content: 'Tell me of the sea and its ships. '.repeat(40) }]
    const ask = { messages, stream: true }
    gate.fake.script = { deltas: words(500), paceMs: 20, usage: 'none' }
    const behind = await open(gate, pass, { messages })
    await behind.until('word')
    behind.leave()
    await gate.fake.untilAborted()
    const paidBehind = await spent(gate, pass)
    gate.fake.script = { firstByteMs: 400 }
    const before = gate.client.start(gate.chatQuestion(pass, ask))
    await until(() => gate.fake.running === 1)
    before.leave()
    await gate.fake.untilAborted(2)
    expect((await spent(gate, pass)) - paidBehind).toBe(paidBehind)
    const [first, second] = await gate.requests(2)
    expect(second?.prompt_tokens).toBe(first?.prompt_tokens)
    expect(paidBehind).toBeLessThan(500)
  })

  it('A3 after the last word and before the usage pays as if it had stayed', async () => {
    const { gate, pass } = await paid({
      script: {
        deltas: words(5),
        usage: 'none',
        noDone: true,
        after: { deltas: 5, does: 'silence' },
      },
    })
    const stream = await open(gate, pass)
    await until(() => stream.text().match(/word/g)?.length === 5)
    stream.leave()
    expect(await spent(gate, pass)).toBe(5)
  })

  it('A4 of a stream that was read to its end it is complete, whoever closes the connection then', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(7) } })
    const answer = await gate.chat(pass, { stream: true }, { connection: 'close' })
    expect(answer.text).toContain('[DONE]')
    expect(await spent(gate, pass)).toBe(7)
    expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'reported' })
  })

  it('I6 limit_aliases_and_buffered_abort_bounded: hanging up on a buffered answer pays the ceiling', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(100), paceMs: 20 } })
    const sent = gate.client.start(gate.chatQuestion(pass, { max_tokens: 90 }))
    await until(() => gate.fake.running === 1)
    sent.leave()
    await gate.fake.untilAborted()
    expect(await spent(gate, pass)).toBe(90)
    expect(await gate.last()).toMatchObject({ end: 'client_left', status: 499 })
  })

  it('I5 buyer_caused_failure_or_stall_is_charged: a reader that stops reading counts as having left', async () => {
    const choices = [{ index: 0, delta: { content: ' word' }, finish_reason: null }]
    const event = `data: ${JSON.stringify({ id: 'x', pad: 'x'.repeat(100_000), choices })}\n\n`
    const { gate, pass } = await paid({
      settings: { timeouts: { idle: '1s' } },
      script: {
        body: event.repeat(150),
        headers: { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' },
      },
    })
    const stream = await open(gate, pass)
    stream.response.pause()
    await gate.fake.untilAborted()
    const cost = await spent(gate, pass)
    expect(cost).toBeGreaterThan(1)
    expect(cost).toBeLessThan(150)
    expect(await gate.last()).toMatchObject({ end: 'client_left' })
  })
})

describe('an upstream that breaks off', () => {
  it.each([
    { how: 'dies', does: 'die', billing: 'used', cost: 4, end: 'upstream_failed' },
    { how: 'dies', does: 'die', billing: 'release', cost: 0, end: 'upstream_failed' },
    { how: 'goes silent', does: 'silence', billing: 'used', cost: 4, end: 'stalled' },
    { how: 'goes silent', does: 'silence', billing: 'release', cost: 0, end: 'stalled' },
  ] as const)(
    '$how midway, billing $billing: $cost sat, and an error event that clients know',
    async (row) => {
      const { gate, pass } = await paid({
        settings: { billing: { onUpstreamFailure: row.billing } },
        script: { deltas: words(4), paceMs: 5, after: { deltas: 4, does: row.does } },
      })
      const stream = await open(gate, pass)
      await until(() => stream.text().match(/word/g)?.length === 4)
      if (row.does === 'silence') gate.world.skip(121_000)
      const { text, cut } = await stream.over
      expect(cut).toBe(false)
      const [last = '', cost] = text.split('\n\n').slice(-2)
      expect(cost).toBe(`: satgate cost_msat=${row.cost * 1_000}\n`)
      expect(JSON.parse(last.replace('data: ', '')).error).toMatchObject({
        message: expect.stringMatching(/^The model server /),
        code: expect.stringMatching(/^upstream_/),
      })
      expect(await spent(gate, pass)).toBe(row.cost)
      expect(await gate.last()).toMatchObject({ end: row.end })
      await gate.proof()
    },
  )

  it.each([
    { how: 'dies', script: { after: { deltas: 0, does: 'die' } } as const, status: 502 },
    { how: 'refuses', script: { refuse: true } as const, status: 502 },
    { how: 'answers 500', script: { status: 500, body: 'boom' }, status: 502 },
    {
      how: 'sends an error event',
      script: {
        status: 200,
        body: 'data: {"error":{"message":"out of memory at 10.0.0.7"}}\n\n',
        headers: { 'content-type': 'text/event-stream' },
      },
      status: 502,
    },
  ])(
    'that $how before the first word is free, and no stream begins',
    async ({ script, status }) => {
      const { gate, pass } = await paid({ script })
      const answer = await gate.chat(pass, { stream: true })
      expect([answer.status, answer.json.error.code]).toEqual([status, 'upstream_error'])
      expect(answer.text).not.toContain('10.0.0.7')
      expect(await spent(gate, pass)).toBe(0)
    },
  )

  it('that never answers is 504 after the time for the first byte, free', async () => {
    const { gate, pass } = await paid({ script: { firstByteMs: 3_000 } })
    const answer = gate.chat(pass)
    await until(() => gate.fake.running === 1)
    gate.world.skip(300_000)
    expect((await answer).json.error.code).toBe('upstream_timeout')
    expect(await spent(gate, pass)).toBe(0)
  })

  it('is not tried again once it was sent', async () => {
    const { gate, pass } = await paid({ script: { refuse: true } })
    const sent = () => gate.fake.seen.filter(({ method }) => method === 'POST').length
    const before = sent()
    await gate.chat(pass)
    expect(sent() - before).toBeLessThanOrEqual(1)
  })

  describe('a stream whose choices have all finished', () => {
    const event = (part: object) => `data: ${JSON.stringify({ id: 'x', ...part })}\n\n`
    const word = event({
      choices: [{ index: 0, delta: { content: ' word' }, finish_reason: null }],
    })
    const stop = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    const usage = event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } })

    it('is complete without [DONE]', async () => {
      const { gate, pass } = await paid({ script: { pieces: [word, stop] } })
      const answer = await gate.chat(pass, { stream: true })
      expect(answer.status).toBe(200)
      expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'counted' })
      expect(await spent(gate, pass)).toBe(1)
    })

    it('waits up to two seconds for a late usage', async () => {
      const { gate, pass } = await paid()
      const late = async () => {
        gate.world.advance(1_000)
        await tick(100)
      }
      gate.fake.script = { pieces: [word + stop, late, usage] }
      await gate.chat(pass, { stream: true })
      expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'reported' })
      expect(await spent(gate, pass)).toBe(7)
    })

    it('waits no longer than two seconds for a usage, however long the backend stays', async () => {
      const { gate, pass } = await paid({ script: { pieces: [word + stop], staysOpen: true } })
      const stream = await open(gate, pass)
      await stream.until('"stop"')
      gate.world.skip(1_000)
      expect((await gate.balance(pass)).held_msat).toBeGreaterThan(0)
      gate.world.skip(1_000)
      const { text, cut } = await stream.over
      expect([text.match(/ word/g)?.length, cut]).toEqual([1, false])
      expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'counted' })
      await gate.fake.untilAborted()
    })
  })
})

describe('bytes on the way', () => {
  it('a client of HTTP/1.0 gets only the events, with the cost among them, and the end of the connection', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(3) } })
    const body = JSON.stringify(gate.chatQuestion(pass, { stream: true }).body)
    const client = new RawClient(gate.port)
    client.send(
      `POST /v1/chat/completions HTTP/1.0\r\nhost: x\r\nauthorization: Bearer ${pass.text}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    const answer = await client.untilClosed()
    const [head = '', ...events] = answer.split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.[01] 200/)
    expect(head).not.toMatch(/transfer-encoding|trailer/i)
    expect(events.join('')).toMatch(
      /^data: \{[\s\S]*\n\n: satgate cost_msat=3000\ndata: \[DONE\]\n\n$/,
    )
    expect(await spent(gate, pass)).toBe(3)
  })

  it('G9 the first word is not held back', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(30), paceMs: 50 } })
    const stream = await open(gate, pass)
    await stream.until('word')
    expect(stream.text().match(/word/g)?.length).toBeLessThan(5)
    expect((await gate.balance(pass)).held_msat).toBe(200_000)
    stream.leave()
  })

  it('A9 CRLF, comments and multi-line data are passed unchanged, and are metered', async () => {
    const choice = (part: object) => ({
      id: 'x',
      choices: [{ index: 0, finish_reason: null, ...part }],
    })
    const events = [
      ': hello\r\n\r\n',
      `event: chunk\r\ndata: ${JSON.stringify(choice({ delta: { content: 'a' } }))}\r\n\r\n`,
      `data: {"id":"x","choices":\r\ndata: [{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\r\n\r\n`,
      `data: {"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\r\n\r\n`,
      'data: [DONE]\r\n\r\n',
    ]
    const { gate, pass } = await paid({
      script: { body: events.join(''), headers: { 'content-type': 'text/event-stream' } },
    })
    const answer = await gate.chat(pass, { stream: true })
    const own = [events[0], events[1], events[2], ': satgate cost_msat=2000\r\n', events[4]]
    expect(answer.text).toBe(own.join(''))
    expect(await spent(gate, pass)).toBe(2)
  })

  it('G8 a long healthy stream outlives every idle time, and its hold is extended with it (B5)', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(150), paceMs: 12 } })
    const stream = await open(gate, pass)
    await stream.until('word')
    const first = (await gate.books.statement.holds(1))[0]
    for (let i = 0; i < 6; i += 1) {
      await tick(200)
      gate.world.advance(100_000)
    }
    const later = (await gate.books.statement.holds(1))[0]
    expect(later?.deadline).toBeGreaterThan((first?.deadline ?? 0) + 300_000)
    expect(later?.sofar).toBeGreaterThan(0n)
    const { text, cut } = await stream.over
    expect([cut, text.match(/word/g)?.length]).toEqual([false, 150])
    expect(await spent(gate, pass)).toBe(150)
    await gate.proof()
  })

  it('a stream that is silent for 10 s is kept open by comments', async () => {
    let go = () => {}
    const before = () => new Promise<void>((then) => (go = then))
    const { gate, pass } = await paid({ script: { before, deltas: words(2) } })
    const opening = open(gate, pass)
    await until(() => gate.fake.running === 1)
    gate.world.skip(10_500)
    const stream = await opening
    expect(stream.status).toBe(200)
    await stream.until(': ')
    go()
    expect((await stream.over).text).toMatch(/^: waiting for the model\ndata: /)
    expect(await spent(gate, pass)).toBe(2)
  })

  it('streams of buyers are not mixed: many at once, each with its own bytes and cost', async () => {
    const { gate, pass } = await paid({ script: { paceMs: 2 } })
    gate.fake.script = { ...gate.fake.script, deltas: words(10) }
    const all = await Promise.all(
      Array.from({ length: 20 }, () => gate.chat(pass, { stream: true, max_tokens: 20 })),
    )
    expect(new Set(all.map(({ headers }) => headers['x-request-id'])).size).toBe(20)
    for (const { text } of all) expect(text.match(/word/g)).toHaveLength(10)
    expect(await spent(gate, pass)).toBe(200)
    await gate.proof()
  })
})

describe('stopping', () => {
  it('an answer of which nothing was seen yet is a 503 that names the reason, and free', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(100), paceMs: 50 } })
    const answers = [gate.chat(pass), gate.chat(pass, { n: 2 })]
    await until(() => gate.fake.running === 2)
    await gate.composed.endStreams()
    for (const answer of await Promise.all(answers)) {
      expect([answer.status, answer.json.error.code]).toEqual([503, 'stopping'])
      expect(answer.headers['retry-after']).toBe('5')
    }
    expect(await spent(gate, pass)).toBe(0)
  })

  it('a request that waited for the money of one that is ended is not sent any more, and free', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(200), paceMs: 20 } })
    const all = { stream: true, max_tokens: 1_000 }
    const stream = await open(gate, pass, all)
    await stream.until('word')
    const waiting = gate.chat(pass, all)
    await until(() => gate.composed.running() === 1)
    await tick(200)
    gate.composed.refuseNew()
    await gate.composed.endStreams()
    const answer = await waiting
    expect([answer.status, answer.json.error.code]).toEqual([503, 'stopping'])
    expect(gate.fake.seen.filter(({ path }) => path.endsWith('/completions'))).toHaveLength(1)
    expect(await spent(gate, pass)).toBe(0)
    await gate.proof()
  })

  it('what still streams is ended with an error event, and given back whole', async () => {
    const { gate, pass } = await paid({ script: { deltas: words(200), paceMs: 20 } })
    const stream = await open(gate, pass)
    await stream.until('word')
    gate.composed.refuseNew()
    expect((await gate.chat(pass)).json.error.code).toBe('stopping')
    await gate.composed.endStreams()
    const { text, cut } = await stream.over
    expect(cut).toBe(false)
    expect(text).toMatch(/"code":"stopping".*\n\n: satgate cost_msat=0\n$/)
    expect(await spent(gate, pass)).toBe(0)
    const events = await gate.requests(2)
    expect(events).toMatchObject([{ end: 'refused' }, { end: 'stopped', charged_msat: 0 }])
  })
})
