import type { Books } from '../ledger/open-ledger.ts'
import { sourceOf } from '../wallets/ecash/mint/url.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'

const PAGE = 500

/**
 * Says of deposits from before deposits had a source which mint their sats are at. The ledger knows
 * them as `ecash`; the quote of their invoice has the mint. Those whose quote is not here stay as they
 * are, and do not leave.
 */
export async function nameMints(
  { statement, withdrawals }: Pick<Books, 'statement' | 'withdrawals'>,
  store: Pick<EcashStore, 'quote'>,
): Promise<void> {
  const unnamed: string[] = []
  // All of them are listed first, because one that is named is in the list no more.
  for (let more = true; more; ) {
    const payments = await statement.paymentsOf('ecash', PAGE, unnamed.at(-1))
    unnamed.push(...payments)
    more = payments.length === PAGE
  }
  for (const payment of unnamed) {
    const mint = store.quote(payment.replace(/^ln:/, ''))?.mint
    if (mint !== undefined) await withdrawals.nameSource(payment, sourceOf(mint))
  }
}
