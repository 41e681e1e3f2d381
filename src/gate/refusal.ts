import type { Dialect } from '../dialects/dialect.ts'
import type { Offer } from '../rails/rail.ts'
import type { StoredAnswer } from './stored-answers.ts'

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
  readonly offer: OfferToAll | null
  readonly retryAfterSeconds: number | null
  /** Only for a 405: the methods that are allowed. */
  readonly allow: string | null
  /** Further headers of the answer, by their names in lower case. They replace the gate's own. */
  readonly headers: Readonly<Record<string, string>>
  /** Fields beside `error`. */
  readonly extra: Readonly<Record<string, unknown>>
  /**
   * An answer that is sent in place of an error: the one of before (threats L1), or one that the gate
   * gives itself (`answered-here.ts`). Nothing is bought.
   */
  readonly stored: StoredAnswer | null
}

/** What all rails together offer. */
export interface OfferToAll extends Pick<Offer, 'challenges' | 'headers'> {
  /** An object as JSON, with at least one member: the fields beside `error`. */
  readonly beside: string
}

const NO_HEADERS = {}

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
    headers: parts.headers ?? NO_HEADERS,
    extra: parts.extra ?? {},
    stored: parts.stored ?? null,
  }
}

/** A payment is presented again that bought this answer. */
export const answeredBefore = (stored: StoredAnswer): Refusal =>
  refuse(stored.status, 'stored_answer', 'This is the answer that the payment bought.', { stored })

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

/** The request has no body, and nothing is offered for it: nothing has to be paid, or it is paid for. */
export const emptyBody = ({ docs }: Pick<Dialect, 'docs'>): Refusal => {
  const { type } = docs.request
  const what = type === JSON_TYPE ? 'a JSON object with the model and the prompt' : `it as ${type}`
  return refuse(400, 'invalid_request_error', `The body is empty: send ${what}.`)
}

/** The request has another method than its route, and does not ask for the price. */
export const methodNotAllowed = (method: string, { docs }: Pick<Dialect, 'docs'>): Refusal => {
  const { type } = docs.request
  const body = type === JSON_TYPE ? 'a JSON body' : `a body of the type ${type}`
  const message = `Send a ${method} with ${body} to this path. A GET without a pass is answered 402, with an invoice for credit.`
  return refuse(405, 'method_not_allowed', message, { allow: method })
}

const JSON_TYPE = 'application/json'

/**
 * The secret is right but the wallet does not see the payment yet. This is never a 402, and never
 * has a challenge, because the client would pay twice (threats C10, I8).
 */
export const PENDING = refuse(
  503,
  'payment_pending',
  'Your payment is not seen yet. Do not pay again: send the same request in some seconds.',
  { retryAfterSeconds: 3, extra: { payment_state: 'pending' } },
)

/** A commit has failed or is late. Without the disk nothing can be sold. */
export const LEDGER = refuse(
  503,
  'ledger_unavailable',
  'The ledger cannot write at the moment; nothing was charged. Try again.',
  { retryAfterSeconds: 5 },
)

/** The damaged key was paid for. An offer would make its owner pay a second time (threats K12). */
export const DAMAGED = refuse(
  400,
  'damaged_key',
  'This key was paid for, and it arrives here damaged: its first part is right, its secret is not. Copy the whole key again, <macaroon>:<64 hex digits>, without quotes or spaces. Do not pay again.',
  { extra: { payment_state: 'damaged' } },
)
