import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ownFiles } from '../../support/own-files.ts'

/** Files that somebody has who runs the examples in a clone. The first two are worth money. */
const OWN = [
  'examples/compose/backup/root.key',
  'examples/compose/backup/ecash.seed',
  'examples/compose/satgate.yaml',
  'examples/compose/.env',
  'examples/openai-node/.env',
  'examples/openai-python/.venv/pyvenv.cfg',
  'examples/systemd/upstream.key',
  'docs/notes.txt',
  'bench/results.json',
]

/** The files that npm would pack in that folder, without running a script. */
function packedIn(folder: string): readonly string[] {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [report] = Object.values(JSON.parse(said) as object)
  return report.files.map(({ path }: { readonly path: string }) => path)
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('the npm package', () => {
  it('has every document and example in it, and nothing that an operator keeps beside them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'satgate-package-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    cpSync('package.json', join(folder, 'package.json'))
    const own = ownFiles().filter((path) => /^(?:docs|examples)\//.test(path))
    for (const path of own) cpSync(path, join(folder, path))
    for (const path of OWN) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), 'mine')
    }
    const packed = packedIn(folder)
    expect([...packed].sort()).toEqual(['package.json', ...own].sort())
    expect(filesBelow(folder).length).toBe(packed.length + OWN.length)
  })
})
