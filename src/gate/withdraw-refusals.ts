import { onLine } from '../floor/printable.ts'
import { formatSat } from '../money/msat.ts'
import type { WithdrawRefused } from '../withdrawals/refused.ts'
import type { Shown } from '../withdrawals/withdrawals.ts'
import { LEDGER, type Refusal, refuse, STOPPING } from './refusal.ts'

/**
 * What a buyer is told of a refused withdrawal. None of these has a challenge: there is nothing to
 * pay. `shown` is what may leave, by source.
 */
export function withdrawRefusal(refused: WithdrawRefused, shown: readonly Shown[]): Refusal {
  switch (refused.why) {
    case 'stopping':
      return STOPPING
    case 'ledger_unavailable':
      return LEDGER
    case 'other_network':
      return bad(
        'other_network',
        `This invoice is of another network (ln${onLine(refused.network, 10)}…) than the money of this gate. Make one with a wallet on the network of its own invoices.`,
      )
    case 'final_cltv':
      return bad(
        'final_cltv',
        `This invoice lets its receiver hold the payment for ${refused.blocks} blocks; at most 200 are paid here. Make an invoice with a smaller min_final_cltv_expiry.`,
      )
    case 'too_much': {
      const { asked, fee } = refused
      const fees = fee > 0n ? ` and ${formatSat(fee)} for the fee` : ''
      return bad(
        'too_much',
        `${formatSat(asked)} sat${fees} are more than may leave. ${may(shown)}`,
      )
    }
    case 'too_small':
      return bad(
        'too_small',
        `${formatSat(refused.asked)} sat are too few: at least 1,000 sat leave at once, or the whole rest of a source. ${may(shown)}`,
      )
    case 'paused':
      return refuse(
        503,
        'withdrawals_paused',
        `Withdrawals out of ${onLine(refused.source, 100)} are off until the operator has checked them. Your credit is there, and buys as always.`,
        { param: null },
      )
    case 'unreachable':
      return refuse(
        503,
        'wallet_unreachable',
        `${onLine(refused.source, 100)} does not answer at the moment. Nothing was sent, and your credit is there. Send the same request again.`,
        { retryAfterSeconds: 10 },
      )
    case 'too_often':
      return later(
        'too_many_withdrawals',
        'This account asked for many withdrawals in this minute. Nothing was sent.',
        Math.ceil(refused.waitMs / 1000),
      )
    case 'cannot_send':
      return bad('cannot_send', `That cannot be sent from where your sats are. ${may(shown)}`)
    case 'unknown_mint':
      return bad('unknown_mint', `You have no sats at that mint. ${may(shown)}`)
    default:
      return FIXED[refused.why]
  }
}

/** The withdrawal was tried, and came back. */
export const notSent = (reason: string | null): Refusal =>
  refuse(
    409,
    'not_sent',
    `Nothing was sent, and your credit is back: ${onLine(reason ?? 'the payment failed', 200)}. To try again, use a new invoice, or a new Idempotency-Key.`,
  )

const bad = (code: string, message: string): Refusal => refuse(400, code, message)

const later = (code: string, message: string, retryAfterSeconds: number): Refusal =>
  refuse(429, code, message, { retryAfterSeconds })

/** The refusals whose words never change. */
const FIXED = {
  bad_invoice: bad('bad_invoice', 'This is no Lightning invoice (BOLT 11) that can be paid.'),
  amount_missing: bad('amount_missing', 'This invoice names no amount. Make one that does.'),
  key_reused: refuse(
    409,
    'idempotency_key_reused',
    'This Idempotency-Key was used with another body. Use a new one.',
  ),
  invoice_used: refuse(
    409,
    'invoice_used',
    'This invoice was paid before, or is being paid, for another account. Make a new one.',
  ),
  own_invoice: bad(
    'own_invoice',
    'This gate or its wallet made this invoice, so its sats would come back to it. Make one with a wallet of your own.',
  ),
  invoice_expires: bad(
    'invoice_expires',
    'This invoice has expired, or does within half a minute. Make a new one.',
  ),
  expires_too_late: bad(
    'expires_too_late',
    'This invoice can be paid for more than eight days. Make one that expires earlier.',
  ),
  in_flight: later(
    'withdrawal_in_flight',
    'Another withdrawal of this account is under way. Wait for its end.',
    10,
  ),
  too_many: later(
    'too_many_withdrawals',
    'Too many withdrawals are under way at this gate. Try again later.',
    30,
  ),
  nothing: bad(
    'nothing_to_withdraw',
    'Nothing may leave: only sats that you paid in and did not spend may. Gifts and bonus credit stay here.',
  ),
  held: later(
    'rate_limit_exceeded',
    'Your own running requests hold the credit. Try again when they have finished.',
    5,
  ),
} as const

/** The numbers: from where how much may leave, and how. */
function may(shown: readonly Shown[]): string {
  if (shown.length === 0) return 'Nothing may leave now.'
  const each = shown.map(({ source, sats, invoice_sats: invoice }) => {
    const by = invoice === undefined ? '' : `, by invoice ${whole(invoice)}`
    return `${whole(sats)} sat from ${onLine(source, 100)}${by}`
  })
  return `What may leave, with its fee: ${each.join('; ')}. Each withdrawal comes out of one of them.`
}

const whole = (sats: number): string => formatSat(BigInt(sats) * 1000n)
