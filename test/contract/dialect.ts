import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Asked, Dialect, Meter, RequestHead, Rewritten } from '../../src/dialects/dialect.ts'
import { type Msat, msat } from '../../src/money/msat.ts'
import { QUANTITIES, type Quantities } from '../../src/money/quantities.ts'
import { CREDENTIAL_HEADERS } from '../../src/passes/present.ts'
import { BACKENDS, bytes, feed, grant, HEAD, pieces } from '../support/dialects.ts'
import { checker } from '../support/schema.ts'

/** What a client of the dialect understands of a stream, without costs and keep-alives. */
export interface Understood {
  /** The output, joined. */
  readonly made: string
  /** `limit`: the output limit ended it. Null: it broke off. */
  readonly end: 'done' | 'limit' | 'error' | null
}

/** What a dialect gives to its contract. Bodies are sent unchanged. */
export interface DialectSample {
  /** The request's headers, if it is not JSON. */
  readonly head?: RequestHead
  /** A valid request for an answer in one piece, and the model that it names. */
  readonly request: string | Uint8Array
  readonly model: string | null
  /** Requests that have no clear price, or that can be read in two ways. */
  readonly refused: readonly (string | Uint8Array)[]
  /** A valid answer in one piece, and answers that are not valid. Null if each is a stream of bytes. */
  readonly answer: string | Uint8Array | null
  readonly noAnswers: readonly (string | Uint8Array)[]
  /** The usage that the answer and the stream report. */
  readonly usage: Quantities
  /** The API reports no usage, so that the gate counts. Left out: it is reported. */
  readonly counted?: true
  /**
   * Set if the backend is asked in another dialect: that one, and the answer as the client sees it. The
   * answers and the stream are then those of the backend.
   */
  readonly translated?: { readonly to: Dialect; readonly answer: string }
  /** Null if the dialect never streams. */
  readonly streaming: {
    /** A valid request for a stream. */
    readonly request: string | Uint8Array
    /** The answer as a stream, and the content type that backends give it. */
    readonly stream: string
    readonly label: string
    /** A part of the stream that a backend repeats if it ignores its limit. */
    readonly endless: string
    /** The stream as the client sees it, if it is another one. */
    readonly shown?: string
    readonly reads: (stream: string) => Understood
  } | null
}

/**
 * What every dialect must do, whatever its API looks like. A dialect gives a request, its answers,
 * and a reader like those of its clients. It need not look like OpenAI's.
 */
export function runDialectContract(dialect: Dialect, sample: DialectSample): void {
  describe(`${dialect.name}: the contract of a dialect`, () => {
    requests(dialect, sample)
    if (sample.answer !== null) answers(dialect, sample, sample.answer)
    errors(dialect)
    documents(dialect, sample)
    if (sample.streaming !== null) streams(dialect, sample, sample.streaming)
  })
}

function requests(dialect: Dialect, sample: DialectSample): void {
  const read = (body: Uint8Array) => dialect.read(body, sample.head ?? HEAD)
  const to = sample.translated?.to ?? dialect
  const sent = ({ body, contentType }: Rewritten) =>
    to.read(body, { ...HEAD, ...sample.head, contentType })

  it('reads a good request, with a bound of everything that it can cost but its output', () => {
    const asked = readable(dialect, sample, sample.request)
    const stream = sample.answer === null
    expect(asked).toMatchObject({ dialect: dialect.name, model: sample.model, stream })
    expect(asked.choices).toBeGreaterThan(0)
    expect(asked.most.input).toBeGreaterThanOrEqual(Buffer.byteLength(asked.texts().join('')))
    expectCounts(asked.most)
  })

  it('refuses what cannot be priced, in words that say what to do', () => {
    for (const body of sample.refused) {
      const refusal = read(bytes(body))
      if (refusal.ok) throw new Error(`it reads ${body}`)
      expect([400, 413, 415]).toContain(refusal.error.status)
      expect(refusal.error.message).toMatch(/^[A-Z\w].*\.$/s)
    }
  })

  it('never throws, whatever the bytes, and what it reads it can rewrite', () => {
    const good = bytes(sample.request)
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(good.length).map((at) => good.subarray(0, at)),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const other = Buffer.from(good)
        other[at] = byte
        return other
      }),
    )
    fc.assert(
      fc.property(body, fc.constantFrom(...BACKENDS), (body, backend) => {
        const asked = read(body)
        if (asked.ok) expect(sent(dialect.rewrite(asked.value, 3, backend)).ok).toBe(true)
        else expect([400, 413, 415]).toContain(asked.error.status)
      }),
    )
  })

  it('sends the same request, of a type, with no header that nobody said it may send', () => {
    const asked = readable(dialect, sample, sample.request)
    for (const backend of BACKENDS) {
      const { body, contentType, headers } = dialect.rewrite(asked, 3, backend)
      const sent = readable(to, sample, body, contentType)
      expect(sent).toMatchObject({ model: asked.model, stream: asked.stream, most: asked.most })
      expect(contentType).toMatch(/^[\w.+-]+\/[\w.+-]+/)
      expect(Object.keys(headers).filter((name) => !dialect.headers.includes(name))).toEqual([])
    }
    expect(dialect.headers.filter((name) => CREDENTIAL_HEADERS.has(name))).toEqual([])
    expect(dialect.respell(asked, bytes('<html>no'), new Set())).toBeNull()
  })

  it('lets go of the body, and keeps what a running answer needs', () => {
    const asked = readable(dialect, sample, sample.request)
    const meter = dialect.meter(asked, grant(), 'other')
    asked.forget()
    expect(asked.body).toHaveLength(0)
    if (sample.answer === null) return
    expect(meter.whole(bytes(sample.answer))).not.toBeNull()
    expect(meter.usage(7)).toMatchObject(sample.usage)
  })
}

