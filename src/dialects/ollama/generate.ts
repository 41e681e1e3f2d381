import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed, MediaTerms } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import type { Json, JsonObject } from '../kit/json.ts'
import { Pictures } from '../kit/pictures.ts'
import { Readable } from '../kit/readable.ts'
import { GENERATE_DOCS } from './docs.ts'
import { ollamaDialect, type Prompt } from './endpoint.ts'
import { EMPTY_ONLY, GENERATE } from './fields.ts'
import { loaded } from './here.ts'
import { readImages, textOf } from './request.ts'
import { RESPONSE } from './said.ts'
import { answerMeter } from './spelling.ts'

/** `POST /api/generate` (Ollama API reference, "Generate a completion"). */
export const ollamaGenerate: Dialect = ollamaDialect({
  name: 'ollama-generate',
  path: '/api/generate',
  key: 'prompt',
  passing: GENERATE,
  hasOutput: true,
  instead: '/v1/chat/completions',
  docs: GENERATE_DOCS,
  find: completion,
  meter: answerMeter(RESPONSE),
})

const TEXTS = ['prompt', 'suffix', 'system'] as const

function completion(request: JsonObject, media: MediaTerms): Result<Prompt, Malformed> {
  const other = EMPTY_ONLY.find((name) => !isEmpty(request[name]))
  if (other !== undefined) return err(refuse('unsupported_parameter', NOT_SERVED[other], other))
  const readable = new Readable()
  const pictures = new Pictures(media)
  let parts = 0
  for (const name of TEXTS) {
    const text = textOf(request, name)
    if (!text.ok) return text
    readable.text(text.value)
    if (text.value !== '') parts += 1
  }
  const refusal = readImages(request.images, 'images', { readable, pictures })
  if (refusal !== null) return err(refusal)
  const here = request.prompt ? null : loaded(request, { response: '' })
  return ok({ prompts: 1, longest: 1, parts: Math.max(1, parts), readable, here })
}

const isEmpty = (value: Json | undefined): boolean =>
  !value || (Array.isArray(value) && value.length === 0)

const NOT_SERVED: Readonly<Record<(typeof EMPTY_ONLY)[number], string>> = {
  template:
    'template is not served: a prompt is written with the template of its model. Leave it out.',
  context:
    'context is not served, because the tokens of it cannot be counted here. Send the conversation as messages to /api/chat.',
  raw: 'raw is not served: a prompt is written with the template of its model. Leave it out.',
}
