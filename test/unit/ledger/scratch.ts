import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of a test's own, to be removed by it. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-ledger-'))
  return {
    path: (name: string) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