type Whole = NonNullable<DialectSample['answer']>

function answers(dialect: Dialect, sample: DialectSample, answer: Whole): void {
  const metered = () => dialect.meter(readable(dialect, sample, sample.request), grant(), 'other')

  it('meters an answer in one piece, and leaves its bytes alone if it is not translated', () => {
    const meter = metered()
    const body = bytes(answer)
    const shown = meter.whole(body)
    if (sample.translated === undefined) expect(shown).toBe(body)
    else expect(JSON.parse(text(shown ?? body))).toEqual(JSON.parse(sample.translated.answer))
    expect(meter.seen).toMatchObject({ output: true, finished: true, done: true, error: null })
    const source = sample.counted ? 'counted' : 'reported'
    expect(meter.usage(7)).toMatchObject({ ...sample.usage, source })
  })

  it('takes an error, or another kind of answer, for none', () => {
    for (const body of ['', 'null', '[]', '{}', '<html>', '{"a', ...sample.noAnswers]) {
      const meter = metered()
      expect(meter.whole(bytes(body))).toBeNull()
      expect(meter.seen.output).toBe(false)
      expect(meter.usage(7)).toMatchObject({ source: 'none' })
    }
  })

  it('never throws, whatever the answer, and what it charges can be counted', () => {
    const good = bytes(answer)
    const other = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map(bytes),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const other = Buffer.from(good)
        other[at] = byte
        return other
      }),
    )
    fc.assert(
      fc.property(other, (body) => {
        const meter = metered()
        meter.whole(body)
        expectCounts(meter.usage(7))
      }),
    )
  })

  it('gives an answer in one piece a media type that is not the one of a stream', () => {
    const { answerType, streamType } = dialect.wire
    for (const label of [null, streamType(null), 'text/html', 'application/json; charset=utf-8']) {
      expect(answerType(label)).toMatch(/^[\w.+-]+\/[\w.+-]+/)
      if (sample.streaming !== null)
        expect(answerType(label)).not.toContain(essence(streamType(label)))
    }
  })
}

/** The media type without its parameters. */
const essence = (type: string): string => type.split(';', 1)[0] ?? type

function errors({ wire }: Dialect): void {
  it('writes an error with its message in it, in the members that it documents', () => {
    const { error, schema, parts, contentType } = wire.errors
    const components = { components: { schemas: parts } }
    const check = checker(within({ type: 'object', properties: schema }), components)
    for (const status of [400, 402, 403, 404, 413, 429, 500, 502, 503, 504]) {
      const body = error({ status, code: 'some_code', message: 'Why it is so.', param: null }, null)
      expect(JSON.stringify(body)).toContain('Why it is so.')
      expect(Object.keys(body)).toEqual(Object.keys(schema))
      expect(check(body)).toEqual([])
    }
    expect(contentType).toMatch(/^[\w.+-]+\/[\w.+-]+/)
  })
}

function documents({ docs }: Dialect, sample: DialectSample): void {
  it('documents the request and the answer that it reads', () => {
    const ModelName = { type: 'string' }
    for (const [body, { schema, parts, type }] of [
      [sample.request, docs.request],
      [sample.translated?.answer ?? sample.answer, docs.answer],
    ] as const) {
      if (type !== 'application/json' || body === null) continue
      const check = checker(within(schema), { components: { schemas: { ...parts, ModelName } } })
      expect(check(JSON.parse(bytes(body).toString()))).toEqual([])
    }
    expect(docs.name).toMatch(/^[A-Z][A-Za-z]+$/)
    expect(docs.stream === null).toBe(sample.streaming === null)
  })
}

/** A schema whose references point into the document beside it. */
const within = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"root#/components'))

type Streaming = NonNullable<DialectSample['streaming']>

