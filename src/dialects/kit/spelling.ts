import type { Problem } from '../dialect.ts'
import type { JsonObject } from './json.ts'
import type { Share } from './text-left.ts'

/**
 * How one API spells one answer, for `AnswerMeter`. A dialect makes one for each answer. It reads what
 * the backend sends into a `ResponseUsage`, and writes what the gate itself puts into a stream.
 */
export interface Spelling {
  /** `events`: server-sent events. `lines`: a JSON object on each line (NDJSON). */
  readonly framing: 'events' | 'lines'
  /**
   * The most bytes before the first output, if it is more than usual: some APIs repeat the request there.
   */
  readonly mostBefore?: number
  /**
   * Reads one event, or one line: what it says goes into the usage. `name` is the name of the event;
   * null if it has none.
   */
  event(value: JsonObject, name: string | null): Heard
  /**
   * Reads an answer in one piece into the usage. False if it is no answer of this API: an error, or
   * another kind of object. Then nothing of it may have been read.
   */
  whole(answer: JsonObject): boolean
  /** A whole answer without what was not granted, ended as at an output limit (threats J8). */
  shorten(answer: JsonObject, share: Share): JsonObject
  /** An event that is too much by itself, with less text. Null: nothing of it leaves. */
  shortEvent(value: JsonObject, share: Share): JsonObject | null
  /** Keeps a silent stream open, and disturbs no reader; empty if nothing can. */
  keepAlive(): string
  /** The end of a stream that the backend ended without the event that ends it. */
  end(): Ending
  /** Ends the stream as at an output limit, from wherever it stands. */
  cut(): Ending
  /** Ends the stream with an error, from wherever it stands. */
  broken(problem: Pick<Problem, 'code' | 'message'>): Ending
  /** A whole answer as a complete stream, to somebody who sees a stream that has begun. */
  asStream(answer: JsonObject): Ending
}

/**
 * What becomes of an event. `passes`: it leaves. `hidden`: it is left out. `ends`: it is the last one,
 * and it is held back until the cost is known. `failed`: the backend says that it failed, or the event
 * cannot be read (threats J9, K8); the text is for the operator.
 */
export type Heard = 'passes' | 'hidden' | 'ends' | { readonly failed: string }

/** The last bytes of a stream. The comment with the cost stands between the two. */
export interface Ending {
  readonly before: string
  /** The event that ends the stream; empty if there is none. */
  readonly last: string
}

/** A server-sent event with a name, as Anthropic and OpenAI's Responses write it. */
export const namedEvent = (data: JsonObject & { readonly type: string }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
