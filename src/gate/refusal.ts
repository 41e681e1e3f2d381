import type { Offer } from '../rails/rail.ts'

/**
 * A request that is not served, in one shape. The status is never 401.
 * `offers` stand only on a 402: a client that sees a challenge on anything else pays for it.
 */
export interface Refusal {
  readonly status: number
  /** OpenAI's `error.code`. A number only for the 402. */
  readonly code: string
  readonly message: string
  readonly param: string | null
  readonly offer: Pick<Offer, 'challenges' | 'headers' | 'body'> | null
  readonly retryAfterSeconds: number | null
  /** The methods that are allowed, of a 405. */
  readonly allow: string | null
  /** Fields beside `error`. */
  readonly extra: Readonly<Record<string, unknown>>
}

type Parts = Partial<Omit<Refusal, 'status' | 'code' | 'message'>>

/** Makes a refusal. `message` is shown to people: it says what to do about it. */
export function refuse(status: number, code: string, message: string, parts: Parts = {}): Refusal {
  return {
    status,
    code,
    message,
    param: parts.param ?? null,
    offer: parts.offer ?? null,
    retryAfterSeconds: parts.retryAfterSeconds ?? null,
    allow: parts.allow ?? null,
    extra: parts.extra ?? {},
  }
}

/** A gate that takes nothing new, or that ended an answer of which the buyer saw nothing yet. */
export const STOPPING = refuse(503, 'stopping', 'This gate is stopping; nothing was charged.', {
  retryAfterSeconds: 5,
})

/** Every slot of every backend is taken. */
export const FULL = refuse(
  503,
  'capacity',
  'All slots of the model server are taken; nothing was charged. Try again in some seconds.',
  {
    retryAfterSeconds: 5,
  },
)

/** A request that only asks what it would cost, where nothing has to be paid. */
export const EMPTY = refuse(
  400,
  'invalid_request_error',
  'The body is empty: send a JSON object with the model and the prompt.',
)
