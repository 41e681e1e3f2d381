/** What the refusal of a backend says about fields that only the gate wrote (threats K5). */

/**
 * The name stands somewhere in the client's body, so an error may be about what the client sent.
 * @param name in lower case, of letters, digits and underscores
 */
export function holdsName(body: Uint8Array, name: string): boolean {
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
 * Those of the fields `added` that an error names: by its `param`, by the place that FastAPI gives, or by
 * a code that is about one field. A text alone is not enough, because texts repeat prompts.
 */
export function namedFields<Name extends string>(
  refusal: Uint8Array,
  added: readonly Name[],
): readonly Name[] {
  const error = errorIn(refusal)
  if (error === null) return []
  const named = new Set<unknown>([rootOf(field(error, 'param')), ...placesIn(error)])
  const message = field(error, 'message')
  if (typeof message === 'string') {
    const listed = SENTENCE.exec(message)?.[1]?.split(/, ?/) ?? []
    for (const name of listed) named.add(name)
    const coded = NOT_TAKEN.has(field(error, 'code')) || NOT_TAKEN.has(field(error, 'type'))
    if (coded && named.size === 1 && named.has(null)) named.add(firstIn(message, added))
  }
  return added.filter((name) => named.has(name))
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
function firstIn(message: string, added: readonly string[]): string | null {
  const words = message.slice(0, 2_000).match(/\w+/g) ?? []
  return words.find((word) => added.includes(word)) ?? null
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
