import { onLine } from '../floor/printable.ts'
import type { Forbidden } from '../passes/pass.ts'
import type { PaymentRefused, UnpaidKey } from '../rails/rail.ts'
import type { Ended } from './ended-passes.ts'
import type { PaymentState } from './payment-state.ts'
import type { Incoming } from './ports.ts'
import { shown } from './price.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { StoredAnswer } from './stored-answers.ts'

/**
 * Why nobody is authenticated, in order of precedence. `elsewhere` to `revoked` are a 402 with
 * offers; `forbidden` is a 403 without; `pending` and `unreachable` are a 503 without a challenge.
 */
export type NotAuthenticated =
  | { readonly why: 'elsewhere' | 'bad_caveat' | 'not_served' | 'unknown' }
  | { readonly why: 'bad_secret' | 'expired' }
  /** The invoice of the pass is not paid. */
  | { readonly why: 'unpaid' | 'invoice_expired'; readonly key: UnpaidKey }
  | Ended
  | { readonly why: 'pending' | 'unreachable' }
  /** The rail refuses the payment in its own words. */
  | { readonly why: 'payment'; readonly refused: PaymentRefused }
  /** The payment bought an answer before, which is still kept. */
  | { readonly why: 'answered'; readonly stored: StoredAnswer }
  | {
      readonly why: 'forbidden'
      readonly by: Exclude<Forbidden, 'expired' | 'preimage'>
      /** The text of the caveat that forbids the request: `model = llama*`. */
      readonly caveat: string
    }

/** The refusal of a caveat. It names what was asked for and the caveat that forbids it. */
export function forbidden(
  { path, method }: Incoming,
  { by, caveat }: Extract<NotAuthenticated, { why: 'forbidden' }>,
  model: string | null,
): Refusal {
  const asked = {
    path: `the path ${path}`,
    method: `the method ${method}`,
    model: model === null ? 'a request that names no model' : `the model ${shown(model)}`,
  }[by]
  const message = `This pass does not allow ${asked}: it has the caveat "${onLine(caveat, 200)}". Keep to it, or use another pass.`
  return refuse(403, 'forbidden', message)
}

/** What is said of a credential that is not good: the first sentence of the 402, and its state. */
export interface NotGood {
  readonly reason: string
  readonly state: PaymentState
}

export const NOT_GOOD = {
  elsewhere: {
    state: 'elsewhere',
    reason:
      'Insufficient credits: this gate did not sell this key. It was bought at another gate, or before the key of this one was changed. Nothing was taken.',
  },
  bad_caveat: {
    state: 'not_understood',
    reason: 'Insufficient credits: this pass has a caveat that this gate does not know.',
  },
  not_served: {
    state: 'not_understood',
    reason: 'Insufficient credits: this pass has a caveat that is not served here yet.',
  },
  unknown: {
    state: 'unknown',
    reason:
      'Insufficient credits: this gate knows no payment for this pass. If you paid for it, ask the operator.',
  },
  bad_secret: {
    state: 'wrong_secret',
    reason: 'Insufficient credits: the secret of this pass is not the one of its invoice.',
  },
  expired: { state: 'expired', reason: 'Insufficient credits: this pass has expired.' },
  unpaid: { state: 'unpaid', reason: 'Insufficient credits: this key is not paid yet.' },
  invoice_expired: {
    state: 'unpaid',
    reason: 'Insufficient credits: this key was never paid, and its invoice has expired.',
  },
  revoked: {
    state: 'revoked',
    reason: 'Insufficient credits: this pass was revoked.',
  },
} as const satisfies Record<string, NotGood>

/**
 * The refusal of an endpoint of the gate itself, which has no offer, with what is wrong with the
 * credential before its own words.
 */
export function notGoodHere(nobody: Refusal, not: NotAuthenticated): Refusal {
  if (!(not.why in NOT_GOOD)) return nobody
  const { reason, state } = NOT_GOOD[not.why as keyof typeof NOT_GOOD]
  const extra = { ...nobody.extra, payment_state: state }
  return { ...nobody, message: `${reason} ${nobody.message}`, extra }
}
