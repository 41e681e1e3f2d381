import type { HoldRefused } from '../ledger/ledger.ts'
import { formatSat, type Msat } from '../money/msat.ts'
import type { BesideError } from './payment-required.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The refusal for a hold that was refused. Null if an offer is made instead. */
export function holdRefusal(
  refused: HoldRefused,
  { now, beside }: { readonly now: number; readonly beside: BesideError },
): Refusal | null {
  if (refused.why === 'held') {
    const message = `Your own running requests hold the credit: this needs ${formatSat(refused.needed)} sat, ${formatSat(refused.available)} are free. Try again when one has finished.`
    return refuse(429, 'rate_limit_exceeded', message, { retryAfterSeconds: 5 })
  }
  if (refused.why !== 'limit_reached') return null
  const { limit, left, resetsAt } = refused
  const { unit, window } = limit
  const amount = unit === 'spend' ? `${formatSat(left)} sat` : `${left} ${unit}`
  const where = window === 'total' ? 'in total' : `of its limit per ${window}`
  const said =
    window === 'req'
      ? `pass allows ${amount} for each request, and this one may need more. Send a shorter prompt, or use a pass that allows more.`
      : `pass has ${amount} left ${where}, and this request may need more.`
  const message = `This ${said}`
  if (resetsAt !== null) {
    const resets_at = new Date(resetsAt).toISOString()
    const extra = { resets_at }
    const retryAfterSeconds = Math.max(1, Math.ceil((resetsAt - now) / 1000))
    const text = `${message} It resets at ${resets_at}.`
    return refuse(429, 'rate_limit_exceeded', text, { extra, retryAfterSeconds })
  }
  return unit === 'spend'
    ? refuse(402, 'insufficient_quota', `Insufficient credits: this ${said}`, {
        extra: { payment_state: 'used_up', ...beside },
      })
    : refuse(403, 'limit_reached', message)
}

/** For example "this needs 12 sat, the pass has 3." `has` says it in other words, if it has dollars too. */
export const short = (needed: Msat, balance: Msat, has = formatSat(balance)): string =>
  `Insufficient credits: this needs ${formatSat(needed)} sat, the pass has ${has}.`
