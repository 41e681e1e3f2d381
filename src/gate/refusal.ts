import type { Offer } from '../rails/rail.ts'

/**
 * The one form of a request that is not served. The status is never 401. Only a 402 has an offer,
 * because clients pay for any challenge that they see.
 */
export interface Refusal {
  readonly status: number
  /** OpenAI's `error.code`. A number only for the 402. */
  readonly code: string
  readonly message: string
  readonly param: string | null
  readonly offer: Pick<Offer, 'challenges' | 'headers' | 'body'> | null
  readonly retryAfterSeconds: number | null
  /** Only for a 405: the methods that are allowed. */
  readonly allow: string | null
  /** Fields beside `error`. */
  readonly extra: Readonly<Record<string, unknown>>
}

type Parts = Partial<Omit<Refusal, 'status' | 'code' | 'message'>>

/** Makes a refusal. People read `message`, so it says what they can do. */
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

/** The gate takes no new request, or it ended an answer of which the buyer had seen nothing. */
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

/** The request asks what it would cost, but nothing has to be paid. */
export const EMPTY = refuse(
  400,
  'invalid_request_error',
  'The body is empty: send a JSON object with the model and the prompt.',
)
