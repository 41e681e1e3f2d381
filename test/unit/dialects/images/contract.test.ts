import { describe, expect, it } from 'vitest'
import type { Asked, Dialect, RequestHead } from '../../../../src/dialects/dialect.ts'
import { imageEdits, imageVariations } from '../../../../src/dialects/images/edits.ts'
import { imageGenerations } from '../../../../src/dialects/images/generations.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { bytes, grant, HEAD } from '../../../support/dialects.ts'
import { type Field, FORM_HEAD, form, png } from '../../../support/forms.ts'

// The answers have the documented shape (OpenAI API reference, "The image object"); no server was
// recorded.
const DATA = Buffer.from('an image').toString('base64')
const IMAGES = `{"created":1,"data":[{"b64_json":"${DATA}"},{"b64_json":"${DATA}"}]}`
const USAGE = '"usage":{"total_tokens":300,"input_tokens":20,"output_tokens":280}'
const REPORTED = `{"created":1,"data":[{"b64_json":"${DATA}"}],${USAGE}}`
const NO_ANSWERS = [
  '{"error":{"message":"out of memory"}}',
  '{"data":[]}',
  '{"data":[{}]}',
  '{"data":[{"b64_json":""}]}',
  `{"data":[{"b64_json":"${DATA}"}],"error":{"message":"half"}}`,
]
const MODEL: Field = ['model', 'gpt-image']
const IMAGE: Field = ['image', png(), 'a.png']
const PROMPT: Field = ['prompt', 'a cät']

runDialectContract(imageGenerations, {
  request: '{"model":"gpt-image","prompt":"a cät","n":2,"size":"1024x1024","user":"me"}',
  model: 'gpt-image',
  refused: ['{"prompt":"a"}', '{"model":"m"}', '{"model":"m","prompt":"a","stream":true}'],
  answer: IMAGES,
  noAnswers: NO_ANSWERS,
  usage: { image: 2 },
  streaming: null,
})

runDialectContract(imageEdits, {
  head: FORM_HEAD,
  request: form([MODEL, PROMPT, ['n', '2'], IMAGE, ['mask', png(), 'm.png']]),
  model: 'gpt-image',
  refused: ['{}', form([MODEL, PROMPT]), form([MODEL, IMAGE]), form([PROMPT, IMAGE])],
  answer: IMAGES,
  noAnswers: NO_ANSWERS,
  usage: { image: 2 },
  streaming: null,
})

runDialectContract(imageVariations, {
  head: FORM_HEAD,
  request: form([MODEL, IMAGE]),
  model: 'gpt-image',
  refused: [form([MODEL]), form([MODEL, ['image', 'a cat']])],
  answer: REPORTED,
  noAnswers: NO_ANSWERS,
  usage: { image: 1, input: 20, output: 280 },
  streaming: null,
})

const asked = (dialect: Dialect, body: unknown, head: RequestHead = HEAD): Asked => {
  const read = dialect.read(bytes(body), head)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}
const GOOD = { model: 'm', prompt: 'a cat' }
const sentOf = (request: Asked): Record<string, unknown> =>
  JSON.parse(Buffer.from(imageGenerations.rewrite(request, 0, 'other').body).toString())

describe('a request for images', () => {
  it.each<[object, string | null]>([
    [{ n: 11 }, 'n'],
    [{ n: 0 }, 'n'],
    [{ n: 1.5 }, 'n'],
    [{ n: '2x' }, 'n'],
    [{ size: '1024' }, 'size'],
    [{ size: '1024X1024' }, 'size'],
    [{ size: ['1024x1024'] }, 'size'],
    [{ quality: 'HD' }, 'quality'],
    [{ style: { a: 1 } }, 'style'],
    [{ output_compression: 101 }, 'output_compression'],
    [{ prompt: 'x'.repeat(32_001) }, 'prompt'],
    [{ user: 7 }, 'user'],
    [{ Size: '1024x1024' }, 'size'],
    [{ partial_images: 2 }, 'partial_images'],
    [{ images: [{ file_id: 'file-1' }] }, 'images'],
    [{ image_url: 'http://10.0.0.1/a' }, 'image_url'],
  ])('A15 L18 %j is refused by its name', (more, param) => {
    const read = imageGenerations.read(bytes({ ...GOOD, ...more }), HEAD)
    expect(read).toMatchObject({ ok: false, error: { status: 400, param } })
  })

  it('J16 fields that nobody knows stay here, and are named', () => {
    const request = asked(imageGenerations, { ...GOOD, steps: 500, stream: false, extra_body: {} })
    expect(request.ignored).toEqual(['steps', 'stream', 'extra_body'])
    expect(sentOf(request)).toEqual(GOOD)
  })

  it('L19 n is counted, and is sold by the image', () => {
    expect(asked(imageGenerations, { ...GOOD, n: 10 })).toMatchObject({
      ...{ sold: ['image'], hasOutput: false, most: { image: 10, output: 81_920 } },
    })
  })

  it.each([
    [{}, { size: '1792x1024', quality: 'hd' }],
    [
      { size: 'auto', quality: 'auto' },
      { size: '1792x1024', quality: 'hd' },
    ],
    [{ size: null }, { size: '1792x1024', quality: 'hd' }],
    [{ quality: 'hd' }, { size: '1792x1024', quality: 'hd' }],
  ])('I13 L19 what %j leaves open is sent as it is charged', (more, sent) => {
    const request = asked(imageGenerations, { ...GOOD, ...more })
    expect(request.image?.size).toBeNull()
    const image = { size: '1792x1024', quality: 'hd' }
    expect(sentOf({ ...request, image })).toEqual({ ...GOOD, ...sent })
  })

  it('without a table nothing is added', () => {
    const request = asked(imageGenerations, { ...GOOD, size: 'auto' })
    expect(sentOf(request)).toEqual({ ...GOOD, size: 'auto' })
  })
})

