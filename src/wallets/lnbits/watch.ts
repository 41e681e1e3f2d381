import type { ListedWallet } from '../watch-list.ts'
import { type PaymentRow, rowsOf } from './payment.ts'
import type { LnbitsRest } from './rest.ts'

/** Rows on one page of the list, and the most pages. Older payments are found by their look-ups. */
const PAGE = 50
const MOST_PAGES = 100

/** The settlements of an LNbits wallet. LNbits sends some of its notifications twice. */
export const listedLnbits = (rest: LnbitsRest): ListedWallet => ({
  closed: rest.closed,
  async list(from) {
    const rows = await settledAfter(rest, from)
    return rows.map(({ paymentHash, updatedAt }) => ({ paymentHash, at: updatedAt }))
  },
  socket: (told) => rest.socket(told),
  pace: {
    look: { every: 15_000, longest: 30_000 },
    connect: { every: 3_000, longest: 15_000 },
    renewMs: 300_000,
    overlapMs: 60_000,
  },
})

/**
 * The paid invoices in the list, newest first, down to those that are reported already. If none was
 * reported ever, only the newest are of interest.
 */
async function settledAfter(rest: LnbitsRest, from: number | null): Promise<PaymentRow[]> {
  const found: PaymentRow[] = []
  for (let page = 0; page < (from === null ? 1 : MOST_PAGES); page += 1) {
    const rows = await rowsOf(rest, {
      ...{ status: 'success', 'amount[gt]': '0', sortby: 'updated_at', direction: 'desc' },
      ...{ limit: String(PAGE), offset: String(page * PAGE) },
    })
    // A server that does not know a filter leaves it out.
    found.push(...rows.filter((row) => row.status === 'success' && row.amountMsat > 0n))
    const oldest = rows.at(-1)
    if (oldest === undefined || rows.length < PAGE || oldest.updatedAt < (from ?? 0)) break
  }
  return found
}
