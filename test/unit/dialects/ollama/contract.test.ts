import { describe } from 'vitest'
import { ollamaChat } from '../../../../src/dialects/ollama/chat.ts'
import { ollamaEmbed } from '../../../../src/dialects/ollama/embed.ts'
import { ollamaEmbeddings } from '../../../../src/dialects/ollama/embeddings.ts'
import { ollamaGenerate } from '../../../../src/dialects/ollama/generate.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { CHAT_LINES, clientReads, GENERATE_LINES } from './lines.ts'

describe('/api/chat', () => {
  runDialectContract(ollamaChat, {
    request: '{"model":"fake","messages":[{"role":"user","content":"Hello"}],"stream":false}',
    model: 'fake',
    refused: [
      ...['{}', '[]', '{"Model":"fake"}', '{"model":"fake","messages":[1]}'],
      '{"model":"fake","messages":[{"content":"a"}],"messages":[]}',
      '{"model":"fake","messages":[{"role":"user","content":[{"text":"a"}]}]}',
      '{"model":"fake","messages":[{"role":"user","Content":"a"}]}',
      '{"model":"fake","messages":[],"options":{"Num_Predict":5}}',
      '{"model":"fake","messages":[],"options":[]}',
      '{"model":"fake","messages":[],"options":{"num_predict":"5"}}',
      '{"model":"fake","messages":[],"options":{"num_predict":-3}}',
      '{"model":"fake","messages":[],"stream":"no"}',
      '{"model":"fake","messages":[],"top_logprobs":21}',
      '{"model":"fake","messages":[],"tools":{}}',
    ],
    answer: CHAT_LINES.whole,
    noAnswers: [
      ...['{"error":"no"}', '{"choices":[{"message":{"content":"x"}}]}', '{"response":"x"}'],
      '{"message":{"content":"x"},"error":"no"}',
    ],
    usage: { input: 5, output: 3 },
    streaming: {
      request: '{"model":"fake","messages":[{"role":"user","content":"Hello"}]}',
      stream: CHAT_LINES.stream,
      label: 'application/x-ndjson',
      endless: CHAT_LINES.line(' and so on'),
      reads: clientReads,
    },
  })
})

describe('/api/generate', () => {
  runDialectContract(ollamaGenerate, {
    request: '{"model":"fake","prompt":"Hello","stream":false}',
    model: 'fake',
    refused: [
      ...['{}', '[]', '{"Model":"fake"}', '{"model":"fake","prompt":1}'],
      '{"model":"fake","prompt":"a","raw":true}',
      '{"model":"fake","prompt":"a","template":"{{ .Prompt }}"}',
      '{"model":"fake","prompt":"a","context":[1,2]}',
      '{"model":"fake","prompt":"a","system":{}}',
    ],
    answer: GENERATE_LINES.whole,
    noAnswers: ['{"error":"no"}', '{"message":{"content":"x"}}'],
    usage: { input: 5, output: 3 },
    streaming: {
      request: '{"model":"fake","prompt":"Hello"}',
      stream: GENERATE_LINES.stream,
      label: 'application/x-ndjson',
      endless: GENERATE_LINES.line(' and so on'),
      reads: clientReads,
    },
  })
})

describe('/api/embed', () => {
  runDialectContract(ollamaEmbed, {
    request: '{"model":"fake","input":["Hello","you"]}',
    model: 'fake',
    refused: [
      ...['{}', '[]', '{"model":"fake","input":1}', '{"model":"fake","input":["a",1]}'],
      '{"model":"fake","input":{"image":"a"}}',
      JSON.stringify({ model: 'fake', input: Array(2_049).fill('a') }),
      '{"model":"fake","input":"a","dimensions":-1}',
    ],
    answer: '{"model":"fake","embeddings":[[0.5],[0.25]],"prompt_eval_count":4}',
    noAnswers: ['{"error":"no"}', '{"embedding":[0.5]}', '{"data":[{"embedding":[0.5]}]}'],
    usage: { input: 4, output: 0 },
    streaming: null,
  })
})

describe('/api/embeddings', () => {
  runDialectContract(ollamaEmbeddings, {
    request: '{"model":"fake","prompt":"Hello"}',
    model: 'fake',
    refused: ['{}', '[]', '{"model":"fake","prompt":["a"]}', '{"model":"fake","Prompt":"a"}'],
    answer: '{"embedding":[0.5,0.25]}',
    noAnswers: ['{"error":"no"}', '{"embeddings":[[0.5]]}'],
    usage: { input: 7, output: 0 },
    counted: true,
    streaming: null,
  })
})
