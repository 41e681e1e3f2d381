import { isField, isPlainName, plainSentences } from './plain-words.ts'

/** A refusal of the backend: its status and the start of its body. */
export interface UpstreamSaid {
  readonly status: number
  readonly body: Uint8Array
  readonly retryAfter: string | null
}

/** What a buyer is told about a refusal of the backend. */
export interface UpstreamWords {
  readonly code: string
  readonly message: string
  readonly param: string | null
}

/** An error of the backend in one form. Its texts are unchanged, and must not pass to the buyer. */
interface Said {
  readonly names: readonly string[]
  readonly message: string
  readonly param: string | null
  readonly error: unknown
}

const PLAIN = 'The model server refused the request.'

/**
 * The part of a backend's refusal that the buyer sees (threats J21). Known errors get words of our
 * own. Of other errors only sentences of plain words, numbers and names of fields pass.
 */
export function upstreamWords(status: number, body: Uint8Array): UpstreamWords {
  const said = read(body)
  const kind = KINDS.find((one) => one.fits(said))
  const code = kind?.code ?? said.names.find((name) => tells(name, status)) ?? usualCode(status)
  const param = said.param !== null && isField(said.param) ? said.param : null
  const message = kind?.words(said) ?? plainSentences(said.message)
  if (message !== '') return { code, message, param }
  const plain = status === 429 ? BUSY.words(said) : PLAIN
  return { code, message: param === null ? plain : `${plain} It is about '${param}'.`, param }
}

/** The code if the backend gives none. */
const usualCode = (status: number): string => (status === 429 ? BUSY.code : 'invalid_request_error')

/** A name that may pass and says more than the status. */
const tells = (name: string, status: number): boolean =>
  isPlainName(name) && !(status === 429 && name === 'invalid_request_error')

interface Kind {
  readonly code: string
  fits(said: Said): boolean
  words(said: Said): string
}

const named =
  (...names: readonly string[]) =>
  (said: Said): boolean =>
    said.names.some((name) => names.includes(name))

/**
 * Errors about the operator's account at the backend. The buyer must not see their codes, because
 * some of them would mean the buyer's own credit.
 */
const BUSY: Kind = {
  code: 'rate_limit_exceeded',
  fits: named(
    ...['rate_limit_exceeded', 'rate_limit_error', 'too_many_requests', 'rate_limited'],
    ...['insufficient_quota', 'quota_exceeded', 'billing_hard_limit_reached', 'billing_not_active'],
    ...['tokens', 'requests', 'overloaded_error', 'engine_overloaded', 'server_busy'],
  ),
  words: () => 'The model server takes no more requests at the moment. Try again later.',
}

const KINDS: readonly Kind[] = [
  {
    code: 'context_length_exceeded',
    fits: (said) => CONTEXT.test(said.message) || LONG(said),
    words: tooLong,
  },
  BUSY,
  {
    code: 'upstream_error',
    fits: named(
      ...['invalid_api_key', 'authentication_error', 'permission_error', 'permission_denied'],
      ...['account_deactivated', 'invalid_organization', 'unsupported_country_region_territory'],
    ),
    words: () => 'The model server failed; nothing was charged.',
  },
  {
    code: 'model_not_found',
    fits: named('model_not_found', 'model_not_available', 'ModelNotFoundError', 'NotFoundError'),
    words: () => 'The model server does not have this model.',
  },
  {
    code: 'content_filter',
    fits: named(
      'content_filter',
      'content_policy_violation',
      'moderation_blocked',
      'ResponsibleAIPolicyViolation',
    ),
    words: () => 'The content filter of the model server refused this request.',
  },
  {
    // Ollama's text. It names the model first, often by an address of its registry.
    code: 'unsupported_parameter',
    fits: ({ message }) => LACKS.test(message),
    words: ({ message }) => lacks(LACKS.exec(message)?.[1]),
  },
  {
    code: 'unsupported_parameter',
    fits: named(
      'unsupported_parameter',
      'unknown_parameter',
      'unrecognized_parameter',
      'extra_forbidden',
    ),
    words: ({ param }) =>
      param !== null && isField(param)
        ? `The model server does not take '${param}' with this model.`
        : 'The model server does not take one of the fields of this request with this model.',
  },
]

const LACKS =
  /\bdoes not support (thinking|tools|chat|generate|insert|embeddings?|images?|vision)\b/i

/** What the model cannot do, and the field that asked for it, if one did. */
function lacks(what = ''): string {
  const ability = what.toLowerCase()
  const without: Readonly<Record<string, string>> = {
    thinking: " Send the request without 'think', 'reasoning_effort' and the like.",
    tools: " Send the request without 'tools'.",
  }
  return `This model does not support ${ability}.${without[ability] ?? ''}`
}

const CONTEXT = /\bcontext (?:length|size|window)\b|\bprompt is too long\b/i
const LONG = named(
  ...['context_length_exceeded', 'exceed_context_size_error', 'context_window_exceeded'],
  ...['prompt_too_long', 'request_too_large_for_context'],
)

/** Tells both numbers if the backend does, so that a buyer knows how much to shorten. */
function tooLong({ message, error }: Said): string {
  const context =
    count(field(error, 'n_ctx')) ??
    found(/context (?:length|size|window)\D{0,24}?(\d{1,8})\b/i, message) ??
    found(/> (\d{1,8}) maximum/, message)
  const request =
    count(field(error, 'n_prompt_tokens')) ??
    found(
      /\b(?:requested|resulted in|request has|request \(|contains|too long:)\D{0,12}?(\d{1,8})\b/i,
      message,
    )
  if (context === null) return "This request is longer than the model's context."
  if (request === null)
    return `This request is longer than the model's context of ${context} tokens.`
  return `This request has ${request} tokens, and the model's context is ${context} tokens, prompt and answer together.`
}

const found = (pattern: RegExp, text: string): number | null =>
  count(Number(pattern.exec(text)?.[1]))

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e8 ? value : null

/**
 * Reads OpenAI's envelope, a bare error, FastAPI's `detail`, and Mistral's `detail` in a message.
 */
function read(body: Uint8Array): Said {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return { names: [], message: '', param: null, error: null }
  }
  const error = field(parsed, 'error') ?? parsed
  const detail = field(field(error, 'message'), 'detail') ?? field(error, 'detail')
  const first = Array.isArray(detail) ? detail[0] : null
  const place = field(first, 'loc')
  const texts = [error, field(error, 'message'), field(error, 'error'), detail, field(first, 'msg')]
  return {
    names: [field(error, 'code'), field(error, 'type'), field(first, 'type')].filter(isText),
    message: (texts.find(isText) ?? '').slice(0, 4_000),
    param: textOf(field(error, 'param')) ?? (Array.isArray(place) ? pathOf(place) : null),
    error,
  }
}

/** The field of `["body", "messages", 0, "role"]`. The body itself is no field. */
const pathOf = (place: readonly unknown[]): string =>
  place.filter((part, at) => at > 0 || part !== 'body').join('.')

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const isText = (value: unknown): value is string => typeof value === 'string'
const textOf = (value: unknown): string | null => (isText(value) ? value : null)
