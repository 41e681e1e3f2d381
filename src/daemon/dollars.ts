import type { Config, X402Settings } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import { type X402Network, x402Network } from '../rails/x402/networks.ts'

type Rails = Pick<Config, 'rails'>

/** The network on which dollars are taken. Null if none are. */
export function dollarNetwork({ rails }: Rails): X402Network | null {
  if (rails.x402 === null) return null
  const network = x402Network(rails.x402.network)
  assert(network !== null, 'the settings take networks of the table only')
  return network
}

/** Who settles payments, in words: `facilitator.example`, or `this gate`. */
export const settledBy = ({ facilitator }: X402Settings): string =>
  facilitator.is === 'own' ? 'this gate' : new URL(facilitator.url).host

/** How dollars are taken, in words: `USDC on Base to 0x2096…287c, settled by facilitator.example`. */
export function dollarsLine(config: Rails): string | null {
  const [network, x402] = [dollarNetwork(config), config.rails.x402]
  if (network === null || x402 === null) return null
  const { payTo } = x402
  const to = `${payTo.slice(0, 6)}…${payTo.slice(-4)}`
  return `USDC on ${network.title} to ${to}, settled by ${settledBy(x402)}`
}
