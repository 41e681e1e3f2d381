import { onLine } from '../floor/printable.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'

/** Refusals of the endpoints of the gate itself. */

export const BUG = refuse(
  500,
  'internal_error',
  'This gate made a mistake; nothing was charged. The operator is told of it.',
)

export const NOT_JSON = refuse(
  400,
  'invalid_request_error',
  'The body is not JSON. Send a JSON object, with double quotes around names and texts.',
)

export const NO_INVOICE = refuse(
  400,
  'invalid_request_error',
  'Name the invoice that is to be paid: {"invoice": "lnbcrt…"} or {"payment_hash": "…"}.',
)

/** @param why for example "unknown here" */
export const notPayable = (why: string): Refusal =>
  refuse(400, 'invoice_not_payable', `This invoice cannot be paid: it is ${why}.`)

export const BAD_PAGE = refuse(
  400,
  'invalid_request_error',
  'limit must be a whole number from 1 to 100. For the next page, set before to the id of the last charge that you have.',
  { param: 'limit' },
)

export const NO_MODELS = refuse(
  502,
  'upstream_error',
  'The model server does not answer, so its models are not known. Try again in some seconds.',
  { retryAfterSeconds: 5 },
)

export const NO_MODEL = refuse(
  404,
  'model_not_found',
  'There is no model of this name for sale here. GET /v1/models lists those that are.',
)

export const NO_DOLLARS = refuse(
  404,
  'not_found',
  'This gate takes no x402 payments. /.well-known/l402 says how it is paid.',
)

/** Only a gate in mode `charge` takes payments. */
export const NOT_FOR_SALE = refuse(
  404,
  'not_for_sale',
  'This gate sells no credit. Ask its operator for a pass.',
)

/** A gate in mode `charge` that is not paid over Lightning. */
export const NO_INVOICES = refuse(
  404,
  'not_for_sale',
  'This gate sells no invoices. /.well-known/l402 says how it is paid.',
)

/** The path is served, but not with this method. */
export const wrongMethod = (method: string, allowed: readonly string[]): Refusal => {
  const allow = allowed.join(', ')
  const message = `${onLine(method, 20)} is not served at this path: send ${allow}.`
  return refuse(405, 'method_not_allowed', message, { allow })
}
