import type { Wire } from '../dialects/dialect.ts'

/** The head of a backend's answer, as far as the gate uses it. */
export interface AnswerHead {
  readonly status: number
  /** Whether the dialect takes it for an answer. Otherwise it is a refusal of the backend. */
  readonly answers: boolean
  /** The content type that the backend gave. */
  readonly label: string | null
  readonly retryAfter: string | null
  /** The headers that the buyer gets, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const NONE = {}
const PRINTABLE = /^[\x20-\x7e]{1,1024}$/

export const headOf = (wire: Wire, status: number, headers: Headers): AnswerHead => ({
  status,
  answers: wire.isAnswer(status),
  label: one(headers['content-type']),
  retryAfter: one(headers['retry-after']),
  headers: wire.headers.length === 0 ? NONE : shown(wire.headers, headers),
})

function shown(names: readonly string[], headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of names) {
    const value = one(headers[name])
    if (value !== null && PRINTABLE.test(value)) kept[name] = value
  }
  return kept
}

const one = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null
