import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { err, ok } from '../../src/floor/result.ts'
import { pattern, Routes } from '../../src/gate/route.ts'
import type { Targets } from '../../src/gate/targets.ts'
import { runDialectContract } from '../contract/dialect.ts'
import { bearer } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import { pathsOf } from '../support/openapi.ts'
import { imageLines } from './image-lines.ts'

const image = (data: string) => `{"image":"${data}"}\n`

/** A client of it: one value on each line. Empty lines and costs are left out. */
function reads(stream: string) {
  const values = stream
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))
  const last = values.at(-1)
  const made = values.map(({ image = '' }) => image).join('')
  if (last?.error !== undefined) return { made, end: 'error' as const }
  if (last?.done !== true) return { made, end: null }
  return { made, end: last.done_reason === 'limit' ? ('limit' as const) : ('done' as const) }
}

runDialectContract(imageLines, {
  request: '{"model":"sd","prompt":"a cät","count":3,"stream":false}',
  model: 'sd',
  refused: ['{"prompt":"a"}', '{"model":"a","model":"b","prompt":"c"}', '{"model":"a","prompt":1}'],
  answer: '{"images":["aa","bb","cc"],"done":true}',
  noAnswers: ['{"error":"out of memory"}', '{"images":[]}', '{"done":true}'],
  usage: { image: 3 },
  streaming: {
    request: '{"model":"sd","prompt":"a cät","count":3}',
    stream: `${image('aa')}${image('bb')}${image('cc')}{"done":true,"count":3}\n`,
    label: 'application/x-ndjson',
    endless: image('aa'),
    reads,
  },
})

/** 5 sat for each image. A price is in msat per million of a quantity. */
const IMAGE = 5_000_000_000n

/** A gate with this dialect alone. `lines` is what the backend streams. */
const drawing = (
  lines: readonly (string | (() => Promise<unknown>))[],
  headers = {},
  dialect: Dialect = imageLines,
) =>
  startGate({
    routes: (targets: Targets) =>
      new Routes([
        {
          ...{ method: 'POST', path: pattern(dialect.path), dialect },
          ...{ mode: 'charge', price: { by: 'call', rate: { image: IMAGE } }, targets },
          ...{ query: false, tellsPrice: true },
        },
      ]),
    script: { pieces: lines, headers: { 'content-type': 'application/x-ndjson', ...headers } },
  })

const request = (count: number, more: object = {}) => ({
  path: imageLines.path,
  body: { model: 'sd', prompt: 'a cat', count, ...more },
})
const done = (count: number) => `${JSON.stringify({ done: true, count })}\n`

describe('a dialect that the program has never heard of, in a whole gate', () => {
  it('is sold by its own price, with errors as it writes them', async () => {
    const gate = await drawing([])
    const refused = await gate.ask(request(3))
    expect(refused.status).toBe(402)
    expect(refused.json.error).toMatch(/15 sat/)
    expect(refused.json.l402.amount_sats).toBe(15)
    expect(refused.headers['www-authenticate']).toContain('L402')
    const unclear = await gate.ask({ path: imageLines.path, body: { model: 'sd' } })
    expect([unclear.status, unclear.json]).toEqual([400, { error: 'prompt must be a text.' }])
  })

  it('streams line by line, and charges the images', async () => {
    const next = Promise.withResolvers<void>()
    const gate = await drawing([image('aa'), () => next.promise, image('bb') + done(2)])
    const pass = await gate.buy(100)
    const headers = { ...bearer(pass), 'x-draw-version': '7' }
    const stream = await gate.client.open({ ...request(3), headers })
    await stream.until('aa')
    expect(stream.text()).toBe(image('aa'))
    expect(stream.headers['content-type']).toBe('application/x-ndjson')
    next.resolve()
    const { text } = await stream.over
    expect(text).toBe(`${image('aa')}${image('bb')}{"cost_msat":10000}\n${done(2)}`)
    expect(gate.fake.seen.at(-1)).toMatchObject({ path: '/api/draw', json: { count: 3 } })
    expect(gate.fake.seen.at(-1)?.headers['x-draw-version']).toBe('7')
    expect((await gate.balance(pass)).balance_msat).toBe(90_000)
    const usage = await gate.ask({ path: '/v1/usage', headers: bearer(pass) })
    expect(usage.json.data[0]).toMatchObject({ images: 2, charged_msat: 10_000, held_msat: 15_000 })
    expect(await gate.last()).toMatchObject({
      dialect: 'image-lines',
      images: 2,
      usage: 'reported',
    })
    await gate.proof()
  })

  it('ends a stream that breaks off with its own error, and charges what came', async () => {
    const gate = await drawing([image('aa'), '{"error":"out of memory at 0x7f"}\n'])
    const pass = await gate.buy(100)
    const { text } = await gate.ask({ ...request(3), headers: bearer(pass) })
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ image: 'aa' }, { cost_msat: 5_000 }, { error: /broke off/ }])
    expect((await gate.balance(pass)).balance_msat).toBe(95_000)
    await gate.proof()
  })

  it('answers in one piece, shortened to what was paid for', async () => {
    const gate = await drawing(['{"images":["aa","bb","cc"],"done":true}'], {
      'content-type': 'application/json',
    })
    const pass = await gate.buy(100)
    const asked = { ...request(2, { stream: false }), headers: bearer(pass) }
    const answer = await gate.ask(asked)
    expect(answer.json).toEqual({ images: ['aa', 'bb'], done: true })
    expect(answer.headers['x-cost-msat']).toBe('10000')
    await gate.proof()
  })

  it('is in the documents of the gate, with the errors that it writes', async () => {
    const gate = await drawing([])
    const { json } = await gate.ask({ path: '/openapi.json' })
    const post = pathsOf(json)[imageLines.path]?.post
    expect(post).toMatchObject({ operationId: 'createDraw', summary: imageLines.docs.summary })
    expect(Object.keys(post?.responses[200]?.content ?? {})).toEqual([
      'application/json',
      'application/x-ndjson',
    ])
    const schemas = json.components.schemas
    const unpaid = post?.responses[402]?.content?.['application/json']?.schema.$ref
    expect(unpaid).toBe('#/components/schemas/DrawPaymentRequired')
    expect(schemas.DrawError.properties).toMatchObject({ error: { type: 'string' } })
    expect(schemas.DrawPaymentRequired.allOf).toContainEqual({
      $ref: '#/components/schemas/DrawError',
    })
    expect(schemas.DrawRequest.required).toEqual(['model', 'prompt'])
    const { text } = await gate.ask({ path: '/llms.txt' })
    expect(text).toContain(imageLines.docs.stream?.cost)
  })
})

