import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { bytes, grant, mustRead } from '../../../support/dialects.ts'

const asked = mustRead(openaiChat, { model: 'm', messages: [{ role: 'user', content: 'hi' }] })
const BOUND = asked.most.input
/** Tokens that a template may add, and that are not in the bound. */
const TEMPLATE = 2_048
const LIMIT = 1_000

/** The charge for this text and this usage. The prompt is estimated at 7 tokens. */
function charged(usage: unknown, text = 'abcd', more: object = {}) {
  const meter = openaiChat.meter(asked, grant(LIMIT), 'other')
  const choices = [{ index: 0, message: { content: text }, finish_reason: 'stop' }]
  meter.whole(bytes({ choices, ...more, usage }))
  return meter.usage(7)
}

const usage = (prompt_tokens: unknown, completion_tokens: unknown, more: object = {}) => ({
  prompt_tokens,
  completion_tokens,
  ...more,
})
const LONG = 'x'.repeat(4 * LIMIT + 400)

describe('what a report is worth', () => {
  it.each([
    ['at its bound', BOUND, BOUND, 'reported'],
    ['within the slack for template tokens', BOUND + 1_000, BOUND + 1_000, 'reported'],
    ['at the end of that slack', BOUND + TEMPLATE, BOUND + TEMPLATE, 'reported'],
    ['one above it', BOUND + TEMPLATE + 1, BOUND + TEMPLATE, 'counted'],
    ['far above it', 100_000, BOUND + TEMPLATE, 'counted'],
  ])('J16 an input %s: %i is charged as %i', (_, reported, input, source) => {
    expect(charged(usage(reported, 5))).toMatchObject({ input, output: 5, source })
  })

  it.each([
    ['at the limit', LIMIT, 'abcd', LIMIT, 'reported'],
    ['above the limit, though nothing of it was seen', 5_120, 'abcd', LIMIT, 'counted'],
    ['above the limit, and so is what flowed', 1_500, LONG, 1_500, 'reported'],
    ['far above both', 1e9, LONG, 1e9, 'reported'],
    ['zero, though something flowed', 0, 'abcd', 1, 'counted'],
  ])('J16 an output %s: %i', (_, reported, text, output, source) => {
    expect(charged(usage(5, reported), text)).toMatchObject({ input: 5, output, source })
  })

  it.each<[string, unknown, object]>([
    ['a prompt that is no count leaves the output', usage('5', 9), { input: 7, output: 9 }],
    ['a prompt that is missing leaves the output', usage(undefined, 9), { input: 7, output: 9 }],
    ['a prompt of zero leaves the output', usage(0, 9), { input: 7, output: 9 }],
    ['an output that is no count leaves the prompt', usage(5, -1), { input: 5, output: 1 }],
    ['an output that is missing leaves the prompt', usage(5, null), { input: 5, output: 1 }],
    ['both too large', usage(1e9, 1e9), { input: BOUND + TEMPLATE, output: LIMIT }],
  ])('J16 %s', (_, reported, expected) => {
    expect(charged(reported)).toMatchObject({ ...expected, source: 'counted' })
  })

  it('J16 the part of a prompt that is not charged counts as cached', () => {
    const cached = { prompt_tokens_details: { cached_tokens: 99_000 } }
    expect(charged(usage(100_000, 5, cached))).toMatchObject({
      input: BOUND + TEMPLATE,
      cached: BOUND + TEMPLATE - 1_000,
    })
  })

  it('J16 a_report_above_the_bound_is_not_the_cheapest: a larger report is never charged less', () => {
    const figure = fc.oneof(fc.nat(BOUND + 5_000), fc.nat(2_000_000))
    fc.assert(
      fc.property(figure, figure, figure, figure, (input, output, moreIn, moreOut) => {
        const less = charged(usage(1 + input, 1 + output))
        const more = charged(usage(1 + input + moreIn, 1 + output + moreOut))
        expect(more.input).toBeGreaterThanOrEqual(less.input ?? 0)
        expect(more.output).toBeGreaterThanOrEqual(less.output ?? 0)
      }),
    )
  })
})

