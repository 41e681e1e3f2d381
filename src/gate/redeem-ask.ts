import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The body of `POST /cashu-redeem`. */
export interface RedeemAsk {
  readonly token: string
  /** The invoice whose account the token is for. Null if the body names none. */
  readonly invoice: { readonly hash: string; readonly statusToken: string } | null
}

const FIELDS = ['token', 'paymentHash', 'statusToken'] as const

/** Reads the body of `POST /cashu-redeem`, with the fields that 402-mcp sends. */
export function readRedeemAsk(body: unknown): Result<RedeemAsk, Refusal> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(NO_TOKEN)
  const unknown = Object.keys(body).find((name) => !FIELDS.some((field) => field === name))
  if (unknown !== undefined) return err(unknownField(unknown))
  const [token, hash, statusToken] = FIELDS.map((name): unknown => Reflect.get(body, name))
  if (typeof token !== 'string' || token.trim() === '') return err(NO_TOKEN)
  if (hash === undefined && statusToken === undefined) {
    return ok({ token: token.trim(), invoice: null })
  }
  if (typeof hash !== 'string' || typeof statusToken !== 'string') return err(HALF)
  return ok({ token: token.trim(), invoice: { hash, statusToken } })
}

function unknownField(name: string): Refusal {
  const shown = onLine(name, 60)
  const message = `There is no field ${JSON.stringify(shown)} in this request. The fields are ${FIELDS.join(', ')}.`
  return refuse(400, 'unknown_parameter', message, { param: shown })
}

const NO_TOKEN = refuse(
  400,
  'invalid_request_error',
  'The body must be a JSON object with a token: {"token": "cashuB…"}. With paymentHash and statusToken of an invoice the token is for the account of that invoice.',
  { param: 'token' },
)
const HALF = refuse(
  400,
  'invalid_request_error',
  'paymentHash and statusToken go together: the payment_url of an invoice has both. Leave both out to open an account, or to top up the pass of this request.',
  { param: 'paymentHash' },
)