/** The same API with a form for its requests, as APIs of images have. It never streams. */
const imageForm: Dialect = {
  ...imageLines,
  ...{ name: 'image-form', path: '/v1/images/edits' },
  read(body, { contentType, headers }) {
    const boundary = /^multipart\/form-data; boundary=([\w-]+)$/.exec(contentType ?? '')?.[1]
    if (boundary === undefined) return err({ ...UNREADABLE, status: 415 })
    const field = /^\r\nContent-Disposition: form-data; name="(\w+)"\r\n\r\n(.*)\r\n$/s
    const parts = Buffer.from(body).toString('latin1').split(`--${boundary}`).slice(1, -1)
    const fields = parts.map((part) => field.exec(part)?.slice(1) ?? [])
    const { count = '1', ...others } = Object.fromEntries(fields)
    const json = JSON.stringify({ ...others, count: Number(count), stream: false })
    const asked = imageLines.read(Buffer.from(json), { contentType, headers })
    return asked.ok
      ? ok({ ...asked.value, dialect: 'image-form', body, splice: contentType })
      : asked
  },
  rewrite: ({ body, splice }) => ({ body, contentType: String(splice), headers: {} }),
  docs: {
    ...imageLines.docs,
    ...{ name: 'Edit', stream: null },
    request: { type: 'multipart/form-data', schema: {}, parts: {} },
  },
}
const UNREADABLE = { code: 'invalid_body', message: 'Send a form.', param: null }

describe('a dialect whose requests are forms', () => {
  const form = (...fields: readonly (readonly [string, string])[]) => {
    const lines = fields.map(
      ([name, value]) =>
        `--B1\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    return Buffer.from(`${lines.join('')}--B1--\r\n`, 'latin1')
  }
  const asked = {
    path: imageForm.path,
    body: form(
      ['model', 'sd'],
      ['prompt', 'a cat'],
      ['mask', '\xff\x00\r\n\x89PNG'],
      ['count', '2'],
    ),
    headers: { 'content-type': 'multipart/form-data; boundary=B1' },
  }

  it('is sold by the image, and its bytes reach the backend as they are', async () => {
    const gate = await drawing(
      ['{"images":["aa","bb"],"done":true}'],
      { 'content-type': 'application/json' },
      imageForm,
    )
    const refused = await gate.ask(asked)
    expect([refused.status, refused.json.l402.amount_sats]).toEqual([402, 10])
    const pass = await gate.accept(refused)
    const headers = { ...asked.headers, ...bearer(pass) }
    const answer = await gate.ask({ ...asked, headers })
    expect([answer.status, answer.json.images]).toEqual([200, ['aa', 'bb']])
    expect(gate.fake.seen.at(-1)?.headers['content-type']).toBe(asked.headers['content-type'])
    expect(gate.fake.seen.at(-1)?.bytes.equals(asked.body)).toBe(true)
    expect((await gate.balance(pass)).balance_msat).toBe(0)
    await gate.proof()
  })

  it('is told what to send in its own words', async () => {
    const gate = await drawing([], {}, imageForm)
    const json = await gate.ask({ path: imageForm.path, body: {} })
    expect([json.status, json.json]).toEqual([415, { error: 'Send a form.' }])
    const headers = bearer(await gate.buy(100))
    const empty = await gate.ask({ path: imageForm.path, body: '', method: 'POST', headers })
    expect(empty.json.error).toContain('multipart/form-data')
    const other = await gate.ask({ path: imageForm.path, method: 'GET', headers })
    expect([other.status, other.json.error]).toEqual([
      405,
      expect.stringMatching(/^Send a POST with a body of the type multipart\/form-data /),
    ])
  })
})
