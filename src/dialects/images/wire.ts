import type { Wire } from '../dialect.ts'
import { openAiErrors } from '../openai/errors.ts'

export const JSON_TYPE = 'application/json'

/** How answers of the images API look: JSON in one piece, with OpenAI's errors. */
export const imagesWire: Wire = {
  streamType: () => 'text/event-stream',
  answerType: () => JSON_TYPE,
  isAnswer: (status) => status === 200,
  headers: [],
  isStream: () => false,
  errors: openAiErrors,
}
