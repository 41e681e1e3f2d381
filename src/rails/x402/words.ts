import type { PaymentRefused } from '../rail.ts'
import { loggable, type Meaning, meaningOf } from './reasons.ts'

const KEPT = 'Nothing was taken.'
const AGAIN = 'Do not pay again: send the same request with the same payment.'

interface Words {
  readonly status: PaymentRefused['status']
  /** What is wrong, as the middle of a sentence; `about` is what the code has to say besides. */
  say(about: string): string
  readonly more?: Pick<PaymentRefused, 'retryAfterSeconds' | 'offersNothing' | 'soon'>
}

/** 400: it is no payment that is taken here. */
const bad = (say: Words['say']): Words => ({ status: 400, say: (about) => `${say(about)} ${KEPT}` })
/** 402: another payment helps, and this one was not taken. The offers stand in the same answer. */
const other = (say: Words['say']): Words => ({
  status: 402,
  say: (about) => `insufficient credits: ${say(about)} ${KEPT}`,
})
/** 503: it may be good later. */
const later = (say: Words['say'], retryAfterSeconds: number): Words => ({
  ...{ status: 503, more: { retryAfterSeconds } },
  say: (about) =>
    `${say(about)} ${KEPT} Send the same request with the same payment in some seconds.`,
})

/** What a payer is told, in the order in which a payment is judged. */
const WORDS = {
  x402_too_large: bad((most) => `this payment has more than ${most} characters.`),
  x402_malformed: bad(
    (wrong) =>
      `this is no payment of x402 that can be read: ${wrong}. Send what your client makes.`,
  ),
  x402_scheme: other(() => 'this payment is not of the scheme exact, which is the only one here.'),
  x402_network: other(
    (taken) => `this payment is for another network. Dollars are taken on ${taken}.`,
  ),
  x402_asset: other(
    (taken) => `this payment is of another token. The one that is taken is ${taken}.`,
  ),
  x402_payee: other((payTo) => `this payment is to another address. Pay to ${payTo}.`),
  x402_amount: other((why) => `this payment is of another amount: ${why}.`),
  x402_resource: other((url) => `this payment is for another resource than ${url}.`),
  x402_offer: other(
    (why) => `${why}. An offer is good for two minutes, for the request that it was made for.`,
  ),
  x402_expired: other(
    () => 'this payment has expired, or expires in less than six seconds (validBefore).',
  ),
  x402_valid_too_long: other(
    () => 'this payment is valid for more than an hour (validBefore), which is too long.',
  ),
  x402_not_yet_valid: other(() => 'this payment is not valid yet (validAfter).'),
  x402_full: other(() => 'this gate takes no more dollars for now. Pay in another way.'),
  x402_signature: other(() => 'the signature of this payment is not the one of its payer.'),
  x402_funds: other(() => 'the payer of this payment has too few dollars.'),
  x402_used: other(() => 'this payment was used before, and not here. Sign a new one.'),
  x402_refused: other((reason) => `the facilitator refuses this payment${reason}.`),
  x402_paid: {
    status: 402,
    say: () =>
      'insufficient credits: this payment was credited before. Do not pay again: send its pass as the key, which came in X-Satgate-Pass with the first answer.',
    more: { offersNothing: true },
  },
  x402_unknown: {
    status: 402,
    say: () =>
      'insufficient credits: this payment was sent, and nobody could say in time whether it arrived. It is not valid any more. If the chain shows it, ask the operator for its credit.',
    more: { offersNothing: true },
  },
  x402_pending: {
    status: 503,
    say: () => `this payment was sent, and it is not known yet whether it arrived. ${AGAIN}`,
    more: { retryAfterSeconds: 3, soon: true },
  },
  facilitator_unreachable: later(
    () => 'the facilitator, which settles payments in dollars, does not answer.',
    5,
  ),
  x402_busy: later(() => 'too many payments are being taken, or none can be written down.', 2),
  too_many_payments: {
    status: 429,
    say: () =>
      `too many of your payments were refused in this minute. ${KEPT} Try again in some seconds.`,
  },
} as const satisfies Readonly<Record<string, Words>>

export type X402Refused = keyof typeof WORDS

/** The refusal with that code. `about` goes into its sentence; the table says what it is. */
export function x402Refused(
  code: X402Refused,
  about = '',
  more: Partial<Pick<PaymentRefused, 'headers' | 'retryAfterSeconds'>> = {},
): PaymentRefused {
  const words: Words = WORDS[code]
  const said = words.say(about)
  const message = `${said.charAt(0).toUpperCase()}${said.slice(1)}`
  return { status: words.status, code, message, ...words.more, ...more }
}

/** What the reason of a facilitator means for the payer. Any other one is told as the word that it is. */
const CODES: Partial<Readonly<Record<Meaning, X402Refused>>> = {
  signature: 'x402_signature',
  funds: 'x402_funds',
  used: 'x402_used',
  expired: 'x402_expired',
  not_yet_valid: 'x402_not_yet_valid',
}

/** What a facilitator gave as its reason, as a refusal of the gate. */
export function refusedBy(reason: string, headers?: PaymentRefused['headers']): PaymentRefused {
  const code = CODES[meaningOf(reason) ?? 'other'] ?? 'x402_refused'
  const about = code === 'x402_refused' ? ` (${loggable(reason)})` : ''
  return x402Refused(code, about, headers === undefined ? {} : { headers })
}
