/**
 * What became of the payment for the key of a request that is not served: the field `payment_state`
 * beside the error. So a program can tell the refusals apart that look alike, without reading sentences.
 *
 * - `none`: no key was presented.
 * - `unpaid`: the invoice of the key is not paid, so it is what has to be paid.
 * - `pending`: paid, and the wallet does not see it yet. Nothing has to be paid.
 * - `used_up`: paid, and the credit is spent, or does not suffice for this request.
 * - `elsewhere`: bought at another gate, or spent before. Nothing was taken.
 * - `unknown`: signed here, and these books know no payment for it.
 * - `revoked`, `expired`: the pass has ended.
 * - `wrong_secret`, `damaged`: not the key as it was given out.
 * - `not_understood`: it has a caveat that this gate does not serve.
 */
export type PaymentState =
  | 'none'
  | 'unpaid'
  | 'pending'
  | 'used_up'
  | 'elsewhere'
  | 'unknown'
  | 'revoked'
  | 'expired'
  | 'wrong_secret'
  | 'damaged'
  | 'not_understood'
