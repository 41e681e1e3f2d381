import type { Inbound, WalletAbout } from '../about.ts'
import { complaint, type Json, messageOf, NOT_LND } from './answers.ts'
import type { LndRest } from './rest.ts'

/** What the node can do, as far as the macaroon lets us see. */
export async function lndAbout(
  rest: LndRest,
  { mayPay }: { readonly mayPay: boolean },
): Promise<WalletAbout> {
  return {
    holder: 'your node',
    inbound: await inbound(rest),
    preimage: 'payer',
    learns: 'subscription',
    paysOut: mayPay,
    warnings: mayPay ? [MAY_PAY] : [],
  }
}

const MAY_PAY =
  'its macaroon may pay. That is needed to pay buyers back, and for nothing else: if they cannot withdraw, use the invoice.macaroon'

/** What the other sides of all active channels have, less what they must keep there. */
async function inbound(rest: LndRest): Promise<Inbound> {
  const answer = await rest.ask('/v1/channels?active_only=true')
  if (/permission denied/.test(messageOf(answer))) return UNREADABLE
  if (answer.status !== 200) throw complaint(answer)
  const { channels } = answer.body
  if (!Array.isArray(channels)) throw NOT_LND()
  const sat = channels.reduce((sum: number, channel: Json) => sum + receivable(channel), 0)
  return { sat, says: channels.length === 0 ? 'it has no active channel' : null }
}

const UNREADABLE: Inbound = { sat: null, says: 'cannot be read with this key' }

function receivable(channel: Json): number {
  const constraints = channel.remote_constraints as Json | undefined
  const reserve = Number(constraints?.chan_reserve_sat ?? 0)
  const free = Number(channel.remote_balance) - reserve
  if (!Number.isSafeInteger(free)) throw NOT_LND()
  return Math.max(0, free)
}