describe('output beside the completion tokens', () => {
  it.each<[string, object, number]>([
    ['a total that is the sum', { total_tokens: 15 }, 10],
    ['a total above it: the rest is output', { total_tokens: 115 }, 110],
    ['a total below it', { total_tokens: 3 }, 10],
    ['a total that is no count', { total_tokens: '115' }, 10],
    ['a total past the limit: up to the limit', { total_tokens: 50_000 }, LIMIT],
    ['thinking that is a part', { completion_tokens_details: { reasoning_tokens: 10 } }, 10],
    [
      'thinking that cannot be a part',
      { completion_tokens_details: { reasoning_tokens: 300 } },
      310,
    ],
    ['the same beside the details', { reasoning_tokens: 300 }, 310],
    [
      'thinking past the limit: up to the limit',
      { completion_tokens_details: { reasoning_tokens: 5_120 } },
      LIMIT,
    ],
    [
      'rejected predictions that cannot be a part',
      { completion_tokens_details: { rejected_prediction_tokens: 20_000 } },
      LIMIT,
    ],
    [
      'thinking in the total and in the details, once',
      { total_tokens: 315, completion_tokens_details: { reasoning_tokens: 300 } },
      310,
    ],
  ])('J16 and K10: %s', (_, more, output) => {
    expect(charged(usage(5, 10, more))).toMatchObject({ input: 5, output })
  })

  it('K10 a total tells the completion tokens if those are missing', () => {
    const reported = charged(usage(5, undefined, { total_tokens: 105 }))
    expect(reported).toMatchObject({ input: 5, output: 100, source: 'reported' })
    const above = charged(usage(5, undefined, { total_tokens: 50_000 }))
    expect(above).toMatchObject({ input: 5, output: LIMIT })
  })

  it('the total is the prompt of embeddings that report nothing else', () => {
    const batch = mustRead(openaiEmbeddings, { model: 'm', input: ['a', 'b'] })
    const meter = openaiEmbeddings.meter(batch, grant(0), 'other')
    meter.whole(bytes({ data: [{ embedding: [] }], usage: { total_tokens: 6 } }))
    expect(meter.usage(30)).toMatchObject({ input: 6, output: 0, source: 'reported' })
  })
})

describe('K11 cache hits', () => {
  it.each<[string, object, number]>([
    ['OpenAI', { prompt_tokens_details: { cached_tokens: 4 } }, 4],
    ['beside the prompt tokens', { cached_tokens: 4 }, 4],
    ['DeepSeek', { prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 }, 4],
    ['as Anthropic says it', { cache_read_input_tokens: 4 }, 4],
    ['in the details of an input', { input_tokens_details: { cached_tokens: 4 } }, 4],
    ['zero in one place', { prompt_tokens_details: { cached_tokens: 0 }, cached_tokens: 4 }, 4],
    ['never more than the prompt', { cached_tokens: 99 }, 10],
    ['no count', { cached_tokens: '4', prompt_cache_hit_tokens: -4 }, 0],
  ])('K11 %s', (_, more, cached) => {
    expect(charged(usage(10, 5, more))).toMatchObject({ input: 10, cached, source: 'reported' })
  })
})

describe('a usage in another place', () => {
  it.each<[string, object]>([
    ['Groq', { x_groq: { id: 'x', usage: usage(10, 5) } }],
    [
      'Moonshot, in the choice',
      { choices: [{ index: 0, message: { content: 'a' }, usage: usage(10, 5) }] },
    ],
  ])('%s', (_, more) => {
    expect(charged(undefined, 'a', more)).toMatchObject({
      input: 10,
      output: 5,
      source: 'reported',
    })
  })
})

describe('an answer in one piece whose report is believed', () => {
  it('is not counted, however long it is', () => {
    const count = (): number => {
      throw new Error('it was counted')
    }
    const granted = { ...grant(50_000), count }
    const text = 'some words '.repeat(10_000)
    for (const message of [{ content: text }, { content: text, note: text }]) {
      const meter = openaiChat.meter(asked, granted, 'other')
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      expect(meter.whole(bytes({ choices, usage: usage(5, 20_000) }))).not.toBeNull()
      expect(meter.usage(7)).toMatchObject({ input: 5, output: 20_000, source: 'reported' })
    }
  })
})
