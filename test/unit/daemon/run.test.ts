import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { satgateAt } from '../../support/command-line.ts'
import { startFakeUpstream } from '../../support/upstream.ts'

const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

describe('satgate run', () => {
  it('is stopped in order from the moment when it says that it is ready', async () => {
    const home = mkdtempSync(join(tmpdir(), 'satgate-run-'))
    const upstream = await startFakeUpstream({})
    clean.push(
      () => rmSync(home, { recursive: true }),
      () => upstream.close(),
    )
    const hear = (text: string, stop: (() => void) | null) => {
      if (!text.includes('"ready"')) return
      expect(stop).not.toBeNull()
      stop?.()
    }
    const { stdout, code } = await satgateAt(
      { home, cwd: home, hear },
      ...['--wallet', 'play', '--port', '0', '--upstream', upstream.base.origin],
    )
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').at(-1)).toContain('"event":"stopped"')
  })
})
