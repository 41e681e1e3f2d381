import { type Mint, MintBusy } from './mint/mint.ts'
import type { Call } from './mint-rate-limit.ts'
import type { KnownMint, Mints } from './mints.ts'

/**
 * The mint for withdrawals of buyers. It is called within its rate limit, so that withdrawals do not
 * use up the calls of those who present a payment (threats J5), and a 429 is remembered. Other errors
 * are not held against the mint, because buyers choose amounts and invoices (threats J13).
 */
export function limitedMint(known: KnownMint, mints: Mints): Mint {
  const { mint, rateLimit } = known
  const within = async <T>(call: Call, ask: (mint: Mint) => Promise<T>): Promise<T> => {
    const wait = rateLimit.take(call)
    if (wait > 0) throw new MintBusy(wait)
    return mints.unblamed(known, ask)
  }
  return {
    ...mint,
    swap: (inputs, batch) => within('top_up', (one) => one.swap(inputs, batch)),
    meltQuote: (bolt11) => within('top_up', (one) => one.meltQuote(bolt11)),
    meltState: (quote, change) => within('paid', (one) => one.meltState(quote, change)),
    restore: (batch) => within('paid', (one) => one.restore(batch)),
    states: (proofs) => within('paid', (one) => one.states(proofs)),
    melt(quote, inputs, change) {
      // It is written to the journal already. To wait would only make it late.
      rateLimit.take('paid')
      return mints.unblamed(known, (one) => one.melt(quote, inputs, change))
    },
  }
}
