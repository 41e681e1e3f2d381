import type { Understood } from '../contract/dialect.ts'
import type { Field } from './forms.ts'

/**
 * What `test/e2e/every-dialect.test.ts` must know of an API to run the threats of every dialect on it. A
 * new dialect adds a row.
 */
export interface ApiRow {
  readonly path: string
  /** A request for an answer in one piece, without its model. Its prompt is this text. */
  readonly body: (prompt: string) => Json
  /** What makes it one for a stream, in which all that the backend reports is shown. */
  readonly streams: Json | null
  /** The client's own output limit. Null: there is no output. */
  readonly limit: ((tokens: number) => Json) | null
  /** The limit in a request as the backend got it. */
  readonly limitIn: (sent: Json) => unknown
  /** An answer in one piece. Null reports nothing. */
  readonly whole: (text: string, report: Report | null) => Json
  /** What a client understands of an answer in one piece. */
  readonly said: (answer: Json) => Understood
  /** The API has no place for a usage, so that the gate counts. */
  readonly counted?: true
  /** It sells images or sound and no tokens, and an answer costs so many sats. */
  readonly media?: number
  /** The request is a form with these fields. */
  readonly form?: (prompt: string) => readonly Field[]
  /** The answer is sound, which leaves as it comes. */
  readonly sound?: true
  /** Where the text of an error stands. */
  readonly refusal: (json: Json) => unknown
  readonly stream: StreamRow | null
}

export interface StreamRow {
  readonly type: string
  /** What comes before the first text. */
  readonly opens: string
  readonly says: (text: string) => string
  /** Ends the stream behind this text. Null reports nothing. */
  readonly closes: (text: string, report: Report | null) => string
  /** An error of the backend in its stream, with this text. */
  readonly fails: (text: string) => string
  readonly reads: (stream: string) => Understood
}

/** Figures as a backend may report them: any value. */
export interface Report {
  readonly input: unknown
  readonly output: unknown
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
export type Json = Record<string, any>

export const openAiRefusal = ({ error }: Json): unknown => error?.message

/** An answer without output, and what its client understands. */
export const plain = (shown: (answer: Json) => unknown) => ({
  limit: null,
  limitIn: () => undefined,
  streams: null,
  stream: null,
  said: (answer: Json): Understood => ({ made: JSON.stringify(shown(answer)), end: 'done' }),
})
