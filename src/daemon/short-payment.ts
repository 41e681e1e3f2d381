import { createHash } from 'node:crypto'
import type { PaymentId } from '../ledger/ledger.ts'

/**
 * The name of a payment for the operator: the beginning of the hash of its id. The id has the address of
 * its payer in it.
 */
export const shortPayment = (id: PaymentId): string =>
  createHash('sha256').update(id).digest('hex').slice(0, 16)
