import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Dialect, Meter } from '../../src/dialects/dialect.ts'
import { msat } from '../../src/money/msat.ts'
import { BACKENDS, bytes, feed, grant, HEAD, mustRead, pieces } from '../support/dialects.ts'
import { HABITS } from './habits.ts'

/** One request and its answers. */
export interface OpenAiSample {
  /** A valid request without options. */
  readonly request: Record<string, unknown>
  /** A valid buffered answer that reports 5 tokens in (and 3 out, if it has output). */
  readonly answer: unknown
  /**
   * The same answer as a stream, for a request that asked for usage. Null if the dialect never
   * streams.
   */
  readonly stream: string | null
}

/** The events of a stream as a client of OpenAI reads them. */
export function clientReads(stream: string): unknown[] {
  const events: unknown[] = []
  for (const event of stream.split(/\r?\n\r?\n/)) {
    const data = event.split(/\r?\n/).filter((line) => line.startsWith('data:'))
    if (data.length === 0) continue
    const text = data.map((line) => line.slice(5).trimStart()).join('\n')
    events.push(text === '[DONE]' ? text : JSON.parse(text))
  }
  return events
}

/** What OpenAI's three APIs must do in addition to the contract of every dialect. */
export function runOpenAiContract(dialect: Dialect, sample: OpenAiSample): void {
  describe(`${dialect.name}: an API of OpenAI`, () => {
    requests(dialect, sample)
    answers(dialect, sample)
    if (sample.stream === null) return
    streams(dialect, { ...sample, stream: sample.stream })
    habits(dialect, { ...sample, stream: sample.stream })
  })
}

function requests(dialect: Dialect, sample: OpenAiSample): void {
  it('reads a good request', () => {
    const asked = mustRead(dialect, sample.request)
    expect(asked).toMatchObject({ dialect: dialect.name, model: sample.request.model, choices: 1 })
    expect(asked.stream).toBe(false)
    expect(asked.most.input).toBeGreaterThan(asked.texts().join('').length)
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(dialect.read(body, HEAD).ok).toBe(false)
      }),
    )
  })

  it('never throws, whatever the JSON, and what it reads it can rewrite', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const keys = ['n', 'stream', 'stream_options', 'max_tokens', 'tools', 'messages', 'prompt']
    const key = fc.constantFrom(...keys, 'input', 'best_of', 'response_format', 'echo', 'model')
    const request = fc.dictionary(fc.oneof(key, fc.string()), value)
    fc.assert(
      fc.property(request, fc.constantFrom(...BACKENDS), (extra, backend) => {
        const read = dialect.read(bytes({ ...sample.request, ...extra }), HEAD)
        if (!read.ok) {
          expect(read.error.status).toBe(400)
          return
        }
        const sent = Buffer.from(dialect.rewrite(read.value, 3, backend).body)
        expect(JSON.parse(sent.toString()).model).toBe(read.value.model)
        expect(dialect.read(sent, HEAD).ok).toBe(true)
      }),
    )
  })

  it('A11 a model that is missing, no string, twice or last of a long body is told apart', () => {
    const { model, ...rest } = sample.request
    const text = JSON.stringify(rest).slice(1)
    const filler = `"user":"${'x'.repeat(70_000)}"`
    expect(dialect.read(bytes(rest), HEAD).ok).toBe(false)
    expect(dialect.read(bytes({ ...rest, model: 7 }), HEAD).ok).toBe(false)
    for (const twice of [
      `{"model":"a","model":"b",${text}`,
      `{"model":"a","mod\\u0065l":"a",${text}`,
    ]) {
      const read = dialect.read(bytes(twice), HEAD)
      expect(read).toMatchObject({ ok: false, error: { status: 400, code: 'duplicate_key' } })
    }
    const late = mustRead(dialect, `{${filler},${text.slice(0, -1)},"model":"${model}"}`)
    expect(late.model).toBe(model)
  })

  it.each(['Model', 'MODEL', 'Max_Tokens', 'max_toKenſ', 'N_Predict', 'ſtream', 'stream_optionS'])(
    'I13 a key %j that a folding parser takes for another one is refused',
    (key) => {
      const read = dialect.read(bytes({ ...sample.request, [key]: 1 }), HEAD)
      expect(read).toMatchObject({ ok: false, error: { status: 400, code: 'ambiguous_key' } })
    },
  )
}

