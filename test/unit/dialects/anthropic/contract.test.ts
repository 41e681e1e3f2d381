import { anthropicMessages } from '../../../../src/dialects/anthropic/messages.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { ANSWER, REQUEST, reads, STREAM, says } from './sample.ts'

const request = (more: object): string => JSON.stringify({ ...REQUEST, ...more })
const asked = (content: unknown): string => request({ messages: [{ role: 'user', content }] })

runDialectContract(anthropicMessages, {
  request: JSON.stringify(REQUEST),
  model: 'fake',
  refused: [
    ...['{}', '[]', '{"model":"fake"}', '{"Model":"fake"}', '{"model":"a","model":"b"}'],
    request({ messages: [] }),
    request({ messages: [1] }),
    request({ max_tokens: 'many' }),
    asked(7),
    asked([{ type: 'image', source: { type: 'file', file_id: 'file_1' } }]),
    request({ thinking: true }),
  ],
  answer: JSON.stringify(ANSWER),
  noAnswers: [
    '{"type":"error","error":{"type":"api_error","message":"no"}}',
    '{"choices":[{"message":{"content":"x"}}]}',
    '{"type":"message","content":"text"}',
    '{"detail":"no"}',
  ],
  usage: { input: 5, output: 3 },
  streaming: {
    request: request({ stream: true }),
    stream: STREAM,
    label: 'text/event-stream',
    endless: says(' and so on'),
    reads,
  },
})
