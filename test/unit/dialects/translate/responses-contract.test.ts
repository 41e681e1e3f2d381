import { describe, expect, it } from 'vitest'
import { translations } from '../../../../src/dialects/index.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiResponses } from '../../../../src/dialects/responses/dialect.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { HABITS } from '../../../contract/habits.ts'
import { bytes, feed, grant, mustRead } from '../../../support/dialects.ts'
import { reads } from '../responses/response-events.ts'
import { CHAT_ANSWER, CHAT_STREAM, textWith } from './chat-answers.ts'

const dialect = translations.get(openaiResponses) ?? openaiChat

const shown = {
  ...{ id: 'resp_x', object: 'response', created_at: 7, status: 'completed', background: false },
  ...{ error: null, incomplete_details: null, instructions: null, max_output_tokens: null },
  ...{ metadata: {}, model: 'fake', parallel_tool_calls: true, previous_response_id: null },
  ...{ reasoning: null, store: false, temperature: null, text: { format: { type: 'text' } } },
  ...{ tool_choice: 'auto', tools: [], top_p: null, truncation: 'disabled' },
  output: [
    {
      ...{ id: 'msg_x_0', type: 'message', status: 'completed', role: 'assistant' },
      content: [{ type: 'output_text', text: 'Hi there.', annotations: [], logprobs: [] }],
    },
  ],
  usage: {
    ...{ input_tokens: 5, input_tokens_details: { cached_tokens: 2 }, output_tokens: 3 },
    ...{ output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 8 },
  },
}

const REQUEST = { model: 'fake', input: 'Hello' }

runDialectContract(dialect, {
  request: JSON.stringify(REQUEST),
  model: 'fake',
  refused: [
    ...['{}', '[]', '{"model":"fake"}', '{"model":"fake","input":[7]}'],
    '{"Model":"fake","input":"a"}',
    '{"model":"fake","input":"a","input":"b"}',
    '{"model":"fake","input":"a","top_logprobs":3}',
  ],
  answer: JSON.stringify(CHAT_ANSWER),
  noAnswers: ['{"error":{"message":"no"}}', '{"choices":[]}', JSON.stringify(shown)],
  usage: { input: 5, cached: 2, output: 3 },
  translated: { to: openaiChat, answer: JSON.stringify(shown) },
  streaming: {
    request: JSON.stringify({ ...REQUEST, stream: true }),
    stream: CHAT_STREAM,
    label: 'text/event-stream; charset=utf-8',
    endless: CHAT_STREAM.slice(0, CHAT_STREAM.indexOf('\n\n', CHAT_STREAM.indexOf('there')) + 2),
    shown:
      'data: {"type":"response.output_text.delta","delta":"Hi there."}\n\ndata: {"type":"response.completed"}\n\n',
    reads,
  },
})

describe('habits of backends (threats K1 to K9) through the translation', () => {
  it.each(HABITS)('$name', ({ bend, name }) => {
    const stream = bend(CHAT_STREAM)
    const asked = mustRead(dialect, { ...REQUEST, stream: true })
    const fed = feed(dialect.meter(asked, grant(), 'other'), [bytes(stream)])
    expect(reads(fed.out)).toEqual({ made: textWith(name), end: 'done' })
    expect(fed.usage).toMatchObject({ input: 5, output: 3, source: 'reported' })
  })
})
