import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

let gate: TestGate
let pass: Pass
beforeAll(async () => {
  gate = await startGate({ shared: true, settings: { limits: { requestFields: ['guidance'] } } })
  pass = await gate.buy()
})
afterAll(() => gate.close())

const more = {
  guidance: 'mine',
  temperature: 0.5,
  whatever: 'x'.repeat(50_000),
  chat_template: '{{ "a" * 100000 }}',
  chat_template_kwargs: { enable_thinking: false, chat_template: '{{ "a" * 100000 }}' },
  'odd\r\nX-Evil: 1': 1,
}
const IGNORED = 'whatever, chat_template, chat_template_kwargs.chat_template, +1'

describe('J16 request fields are an allow-list', () => {
  it.each([false, true])(
    'stream %s: what is left out is named, the rest passes',
    async (stream) => {
      const origin = 'https://chat.example.com'
      const answer = await gate.chat(pass, { ...more, stream }, { origin })
      expect(answer.status).toBe(200)
      expect(answer.headers['x-satgate-ignored']).toBe(IGNORED)
      expect(answer.headers['access-control-expose-headers']).toContain('X-Satgate-Ignored')
      expect(answer.headers['x-evil']).toBeUndefined()
      const sent = gate.fake.seen.at(-1)?.json ?? {}
      expect(sent).toMatchObject({
        guidance: 'mine',
        temperature: 0.5,
        chat_template_kwargs: { enable_thinking: false },
      })
      expect(Object.keys(sent)).not.toContain('whatever')
      expect(JSON.stringify(sent)).not.toContain('100000')
    },
  )

  it('without an ignored field there is no header', async () => {
    const answer = await gate.chat(pass, { temperature: 0.5, store: null })
    expect(answer.headers['x-satgate-ignored']).toBeUndefined()
  })

  it('a field that is left out is not charged', async () => {
    const held = async (body: object) => {
      gate.events.length = 0
      await gate.chat(pass, { max_tokens: 5, ...body })
      return (await gate.last()).held_msat
    }
    expect(await held(more)).toBe(
      (await held({ guidance: 'mine', chat_template_kwargs: { enable_thinking: false } })) ?? 0,
    )
  })
})

const TEXT = 'word '.repeat(40_000)
const message = { role: 'user', content: 'hi' }

describe('J2 J3 one sat buys no prompt of forty', () => {
  it.each<[string, object]>([
    ['reasoning', { messages: [{ ...message, reasoning: TEXT }] }],
    ['thinking', { messages: [{ ...message, thinking: TEXT }] }],
    ['a name', { messages: [{ ...message, name: TEXT }] }],
    ['an unknown key', { messages: [{ ...message, [TEXT]: 1 }] }],
    ['documents', { documents: [{ text: TEXT }] }],
    [
      'a schema',
      { response_format: { type: 'json_schema', json_schema: { schema: { [TEXT]: 1 } } } },
    ],
    [
      'the middle of white space',
      { messages: [{ ...message, content: `${' '.repeat(9e4)}${TEXT}${' '.repeat(9e4)}` }] },
    ],
  ])('hidden in %s', async (_, body) => {
    const poor = await gate.buy(1)
    const sent = gate.fake.seen.length
    const answer = await gate.chat(poor, { max_tokens: 1, ...body })
    expect(answer.status).toBe(402)
    expect(gate.fake.seen.length).toBe(sent)
  })
})
