import type { Books } from '../ledger/open-ledger.ts'
import { ceilSat } from '../money/msat.ts'
import { mintOf } from '../wallets/ecash/mint/url.ts'
import { TokenRows } from '../wallets/ecash/receive/token-rows.ts'
import type { Owed } from '../wallets/ecash/spend/purses.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'

/** After so many credited payments in a row, older payments are taken to be credited too. */
const ENOUGH = 50
const PAGE = 100

/**
 * What is owed to buyers: their unspent paid-in credit, and payments whose coins are here although the
 * ledger has not credited them yet. Each mint keeps what came in by it. Credit whose wallet or mint is
 * not known is in the total alone. What came in by other wallets is in neither, because they pay it
 * back (threats L9).
 */
export async function owedToBuyers(books: Books, store: EcashStore): Promise<Owed> {
  const at = new Map<string, number>()
  let total = 0
  for (const { source, amount } of await books.statement.owedBySource()) {
    const sat = ceilSat(amount)
    const mint = mintOf(source)
    if (mint === null && !NO_MINT.includes(source)) continue
    total += sat
    if (mint !== null) at.set(mint, sat)
  }
  for (const { mint, sat } of await uncredited(books, store)) {
    total += sat
    at.set(mint, (at.get(mint) ?? 0) + sat)
  }
  return { total, at: (mint) => at.get(mint) ?? 0 }
}

/** Deposits from before deposits had a source: of an unknown wallet, or of an unknown mint. */
const NO_MINT: readonly string[] = ['', 'ecash']

interface Uncredited {
  readonly mint: string
  readonly sat: number
}

async function uncredited(books: Books, store: EcashStore): Promise<readonly Uncredited[]> {
  const found: Uncredited[] = [...new TokenRows(store).uncredited()]
  let credited = 0
  for (let before = Number.MAX_SAFE_INTEGER; credited < ENOUGH; ) {
    const sql = `SELECT hash, mint, sat, settled_n FROM quotes WHERE settled_n < ?
      ORDER BY settled_n DESC LIMIT ?`
    const rows = store.all(sql, before, PAGE)
    for (const { hash, mint, sat } of rows) {
      const invoice = await books.invoices.get(String(hash))
      const open = invoice !== null && invoice.settledAt === null
      if (open) found.push({ mint: String(mint), sat: Number(sat) })
      credited = open ? 0 : credited + 1
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) break
    before = Number(last.settled_n)
  }
  return found
}
