import type { MoneyKind } from './ledger.ts'

/** Why a ledger file is not opened. Each is told to the operator by name and never worked around. */

/** Not a database, not one of ours, torn, or its books do not balance. Nothing is served from it. */
export class LedgerDamaged extends Error {
  override readonly name = 'LedgerDamaged'
  readonly path: string

  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`the ledger ${path} is damaged: ${detail}`, options)
    this.path = path
  }
}

/** A ledger keeps one kind of money, chosen when it was made (threats I9). */
export class WrongMoneyKind extends Error {
  override readonly name = 'WrongMoneyKind'
  readonly kept: MoneyKind
  readonly asked: MoneyKind

  constructor(path: string, kinds: { readonly kept: MoneyKind; readonly asked: MoneyKind }) {
    super(`the ledger ${path} keeps ${kinds.kept} money, not ${kinds.asked} money`)
    this.kept = kinds.kept
    this.asked = kinds.asked
  }
}

/** Written by a later version: its rows may mean what this one does not know. */
export class LedgerTooNew extends Error {
  override readonly name = 'LedgerTooNew'

  constructor(path: string, version: number) {
    super(`the ledger ${path} has schema version ${version}: a newer satgate wrote it`)
  }
}
