import type { Redeemed } from '../gate/redeeming.ts'

/** ms after which a client asks again whether its token was taken. */
const AGAIN_MS = 2_000

/**
 * The answer of `POST /cashu-redeem`, with the names that 402-mcp reads. `token_suffix` is what stands
 * behind the colon of a pass.
 */
export function redeemBody(redeemed: Redeemed): Readonly<Record<string, unknown>> {
  if (redeemed.is === 'pending') return { state: 'pending', retryAfterMs: AGAIN_MS }
  const { pass, sats, secret } = redeemed
  if (pass === null) return { credited: sats, ...(secret === null ? {} : { token_suffix: secret }) }
  const [macaroon, token_suffix] = pass.split(':')
  return { credited: sats, macaroon, token_suffix, pass }
}
