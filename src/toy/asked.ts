import { err, ok, type Result } from '../floor/result.ts'
import { countTokens } from './words.ts'

export const MODELS = ['toy', 'toy-thinker'] as const
type Model = (typeof MODELS)[number]

/** An OpenAI error: `{error:{message, type, param, code}}` with this status. */
export interface Refusal {
  readonly status: number
  readonly message: string
  readonly code: string | null
  readonly param: string | null
}

/** A question that can be answered. */
export interface Asked {
  readonly api: 'chat' | 'completions'
  readonly model: Model
  /** What each choice answers: the prompts in turn, each `n` times. */
  readonly questions: readonly string[]
  readonly promptTokens: number
  /** Output tokens for each choice; null: as many as it takes. */
  readonly limit: number | null
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** Texts to be made vectors of. */
export interface Texts {
  readonly model: Model
  readonly inputs: readonly string[]
  /** The clients of OpenAI ask for base64 of 32-bit floats where nobody says otherwise. */
  readonly base64: boolean
}

const MOST_CHOICES = 16

/** Reads `POST /v1/chat/completions`. Refuses an unknown model (404) and what is no such request (400). */
export function readChat(body: unknown): Result<Asked, Refusal> {
  const common = readCommon(body)
  if (!common.ok) return common
  const { messages } = common.value.body
  if (!Array.isArray(messages) || messages.length === 0)
    return refuse('messages must be a list of at least one message', 'messages')
  const texts: string[] = []
  let question = ''
  for (const message of messages) {
    const text = isRecord(message) ? textOf(message.content) : null
    if (text === null) return refuse('each message needs text; I read nothing else', 'messages')
    texts.push(text)
    if (isRecord(message) && message.role === 'user') question = text
  }
  return finish('chat', common.value, { texts, prompts: [question] })
}

/** Reads `POST /v1/completions`: `prompt` is a text or a list of texts. Refuses as `readChat`. */
export function readCompletion(body: unknown): Result<Asked, Refusal> {
  const common = readCommon(body)
  if (!common.ok) return common
  const prompts = textsOf(common.value.body.prompt)
  if (!prompts) return refuse('prompt must be a text or a list of texts', 'prompt')
  return finish('completions', common.value, { texts: prompts, prompts })
}

/** Reads `POST /v1/embeddings`: `input` is a text or a list of texts. Refuses as `readChat`. */
export function readEmbedding(body: unknown): Result<Texts, Refusal> {
  const named = readModel(body)
  if (!named.ok) return named
  const { input, encoding_format: format } = named.value.body
  const inputs = textsOf(input)
  if (!inputs) return refuse('input must be a text or a list of texts', 'input')
  return ok({ model: named.value.model, inputs, base64: format === 'base64' })
}

type Body = Record<string, unknown>
interface Common {
  readonly body: Body
  readonly model: Model
  readonly n: number
  readonly limit: number | null
}

function readModel(body: unknown): Result<{ body: Body; model: Model }, Refusal> {
  if (!isRecord(body)) return refuse('the body must be a JSON object', null)
  const name = body.model
  if (typeof name !== 'string') return refuse('you must name a model', 'model')
  const model = MODELS.find((known) => known === name)
  if (model) return ok({ body, model })
  const message = `The model \`${name.slice(0, 100)}\` does not exist`
  return err({ status: 404, message, code: 'model_not_found', param: 'model' })
}

function readCommon(raw: unknown): Result<Common, Refusal> {
  const named = readModel(raw)
  if (!named.ok) return named
  const { body } = named.value
  const n = body.n ?? 1
  if (!isCount(n) || n > MOST_CHOICES) return refuse(`n must be 1 to ${MOST_CHOICES}`, 'n')
  // The newer name wins where both are given, as with the servers that know both.
  const field = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens'
  const limit = body[field] ?? null
  if (limit !== null && !isCount(limit)) return refuse(`${field} must be 1 or more`, field)
  return ok({ ...named.value, n, limit })
}

function finish(
  api: Asked['api'],
  { body, model, n, limit }: Common,
  { texts, prompts }: { texts: string[]; prompts: string[] },
): Result<Asked, Refusal> {
  const options = body.stream_options
  return ok({
    api,
    model,
    questions: prompts.flatMap((prompt) => new Array<string>(n).fill(prompt)),
    promptTokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
    limit,
    stream: body.stream === true,
    includeUsage: isRecord(options) && options.include_usage === true,
  })
}

/** The text of a message: a string, text parts, or none where only tool calls stand. Null: something else. */
function textOf(content: unknown): string | null {
  if (content == null) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return null
  const parts = content.map((part) => (isRecord(part) ? part.text : null))
  return parts.every((part) => typeof part === 'string') ? parts.join('\n') : null
}

function textsOf(value: unknown): string[] | null {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every((text) => typeof text === 'string') ? list : null
}

const refuse = (message: string, param: string | null): Result<never, Refusal> =>
  err({ status: 400, message, code: null, param })

const isRecord = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0
