import { moderations } from '../../../../src/dialects/moderations/moderations.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { dataUrl, png } from '../../../support/pictures.ts'

/** The shapes that OpenAI documents ("Create moderation"). */
const ANSWER = {
  id: 'modr-970d409ef3bef3b70c73d8232df86e7d',
  model: 'omni-moderation-latest',
  results: [
    {
      flagged: true,
      categories: { sexual: false, violence: true },
      category_scores: { sexual: 2.34e-7, violence: 0.86 },
      category_applied_input_types: { sexual: ['text'], violence: ['text', 'image'] },
    },
  ],
}

const request = (more: object) => JSON.stringify({ model: 'omni', input: 'Hello', ...more })
const part = (more: object) => request({ input: [more] })

runDialectContract(moderations, {
  request: request({}),
  model: 'omni',
  refused: [
    ...['{}', '[]', '{"input":"a"}', '{"model":"omni"}', '{"model":7,"input":"a"}'],
    '{"model":"omni","Input":"a"}',
    '{"model":"omni","input":"a","input":"b"}',
    ...[1, null, {}, [], [1], ['a', 1], ['a', { type: 'text', text: 'a' }]].map((input) =>
      request({ input }),
    ),
    request({ input: Array(2_049).fill('a') }),
    part({ type: 'text', text: 1 }),
    part({ type: 'text', text: 'a', image_url: { url: dataUrl(png([1, 1])) } }),
    part({ type: 'input_audio', input_audio: {} }),
    part({ type: 'image_url', image_url: 1 }),
    part({ type: 'image_url', image_url: { url: 'https://127.0.0.1/a.png' } }),
    part({ type: 'image_url', image_url: { url: dataUrl(png([1, 1])), detail: 'low' } }),
    part({ type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } }),
  ],
  answer: JSON.stringify(ANSWER),
  noAnswers: [
    ...['{"error":{"message":"no"}}', '{"results":[]}', '{"results":["no"]}', '{"results":[{}]}'],
    JSON.stringify({ ...ANSWER, error: { message: 'no' } }),
  ],
  usage: { input: 7, output: 0 },
  counted: true,
  streaming: null,
})
