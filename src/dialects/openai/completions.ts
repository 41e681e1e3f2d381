import type { Dialect } from '../dialect.ts'
import { openAiDialect } from './dialect.ts'
import { COMPLETIONS } from './endpoint.ts'
import { prompts } from './prompts.ts'

/** `POST /v1/completions` (OpenAI API reference, "Create completion", legacy). */
export const openaiCompletions: Dialect = openAiDialect(COMPLETIONS, (request) =>
  prompts(request, 'prompt'),
)
