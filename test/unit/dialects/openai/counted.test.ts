import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { bytes, feed, mustRead, pieces } from '../../../support/dialects.ts'

const asked = mustRead(openaiChat, {
  model: 'm',
  stream: true,
  messages: [{ role: 'user', content: 'hi' }],
})

describe('everything that is delivered is counted', () => {
  const KEYS = [
    'content',
    'reasoning',
    'thinking',
    'refusal',
    'novel',
    'tool_calls',
    'parts',
    'name',
  ]
  let next = 0
  const word = fc.constant(null).map(() => {
    next += 1
    return `<${next}>`
  })
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      word,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS, 'text', 'function'), tie('node'), { maxKeys: 3 }),
    ),
  })).node
  const delta = fc.dictionary(fc.constantFrom(...KEYS), tree, { maxKeys: 3 })
  const part = fc.oneof(
    delta.map((delta) => ({ delta })),
    tree.map((message) => ({ message })),
    tree.map((text) => ({ text })),
    fc.record({ delta: fc.constant({}), novel: tree }),
  )
  const list = fc.array(fc.tuple(part, fc.nat(2)), { maxLength: 2 })
  const chunk = fc.oneof(
    list.map((all) => ({ choices: all.map(([part, index]) => ({ index, ...part })) })),
    part.map((choices) => ({ choices })),
    word.map((content) => ({ content, choices: [{ index: 0, delta: {} }] })),
    tree.map((message) => ({ message })),
  )
  const frame = fc.constantFrom<(json: string) => string>(
    (json) => `data: ${json}\n\n`,
    (json) => `data:${json}\n`,
    (json) => `event: x\r\ndata: ${json}\r\n\r\n`,
    (json) => `data: ${json.slice(0, 9)}\ndata: ${json.slice(9)}\n\n`,
    (json) => `data: ${json.replace('{', '{"x":NaN,')}\n\n`,
    (json) => `data: ${json.replace('}', ',}')}\n\n`,
    (json) => `${json}\n\n`,
    (json) => `data: ${json}`,
  )
  const stream = fc.array(fc.tuple(chunk, frame), { minLength: 1, maxLength: 6, size: 'max' })

  it('J9 K9 whatever a backend sends, every word that is delivered was counted', () => {
    let delivered = 0
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 6 }), (events, cuts) => {
        const counted: string[] = []
        const granted = {
          output: 1e6,
          limit: 1e6,
          count: (text: string) => counted.push(text),
        }
        const watching = openaiChat.meter(asked, granted, 'other')
        const all = bytes(events.map(([value, frame]) => frame(JSON.stringify(value))).join(''))
        const { out } = feed(watching, pieces(all, cuts))
        const seen = counted.join('')
        for (const [sentinel] of out.matchAll(/<\d+>/g)) {
          delivered += 1
          expect(seen).toContain(sentinel)
        }
      }),
      { numRuns: 2_000 },
    )
    expect(delivered).toBeGreaterThan(1_000)
  })

  it('J9 K9 nor does a whole answer contain a word that was not counted', () => {
    const message = fc.oneof(delta, tree)
    const choice = fc.oneof(
      message.map((message) => ({ message })),
      tree.map((text) => ({ text, logprobs: null })),
      fc.record({ message, novel: tree }),
    )
    const choices = fc.oneof(fc.array(choice, { maxLength: 3 }), choice)
    fc.assert(
      fc.property(choices, fc.boolean(), (choices, odd) => {
        const counted: string[] = []
        const granted = { output: 1e6, limit: 1e6, count: (text: string) => counted.push(text) }
        const watching = openaiChat.meter(asked, granted, 'other')
        const body = JSON.stringify({ id: 'x', choices })
        const out = watching.whole(bytes(odd ? body.replace('{', '{"x":NaN,') : body))
        watching.usage(7)
        const seen = counted.join('')
        const words =
          Buffer.from(out ?? [])
            .toString()
            .match(/<\d+>/g) ?? []
        for (const word of words) expect(seen).toContain(word)
      }),
      { numRuns: 1_000 },
    )
  })
})