function answers(dialect: Dialect, sample: OpenAiSample): void {
  it('meters a whole answer, and leaves its bytes alone', () => {
    const asked = mustRead(dialect, sample.request)
    const meter = dialect.meter(asked, grant(), 'other')
    const body = bytes(sample.answer)
    expect(meter.whole(body)).toBe(body)
    expect(meter.seen).toMatchObject({ output: true, finished: true, done: true, error: null })
    const output = asked.hasOutput ? 3 : 0
    expect(meter.usage(7)).toMatchObject({ input: 5, output, source: 'reported', reportedInput: 5 })
  })

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"error":{"message":"no"}}',
    '{"choices":[]}',
    '<html>',
    '{"a',
  ])('does not take %j for an answer', (body) => {
    const meter = dialect.meter(mustRead(dialect, sample.request), grant(), 'other')
    expect(meter.whole(bytes(body))).toBeNull()
    expect(meter.seen.output).toBe(false)
    expect(meter.usage(7)).toMatchObject({ input: 7, output: 0, source: 'none' })
  })

  it('A6 a usage that is missing, negative, no number or a string is counted, never 0', () => {
    const answer = JSON.parse(JSON.stringify(sample.answer))
    const asked = mustRead(dialect, sample.request)
    for (const figure of [undefined, null, {}, 'free', -1, 0.5, '5', [5], true]) {
      for (const usage of [figure, { prompt_tokens: figure, completion_tokens: figure }]) {
        const meter = dialect.meter(asked, grant(), 'other')
        meter.whole(bytes({ ...answer, usage }))
        const counted = meter.usage(7)
        expect(counted).toMatchObject({ input: 7, cached: 0, source: 'counted' })
        expect((counted.output ?? 0) > 0).toBe(asked.hasOutput)
        expect(counted.output).toBeLessThanOrEqual(1_000)
      }
    }
  })

  it('J16 a huge figure is charged at the most that can be believed', () => {
    const answer = JSON.parse(JSON.stringify(sample.answer))
    const asked = mustRead(dialect, sample.request)
    for (const figure of ['99999', '9007199254740993', '1e21', '1e400']) {
      const usage = `{"prompt_tokens":${figure},"completion_tokens":${figure}}`
      const meter = dialect.meter(asked, grant(), 'other')
      meter.whole(
        bytes(JSON.stringify({ ...answer, usage: 0 }).replace('"usage":0', `"usage":${usage}`)),
      )
      expect(meter.usage(7)).toMatchObject({
        input: asked.most.input + 2_048,
        output: asked.hasOutput ? 1_000 : 0,
        source: 'counted',
        reportedInput: null,
      })
    }
  })

  it('never throws, whatever the answer', () => {
    const asked = mustRead(dialect, sample.request)
    const answer = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map(bytes),
      fc.jsonValue().map((value) => bytes({ ...(sample.answer as object), usage: value })),
      fc.jsonValue().map((value) => bytes({ choices: [value], data: [value] })),
    )
    fc.assert(
      fc.property(answer, (body) => {
        const meter = dialect.meter(asked, grant(), 'llamacpp')
        meter.whole(body)
        const { input = 0, cached = 0, output = 0 } = meter.usage(7)
        for (const tokens of [input, cached, output]) {
          expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true)
        }
        expect(cached).toBeLessThanOrEqual(input)
      }),
    )
  })
}

/** Repeats a stream without its end until the meter says that it is over. */
function flood(meter: Meter, whole: Buffer): void {
  const last = whole.lastIndexOf('\n\n', whole.indexOf('"stop"')) + 2
  for (let i = 0; i < 1_000 && !meter.seen.over; i += 1) meter.stream(whole.subarray(0, last))
}

