import { flag, list, object, text } from '../../floor/json-schema.ts'
import { err, ok } from '../../floor/result.ts'
import { type Asked, type Dialect, UNKNOWN_TERMS, type Wire } from '../dialect.ts'
import { AnswerMeter } from '../kit/answer-meter.ts'
import { modelRefused, notBoolean, refuse, unpriced } from '../kit/checks.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { type Document, readObject, splice } from '../kit/json-object.ts'
import { Readable } from '../kit/readable.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import { type Sifted, sift } from '../kit/sift.ts'
import { isLineStream, NDJSON } from '../kit/sniff-lines.ts'
import { ollamaErrors } from './errors.ts'
import { OllamaSpelling } from './spelling.ts'

const JSON_TYPE = 'application/json'

const PASSING = { passed: new Set(['model', 'messages', 'stream']), switches: new Set<string>() }

interface Kept {
  readonly document: Document
  readonly sifted: Sifted
}

/** `POST /api/chat` (Ollama API reference, "Generate a chat completion"). It streams unless told not to. */
export const ollamaChat: Dialect = {
  name: 'ollama-chat',
  path: '/api/chat',
  headers: [],
  read(body, _, { also } = UNKNOWN_TERMS) {
    const read = readObject(body)
    if (!read.ok) return err(refuse(read.error.code, read.error.message))
    const document = read.value
    const { value } = document
    const refusal = modelRefused(value) ?? notBoolean(value.stream, 'stream')
    if (refusal !== null) return err(refusal)
    const { messages } = value
    if (!Array.isArray(messages) || !messages.every(isObject))
      return err(refuse('invalid_type', 'messages must be a list of messages.', 'messages'))
    const readable = new Readable()
    for (const [at, message] of messages.entries()) {
      if (message.images !== undefined) return err(unpriced(`messages[${at}].images`))
      readable.value(message)
    }
    const sifted = sift(PASSING, value, also)
    return ok(asked(body, { document, sifted }, { readable, parts: messages.length }))
  },
  rewrite(asked, output) {
    const { document, sifted } = asked.splice as Kept
    const limit = `"options":{"num_predict":${Math.max(1, output)}}`
    const gone = new Set([...(sifted.gone ?? []), 'options'])
    return { body: splice(document, gone, [limit]), contentType: JSON_TYPE, headers: {} }
  },
  respell: () => null,
  meter(asked, granted) {
    const usage = new ResponseUsage({ asked, granted, prompts: 1, shown: 1 })
    return new AnswerMeter(new OllamaSpelling(usage, asked), usage)
  },
  wire: wire(),
  docs: {
    name: 'OllamaChat',
    summary: 'Chat completion in Ollama’s own form',
    request: {
      type: JSON_TYPE,
      schema: object(['model', 'messages'], {
        model: text(),
        messages: list({ type: 'object' }),
        stream: flag,
      }),
      parts: {},
    },
    answer: {
      type: JSON_TYPE,
      schema: object(['message', 'done'], { message: { type: 'object' }, done: flag }),
      parts: {},
    },
    stream: {
      type: NDJSON,
      schema: text('A line of JSON for each piece; the last one has `done: true` and the counts.'),
      cost: 'The last line of a stream tells it in the member `cost_msat`.',
    },
    example: () => null,
  },
}

function wire(): Wire {
  return {
    streamType: () => NDJSON,
    isAnswer: (status) => status === 200,
    headers: [],
    answerType: (label) => (label === null || label.startsWith(NDJSON) ? JSON_TYPE : label),
    isStream: isLineStream,
    errors: ollamaErrors,
  }
}

function asked(
  body: Uint8Array,
  splice: Kept,
  { readable, parts }: { readonly readable: Readable; readonly parts: number },
): Asked {
  const request: JsonObject = splice.document.value
  return {
    dialect: 'ollama-chat',
    body,
    model: String(request.model),
    stream: request.stream !== false,
    wantsUsage: true,
    ignored: splice.sifted.ignored,
    limit: null,
    ...{ prompts: 1, longest: 1, choices: 1, hasOutput: true, plain: true },
    most: { input: readable.bound + 16 * parts + 64 },
    texts: () => readable.texts(),
    ids: readable.ids,
    parts,
    splice,
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = new Uint8Array(0)
      this.splice = null
      readable.forget()
    },
  }
}
