import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../../src/dialects/openai/completions.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { runDialectContract } from '../../../contract/dialect.ts'

const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
const head = { id: 'x-1', created: 1, model: 'llama3' }

const events = (chunks: unknown[]): string =>
  [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((d) => `data: ${d}\n\n`).join('')

const chatChunk = (delta: unknown, finish: string | null = null) => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: finish }],
})

runDialectContract(openaiChat, {
  request: { model: 'llama3', messages: [{ role: 'user', content: 'Hello, Wörld!' }] },
  answer: {
    ...head,
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Hi there!' }, finish_reason: 'stop' },
    ],
    usage,
  },
  stream: events([
    chatChunk({ role: 'assistant', content: '' }),
    chatChunk({ content: 'Hi' }),
    chatChunk({ content: ' "thère"' }),
    chatChunk({ content: '!\n' }),
    chatChunk({}, 'stop'),
    { ...chatChunk({}), choices: [], usage },
  ]),
})

const textChunk = (text: string, finish: string | null = null) => ({
  ...head,
  object: 'text_completion',
  choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
})

runDialectContract(openaiCompletions, {
  request: { model: 'llama3', prompt: 'Hello, Wörld!' },
  answer: { ...head, choices: [{ index: 0, text: 'Hi there!', finish_reason: 'stop' }], usage },
  stream: events([
    textChunk('Hi'),
    textChunk(' there'),
    textChunk('!'),
    textChunk('', 'stop'),
    { ...textChunk(''), choices: [], usage },
  ]),
})

runDialectContract(openaiEmbeddings, {
  request: { model: 'llama3', input: 'Hello, Wörld!' },
  answer: {
    model: 'llama3',
    data: [{ index: 0, embedding: [0.5] }],
    usage: { prompt_tokens: 5, total_tokens: 5 },
  },
  stream: null,
})
