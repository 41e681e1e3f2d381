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

/**
 * Runs the child on the file, and kills it some ms after that many deposits and withdrawals. Returns
 * those that it acknowledged.
 */
async function live(path: string, life: string, deposits: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path, life], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const lines: string[] = []
  const said = createInterface({ input: child.stdout })
  for await (const line of said) {
    if (line !== 'ready') lines.push(line)
    if (lines.length === deposits) setTimeout(() => child.kill('SIGKILL'), Math.random() * 10)
  }
  expect(await gone).toEqual([null, 'SIGKILL'])
  return lines
}

it('B6 L5 L12 kill -9 at any time: the books balance and every acknowledged deposit and withdrawal is there', async () => {
  const folder = scratch()
  const path = folder.path('ledger.db')
  let owed = false
  let leaving = false
  let spent = false
  const lengths = Array.from({ length: LIVES }, () => Math.floor(40 + Math.random() * 200))
  try {
    for (const [life, deposits] of lengths.entries()) {
      const acknowledged = await live(path, `life${life}`, deposits)
      const about = `life ${life} of ${lengths} deposits, ${acknowledged.length} of them`
      expect(acknowledged.length, about).toBeGreaterThan(0)
      const books = openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })
      expect(await books.statement.verify(), about).toMatchObject({ ok: true })
      for (const line of acknowledged) {
        const [payment = '', account = ''] = line.split(' ')
        if (account === 'withdrawn') {
          expect(await books.withdrawals.withdrawal(payment), `${about}: ${line}`).not.toBeNull()
          continue
        }
        const again = await books.ledger.deposit(deposit({ payment, account }))
        expect(again, `${about}: ${line}`).toEqual({ ok: false, error: 'already_deposited' })
      }
      const open = await books.withdrawals.openWithdrawals()
      await books.ledger.recover(Date.now())
      expect(await books.withdrawals.openWithdrawals(), about).toEqual(open)
      leaving ||= open.length > 0
      for (const { id } of open) {
        const close = { is: 'failed', reason: 'not at the wallet', at: Date.now() } as const
        await books.withdrawals.closeWithdrawal(id, close)
      }
      const proof = await books.statement.verify()
      const nothing = { openHolds: 0, buyers: { held: 0n, owed: 0n, leaving: 0n } }
      expect(proof, about).toMatchObject({ ok: true, value: nothing })
      if (proof.ok) {
        expect(await books.ledger.outstandingUsd(), about).toBe(proof.value.buyers.usd)
        spent ||= proof.value.drawers.some(({ drawer }) => drawer === 'usd-spent:exchange')
      }
      owed ||= (await books.statement.entries(1_000)).some(({ why }) => why === 'collect')
      await books.close()
    }
    expect(owed, 'something was owed at times').toBe(true)
    expect(spent, 'dollars were spent at times').toBe(true)
    expect(leaving, 'something was leaving at times').toBe(true)
  } finally {
    folder.remove()
  }
}, 60_000)
