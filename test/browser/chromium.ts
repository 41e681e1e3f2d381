import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The Chromium of the machine. Null if PATH has none. */
const chromiumPath: string | null =
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isProgram) ?? null

/** Why the browser suite cannot run. Null if it can. */
export const browserMissing =
  chromiumPath === null ? 'no Chromium on PATH (Debian: apt-get install chromium)' : null

/**
 * A headless browser. Its sandbox is off, because containers do not allow what it needs. `args` are
 * further switches.
 */
export function launch(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...args],
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
