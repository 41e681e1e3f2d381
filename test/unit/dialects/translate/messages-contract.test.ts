import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../../src/dialects/anthropic/messages.ts'
import { translations } from '../../../../src/dialects/index.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { HABITS } from '../../../contract/habits.ts'
import { bytes, feed, grant, mustRead } from '../../../support/dialects.ts'
import { ANSWER, REQUEST, reads, STREAM } from '../anthropic/sample.ts'
import { CHAT_ANSWER, CHAT_STREAM, textWith } from './chat-answers.ts'

const dialect = translations.get(anthropicMessages) ?? openaiChat

const shown = {
  ...{ ...ANSWER, id: 'msg_x' },
  usage: {
    ...{ input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 2 },
    output_tokens: 3,
  },
}

runDialectContract(dialect, {
  request: JSON.stringify(REQUEST),
  model: 'fake',
  refused: [
    ...['{}', '[]', '{"model":"fake"}', '{"Model":"fake"}', '{"model":"a","model":"b"}'],
    JSON.stringify({ ...REQUEST, thinking: { type: 'enabled', budget_tokens: 50 } }),
    JSON.stringify({ ...REQUEST, tools: [{ type: 'bash_20250124', name: 'bash' }] }),
  ],
  answer: JSON.stringify(CHAT_ANSWER),
  noAnswers: ['{"error":{"message":"no"}}', '{"choices":[]}', JSON.stringify(ANSWER)],
  usage: { input: 5, cached: 2, output: 3 },
  translated: { to: openaiChat, answer: JSON.stringify(shown) },
  streaming: {
    request: JSON.stringify({ ...REQUEST, stream: true }),
    stream: CHAT_STREAM,
    label: 'text/event-stream',
    endless: CHAT_STREAM.slice(0, CHAT_STREAM.indexOf('\n\n', CHAT_STREAM.indexOf('there')) + 2),
    shown: STREAM,
    reads,
  },
})

describe('habits of backends (threats K1 to K9) through the translation', () => {
  it.each(HABITS)('$name', ({ bend, name }) => {
    const asked = mustRead(dialect, { ...REQUEST, stream: true })
    const fed = feed(dialect.meter(asked, grant(), 'other'), [bytes(bend(CHAT_STREAM))])
    expect(reads(fed.out)).toEqual({ made: textWith(name), end: 'done' })
    expect(fed.usage).toMatchObject({ input: 5, output: 3, source: 'reported' })
  })
})
