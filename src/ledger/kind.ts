import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { MoneyKind } from './ledger.ts'

/** The kind of money that a ledger file keeps. Null if there is no file or it cannot be read. */
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