describe('a request with pictures', () => {
  const edit = (...fields: Field[]) => imageEdits.read(form([MODEL, PROMPT, ...fields]), FORM_HEAD)

  it.each<[string, Field[], string]>([
    ['no picture', [['image', 'a cat', 'a.png']], 'invalid_image'],
    ['a playlist', [['image', '#EXTM3U\nhttp://10.0.0.1', 'a.png']], 'invalid_image'],
    ['a huge picture', [['image', png(60_000, 60_000), 'a.png']], 'image_too_large'],
    ['a huge mask', [IMAGE, ['mask', png(60_000, 60_000), 'a.png']], 'image_too_large'],
    ['an empty file', [['image', '', 'a.png']], 'empty_file'],
    ['a text in place of a file', [['image', 'http://10.0.0.1/a.png']], 'file_required'],
    ['a file in place of a text', [IMAGE, ['size', '1024x1024', 'a.txt']], 'unexpected_file'],
    ['a file that nobody asked for', [IMAGE, ['other', 'x', 'a.txt']], 'unexpected_file'],
    ['one field twice', [IMAGE, ['n', '1'], ['n', '9']], 'duplicate_key'],
    ['one field in two spellings', [IMAGE, ['image[]', png(), 'b.png']], 'duplicate_key'],
    ['another case of a name', [IMAGE, ['N', '9']], 'ambiguous_key'],
    ['a path', [['image', png(), '../a.png']], 'invalid_form'],
    ['a stream', [IMAGE, ['stream', 'true']], 'unsupported_parameter'],
    ['a number that is none', [IMAGE, ['n', '1e1']], 'invalid_value'],
    ['bytes that are no text', [IMAGE, ['user', Buffer.from([0xff])]], 'invalid_value'],
    [
      '17 pictures',
      Array.from({ length: 17 }, () => ['image[]', png(), 'a.png'] as const),
      'invalid_value',
    ],
  ])('A2 A11 L19 with %s is refused', (_, fields, code) => {
    expect(edit(...fields)).toMatchObject({ ok: false, error: { status: 400, code } })
  })

  it('is a form: JSON is a 415', () => {
    expect(imageEdits.read(bytes(GOOD), HEAD)).toMatchObject({ error: { status: 415 } })
  })

  it('I13 is sent as it is priced: the fields that pass, and the charged size', () => {
    const read = edit(IMAGE, ['steps', '500'], ['size', 'auto'], ['n', '3'])
    if (!read.ok) throw new Error(read.error.message)
    expect(read.value).toMatchObject({ ignored: ['steps'], most: { image: 3 } })
    const image = { size: '1024x1024', quality: null }
    const { body } = imageEdits.rewrite({ ...read.value, image }, 0, 'other')
    const names = Buffer.from(body)
      .toString('latin1')
      .match(/name="[^"]*"/g)
    const fields = ['model', 'prompt', 'image', 'a.png', 'n', 'size']
    expect(names).toEqual(fields.map((name) => `name="${name}"`))
    expect(Buffer.from(body).includes(png())).toBe(true)
    expect(Buffer.from(body).toString('latin1')).toContain('1024x1024')
  })
})

describe('an answer with images', () => {
  const metered = (body: object, answer: string) => {
    const request = asked(imageGenerations, { ...GOOD, ...body })
    const meter = imageGenerations.meter(request, grant(0), 'other')
    return { shown: meter.whole(bytes(answer)), usage: meter.usage(7) }
  }
  const one = (image: string) => `{"data":[${image}]}`

  it('J8 has no more images than were asked for', () => {
    const { shown, usage } = metered({ n: 1 }, IMAGES)
    expect(JSON.parse(Buffer.from(shown ?? '').toString()).data).toHaveLength(1)
    expect(usage).toMatchObject({ image: 1 })
  })

  it('costs the images that came, if fewer came', () => {
    expect(metered({ n: 5 }, IMAGES).usage).toMatchObject({ image: 2, source: 'reported' })
  })

  it('J16 a report of tokens is at most its bound', () => {
    const huge = `{"data":[{"b64_json":"${DATA}"}],"usage":{"input_tokens":1e9,"output_tokens":1e9}}`
    const { usage } = metered({}, huge)
    expect(usage.output).toBe(8_192)
    expect(usage.input).toBeLessThan(100)
  })

  it.each([
    ['https://files.example.com/a.png?sig=1', true],
    ['data:image/png;base64,AAAA', true],
    ['http://localhost:8080/generated-images/a.png', false],
    ['http://127.1/a.png', false],
    ['http://10.0.0.7:8080/a.png', false],
    ['http://[::1]/a.png', false],
    ['http://localai/a.png', false],
    ['http://gpu.internal/a.png', false],
    ['https://u:p@files.example.com/a.png', false],
    ['file:///srv/a.png', false],
    ['/generated-images/a.png', false],
  ])('J21 an image at %s is delivered: %s', (url, delivered) => {
    expect(metered({}, one(`{"url":"${url}"}`)).shown !== null).toBe(delivered)
  })
})
