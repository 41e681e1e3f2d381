import { runDialectContract } from '../../contract/dialect.ts'
import { imageLines } from '../../support/image-lines.ts'

const image = (data: string) => `{"image":"${data}"}\n`

/** A client of it: one value a line, empty lines and costs left out. */
function reads(stream: string) {
  const values = stream
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))
  const last = values.at(-1)
  const made = values.map(({ image = '' }) => image).join('')
  if (last?.error !== undefined) return { made, end: 'error' as const }
  if (last?.done !== true) return { made, end: null }
  return { made, end: last.done_reason === 'limit' ? ('limit' as const) : ('done' as const) }
}

runDialectContract(imageLines, {
  request: '{"model":"sd","prompt":"a cät","count":3,"stream":false}',
  model: 'sd',
  refused: ['{"prompt":"a"}', '{"model":"a","model":"b","prompt":"c"}', '{"model":"a","prompt":1}'],
  answer: '{"images":["aa","bb","cc"],"done":true}',
  noAnswers: ['{"error":"out of memory"}', '{"images":[]}', '{"done":true}'],
  usage: { image: 3 },
  streaming: {
    request: '{"model":"sd","prompt":"a cät","count":3}',
    stream: `${image('aa')}${image('bb')}${image('cc')}{"done":true,"count":3}\n`,
    label: 'application/x-ndjson',
    endless: image('aa'),
    reads,
  },
})
