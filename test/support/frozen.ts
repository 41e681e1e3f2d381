import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BankMemory } from './fake-mint-bank.ts'

/**
 * A data folder that an earlier version left, and what that version told about it.
 * `scripts/freeze.ts` makes them.
 */

export const FOLDERS = join(import.meta.dirname, '../fixtures/data-folders')

export interface FrozenPass {
  readonly is: string
  /** `<macaroon>:<secret>`. */
  readonly pass: string
  /**
   * The msat that its own `spend` limits leave when open holds are closed. Null if it has no such
   * limit.
   */
  readonly ownLeft: number | null
}

/** An invoice of the folder. The first one was paid at its mint after the gate had died. */
export interface FrozenInvoice {
  readonly hash: string
  readonly bolt11: string
  readonly sat: number
  readonly macaroon: string
  /** `/invoice-status/…`. Null if the invoice was shared. */
  readonly path: string | null
}

/** What the earlier version told. Amounts are in msat. */
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

/** Copies a folder to the temporary folder of the system, where a test opens it and removes it. */
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
