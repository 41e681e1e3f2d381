import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dialects } from '../../src/dialects/index.ts'
import { APIS, type ApiSample } from '../support/apis.ts'
import type { Answered } from '../support/ask.ts'
import { bearer, type Pass, until } from '../support/buyer.ts'
import { FORM_HEAD, form } from '../support/forms.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { type Check, checker } from '../support/schema.ts'

/**
 * Each API that is sold, with requests and answers that are nearly good. Whatever is sent, the answer is
 * an error in the envelope of that API or was paid for, a refusal costs nothing, and the gate goes on.
 */
let gate: TestGate
let pass: Pass
let errors: ReadonlyMap<string, Check>

const PRICE = { input: 1, output: 1, image: 5, second: 0.1 }

beforeAll(async () => {
  const settings = {
    pricing: { models: { fake: PRICE } },
    limits: { invoicesPerClient: 5 },
    dialects: { translate: false },
  }
  gate = await startGate({ shared: true, settings })
  pass = await gate.buy(1_000_000)
  const { json } = await gate.ask({ path: '/openapi.json' })
  errors = new Map(
    dialects.map(({ path, wire }) => {
      const $ref = `root#/components/schemas/${wire.errors.name}Error`
      return [path, checker({ $ref }, json)] as const
    }),
  )
})
afterAll(() => gate.close())

const RUNS = 60
const apis = Object.entries(APIS)

/** Statuses with which a request is refused, or the backend's answer is. */
const REFUSED = new Set([400, 402, 403, 404, 408, 413, 415, 422, 429])
const FAILED = new Set([500, 502, 503, 504])

/** What a request cost in msat. An answer that is no 200 costs nothing and is an error of its API. */
async function asked(
  path: string,
  body: string | Buffer,
  type: string,
): Promise<[Answered, number]> {
  const before = (await gate.balance(pass)).balance_msat
  const headers = { ...bearer(pass), 'content-type': type }
  const answered = await gate.ask({ path, method: 'POST', body, headers })
  await until(() => gate.composed.running() === 0)
  const cost = before - (await gate.balance(pass)).balance_msat
  if (answered.status !== 200) {
    expect([cost, errors.get(path)?.(answered.json)]).toEqual([0, []])
  }
  return [answered, cost]
}

const TYPE = 'application/json'
const typeOf = ({ form: fields }: ApiSample) =>
  fields === undefined ? TYPE : String(FORM_HEAD.contentType)

const STRANGE = [
  ...[null, true, '', -1, 0, 1.5, 1e308, 2 ** 53, [], {}, [[]], [null], '\u0000', 'x'.repeat(300)],
  ...['http://127.0.0.1/x', 'data:image/png;base64,AAAA', { type: 'x' }, [{ type: 'image_url' }]],
]
const strange = fc.oneof(fc.constantFrom(...STRANGE), fc.jsonValue())

type Change = (value: unknown) => unknown

/** Changes one member somewhere in a value. `at` says which. */
function changed(value: unknown, at: readonly number[], change: Change): unknown {
  const [first, ...rest] = at
  if (first === undefined || typeof value !== 'object' || value === null) return change(value)
  const entries = Object.entries(value)
  if (entries.length === 0) return change(value)
  const turn = first % entries.length
  const all = entries.map(([name, one], i) => [name, i === turn ? changed(one, rest, change) : one])
  return Array.isArray(value) ? all.map(([, one]) => one) : Object.fromEntries(all)
}

const where = fc.array(fc.nat(20), { minLength: 1, maxLength: 4 })
const FIELDS = ['max_tokens', 'n', 'tools', 'stream', 'options', 'previous_response_id', 'messages']

/** What becomes of a good request as JSON. */
const mutation: fc.Arbitrary<(good: Readonly<Record<string, unknown>>) => string | Buffer> =
  fc.oneof(
    fc.constant((good: object) => JSON.stringify(good)),
    fc.tuple(where, strange).map(
      ([at, other]) =>
        (good: object) =>
          JSON.stringify(changed(good, at, () => other)),
    ),
    fc.tuple(fc.constantFrom(...FIELDS), strange).map(
      ([name, other]) =>
        (good: object) =>
          JSON.stringify({ ...good, [name]: other }),
    ),
    fc.nat(10).map((at) => (good: object) => {
      const names = Object.keys(good)
      const name = names[at % names.length] ?? ''
      return `${JSON.stringify(good).slice(0, -1)},"${name.toUpperCase()}":1}`
    }),
    fc.tuple(fc.nat(10), strange).map(([at, other]) => (good: object) => {
      const names = Object.keys(good)
      const name = names[at % names.length] ?? ''
      return `${JSON.stringify(good).slice(0, -1)},"${name}":${JSON.stringify(other)}}`
    }),
    fc
      .integer({ min: 1, max: 3_000 })
      .map(
        (deep) => (good: object) =>
          `${JSON.stringify(good).slice(0, -1)},"x":${'['.repeat(deep)}${']'.repeat(deep)}}`,
      ),
    bytes().map((change) => (good: object) => change(Buffer.from(JSON.stringify(good)))),
  )

