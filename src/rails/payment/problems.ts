import type { PaymentRefused } from '../rail.ts'

/** Types of problems (draft-httpauth-payment, section 8.2), with their titles (RFC 9457). */
const TITLES = {
  'payment-required': 'Payment Required',
  'payment-insufficient': 'Payment Insufficient',
  'payment-expired': 'Payment Expired',
  'verification-failed': 'Verification Failed',
  'malformed-credential': 'Malformed Credential',
  'invalid-challenge': 'Invalid Challenge',
  'method-unsupported': 'Method Unsupported',
} as const

type ProblemType = keyof typeof TITLES

/** The fields of a problem, for the body of an answer. */
export const problem = (name: ProblemType, status: number, detail: string) => ({
  ...{ type: `https://paymentauth.org/problems/${name}`, title: TITLES[name], status, detail },
})

/** The pass of a payment that is refused, for who has proved the payment. Null if there is none. */
type Pass = string | null

interface More {
  /** The payment was taken, so its payer is not asked for another one. */
  readonly taken?: { readonly pass: Pass }
  readonly status?: 400 | 402
}

function refused(
  name: ProblemType,
  {
    code,
    message,
    status = 402,
    taken,
  }: More & { readonly code: string; readonly message: string },
): PaymentRefused {
  const head = { status, code, message, fields: problem(name, status, message) }
  if (taken === undefined) return head
  const { pass } = taken
  const headers = pass === null ? {} : { headers: { 'x-satgate-pass': pass } }
  return { ...head, ...headers, offersNothing: true }
}

const PAID = 'Insufficient credits: this payment has arrived'
const byPass = (pass: Pass): string =>
  pass === null
    ? 'Send the pass that it bought.'
    : 'The header X-Satgate-Pass of this answer is the pass that it bought: send that as the API key.'

/** The credential cannot be read: `detail` says why, and repeats nothing of it. */
export const unreadable = (detail: string): PaymentRefused =>
  refused('malformed-credential', {
    code: 'payment_malformed',
    message: `Insufficient credits: the Payment credential of this request cannot be read: ${detail}. Send it as your client made it, or pay the invoice in this answer.`,
  })

/** The credential is of another method or intent than lightning and charge. */
export const UNSUPPORTED: PaymentRefused = refused('method-unsupported', {
  ...{ code: 'payment_method_unsupported', status: 400 },
  message:
    'This gate takes Payment credentials of the method lightning and the intent charge alone. Nothing was taken.',
})

/** Nothing is paid for: a credential is good for one request. */
export const NO_KEY: PaymentRefused = refused('verification-failed', {
  ...{ code: 'payment_is_no_key', status: 400 },
  message:
    'A Payment credential pays for one request that costs something. For the balance, and for what else a key is for, send the pass of its answer, X-Satgate-Pass. Nothing was taken.',
})

export const INVALID: PaymentRefused = refused('invalid-challenge', {
  code: 'payment_invalid_challenge',
  message:
    'Insufficient credits: the challenge of this Payment credential is not one of this gate, or it was changed. Pay the one in this answer.',
})

export const WRONG_PREIMAGE: PaymentRefused = refused('verification-failed', {
  code: 'payment_verification_failed',
  message:
    'Insufficient credits: the preimage of this Payment credential is not the one of its invoice. Send the preimage that your wallet shows, or pay the invoice in this answer.',
})

/** It paid for a request before (threats C6). */
export const used = (pass: Pass): PaymentRefused =>
  refused('verification-failed', {
    code: 'payment_used',
    message: `${PAID}, and has paid for a request before. Do not pay again. ${byPass(pass)}`,
    taken: { pass },
  })

/** It was paid, and presented too late. */
export const expired = (pass: Pass): PaymentRefused =>
  refused('payment-expired', {
    code: 'payment_expired',
    message: `${PAID}, but its challenge has expired. Do not pay again. ${byPass(pass)}`,
    taken: { pass },
  })

/** It topped up an account, and stands alone: it must not shed the caveats of the pass. */
export const TOPS_UP: PaymentRefused = refused('verification-failed', {
  code: 'payment_tops_up',
  message: `${PAID} for the account of the pass that it was offered to. Do not pay again. Send the same request with that pass.`,
  taken: { pass: null },
})

/** It was made for another account than that of the pass beside it. */
export const ELSEWHERE: PaymentRefused = refused('verification-failed', {
  ...{ code: 'payment_elsewhere', status: 400 },
  message:
    'This payment is for another account than the pass beside it. Send it without that pass. It was not used up.',
})

/** Less was paid than this request needs (threats I8). It is not used up. */
export const insufficient = (sat: number, needs: number): PaymentRefused =>
  refused('payment-insufficient', {
    code: 'payment_insufficient',
    message: `Insufficient credits: this request needs a payment of ${needs} sat, and this one was ${sat} sat. It is credited and not used up: send a smaller request with it.`,
  })
