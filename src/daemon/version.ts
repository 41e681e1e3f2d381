import { readFileSync } from 'node:fs'

/** This program's own version, from its package. Built, this file lies one folder deeper. */
export function version(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const found: { name?: string; version?: string } = JSON.parse(
        readFileSync(new URL(up, import.meta.url), 'utf8'),
      )
      if (found.name === 'satgate' && found.version !== undefined) return found.version
    } catch {}
  }
  return 'unknown'
}