/** Truncates, repeats, or changes bytes. */
function bytes(): fc.Arbitrary<(good: Buffer) => Buffer> {
  return fc
    .tuple(fc.nat(), fc.nat(255), fc.constantFrom('cut', 'set', 'glue', 'drop'))
    .map(([where, byte, how]) => (good) => {
      const at = where % Math.max(1, good.length)
      if (how === 'cut') return good.subarray(0, at)
      if (how === 'glue') return Buffer.concat([good, good.subarray(at)])
      if (how === 'drop') return Buffer.concat([good.subarray(0, at), good.subarray(at + 1)])
      const other = Buffer.from(good)
      other[at] = byte
      return other
    })
}

const chunk = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
/** The answers that the fake backend makes itself. */
const OPENAI: Readonly<Record<string, NonNullable<ApiSample['answer']>>> = {
  '/v1/chat/completions': {
    ...{ type: TYPE, whole: '' },
    stream: `${chunk({ id: 'c', choices: [{ index: 0, delta: { content: 'a' } }] })}${chunk({
      choices: [{ index: 0, delta: { content: ' b' }, finish_reason: 'stop' }],
    })}${chunk({ choices: [], usage: USAGE })}data: [DONE]\n\n`,
  },
  '/v1/completions': {
    ...{ type: TYPE, whole: '' },
    stream: `${chunk({ id: 'c', choices: [{ index: 0, text: 'a b', finish_reason: 'stop' }] })}${chunk(
      { choices: [], usage: USAGE },
    )}data: [DONE]\n\n`,
  },
  '/v1/embeddings': {
    type: TYPE,
    whole: JSON.stringify({
      ...{ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5] }] },
      usage: USAGE,
    }),
  },
}

const types = fc.constantFrom<string | null>(
  ...[null, null, null, null, null, null, 'text/plain', 'multipart/form-data', TYPE],
)

describe.each(apis)('%s', (path, sample) => {
  const good = {
    model: 'fake',
    ...sample.body,
    ...(sample.stream === null ? {} : { stream: false }),
  }
  const fields = form([['model', 'fake'], ...(sample.form ?? [])])

  it('refuses what is nearly good in its own envelope, and serves what is good', async () => {
    gate.fake.script = { models: gate.fake.script.models ?? [] }
    let served = 0
    await fc.assert(
      fc.asyncProperty(mutation, bytes(), types, async (change, cut, type) => {
        const body = sample.form === undefined ? change(good) : cut(fields)
        const before = gate.fake.seen.length
        const [{ status, text }, cost] = await asked(path, body, type ?? typeOf(sample))
        expect([status, 200 === status || REFUSED.has(status), text]).toEqual([status, true, text])
        if (status === 200) {
          // What the gate answers itself is free (L20).
          expect(cost > 0).toBe(gate.fake.seen.length > before)
          served += 1
        }
      }),
      { numRuns: RUNS },
    )
    const [whole] = await asked(
      path,
      sample.form === undefined ? JSON.stringify(good) : fields,
      typeOf(sample),
    )
    expect(whole.status).toBe(200)
    if (sample.form === undefined) expect(served).toBeGreaterThan(0)
  }, 120_000)

  const { stream } = sample
  const answer = sample.answer ?? OPENAI[path] ?? null
  it('delivers no answer that was not paid for', async () => {
    const { models = [] } = gate.fake.script
    const streamed = answer?.stream !== undefined && stream !== null
    const request = JSON.stringify({ ...good, ...(streamed ? stream : {}) })
    const body = sample.form === undefined ? request : fields
    const sent = Buffer.from((streamed ? answer?.stream : answer?.whole) ?? '')
    const type = (streamed ? (answer?.streamType ?? 'text/event-stream') : answer?.type) ?? TYPE
    await fc.assert(
      fc.asyncProperty(bytes(), fc.nat(), async (change, split) => {
        const flawed = change(sent)
        const at = split % (flawed.length + 1)
        const pieces = [flawed.subarray(0, at), flawed.subarray(at)]
        gate.fake.script = { models, pieces, headers: { 'content-type': type } }
        const [{ status, text }, cost] = await asked(path, body, typeOf(sample))
        expect([status, status === 200 || REFUSED.has(status) || FAILED.has(status)]).toEqual([
          status,
          true,
        ])
        // A stream of which nothing was delivered but its error costs nothing.
        const delivered = status === 200 && text !== '' && !text.includes('error')
        if (delivered) expect([cost > 0, text]).toEqual([true, text])
      }),
      { numRuns: RUNS },
    )
    gate.fake.script = { models }
  }, 120_000)
})

describe('after all of it', () => {
  it('the books balance, no bug was reported, and the gate serves', async () => {
    await until(() => gate.composed.running() === 0)
    await gate.proof()
    expect(gate.events.filter(({ event }) => event === 'problem')).toEqual([])
    expect((await gate.chat(pass)).status).toBe(200)
  })
})
