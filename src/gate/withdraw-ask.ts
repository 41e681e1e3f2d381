import { nearest } from '../floor/nearest.ts'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { MOST_SATS } from './invoice-ask.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What `POST /v1/withdraw` asks for. */
export type WithdrawAsk =
  | { readonly by: 'invoice'; readonly invoice: string }
  | {
      readonly by: 'ecash'
      /** Whole sats. Null: everything that may leave of that mint. */
      readonly sat: number | null
      /** Null: the mint of which most may leave. */
      readonly mint: string | null
    }

const FIELDS = ['invoice', 'ecash', 'amount_sats', 'mint'] as const
/** The most characters of an Idempotency-Key. */
const LONGEST_KEY = 255

/**
 * Reads the body of `POST /v1/withdraw`. Unknown fields are refused, so that nobody withdraws
 * everything because the name of the amount was not right.
 */
export function readWithdrawAsk(body: unknown): Result<WithdrawAsk, Refusal> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(NEITHER)
  const unknown = Object.keys(body).find((name) => !FIELDS.some((field) => field === name))
  if (unknown !== undefined) return err(unknownField(unknown))
  const { invoice, ecash, amount_sats: sat, mint } = body as Readonly<Record<string, unknown>>
  if (ecash !== undefined && typeof ecash !== 'boolean') return err(wrong('ecash', 'true'))
  if ((invoice === undefined) !== (ecash === true)) return err(NEITHER)
  if (invoice !== undefined) {
    if (typeof invoice !== 'string') return err(wrong('invoice', 'a text'))
    // An amount beside an invoice could be another one than the invoice asks for.
    if (sat !== undefined) return err(besides('amount_sats'))
    return mint === undefined ? ok({ by: 'invoice', invoice }) : err(besides('mint'))
  }
  if (sat !== undefined && !isSats(sat)) {
    return err(wrong('amount_sats', `a whole number from 1 to ${MOST_SATS}`))
  }
  if (mint !== undefined && typeof mint !== 'string') return err(wrong('mint', 'the URL of a mint'))
  return ok({ by: 'ecash', sat: sat ?? null, mint: mint ?? null })
}

/** Reads the header `Idempotency-Key`. Null if there is none. */
export function readIdempotencyKey(header: string | undefined): Result<string | null, Refusal> {
  if (header === undefined || header === '') return ok(null)
  const good = header.length <= LONGEST_KEY && /^[\x20-\x7e]+$/.test(header)
  return good ? ok(header) : err(BAD_KEY)
}

const isSats = (sat: unknown): sat is number =>
  typeof sat === 'number' && Number.isInteger(sat) && sat >= 1 && sat <= MOST_SATS

const EXAMPLES = '{"invoice": "lnbc…"}, or {"ecash": true, "amount_sats": 1000}'

const NEITHER = refuse(
  400,
  'invalid_request_error',
  `Say how the sats are to leave: ${EXAMPLES}. Without an amount, ecash is everything that may leave of one mint.`,
)
const BAD_KEY = refuse(
  400,
  'invalid_request_error',
  `Idempotency-Key has up to ${LONGEST_KEY} printable ASCII characters.`,
)

const wrong = (field: string, right: string): Refusal =>
  refuse(400, 'invalid_request_error', `${field} must be ${right}.`, { param: field })

const besides = (field: string): Refusal =>
  refuse(
    400,
    'invalid_request_error',
    `${field} belongs to a withdrawal as ecash. An invoice says itself how much it asks for.`,
    { param: field },
  )

function unknownField(name: string): Refusal {
  const shown = onLine(name, 60)
  const close = nearest(name.slice(0, 60), FIELDS)
  const fix = close === null ? `The fields are ${FIELDS.join(', ')}.` : `Did you mean ${close}?`
  const message = `There is no field ${JSON.stringify(shown)} in this request. ${fix}`
  return refuse(400, 'unknown_parameter', message, { param: shown })
}
