import { openaiResponses } from '../../../../src/dialects/responses/dialect.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { delta, event, message, reads, response, stream } from './response-events.ts'

runDialectContract(openaiResponses, {
  request: '{"model":"fake","input":"Hello"}',
  model: 'fake',
  refused: [
    ...[
      '{}',
      '[]',
      '{"model":"fake"}',
      '{"model":"fake","input":[]}',
      '{"model":"fake","input":7}',
    ],
    ...['{"model":"fake","input":[7]}', '{"Model":"fake","input":"a"}', '{"input":"a"}'],
    '{"model":"fake","input":"a","input":"b"}',
    '{"model":"fake","input":[{"Role":"user","content":"a"}]}',
    '{"model":"fake","input":"a","stream":"yes"}',
    '{"model":"fake","input":"a","max_output_tokens":"9"}',
  ],
  answer: JSON.stringify(response([message('Hi there.')])),
  noAnswers: [
    '{"error":{"message":"no"}}',
    '{"choices":[{"message":{"content":"x"}}]}',
    JSON.stringify(response([message('x')], { status: 'failed' })),
    JSON.stringify(response([message('x')], { error: { code: 'server_error', message: 'no' } })),
  ],
  usage: { input: 5, cached: 2, output: 3 },
  streaming: {
    request: '{"model":"fake","input":"Hello","stream":true}',
    stream: stream('Hi', ' there', '.'),
    label: 'text/event-stream; charset=utf-8',
    endless:
      delta(' and so on') + event('response.in_progress', { response: { status: 'in_progress' } }),
    reads,
  },
})
