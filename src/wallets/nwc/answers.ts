import { createHash } from 'node:crypto'
import { objectIn } from '../../outbound/ask-json.ts'
import { readBolt11 } from '../bolt11.ts'
import { type InvoiceState, WalletRefused, WalletUnreachable } from '../wallet.ts'
import { type Json, NwcError } from './client.ts'

/** An invoice or a payment, as a wallet tells of it (NIP-47). */
export interface Transaction {
  readonly paymentHash: string
  readonly direction: 'incoming' | 'outgoing'
  readonly state: 'pending' | 'settled' | 'expired' | 'failed' | 'accepted'
  readonly amountMsat: bigint
  readonly feeMsat: bigint
  readonly invoice: string | null
  readonly preimage: string | null
  /** ms since the epoch. Null if it is not settled, or the wallet does not say when. */
  readonly settledAt: number | null
  readonly expiresAt: number | null
}

/** What answers there does not keep to NIP-47. */
export const NOT_NWC = () =>
  new WalletUnreachable('the wallet answers in another way than NIP-47 says')

/** Reads a transaction. Throws `WalletUnreachable` if it is none. */
export function transactionIn(json: unknown): Transaction {
  const one = objectIn(json)
  if (one === null) throw NOT_NWC()
  const hash = String(one.payment_hash ?? '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(hash) || !Number.isSafeInteger(one.amount)) throw NOT_NWC()
  const settledAt = timeIn(one.settled_at)
  return {
    paymentHash: hash,
    direction: one.type === 'outgoing' ? 'outgoing' : 'incoming',
    state: stateIn(one.state, settledAt),
    amountMsat: BigInt(Number(one.amount)),
    feeMsat: Number.isSafeInteger(one.fees_paid) ? BigInt(Number(one.fees_paid)) : 0n,
    invoice: textIn(one.invoice),
    preimage: textIn(one.preimage),
    settledAt,
    expiresAt: timeIn(one.expires_at),
  }
}

const STATES = ['pending', 'settled', 'expired', 'failed', 'accepted'] as const

/**
 * Older wallets have no `state`. Then only the time of the settlement tells: the preimage is there
 * from the beginning.
 */
function stateIn(state: unknown, settledAt: number | null): Transaction['state'] {
  if (state === undefined || state === null) return settledAt === null ? 'pending' : 'settled'
  const known = STATES.find((name) => name === state)
  if (known === undefined) throw NOT_NWC()
  return known
}

/** Seconds since the epoch; 0 and null mean that there is no such time. */
function timeIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
    ? Math.floor(value) * 1000
    : null
}

const textIn = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

/** ms after its expiry in which an invoice that the wallet still calls pending may be paid. */
const LATE_MS = 60_000

/**
 * What a transaction means for the invoice that it is of. `askedMsat` is what was asked for, if that is
 * known here.
 */
export function invoiceStateOf(
  one: Transaction,
  now: number,
  askedMsat: bigint | null,
): InvoiceState {
  switch (one.state) {
    case 'settled': {
      const preimage = opens(one) ? one.preimage : null
      return { is: 'settled', preimage, receivedMsat: receivedBy(one, askedMsat) }
    }
    case 'expired':
    case 'failed':
      return { is: 'dead' }
    // A payment arrived and is held. It will be settled or canceled, even after the expiry.
    case 'accepted':
      return { is: 'open' }
    case 'pending': {
      const expiresAt = one.expiresAt ?? readBolt11(one.invoice ?? '')?.expiresAt ?? null
      return { is: expiresAt !== null && now >= expiresAt + LATE_MS ? 'dead' : 'open' }
    }
  }
}

/**
 * What arrived: at least what the invoice asks for, and at most twice as much, which is what BOLT 4
 * allows a payer. Any other figure is in another unit than msat, or of another invoice, so it is not
 * known what was paid. A wallet need not show the invoice. Then the amount is compared with what was
 * asked for, if this process has asked.
 */
function receivedBy(
  { invoice, paymentHash, amountMsat }: Transaction,
  askedMsat: bigint | null,
): bigint {
  const read = invoice === null ? null : readBolt11(invoice)
  if (invoice !== null && read?.paymentHash !== paymentHash) throw NOT_NWC()
  const least = read?.amountMsat ?? askedMsat ?? amountMsat
  if (amountMsat < least || amountMsat > 2n * least) throw NOT_NWC()
  return amountMsat
}

function opens({ preimage, paymentHash }: Transaction): boolean {
  const bytes = Buffer.from(preimage ?? '', 'hex')
  return createHash('sha256').update(bytes).digest('hex') === paymentHash
}

/** What the operator can do about an error of the wallet to a call of that method. */
const HELP: Readonly<Record<string, (method: string) => Error>> = {
  RATE_LIMITED: () => new WalletUnreachable('it was asked more often than it allows'),
  UNAUTHORIZED: () =>
    new WalletRefused(
      'the wallet does not know this connection, or has ended it: make a new one in the wallet',
    ),
  RESTRICTED: (method) =>
    new WalletRefused(
      `this connection may not ${method}: make one in the wallet that may make and look up invoices`,
    ),
  QUOTA_EXCEEDED: () =>
    new WalletRefused('the budget of this connection is used up: raise it in the wallet'),
  NOT_IMPLEMENTED: (method) => new WalletRefused(`this wallet cannot ${method}`),
  UNSUPPORTED_ENCRYPTION: () =>
    new WalletRefused('this wallet speaks neither nip44_v2 nor nip04: update it'),
}

/** Turns the error of a call into one for the operator. Errors of other kinds stay as they are. */
export function explained(method: string, error: unknown): unknown {
  if (!(error instanceof NwcError)) return error
  const help = Object.hasOwn(HELP, error.code) ? HELP[error.code] : undefined
  return (
    help?.(method) ?? new WalletUnreachable('the wallet says that it failed: look into its own log')
  )
}

/** The list in a reply to `list_transactions`. */
export function transactionsIn(reply: Json): readonly Transaction[] {
  if (!Array.isArray(reply.transactions)) throw NOT_NWC()
  return reply.transactions.map(transactionIn)
}
