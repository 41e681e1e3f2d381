import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BankMemory } from './fake-mint-bank.ts'

/** A data folder as an earlier version left it, and what that version said of it: `scripts/freeze.ts`. */

export const FOLDERS = join(import.meta.dirname, '../fixtures/data-folders')

export interface FrozenPass {
  readonly is: string
  /** `<macaroon>:<secret>`. */
  readonly pass: string
  /** What its own `spend` limits leave once open holds are resolved, msat; null where it has none. */
  readonly ownLeft: number | null
}

/** The first one was paid at its mint when the gate was dead. */
export interface FrozenInvoice {
  readonly hash: string
  readonly bolt11: string
  readonly sat: number
  readonly macaroon: string
  /** `/invoice-status/…`; null where it was shared. */
  readonly path: string | null
}

/** Msat. */
export interface Frozen {
  readonly mint: string
  readonly passes: readonly FrozenPass[]
  readonly invoices: readonly FrozenInvoice[]
  readonly accounts: readonly {
    readonly account: string
    readonly paid: number
    readonly bonus: number
    readonly held: number
    readonly available: number
    /** Of closed requests, since ledger version 3. */
    readonly owed?: number
  }[]
  readonly holds: readonly {
    readonly id: string
    readonly account: string
    readonly amount: number
    readonly sofar: number
  }[]
  readonly drawers: Readonly<Record<string, number>>
  /** Sats. */
  readonly coins: number
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

/** A copy of one under the system's temporary folder, to be opened and removed. */
export function thaw(name: string): {
  readonly folder: string
  readonly frozen: Frozen
  readonly mint: BankMemory
} {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-frozen-'))
  cpSync(join(FOLDERS, name, 'data'), folder, { recursive: true })
  const [frozen, mint] = ['expected.json', 'mint.json'].map((file) =>
    read(join(FOLDERS, name, file)),
  )
  return { folder, frozen, mint }
}