function streams(dialect: Dialect, sample: DialectSample, streaming: Streaming): void {
  const { reads, label } = streaming
  const whole = bytes(streaming.stream)
  const asked = () => readable(dialect, sample, streaming.request)
  const metered = (output?: number) => dialect.meter(asked(), grant(output), 'other')
  const complete = reads(streaming.shown ?? streaming.stream)

  it('is told from an answer in one piece by its bytes, however few come at first', () => {
    expect(complete.end).toBe('done')
    expect(asked().stream).toBe(true)
    const { isStream } = dialect.wire
    expect(isStream(label, whole)).toBe(true)
    expect(isStream(label, bytes(sample.answer))).toBe(false)
    for (let at = 0; at <= whole.length; at += 1) {
      expect([true, null]).toContain(isStream(label, whole.subarray(0, at)))
    }
  })

  it('A1 split at every byte boundary, it bills the same and looks the same', () => {
    const once = feed(metered(), [whole])
    expect(once.usage).toMatchObject({ ...sample.usage, source: 'reported' })
    expect(reads(once.out)).toEqual(complete)
    for (let at = 0; at <= whole.length; at += 1) {
      expect(feed(metered(), [whole.subarray(0, at), whole.subarray(at)])).toEqual(once)
    }
    const single = [...whole].map((byte) => Uint8Array.of(byte))
    expect(feed(metered(), single)).toEqual(once)
  })

  it('K2 tells its cost where no client trips over it, at whatever end', () => {
    const cost = msat(123_457n)
    const ends: readonly [Meter, (meter: Meter, cost: Msat) => Uint8Array][] = [
      [metered(), (meter, cost) => meter.finish(cost)],
      [metered(), (meter, cost) => meter.cut(cost)],
      [metered(), (meter, cost) => meter.broken({ code: 'x', message: 'It broke.' }, cost)],
    ]
    for (const [at, [meter, end]] of ends.entries()) {
      // The first stream has its end; the others stop in the middle.
      const fed = text(meter.stream(at === 0 ? whole : whole.subarray(0, whole.length / 2)))
      const told = text(end(meter, cost))
      expect(told).toContain('123457')
      expect(reads(fed + told).end).toBe((['done', 'limit', 'error'] as const)[at])
      expect(meter.finish()).toHaveLength(0)
      expect(meter.stream(whole)).toHaveLength(0)
    }
  })

  it('K2 is kept open by bytes that no client trips over', () => {
    const meter = metered()
    let out = text(meter.keepAlive())
    for (const piece of pieces(whole, [whole.length / 3, (2 * whole.length) / 3].map(Math.ceil))) {
      out += text(meter.stream(piece)) + text(meter.keepAlive())
    }
    expect(reads(out + text(meter.finish(msat(1n))))).toEqual(complete)
    expect(meter.usage(7)).toMatchObject(sample.usage)
  })

  it('A4 that ended is told from one that broke off', () => {
    expect(feed(metered(), [whole]).seen).toMatchObject({ done: true, finished: true, error: null })
    const broken = feed(metered(), [whole.subarray(0, Math.floor(whole.length / 2))])
    expect(broken.seen).toMatchObject({ done: false, finished: false })
    expect(reads(broken.out).end).toBeNull()
  })

  it('that makes more than was granted is stopped, and ends as at a limit', () => {
    const meter = metered(1)
    let out = ''
    for (let i = 0; i < 2_000 && !meter.seen.over; i += 1) {
      out += text(meter.stream(bytes(streaming.endless)))
    }
    expect(meter.seen).toMatchObject({ over: true, done: false })
    expect(meter.stream(whole)).toHaveLength(0)
    expect(reads(out + text(meter.cut())).end).toBe('limit')
  })

  it('can be made of an answer in one piece, when it has begun already', () => {
    const meter = metered()
    const alive = text(meter.keepAlive())
    const answer = meter.whole(bytes(sample.answer))
    if (answer === null) throw new Error('no answer')
    const read = reads(alive + text(meter.asStream(answer, msat(5n))))
    expect(read.end).toBe('done')
    expect(read.made).not.toBe('')
  })

  it('never throws, whatever the bytes, and any split equals none', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)),
      fc.constantFrom('\n', '\r\n', '\n\n', '{}\n', '[', '\uFEFF').map(bytes),
      fc.json().map((json) => bytes(`${json}\n`)),
      fc
        .tuple(fc.nat(whole.length), fc.nat(whole.length))
        .map(([a, b]) => whole.subarray(Math.min(a, b), Math.max(a, b))),
    )
    const parts = fc.array(noise, { maxLength: 12 })
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 8 }), (parts, cuts) => {
        const all = Buffer.concat(parts)
        const once = feed(metered(), [all])
        expectCounts(once.usage)
        expect(feed(metered(), pieces(all, cuts))).toEqual(once)
      }),
      { numRuns: 300 },
    )
  })
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

function readable(
  dialect: Dialect,
  sample: DialectSample,
  body: string | Uint8Array,
  contentType = sample.head?.contentType ?? HEAD.contentType,
): Asked {
  const read = dialect.read(bytes(body), { ...HEAD, ...sample.head, contentType })
  if (!read.ok) throw new Error(`${read.error.code}: ${read.error.message}`)
  return read.value
}

/** Every quantity is a count, and the cached input is at most the input. */
function expectCounts(quantities: Quantities): void {
  for (const name of QUANTITIES) {
    const count = quantities[name] ?? 0
    expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
  }
  expect(quantities.cached ?? 0).toBeLessThanOrEqual(quantities.input ?? 0)
}
