import { createHash } from 'node:crypto'
import { objectIn } from '../../outbound/ask-json.ts'
import { readBolt11 } from '../bolt11.ts'
import type { InvoiceState } from '../wallet.ts'
import { complaint, type Json, type LnbitsRest, NOT_LNBITS } from './rest.ts'

/** A row of the table of payments of LNbits: an invoice of this wallet, or a payment by it. */
export interface PaymentRow {
  readonly paymentHash: string
  /** An invoice has a positive amount, a payment a negative one. */
  readonly amountMsat: bigint
  /** Zero or less. While a payment is pending, it is what LNbits has set aside for routing. */
  readonly feeMsat: bigint
  readonly status: 'pending' | 'success' | 'failed'
  readonly bolt11: string
  readonly preimage: string | null
  /** ms since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number
  /** Whatever whoever made it has written there. */
  readonly extra: Json
}

/** Reads a row. Throws `WalletUnreachable` if it is none. */
export function rowIn(json: unknown): PaymentRow {
  const row = objectIn(json)
  if (row === null) throw NOT_LNBITS()
  const { payment_hash, status, bolt11, preimage } = row
  if (typeof payment_hash !== 'string' || !/^[0-9a-f]{64}$/.test(payment_hash)) throw NOT_LNBITS()
  if (status !== 'pending' && status !== 'success' && status !== 'failed') throw NOT_LNBITS()
  return {
    paymentHash: payment_hash,
    amountMsat: wholeMsat(row.amount),
    feeMsat: wholeMsat(row.fee),
    status,
    bolt11: typeof bolt11 === 'string' ? bolt11 : '',
    preimage: typeof preimage === 'string' ? preimage : null,
    createdAt: timeIn(row.created_at ?? row.time),
    updatedAt: timeIn(row.updated_at ?? row.time),
    extra: objectIn(row.extra) ?? {},
  }
}

function wholeMsat(value: unknown): bigint {
  if (!Number.isSafeInteger(value)) throw NOT_LNBITS()
  return BigInt(Number(value))
}

/** ISO 8601. Some versions leave the zone out, and mean UTC. */
function timeIn(value: unknown): number {
  const text = typeof value === 'string' ? value : ''
  const time = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  if (!Number.isFinite(time)) throw NOT_LNBITS()
  return time
}

/** Which rows, as LNbits takes it in a URL: `{ status: 'success', 'amount[gt]': '0' }`. */
export type Filter = Readonly<Record<string, string>>

/** One page of the table of payments, in the order that the filter names. */
export async function rowsOf(rest: LnbitsRest, filter: Filter): Promise<readonly PaymentRow[]> {
  const answer = await rest.ask(`payments/paginated?${new URLSearchParams(filter)}`)
  if (answer.status !== 200) throw complaint(answer)
  if (!Array.isArray(answer.body.data)) throw NOT_LNBITS()
  return answer.body.data.map(rowIn)
}

/** ms after its expiry in which a payment that arrived in time may still be entered. */
const LATE_MS = 5_000

/**
 * What the row of an invoice means. Only `success` means paid: LNbits knows the preimage from the
 * beginning. Throws `WalletUnreachable` if the row contradicts the invoice in it, because then it is
 * not known what was paid.
 */
export function stateOf(row: PaymentRow, now: number): InvoiceState {
  const invoice = readBolt11(row.bolt11)
  if (invoice?.paymentHash !== row.paymentHash || invoice.amountMsat !== row.amountMsat) {
    throw NOT_LNBITS()
  }
  if (row.status === 'success') {
    const preimage = opens(row) ? row.preimage : null
    return { is: 'settled', preimage, receivedMsat: row.amountMsat }
  }
  // LNbits says that an invoice has failed when it is looked up after its expiry, without asking its
  // backend. A payment in the last second may be reported to it after that.
  return { is: now < invoice.expiresAt + LATE_MS ? 'open' : 'dead' }
}

function opens({ preimage, paymentHash }: PaymentRow): boolean {
  const bytes = Buffer.from(preimage ?? '', 'hex')
  return createHash('sha256').update(bytes).digest('hex') === paymentHash
}
