import { err, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import type { JsonObject } from '../kit/json.ts'
import { openAiDialect, type Prompt } from './dialect.ts'
import { EMBEDDINGS } from './endpoint.ts'
import { prompts } from './prompts.ts'

/** `POST /v1/embeddings` (OpenAI API reference, "Create embeddings"). Never a stream, no output. */
export const openaiEmbeddings: Dialect = openAiDialect(EMBEDDINGS, inputs)

/** vLLM also makes embeddings of `messages`, which may contain images. Those have no price. */
function inputs(request: JsonObject): Result<Prompt, Malformed> {
  if (request.messages === undefined) return prompts(request, 'input')
  const message = 'Embeddings are made of input: send the text there, and leave messages out.'
  return err(refuse('unsupported_parameter', message, 'messages'))
}
