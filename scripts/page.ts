/** Builds the page for buyers into dist/web if it is missing or older than its sources. */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'

const ROOT = join(import.meta.dirname, '..')
const BUILT = join(ROOT, 'dist/web')

/** When the newest source of the page was written, ms. */
function sourcesFrom(): number {
  const folder = join(ROOT, 'src/web')
  const names = readdirSync(folder).map((name) => join(folder, name))
  return Math.max(
    ...[...names, folder, join(ROOT, 'vite.config.ts')].map((path) => statSync(path).mtimeMs),
  )
}

function isBuilt(): boolean {
  const index = join(BUILT, 'index.html')
  return existsSync(index) && statSync(index).mtimeMs > sourcesFrom()
}

/** Builds aside and swaps, so that a gate which starts meanwhile finds a whole page. */
export async function buildPage(): Promise<void> {
  if (isBuilt()) return
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  const aside = mkdtempSync(join(ROOT, 'dist/.web-'))
  try {
    const outDir = join(aside, 'new')
    await build({ configFile: join(ROOT, 'vite.config.ts'), build: { outDir } })
    if (existsSync(BUILT)) renameSync(BUILT, join(aside, 'old'))
    renameSync(outDir, BUILT)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

if (import.meta.main) await buildPage()
