import { objectIn } from '../../outbound/ask-json.ts'
import type { Inbound, WalletAbout } from '../about.ts'
import { type ClnRest, CODE, complaint, msatIn, NOT_CLN } from './rest.ts'
import { allowsEverything } from './rights.ts'

/** What a Core Lightning node says of itself. `paysOut`: its rune may pay. */
export async function aboutCln(
  rest: ClnRest,
  { rune, paysOut }: { readonly rune: string; readonly paysOut: boolean },
): Promise<WalletAbout> {
  const warning =
    'its rune allows every method: whoever reads it owns the node. Make one that names its methods'
  return {
    holder: 'your node',
    inbound: await inboundOf(rest),
    preimage: 'payer',
    learns: 'subscription',
    paysOut,
    warnings: allowsEverything(rune) ? [warning] : [],
  }
}

/** What the channels of connected peers can receive (`listpeerchannels`). */
async function inboundOf(rest: ClnRest): Promise<Inbound> {
  const reply = await rest.ask('listpeerchannels', {})
  if (!reply.ok) throw rest.explained(reply.error)
  if (reply.value.is === 'error') {
    const says = 'its rune may not look: add method=listpeerchannels to see it here'
    if (reply.value.code === CODE.runeForbids) return { sat: null, says }
    throw complaint('listpeerchannels', reply.value)
  }
  const { channels } = reply.value.body
  if (!Array.isArray(channels)) throw NOT_CLN()
  const usable = channels
    .map((channel) => objectIn(channel) ?? {})
    .filter(({ state, peer_connected }) => state === 'CHANNELD_NORMAL' && peer_connected === true)
  const msat = usable.reduce((sum, { receivable_msat }) => sum + msatIn(receivable_msat), 0n)
  const says = usable.length === 0 ? 'no channel is usable now, so nobody can pay this node' : null
  return { sat: Number(msat / 1000n), says }
}
