import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../src/dialects/openai/completions.ts'
import { PromptEstimate } from '../../../src/gate/estimate.ts'
import { TokenCounter } from '../../../src/money/counter.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import { countTokens } from '../../../src/money/tokens.ts'
import { HEAD, mustRead } from '../../support/dialects.ts'

const WHOSE = { model: 'm', client: 'c' }

const counter = new TokenCounter()
afterAll(() => counter.close())

function estimated(request: object, dialect = openaiChat) {
  const asked = mustRead(dialect, request)
  const estimate = new PromptEstimate(asked, WHOSE, { estimator: new PromptEstimator(), counter })
  estimate.of('a')
  return { asked, estimate }
}

const tokensOf = (request: object, dialect = openaiChat): Promise<number> =>
  estimated(request, dialect).estimate.tokens()

const chat = (content: string) => ({ model: 'm', messages: [{ role: 'user', content }] })

/** The places in a request where a string may be: known and unknown ones. */
const PLACES: readonly [string, (text: string) => object][] = [
  ['content', chat],
  [
    'a part',
    (text) => ({ ...chat(''), messages: [{ role: 'user', content: [{ type: 'text', text }] }] }),
  ],
  ...['reasoning', 'thinking', 'name', 'role', 'tool_call_id', 'whatever'].map(
    (key): [string, (text: string) => object] => [
      `messages[].${key}`,
      (text) => ({ model: 'm', messages: [{ role: 'user', content: 'a', [key]: text }] }),
    ],
  ),
  ['a key of a message', (text) => ({ model: 'm', messages: [{ content: 'a', [text]: 1 }] })],
  ...['documents', 'chat_template_kwargs', 'suffix', 'response_format', 'tools', 'whatever'].map(
    (key): [string, (text: string) => object] => [
      key,
      (text) => ({ ...chat('a'), [key]: { deep: [{ [`${text}x`]: { deeper: text } }] } }),
    ],
  ),
  [
    'tools[].function.description',
    (text) => ({ ...chat('a'), tools: [{ function: { description: text } }] }),
  ],
  ['a string at the top', (text) => ({ ...chat('a'), whatever: text })],
  ['the model’s user', (text) => ({ ...chat('a'), user: text })],
  ['stop', (text) => ({ ...chat('a'), stop: [text] })],
]

