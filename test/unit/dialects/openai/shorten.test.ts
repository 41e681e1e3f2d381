import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObject, type Json, type JsonObject } from '../../../../src/dialects/kit/json.ts'
import { shorten } from '../../../../src/dialects/openai/shorten.ts'

/** Each word is a token. */
const count = (text: string) => text.split(' ').filter((word) => word !== '').length
const words = (many: number, word = 'word') => `${word} `.repeat(many)
const share = (tokens: number) => ({ tokens, output: tokens, count })
const answer = (...choices: JsonObject[]): JsonObject => ({
  id: 'a',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices,
  usage: { prompt_tokens: 5, completion_tokens: 900, total_tokens: 905, details: { x: 1 } },
})
const message = (said: JsonObject, index = 0): JsonObject => ({
  index,
  message: { role: 'assistant', ...said },
  finish_reason: 'stop',
  logprobs: { content: [{ token: 'word' }] },
})
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
const choices = (short: JsonObject): any[] => short.choices as any[]
const call = (name: string, text: string): JsonObject => ({
  id: 'call_1',
  type: 'function',
  function: { name, arguments: text },
})

/** Every string of a value. */
function strings(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(strings)
  return isObject(value) ? Object.values(value).flatMap(strings) : []
}

describe('J8 an answer beyond what was granted', () => {
  it('J8 ends where its tokens end, as from a backend that obeyed', () => {
    const short = shorten(answer(message({ content: words(900) })), share(10))
    const [only] = choices(short)
    expect(count(only.message.content)).toBe(10)
    expect(only).toMatchObject({ index: 0, finish_reason: 'length', logprobs: null })
    expect(short).toMatchObject({ id: 'a', object: 'chat.completion', created: 1, model: 'm' })
    expect(short.usage).toEqual({ prompt_tokens: 5, completion_tokens: 10, total_tokens: 15 })
  })

  it('J8 each choice has its own share, and a choice within its share stays unchanged', () => {
    const little = message({ content: words(3) }, 1)
    const short = shorten(answer(message({ content: words(50) }), little), share(10))
    expect(choices(short).map((one) => count(one.message.content))).toEqual([10, 3])
    expect(choices(short)[1]).toEqual(little)
  })

  it('J8 thinking comes first, under whatever name, and once', () => {
    const thought = words(8, 'hm')
    const twice = { reasoning: thought, reasoning_content: thought, content: words(9) }
    const [only] = choices(shorten(answer(message(twice)), share(10)))
    expect(only.message).toMatchObject({ reasoning: thought, reasoning_content: thought })
    expect(count(only.message.content)).toBe(2)
    const long = { ...twice, reasoning: words(80), reasoning_content: words(80) }
    const [none] = choices(shorten(answer(message(long)), share(10)))
    expect([count(none.message.reasoning), none.message.content]).toEqual([10, ''])
    expect(none.message.reasoning_content).toBe(none.message.reasoning)
  })

  it('J8 a tool call is shown whole or not at all, and none after the first that does not fit', () => {
    const calls = [call('a', words(3)), call('b', words(30)), call('c', 'x')]
    const [only] = choices(
      shorten(answer(message({ content: 'yes', tool_calls: calls })), share(20)),
    )
    expect(only.message).toEqual({ role: 'assistant', content: 'yes', tool_calls: [calls[0]] })
    expect(only.finish_reason).toBe('length')
    const legacy = { content: null, function_call: { name: 'f', arguments: words(30) } }
    const [none] = choices(shorten(answer(message(legacy)), share(20)))
    expect(none.message).toEqual({ role: 'assistant', content: null })
  })

  it('J8 parts of a content, a legacy text', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: words(4, 'hm') }] },
      { type: 'text', text: words(30) },
      { type: 'text', text: words(30) },
    ]
    const [only] = choices(shorten(answer(message({ content: parts })), share(10)))
    const texts = strings(only.message.content).filter((text) => text.includes(' '))
    expect(texts.map(count)).toEqual([4, 6])
    expect(only.message.content[1].type).toBe('text')
    const [legacy] = choices(
      shorten(answer({ index: 0, text: words(30), finish_reason: 'stop' }), share(10)),
    )
    expect([count(legacy.text), legacy.finish_reason]).toEqual([10, 'length'])
  })

  it('J8 the same text in every part is not free', () => {
    const parts = Array.from({ length: 50 }, () => ({ type: 'text', text: 'one two' }))
    const [only] = choices(shorten(answer(message({ content: parts })), share(10)))
    expect(count(only.message.content.map((part: JsonObject) => part.text).join(' '))).toBe(10)
  })

  it('J8 other members that repeat the text are removed with it', () => {
    const told = answer({ ...message({ content: words(900), echo: words(900) }), raw: words(900) })
    const short = shorten({ ...told, generated: words(900) }, share(10))
    expect(count(strings(short).join(' '))).toBeLessThan(20)
  })

  it('J8 no character is cut in two, and no more is shown than was granted', () => {
    const letters = fc.constantFrom('a', ' ', '😀', 'é', '日', '"', '\n')
    const text = fc.array(letters, { maxLength: 3_000, size: 'max' }).map((all) => all.join(''))
    const each = (one: string) => Array.from(one).length
    fc.assert(
      fc.property(text, text, fc.nat(2_000), (thought, said, tokens) => {
        const told = answer(message({ reasoning: thought, content: said }))
        const [only] = choices(shorten(told, { tokens, output: tokens, count: each }))
        const shown = `${only.message.reasoning}${only.message.content}`
        expect(`${thought}${said}`.startsWith(shown)).toBe(true)
        expect(each(shown)).toBe(Math.min(tokens, each(`${thought}${said}`)))
        expect(shown.isWellFormed()).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
