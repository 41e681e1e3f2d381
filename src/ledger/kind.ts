import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { MoneyKind } from './ledger.ts'

/** Which kind of money a ledger file keeps; null if there is none, or none that can be read. */
export function ledgerKind(path: string): MoneyKind | null {
  if (!existsSync(path)) return null
  try {
    const db = new DatabaseSync(path, { readOnly: true })
    try {
      const kind = db.prepare('SELECT kind FROM book').get()?.kind
      return kind === 'real' || kind === 'test' || kind === 'play' ? kind : null
    } finally {
      db.close()
    }
  } catch {
    return null
  }
}