describe('J2 bound and estimate contain the same strings', () => {
  it.each(PLACES)('%s is in both or in neither', (_, place) => {
    const { asked } = estimated(place('xyzzy-plugh'))
    const less = estimated(place('')).asked
    const inTexts = asked.texts().some((text) => text.includes('xyzzy-plugh'))
    expect(asked.most.input > less.most.input).toBe(inTexts)
  })

  it('in every request, the bound is its texts and what is put around them', () => {
    const extra = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 })
    fc.assert(
      fc.property(extra, extra, (inMessage, beside) => {
        const request = {
          ...beside,
          model: 'm',
          messages: [{ ...inMessage, role: 'user', content: 'hello' }],
        }
        const read = openaiChat.read(Buffer.from(JSON.stringify(request)), HEAD)
        if (!read.ok) return
        const { most, parts } = read.value
        const texts = read.value.texts()
        const { input: inputBound } = most
        const bytes = Buffer.byteLength(texts.join(''))
        const keys = texts.length * 4
        expect(inputBound).toBeGreaterThanOrEqual(bytes + 16 * parts + 64)
        // An empty key has no text but is still between quotes.
        const empty = JSON.stringify(request).split('"":').length * 4
        const atWorst = texts.reduce((sum, text) => sum + 33 * text.length, 0)
        expect(inputBound).toBeLessThanOrEqual(
          Math.max(bytes, atWorst) + keys + empty + 16 * parts + 64,
        )
      }),
    )
  })

  it.each(PLACES)(
    'ASCII without white space in %s is an eighth of the bound at least',
    async (_, place) => {
      const texts = ['a', '=', '-', '0', 'https://', 'x9_', '{}', '"\\"', '////'].map((unit) =>
        unit.repeat(4_000),
      )
      for (const text of texts) {
        const { asked, estimate } = estimated(place(text))
        expect(await estimate.tokens()).toBeGreaterThanOrEqual(asked.most.input / 8)
      }
    },
  )

  it.each<[string, unknown]>([
    ['empty strings', ''],
    ['empty lists', []],
    ['empty objects', {}],
    ['numbers', 1],
    ['nothing', null],
  ])('J2 a list of %s is what a template writes of it', async (_, one) => {
    const list = new Array(2_000).fill(one)
    for (const extra of [
      { tools: [{ function: { parameters: { enum: list } } }] },
      { messages: [{ role: 'assistant', content: '', whatever: list }] },
      { response_format: { schema: list } },
    ]) {
      const { asked, estimate } = estimated({ ...chat('a'), ...extra })
      const written = JSON.stringify(list).replaceAll(',', ', ').length
      expect(asked.most.input).toBeGreaterThanOrEqual(written)
      expect(await estimate.tokens()).toBeGreaterThanOrEqual(countTokens(JSON.stringify(list)))
    }
  })

  it('J2 the bound is enough for every way in which backends write JSON', () => {
    const spaced = (text: string) => JSON.stringify(JSON.parse(text), null, 1)
    const html = (text: string) =>
      text.replace(
        /[<>&']|[^\0-\x7f]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const request = { ...chat('a'), tools: [value] }
        const read = openaiChat.read(Buffer.from(JSON.stringify(request)), HEAD)
        if (!read.ok) return
        const json = JSON.stringify([value])
        const lines = spaced(json).replace(/\n +/g, '\n ')
        for (const text of [json, lines, html(json), html(json).replaceAll(',', ', ')]) {
          expect(read.value.most.input).toBeGreaterThanOrEqual(Buffer.byteLength(text))
        }
      }),
    )
  })

  it('J2 each call of a tool and each tool has a wrapper', () => {
    const calls = (count: number) => new Array(count).fill({ function: { arguments: '{}' } })
    const asked = (count: number) =>
      estimated({ model: 'm', messages: [{ role: 'assistant', tool_calls: calls(count) }] }).asked
    expect(asked(101).parts - asked(1).parts).toBe(100)
    const tools = (count: number) => estimated({ ...chat('a'), tools: calls(count) }).asked
    expect(tools(101).parts - tools(1).parts).toBe(100)
  })

  it('J2 no number has more digits than it shows', () => {
    const read = (digits: string) =>
      openaiChat.read(
        Buffer.from(`{"model":"m","messages":[{"content":"a"}],"tools":[${digits}]}`),
        HEAD,
      )
    expect(read('9'.repeat(4_000))).toMatchObject({ ok: false, error: { code: 'invalid_json' } })
    expect(read(`0.${'3'.repeat(60)}`).ok).toBe(true)
    const long = read('9'.repeat(64))
    if (!long.ok) throw new Error(long.error.message)
    expect(long.value.most.input).toBeGreaterThan(64 + 64 + 32)
  })

  it('token ids count as they are', async () => {
    const request = { model: 'm', prompt: [new Array(3_000).fill(7), new Array(2_000).fill(8)] }
    const tokens = await tokensOf(request, openaiCompletions)
    expect(tokens).toBeGreaterThanOrEqual(5_000)
    expect(tokens).toBeLessThan(5_050)
  })
})

describe('J3 the estimate does not depend on where text is placed', () => {
  const sentence = 'The quick brown fox jumps over the lazy dog. '
  /** Written here, so that the code under test does not count it. */
  const TOKENS = 10

  /** Sentences with that many characters, and white space at each of these places. */
  function steered(length: number, places: readonly number[], gap: number) {
    const text = sentence
      .repeat(Math.ceil(length / sentence.length))
      .slice(0, length)
      .split('')
    for (const place of places) text.fill(' ', place, Math.min(place + gap, length))
    return { text: text.join(''), left: text.filter((letter) => letter !== ' ').length }
  }

  /** The letters and points of a sentence. */
  const LETTERS = sentence.replaceAll(' ', '').length

  it('white space in 32 places of a long prompt', async () => {
    for (const [samples, gap] of [
      [32, 1_000],
      [31, 1_200],
      [64, 500],
      [16, 4_000],
    ] as const) {
      const last = 330_000 - gap
      const places = Array.from({ length: samples }, (_, at) =>
        Math.floor((at * last) / (samples - 1)),
      )
      const { text, left } = steered(330_000, places, gap)
      const most = (left / LETTERS) * TOKENS
      expect(most).toBeGreaterThan(50_000)
      expect(await tokensOf(chat(text))).toBeGreaterThan(most * 0.97)
    }
  })

  it('white space anywhere, and in any long prompt', { timeout: 60_000 }, async () => {
    const place = fc.integer({ min: 0, max: 99_000 })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_000, max: 100_000 }),
        fc.uniqueArray(place, { maxLength: 40 }),
        fc.constantFrom(50, 250, 1_000),
        async (length, places, gap) => {
          const { text, left } = steered(length, places, gap)
          expect(await tokensOf(chat(text))).toBeGreaterThan((left / LETTERS) * TOKENS * 0.95)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('a hidden run in a long prompt is counted in full', async () => {
    const filler = '\n'.repeat(100_000)
    const hidden = sentence.repeat(1_000)
    for (const at of [0, 17, 50_000, 99_999]) {
      const text = filler.slice(0, at) + hidden + filler.slice(at)
      expect(await tokensOf(chat(text))).toBeGreaterThan(1_000 * TOKENS * 0.97)
    }
  })
})
