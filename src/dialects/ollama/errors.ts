import { text } from '../../floor/json-schema.ts'
import type { Envelope } from '../dialect.ts'

/** Ollama's clients print an object as `[object Object]`, so the error is a string. */
export const ollamaErrors: Envelope = {
  name: 'Ollama',
  contentType: 'application/json; charset=utf-8',
  error: ({ message }) => ({ error: message }),
  schema: { error: text() },
  parts: {},
}
