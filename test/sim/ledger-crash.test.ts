import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { ScriptWorld } from '../contract/ledger-script.ts'
import { scratch } from '../unit/ledger/scratch.ts'
import { deposit } from '../unit/ledger/use.ts'

const CHILD = fileURLToPath(new URL('ledger-crash-child.ts', import.meta.url))
const LIVES = 6

/** Runs the child on the file, kills it after that many ms of work; answers what it acknowledged. */
async function live(path: string, life: string, ms: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path, life], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const lines: string[] = []
  const said = createInterface({ input: child.stdout })
  for await (const line of said) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), ms)
    else lines.push(line)
  }
  expect(await gone).toEqual([null, 'SIGKILL'])
  return lines
}

it('B6 kill -9 at any time: the books balance and every acknowledged deposit is there', async () => {
  const folder = scratch()
  const path = folder.path('ledger.db')
  let owed = false
  const delays = Array.from({ length: LIVES }, () => Math.floor(20 + Math.random() * 250))
  try {
    for (const [life, ms] of delays.entries()) {
      const acknowledged = await live(path, `life${life}`, ms)
      const about = `life ${life} of ${delays} ms, ${acknowledged.length} deposits`
      expect(acknowledged.length, about).toBeGreaterThan(0)
      const books = openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })
      expect(await books.statement.verify(), about).toMatchObject({ ok: true })
      for (const line of acknowledged) {
        const [payment = '', account = ''] = line.split(' ')
        const again = await books.ledger.deposit(deposit({ payment, account }))
        expect(again, `${about}: ${line}`).toEqual({ ok: false, error: 'already_deposited' })
      }
      await books.ledger.expire(Number.POSITIVE_INFINITY, Date.now())
      const proof = await books.statement.verify()
      expect(proof, about).toMatchObject({ ok: true, value: { openHolds: 0 } })
      const drawers = proof.ok ? proof.value.drawers : []
      const passing = drawers.filter(({ drawer }) => /^(?:held|owed):/.test(drawer))
      expect(passing.filter(({ balance }) => balance !== 0n)).toEqual([])
      owed ||= passing.some(({ drawer }) => drawer.startsWith('owed:'))
      await books.close()
    }
    expect(owed, 'something was owed at times').toBe(true)
  } finally {
    folder.remove()
  }
}, 60_000)
