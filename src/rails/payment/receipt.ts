import { writeBase64url } from './canonical.ts'

/** What `Payment-Receipt` says of a charge (draft-lightning-charge, section 8.2). */
export interface ChargeReceipt {
  readonly status: 'success'
  readonly method: 'lightning'
  /** When the payment was settled, in RFC 3339. */
  readonly timestamp: string
  /** The payment hash. The preimage would be a key. */
  readonly reference: string
  readonly challengeId?: string
}

/** The value of `Payment-Receipt`. */
export const writeReceipt = (receipt: ChargeReceipt): string =>
  writeBase64url(JSON.stringify(receipt))
