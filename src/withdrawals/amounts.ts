import { ceilDiv, floorSat, fromSat, type Msat, msat } from '../money/msat.ts'
import type { EcashOut } from './source.ts'

/** The least that a withdrawal sends, unless it sends the whole rest (threats L12). */
export const LEAST: Msat = fromSat(1_000)

const LEAST_RESERVE = 10_000n
/** Of the amount: a hundredth. */
const SHARE = 100n

/**
 * What is set aside for the fee of a Lightning payment, unless the wallet tells a figure of its own:
 * 1 % of the amount, at least 10 sat. What routing does not cost goes back.
 */
export function usualReserve(amount: Msat): Msat {
  const share = ceilDiv(amount, SHARE)
  return msat(share > LEAST_RESERVE ? share : LEAST_RESERVE)
}

/** The most whole sats that an invoice may ask for, so that they and the usual fee fit into `rest`. */
export function mostByInvoice(rest: Msat): number {
  if (rest <= LEAST_RESERVE) return 0
  const byShare = (rest * SHARE) / (SHARE + 1n)
  const byLeast = rest - LEAST_RESERVE
  return floorSat(msat(byShare < byLeast ? byShare : byLeast))
}

/** Whole sats and the fee in sats for which they leave as a token. */
export interface TokenSize {
  readonly sat: number
  readonly feeSat: number
}

/**
 * The largest token that fits into `rest` with its fee. The fee depends on the value, and there may be
 * too few coins for the whole rest and a fee, so it is asked for at most four values. Null if not even
 * one sat fits. Throws what the mint throws.
 */
export async function largestToken(
  ecash: Pick<EcashOut, 'feeFor'>,
  rest: Msat,
): Promise<TokenSize | null> {
  const all = floorSat(rest)
  let found: TokenSize | null = null
  let failed: unknown = null
  for (let tries = 0, spare = 0; tries < 4 && spare < all; tries += 1) {
    const sat = all - spare
    try {
      const feeSat = await ecash.feeFor(sat)
      if (feeSat === spare) return { sat, feeSat }
      if (feeSat < spare) found = { sat, feeSat }
      spare = feeSat
    } catch (error) {
      if (found !== null) return found
      failed = error
      spare = Math.max(4, Math.ceil(all / 50))
    }
  }
  if (found === null && failed !== null) throw failed
  return found
}

/** Whether an invoice takes the whole rest of a source: less than a sat more could be sent. */
export function isWholeRest(asked: { amount: Msat; fee: Msat }, rest: Msat): boolean {
  const { amount, fee } = asked
  return floorSat(amount) >= mostByInvoice(rest) || amount + fee + 1_000n > rest
}
