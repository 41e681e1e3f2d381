import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Folder, ledgerMark } from './folder.ts'

/** A yes or no that the operator gave on a terminal. */
export type YesNo = 'yes' | 'no'
type Of = Pick<Folder, 'path' | 'ledger'>

/** The file of a data folder with the operator's answers, so that each question is asked once. */
export const answersIn = (path: string): string => join(path, 'answers.json')

/**
 * The answer to the tunnel question in this folder. Null means that nobody has answered; so does a
 * file that cannot be read. A yes counts only in the folder where it was given: a copy of the
 * folder, or a restored backup, must not become public without a new yes.
 */
export function rememberedTunnel(folder: Of): YesNo | null {
  const tunnel = read(folder).tunnel
  if (typeof tunnel !== 'object' || tunnel === null) return null
  const { answer, ledger } = tunnel as { readonly answer?: unknown; readonly ledger?: unknown }
  if (answer === 'no') return 'no'
  return answer === 'yes' && ledger === ledgerMark(folder.ledger) ? 'yes' : null
}

/** Adds the answer to the file, which it replaces in one step. Throws if it cannot be written. */
export function rememberTunnel(folder: Of, answer: YesNo): void {
  const all = { ...read(folder), tunnel: { answer, ledger: ledgerMark(folder.ledger) } }
  const path = answersIn(folder.path)
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(all, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}

function read({ path }: Of): { readonly [question: string]: unknown } {
  try {
    const all: unknown = JSON.parse(readFileSync(answersIn(path), 'utf8'))
    return typeof all === 'object' && all !== null && !Array.isArray(all) ? { ...all } : {}
  } catch {
    return {}
  }
}
