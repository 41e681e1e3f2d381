import type { CashuSettings, WalletSettings } from './config.ts'
import { type Where, wrong } from './nodes.ts'
import type { Values } from './settings.ts'
import { checkMints, isPlay } from './wallet-settings.ts'

/**
 * Whose tokens are taken. Unless the operator says something else, those of the mints of the ecash
 * wallet. Null if none are.
 */
export function cashuOf(
  values: Pick<Values, 'rails.cashu.on' | 'rails.cashu.mints'>,
  wallets: readonly WalletSettings[],
  where: Where,
): CashuSettings | null {
  const { 'rails.cashu.on': on, 'rails.cashu.mints': mints } = values
  if (mints !== undefined) checkMints('rails.cashu.mints', mints, where)
  const hasEcash = wallets.some(({ kind }) => kind === 'ecash')
  if (on === false) {
    if (mints !== undefined) {
      wrong('rails.cashu.mints', 'has no effect: rails.cashu.on is false', where)
    }
    return null
  }
  const asked = on === true || mints !== undefined
  if (asked && isPlay(wallets)) {
    const key = mints === undefined ? 'rails.cashu.on' : 'rails.cashu.mints'
    wrong(key, 'tokens are no play money: remove it, or use another wallet', where)
  }
  if (on === true && mints === undefined && !hasEcash) {
    wrong('rails.cashu.on', 'needs rails.cashu.mints beside it: whose tokens are taken?', where)
  }
  return asked || hasEcash ? { mints: mints ?? null, asked } : null
}
