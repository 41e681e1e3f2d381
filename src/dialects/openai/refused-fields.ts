import type { Asked, Refused } from '../dialect.ts'

/** Fields that a rewritten request may have although its client sent none (threats K5). */
const ADDED = ['max_tokens', 'max_completion_tokens', 'stream_options'] as const
type Added = (typeof ADDED)[number]

/**
 * `Dialect.respell`. If the client's body contains the name of a field, the client sent it itself.
 */
export function respell(asked: Asked, refusal: Uint8Array, before: Refused): Refused | null {
  const named = refusedFields(refusal).filter((field) => !holds(asked.body, field))
  return named.length === 0 ? null : spelledOtherwise(before, named)
}

const OTHER_NAME: Partial<Record<Added, Added>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** An output limit changes its name: a name that was refused before is tried again. */
function spelledOtherwise(before: Refused, named: readonly Added[]): Refused {
  const refused = new Set(before)
  for (const field of named) {
    const other = OTHER_NAME[field]
    if (other !== undefined && !named.includes(other)) refused.delete(other)
    refused.add(field)
  }
  return refused
}

/**
 * The name stands somewhere in the client's body, so the error may be about what the client sent.
 */
function holds(body: Uint8Array, name: Added): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  return unescaped(text).toLowerCase().includes(name)
}

/** Replaces the escapes by which letters, digits and underscores can be written. */
const unescaped = (text: string): string =>
  text.replace(/\\u00([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )

/** Codes and types of errors that say that one field is not accepted. */
const NOT_TAKEN: ReadonlySet<unknown> = new Set([
  ...[
    'unsupported_parameter',
    'unknown_parameter',
    'unrecognized_parameter',
    'unexpected_parameter',
  ],
  ...['extra_forbidden', 'value_error.extra', 'unknown_field', 'unsupported_field'],
])

/** The sentence of Azure and of older servers of OpenAI, which send no code. */
const SENTENCE = /^Unrecognized request arguments? supplied: ([\w, ]+)$/

/**
 * The fields of the gate's own that an error names (threats K5): by its `param`, by the place that
 * FastAPI gives, or by a code that is about one field. A text alone is not enough, because texts
 * repeat prompts.
 */
export function refusedFields(body: Uint8Array): readonly Added[] {
  const error = errorIn(body)
  if (error === null) return []
  const named = new Set<unknown>([rootOf(field(error, 'param')), ...placesIn(error)])
  const message = field(error, 'message')
  if (typeof message === 'string') {
    const listed = SENTENCE.exec(message)?.[1]?.split(/, ?/) ?? []
    for (const name of listed) named.add(name)
    const coded = NOT_TAKEN.has(field(error, 'code')) || NOT_TAKEN.has(field(error, 'type'))
    if (coded && named.size === 1 && named.has(null)) named.add(firstIn(message))
  }
  return ADDED.filter((name) => named.has(name))
}

function errorIn(body: Uint8Array): unknown {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return field(parsed, 'error') ?? parsed
  } catch {
    return null
  }
}

/** `stream_options.include_usage` belongs to `stream_options`. */
const rootOf = (param: unknown): string | null =>
  typeof param === 'string' ? (param.split(/[.[]/)[0] ?? null) : null

/** FastAPI's `detail`. It stands at the top; Mistral has it inside the message. */
function placesIn(error: unknown): readonly unknown[] {
  const detail = field(error, 'detail') ?? field(field(error, 'message'), 'detail')
  if (!Array.isArray(detail)) return []
  return detail.flatMap((one) => {
    const place = field(one, 'loc')
    return Array.isArray(place) ? [place[0] === 'body' ? place[1] : place[0]] : []
  })
}

/**
 * Of "'max_tokens' is not supported. Use 'max_completion_tokens' instead" the first name is meant.
 */
function firstIn(message: string): Added | null {
  const words = message.slice(0, 2_000).match(/\w+/g) ?? []
  return (
    ADDED.find((name) => words.find((word) => ADDED.some((one) => one === word)) === name) ?? null
  )
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
