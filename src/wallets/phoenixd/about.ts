import { isLoopback } from '../../floor/address.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import type { Inbound, WalletAbout } from '../about.ts'
import { NOT_PHOENIXD, type PhoenixdApi } from './api.ts'

/** What a phoenixd says of itself. `paysOut`: its password may pay. */
export async function aboutPhoenixd(
  api: PhoenixdApi,
  { url, paysOut }: { readonly url: string; readonly paysOut: boolean },
): Promise<WalletAbout> {
  const info = objectIn((await api.get('/getinfo')).json)
  const balance = objectIn((await api.get('/getbalance')).json)
  if (!Array.isArray(info?.channels) || balance === null) throw NOT_PHOENIXD()
  const { protocol, hostname } = new URL(url)
  const open = protocol === 'http:' && !isLoopback(hostname)
  return {
    holder: 'your node',
    inbound: inboundOf(info.channels, balance.feeCreditSat),
    preimage: 'payer',
    learns: 'subscription',
    paysOut,
    warnings: open ? ['its password goes through the network unencrypted'] : [],
  }
}

/**
 * phoenixd buys room when a payment does not fit, so what fits now is no bound. What a payment is too
 * small to pay for becomes fee credit, which pays for channels and for nothing else.
 */
function inboundOf(channels: readonly unknown[], feeCredit: unknown): Inbound {
  const rooms = channels.map((channel) => objectIn(channel)?.inboundLiquiditySat)
  const sat = rooms.reduce<number>(
    (sum, room) => sum + (typeof room === 'number' && room > 0 ? room : 0),
    0,
  )
  const credit = typeof feeCredit === 'number' ? feeCredit : 0
  const says =
    channels.length === 0
      ? `it has no channel yet: the first payments become fee credit (now ${credit} sat), and their fees open a channel`
      : `a payment that does not fit enlarges the channel, and phoenixd takes the fees out of it (fee credit: ${credit} sat)`
  return { sat: channels.length === 0 ? null : sat, says }
}
