import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder for a test. The test must remove it. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-ledger-'))
  return {
    path: (name: string) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
