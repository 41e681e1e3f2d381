import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { INSTALLED } from './lab.ts'

export interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * Runs a program of `examples/` in a copy of its folder. Its packages are those that the part `clients`
 * of the lab installed, in the same versions.
 */
export function runExample(
  name: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), folder, {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  })
  symlinkSync(join(INSTALLED, 'clients', 'node_modules'), join(folder, 'node_modules'))
  return new Promise((then) => {
    const options = { cwd: folder, env: { ...process.env, ...env }, timeout: 60_000 }
    execFile(process.execPath, ['buy.mjs', ...words], options, (error, out, err) => {
      then({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
        out,
        err,
      })
    })
  })
}
