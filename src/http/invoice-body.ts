import { encodeQR } from 'qr'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { meantField } from '../gate/invoice-ask.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { floorSat } from '../money/msat.ts'
import type { IssuedInvoice } from '../rails/lightning/invoicing.ts'

/** What the query of `POST /create-invoice` asks for. */
export interface InvoiceQuery {
  /** A picture of the invoice, as SVG. It is most of an answer's bytes. */
  readonly qr: boolean
}

/** Reads the query of `POST /create-invoice`: `?qr=svg`, and nothing else. */
export function readInvoiceQuery(
  query: Readonly<Record<string, string>>,
): Result<InvoiceQuery, Refusal> {
  const unknown = Object.keys(query).find((name) => name !== 'qr')
  if (unknown !== undefined) return err(unknownParameter(unknown))
  if (query.qr === undefined || query.qr === 'svg') return ok({ qr: query.qr === 'svg' })
  const message = 'The query parameter qr takes svg alone: POST /create-invoice?qr=svg.'
  return err(refuse(400, 'invalid_request_error', message, { param: 'qr' }))
}

function unknownParameter(name: string): Refusal {
  const shown = onLine(name, 60)
  const field = meantField(name)
  const fix =
    field === null
      ? 'The only one is qr, as in ?qr=svg.'
      : `${field} belongs into the JSON body, as in {"amountSats": 1000, "caveats": ["spend <= 100 / day"]}.`
  const message = `There is no query parameter ${JSON.stringify(shown)} here. ${fix}`
  return refuse(400, 'unknown_parameter', message, { param: shown })
}

/**
 * The answer of `POST /create-invoice`. `invoice` is `bolt11` by the name that a 402 gives it.
 * `payment_url` is a path, because 402-mcp joins it to the origin; `pay_at` is the whole link.
 */
export function invoiceBody(
  issued: IssuedInvoice,
  { origin, qr }: InvoiceQuery & { readonly origin: string },
): Readonly<Record<string, unknown>> {
  const { row, macaroon, paymentUrl } = issued
  const { bolt11 } = row
  const sats = floorSat(row.amount)
  return {
    bolt11,
    invoice: bolt11,
    payment_hash: row.hash,
    payment_url: paymentUrl,
    pay_at: paymentUrl === null ? null : `${origin}${paymentUrl}`,
    amount_sats: sats,
    credit_sats: sats + floorSat(row.bonus),
    ...(macaroon === null ? {} : { macaroon }),
    expires_at: new Date(row.expiresAt).toISOString(),
    ...(qr
      ? { qr_svg: encodeQR(`lightning:${bolt11.toUpperCase()}`, 'svg', { ecc: 'low', border: 2 }) }
      : {}),
  }
}