function streams(dialect: Dialect, sample: OpenAiSample & { stream: string }): void {
  const whole = bytes(sample.stream)
  const plain = { ...sample.request, stream: true }
  const wanting = { ...plain, stream_options: { include_usage: true } }

  it('A1 a stream split at every byte boundary bills the same and looks the same', () => {
    for (const request of [plain, wanting]) {
      const asked = mustRead(dialect, request)
      const once = feed(dialect.meter(asked, grant(), 'other'), [whole])
      expect(once.usage).toMatchObject({ input: 5, output: 3, source: 'reported' })
      for (let at = 0; at <= whole.length; at += 1) {
        const split = [whole.subarray(0, at), whole.subarray(at)]
        expect(feed(dialect.meter(asked, grant(), 'other'), split)).toEqual(once)
      }
      const single = [...whole].map((byte) => Uint8Array.of(byte))
      expect(feed(dialect.meter(asked, grant(), 'other'), single)).toEqual(once)
    }
  })

  it('A2 the client sees the usage when it asked for it, and the very bytes of the upstream', () => {
    const meter = dialect.meter(mustRead(dialect, wanting), grant(), 'other')
    const beforeDone = whole.subarray(0, whole.indexOf('data: [DONE]'))
    expect(meter.stream(beforeDone)).toBe(beforeDone)
    expect(meter.stream(whole.subarray(beforeDone.length))).toHaveLength(0)
    expect(Buffer.from(meter.finish()).toString()).toBe('data: [DONE]\n\n')
    const { out } = feed(dialect.meter(mustRead(dialect, plain), grant(), 'other'), [whole])
    expect(out).not.toContain('usage')
    expect(whole.toString()).toContain(out.slice(0, out.indexOf('data: [DONE]')))
  })

  it('withholds [DONE], so that the cost can be said before it', () => {
    const meter = dialect.meter(mustRead(dialect, wanting), grant(), 'other')
    const seen = Buffer.from(meter.stream(whole)).toString()
    expect(seen).toBe(whole.toString().replace('data: [DONE]\n\n', ''))
    expect(meter.seen.done).toBe(true)
    expect(Buffer.from(meter.finish()).toString()).toBe('data: [DONE]\n\n')
    expect(meter.finish()).toHaveLength(0)
  })

  it('A4 a stream that ended is told from one that broke off', () => {
    const asked = mustRead(dialect, plain)
    const ended = feed(dialect.meter(asked, grant(), 'other'), [whole])
    expect(ended.seen).toMatchObject({ done: true, finished: true, output: true })
    const broken = feed(dialect.meter(asked, grant(), 'other'), [whole.subarray(0, 200)])
    expect(broken.seen).toMatchObject({ done: false, finished: false })
  })

  it('ends a stream that ran over in the words of the dialect', () => {
    const meter = dialect.meter(mustRead(dialect, wanting), grant(1), 'other')
    flood(meter, whole)
    expect(meter.seen).toMatchObject({ over: true, done: false })
    const events = clientReads(Buffer.from(meter.cut()).toString())
    expect(events).toMatchObject([
      { choices: [{ index: 0, finish_reason: 'length' }] },
      { choices: [], usage: { completion_tokens: 1 } },
      '[DONE]',
    ])
    expect(meter.stream(whole)).toHaveLength(0)
  })

  it('K2 the note stands in the event of [DONE], or is the very last line', () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
    const ended = dialect.meter(mustRead(dialect, plain), grant(), 'other')
    ended.stream(whole)
    expect(text(ended.finish(msat(7n)))).toBe(': satgate cost_msat=7\ndata: [DONE]\n\n')
    const endless = dialect.meter(mustRead(dialect, plain), grant(), 'other')
    endless.stream(whole.subarray(0, whole.indexOf('data: [DONE]')))
    expect(text(endless.finish(msat(7n)))).toBe(': satgate cost_msat=7\n')
    const over = dialect.meter(mustRead(dialect, plain), grant(1), 'other')
    flood(over, whole)
    expect(text(over.cut(msat(7n)))).toMatch(/\n\n: satgate cost_msat=7\ndata: \[DONE\]\n\n$/)
    const broken = dialect.meter(mustRead(dialect, plain), grant(), 'other')
    broken.stream(whole.subarray(0, 50))
    const told = text(broken.broken({ code: 'x', message: 'x' }, msat(7n)))
    expect(told).toMatch(/^data: \{"error".*\}\n\n: satgate cost_msat=7\n$/)
  })

  it('K2 keeps a silent stream open without an event of its own that anybody could trip over', () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
    const meter = dialect.meter(mustRead(dialect, plain), grant(), 'other')
    expect(text(meter.keepAlive())).toMatch(/^: [^\n]+\n$/)
    const first = whole.subarray(0, whole.indexOf('\n\n') + 2)
    const [empty, real] = clientReads(text(meter.stream(first))) as Record<string, unknown>[]
    const { id, model, created } = real ?? {}
    const head = { id, model, created }
    expect(empty).toMatchObject({ ...head, choices: [{ index: 0, finish_reason: null }] })
    expect(text(meter.stream(first))).toBe(first.toString())
    expect(clientReads(text(meter.keepAlive()))).toEqual([empty])
    meter.stream(whole.subarray(first.length))
    expect(meter.keepAlive()).toHaveLength(0)
  })

  it('says in its words that a stream broke', () => {
    const meter = dialect.meter(mustRead(dialect, plain), grant(), 'other')
    meter.stream(whole.subarray(0, 50))
    const text = Buffer.from(
      meter.broken({ code: 'upstream_failed', message: 'it broke' }),
    ).toString()
    expect(text.endsWith('\n\n')).toBe(true)
    expect(clientReads(text)).toEqual([
      {
        error: {
          message: 'it broke',
          type: 'upstream_error',
          code: 'upstream_failed',
          param: null,
        },
      },
    ])
  })

  it('never throws, whatever the bytes, and any split equals none', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)),
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\uFEFF', ': ping\n\n').map(bytes),
      fc
        .constantFrom(
          'data: {}\n\n',
          'data: [DONE]\n\n',
          'data:',
          'data: {"choices":[',
          'event: x\n',
        )
        .map(bytes),
      fc.json().map((json) => bytes(`data: ${json}\n\n`)),
      fc.constantFrom(...sample.stream.split('\n\n')).map((event) => bytes(`${event}\n\n`)),
    )
    const asked = mustRead(dialect, plain)
    fc.assert(
      fc.property(
        fc.array(noise, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (parts, cuts) => {
          const all = Buffer.concat(parts)
          const once = feed(dialect.meter(asked, grant(), 'other'), [all])
          expect(feed(dialect.meter(asked, grant(), 'other'), pieces(all, cuts))).toEqual(once)
        },
      ),
      { numRuns: 500 },
    )
  })
}

/** A stream costs the same, whatever habits the backend has and however the bytes arrive. */
function habits(dialect: Dialect, sample: OpenAiSample & { stream: string }): void {
  const asked = mustRead(dialect, { ...sample.request, stream: true })
  const meter = () => dialect.meter(asked, grant(), 'other')
  const silent = sample.stream
    .split('\n\n')
    .filter((event) => !event.includes('"usage"'))
    .join('\n\n')

  it.each(HABITS)('$name: the same bill, and the same end', ({ bend }) => {
    for (const stream of [sample.stream, silent]) {
      const plain = feed(meter(), [bytes(stream)])
      const whole = bytes(bend(stream))
      const bent = feed(meter(), [whole])
      expect(bent.usage).toEqual(plain.usage)
      const { error, finished, done, output, over } = plain.seen
      expect(bent.seen).toMatchObject({ error, finished, done, output, over })
      expect(bent.out).toContain('[DONE]')
      for (let at = 0; at <= whole.length; at += 1) {
        const split = [whole.subarray(0, at), whole.subarray(at)]
        expect(feed(meter(), split)).toEqual(bent)
      }
    }
  })
}
