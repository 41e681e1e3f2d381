import { assert } from '../floor/assert.ts'
import type { Dollars } from '../http/describe.ts'
import { MAX_TIMEOUT_SECONDS } from '../rails/x402/offer.ts'
import type { X402 } from '../rails/x402/x402.ts'
import type { RailsParts } from './compose-rails.ts'
import { dollarNetwork } from './dollars.ts'
import type { GateParts } from './gate-parts.ts'

/** What the rail of dollars is made of. Null if none are taken. */
export function x402Of({
  config,
  usdPerBtc = () => null,
  x402 = null,
}: Pick<GateParts, 'config' | 'usdPerBtc' | 'x402'>): RailsParts['x402'] {
  const settings = config.rails.x402
  if (settings === null || x402 === null) return null
  const { maxOutstanding, maxPayment, payTo } = settings
  const network = dollarNetwork(config)
  assert(network !== null, 'dollars are taken on a network')
  return { ...x402, usdPerBtc, terms: { payTo, network, maxPayment, maxOutstanding } }
}

/** How documents say that dollars are paid. Null if none are taken. */
export function dollarsOf(x402: X402 | null): Dollars | null {
  if (x402 === null) return null
  const { network, payTo } = x402.terms
  const { asset, domain } = network
  return {
    terms: {
      network: network.network,
      asset,
      payTo,
      domain,
      maxTimeoutSeconds: MAX_TIMEOUT_SECONDS,
    },
    up: () => x402.up,
    amountOf: (sat) => x402.amountOf(sat),
  }
}
