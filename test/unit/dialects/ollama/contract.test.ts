import { ollamaChat } from '../../../../src/dialects/ollama/chat.ts'
import { type DialectSample, runDialectContract } from '../../../contract/dialect.ts'

const line = (value: unknown): string => `${JSON.stringify(value)}\n`
const said = (content: string) =>
  line({ model: 'fake', created_at: 't', message: { role: 'assistant', content }, done: false })
const LAST = {
  ...{ model: 'fake', created_at: 't', message: { role: 'assistant', content: '' } },
  ...{ done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 3 },
}

const sample: DialectSample = {
  request: '{"model":"fake","messages":[{"role":"user","content":"Hello"}],"stream":false}',
  model: 'fake',
  refused: ['{}', '{"model":"fake"}', '{"model":"fake","messages":[1]}', '{"Model":"fake"}', '[]'],
  answer: JSON.stringify({ ...LAST, message: { role: 'assistant', content: 'Hi there.' } }),
  noAnswers: ['{"error":"no"}', '{"choices":[{"message":{"content":"x"}}]}'],
  usage: { input: 5, output: 3 },
  streaming: {
    request: '{"model":"fake","messages":[{"role":"user","content":"Hello"}]}',
    stream: said('Hi') + said(' there') + said('.') + line(LAST),
    label: 'application/x-ndjson',
    endless: said(' and so on'),
    reads: (stream) => {
      let made = ''
      let end: 'done' | 'limit' | 'error' | null = null
      for (const text of stream.split('\n').filter((one) => one.trim() !== '')) {
        const value = JSON.parse(text)
        if (value.error !== undefined) end = 'error'
        made += value.message?.content ?? ''
        if (value.done === true) end = value.done_reason === 'length' ? 'limit' : 'done'
      }
      return { made, end }
    },
  },
}

runDialectContract(ollamaChat, sample)
