import { ok, type Result } from '../../../floor/result.ts'
import { isOfMint, type Mint, type Proof } from '../mint/mint.ts'
import { proofOf } from '../store/rows.ts'
import { MOST_INPUTS } from './fees.ts'
import { keepToken } from './kept-tokens.ts'
import { type Refused, refuse, refusedBy, type WalletAdminParts } from './wallet-admin-parts.ts'

export interface ExportAsk {
  /** Null for everything that may leave. */
  readonly sat: number | null
  /** Also what is owed to buyers. */
  readonly yes: boolean
}

/** Ecash that was taken out. Whoever has the token has the money. */
export interface Exported {
  readonly token: string
  readonly sat: number
  readonly mint: string
}

/** A token that was taken out before. `there` as long as nobody has redeemed it. */
export interface KeptExport extends Exported {
  /** ms since the epoch. */
  readonly at: number
  readonly state: 'there' | 'taken' | 'partly' | 'unknown'
}

/** Takes ecash out, first from the mint that holds most, then from the next one. */
export async function exportCoins(
  parts: WalletAdminParts,
  { sat, yes }: ExportAsk,
): Promise<Result<readonly Exported[], Refused>> {
  if (parts.freeze.reason !== null) return refuse('refused', parts.freeze.reason)
  try {
    const owed = (await parts.owed()).total
    // Needs no answer of a mint, because the coins are in the folder.
    if (sat === null && (yes || owed === 0)) return everything(parts)
    const { all, spare: spareInAll, trouble } = await parts.payer.purses()
    const purses = all.map(({ mint, tokenNet, spare }) => {
      return { mint, most: yes ? tokenNet : Math.max(0, Math.min(tokenNet, spare)) }
    })
    const most = purses.reduce((sum, purse) => sum + purse.most, 0)
    const spare = Math.max(0, Math.min(most, spareInAll))
    const wanted = sat ?? spare
    if (!yes && (wanted > spare || spare === 0)) {
      if (trouble !== null) return refusedBy(trouble)
      return refuse(
        'refused',
        `buyers are owed ${owed} sat, so ${spare} sat can leave and no more. With --yes it is done all the same: then you owe them more than you hold`,
      )
    }
    if (wanted === 0) return refuse('failed', 'this wallet is empty')
    if (wanted > most) {
      if (trouble !== null) return refusedBy(trouble)
      return refuse('failed', `the mints hold ${most} sat after their fees, not ${wanted}`)
    }
    return await someOf(parts, purses, wanted)
  } catch (error) {
    return refusedBy(error)
  }
}

/** Takes every free coin out. If the mint answers, the coins are merged first. */
async function everything(parts: WalletAdminParts): Promise<Result<readonly Exported[], Refused>> {
  const tokens: Exported[] = []
  for (const { mint: url } of parts.store.holdings()) {
    const mint = parts.mint(url)
    if (mint !== null) {
      await parts.swapper.merge(mint).catch((error: unknown) => {
        if (!isOfMint(error)) throw error
      })
    }
    const coins = parts.store.freeProofs(url)
    for (let at = 0; at < coins.length; at += MOST_INPUTS) {
      tokens.push(await leave(parts, url, coins.slice(at, at + MOST_INPUTS)))
    }
  }
  return tokens.length > 0 ? ok(tokens) : refuse('failed', 'this wallet is empty')
}

/** Takes from the mint that can give most, then from the next one. */
async function someOf(
  parts: WalletAdminParts,
  purses: readonly { readonly mint: Mint; readonly most: number }[],
  wanted: number,
): Promise<Result<readonly Exported[], Refused>> {
  const tokens: Exported[] = []
  let rest = wanted
  for (const { mint, most } of purses.toSorted((a, b) => b.most - a.most)) {
    const share = Math.min(rest, most)
    if (share <= 0) break
    const coins = await parts.swapper.ofValue(mint, share)
    if (coins === null) {
      return refuse(
        'failed',
        `the fees for making ${share} sat are not covered: take a little less`,
      )
    }
    tokens.push(await leave(parts, mint.url, coins))
    rest -= share
  }
  return ok(tokens)
}

async function leave(
  { store, world, writeToken }: WalletAdminParts,
  mint: string,
  coins: readonly Proof[],
): Promise<Exported> {
  const token = await writeToken(mint, coins)
  const sat = keepToken(store, { mint, token, coins, at: world.now(), id: null, fee: 0 })
  return { token, sat, mint }
}

/**
 * Tokens of the operator that somebody may still redeem, the newest first. Those of buyers are not
 * the operator's.
 */
export async function keptExports(
  parts: WalletAdminParts,
  limit = 100,
): Promise<readonly KeptExport[]> {
  const rows = parts.store.all(
    'SELECT * FROM exports WHERE id IS NULL ORDER BY n DESC LIMIT ?',
    limit,
  )
  const kept: KeptExport[] = []
  for (const row of rows) {
    const mint = String(row.mint)
    const state = await stateOf(parts, mint, String(row.secrets).split(' '))
    const token = String(row.token)
    if (state !== 'taken')
      kept.push({ token, sat: Number(row.sat), mint, at: Number(row.at), state })
  }
  return kept
}

async function stateOf(
  parts: WalletAdminParts,
  url: string,
  secrets: readonly string[],
): Promise<KeptExport['state']> {
  const mint = parts.mint(url)
  if (mint === null) return 'unknown'
  const coins = secrets.flatMap((secret) => {
    const row = parts.store.get('SELECT * FROM proofs WHERE secret = ?', secret)
    return row === null ? [] : [proofOf(row)]
  })
  try {
    const states = await mint.states(coins)
    const there = states.filter((state) => state !== 'spent').length
    if (there === states.length) return 'there'
    return there === 0 ? 'taken' : 'partly'
  } catch (error) {
    if (!isOfMint(error)) throw error
    return 'unknown'
  }
}
