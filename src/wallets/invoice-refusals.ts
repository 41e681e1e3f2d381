import type { InvoiceRefused } from './wallet.ts'

type AmountRefusal = Extract<InvoiceRefused, { why: 'amount_refused' }>

/**
 * The one refusal to tell if several wallets made no invoice of `sat` sats: the one that helps the
 * buyer most. Another amount can be paid now, a busy wallet makes an invoice soon, and a wallet that
 * is down needs its operator.
 */
export function mildest(refusals: readonly InvoiceRefused[], sat: number): InvoiceRefused {
  const amounts = refusals.filter((one) => one.why === 'amount_refused')
  const [first] = amounts
  if (first !== undefined) return nearest(amounts, sat) ?? first
  const busy = refusals.filter((one) => one.why === 'wallet_busy')
  if (busy.length === 0) return { why: 'wallet_unreachable' }
  const retryAfterSeconds = Math.min(...busy.map((one) => one.retryAfterSeconds))
  return { why: 'wallet_busy', retryAfterSeconds }
}

/** The refusal whose wallet makes the nearest amount: a larger one if there is one. */
function nearest(refusals: readonly AmountRefusal[], sat: number): AmountRefusal | undefined {
  const above = (one: AmountRefusal) => one.least ?? 0
  const below = (one: AmountRefusal) => one.most ?? Number.POSITIVE_INFINITY
  const larger = refusals.filter((one) => above(one) > sat)
  if (larger.length > 0) return larger.toSorted((a, b) => above(a) - above(b))[0]
  const smaller = refusals.filter((one) => below(one) < sat)
  return smaller.toSorted((a, b) => below(b) - below(a))[0]
}
