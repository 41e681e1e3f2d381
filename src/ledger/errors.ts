import type { MoneyKind } from './ledger.ts'

/** Why a ledger file is not opened. The operator is told; the ledger never works around it. */

/**
 * The file is no database, not a ledger, damaged, or its books do not balance. The gate does not
 * start with it.
 */
export class LedgerDamaged extends Error {
  override readonly name = 'LedgerDamaged'
  readonly path: string

  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`the ledger ${path} is damaged: ${detail}`, options)
    this.path = path
  }
}

/** The file keeps another kind of money. It was chosen when the file was made (threats I9). */
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

/**
 * A later version wrote the file, so its rows may mean something that this version does not know.
 */
export class LedgerTooNew extends Error {
  override readonly name = 'LedgerTooNew'

  constructor(path: string, version: number) {
    super(`the ledger ${path} has schema version ${version}: a newer satgate wrote it`)
  }
}
