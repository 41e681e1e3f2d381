import type { Dialect } from '../../../../src/dialects/dialect.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../../src/dialects/openai/completions.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { runDialectContract, type Understood } from '../../../contract/dialect.ts'
import { clientReads, type OpenAiSample, runOpenAiContract } from '../../../contract/openai.ts'

interface Event {
  readonly error?: object
  readonly choices?: readonly {
    readonly text?: string
    readonly delta?: { readonly content?: string }
    readonly finish_reason?: string | null
  }[]
}

/** What an SDK of OpenAI understands of a stream. */
function understands(stream: string): Understood {
  const events = clientReads(stream) as (string | Event)[]
  const choices = events.flatMap((event) =>
    typeof event === 'string' ? [] : (event.choices ?? []),
  )
  const made = choices.map(({ text, delta }) => text ?? delta?.content ?? '').join('')
  if (events.some((event) => typeof event !== 'string' && 'error' in event)) {
    return { made, end: 'error' }
  }
  if (!events.includes('[DONE]')) return { made, end: null }
  const short = choices.some(({ finish_reason: reason }) => reason === 'length')
  return { made, end: short ? 'limit' : 'done' }
}

/** The contract of every dialect, and the contract of OpenAI's three APIs. */
function runBoth(dialect: Dialect, sample: OpenAiSample): void {
  const { request, answer, stream } = sample
  const { model, ...nameless } = request
  const output = stream === null ? 0 : 3
  runDialectContract(dialect, {
    request: JSON.stringify(request),
    model: String(model),
    refused: [nameless, { ...request, model: 7 }, { ...request, Model: 'a' }, { model }].map(
      (each) => JSON.stringify(each),
    ),
    answer: JSON.stringify(answer),
    noAnswers: ['{"error":{"message":"no"}}', '{"choices":[]}'],
    usage: { input: 5, output },
    streaming:
      stream === null
        ? null
        : {
            request: JSON.stringify({ ...request, stream: true }),
            stream,
            label: 'text/event-stream',
            endless: stream.slice(0, stream.lastIndexOf('\n\n', stream.indexOf('"stop"')) + 2),
            reads: understands,
          },
  })
  runOpenAiContract(dialect, sample)
}

const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
const head = { id: 'x-1', created: 1, model: 'llama3' }

const events = (chunks: unknown[]): string =>
  [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((d) => `data: ${d}\n\n`).join('')

const chatChunk = (delta: unknown, finish: string | null = null) => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: finish }],
})

runBoth(openaiChat, {
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

runBoth(openaiCompletions, {
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

runBoth(openaiEmbeddings, {
  request: { model: 'llama3', input: 'Hello, Wörld!' },
  answer: {
    model: 'llama3',
    data: [{ index: 0, embedding: [0.5] }],
    usage: { prompt_tokens: 5, total_tokens: 5 },
  },
  stream: null,
})
