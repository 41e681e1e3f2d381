import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { ScriptWorld } from '../contract/ledger-script.ts'
import { scratch } from '../unit/ledger/scratch.ts'
import { deposit } from '../unit/ledger/use.ts'

/**
 * A process that writes a ledger is killed with `kill -9` at each moment of the way of one group to
 * the disk. In the group: a new hold that counts at a limit, a journal of a hold that was journalled
 * before, the settlement of two other such holds, one of them paid in dollars, and of one that was never written, a withdrawal, the end of
 * one that was sent and of one that failed, and a deposit that waits. A hold that counts at no limit is open meanwhile. Each account has 1,000 msat, or 1,000 µ$.
 */

const CHILD = fileURLToPath(new URL('ledger-kill-child.ts', import.meta.url))

/** Runs the child until it stands still, and kills it. Returns what it said before. */
async function killed(path: string, at: string): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path, at], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'here') child.kill('SIGKILL')
    else said.push(line)
  }
  expect(await gone).toEqual([null, 'SIGKILL'])
  return said
}

const LOST = {
  ...{ open: 1_000n, metered: 1_000n, journalled: 960n, settled: 960n, whole: 1_000n },
  // Nothing of a withdrawal is lost: it has not begun, or it is still open.
  ...{ leaving: [1_000n, 0n], sent: [450n, 550n], failed: [450n, 550n] },
  // µ$
  dollars: 976n,
  waiting: null,
}
const KEPT = {
  ...{ open: 1_000n, metered: 1_000n, journalled: 930n, settled: 940n, whole: 940n },
  ...{ leaving: [450n, 550n], sent: [497n, 0n], failed: [1_000n, 0n] },
  dollars: 964n,
  waiting: 1_000n,
}

it.each([
  ['before it is sealed', 'growing', LOST],
  ['sealed', 'sealed', LOST],
  ['inside the transaction', 'inside', LOST],
  ['committed and unanswered', 'committed', KEPT],
  ['answered', 'answered', KEPT],
] as const)('B6 L5 L12 kill -9 of a group that is %s', async (_, at, wanted) => {
  const folder = scratch()
  const path = folder.path('ledger.db')
  try {
    const said = await killed(path, at)
    // No deposit is acknowledged that is not on disk.
    expect(said).toEqual(at === 'answered' ? Array(4).fill('acknowledged') : [])
    const books = openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })
    const { ledger, statement } = books
    expect(await statement.verify()).toMatchObject({ ok: true })
    const recovered = (await ledger.recover(5_000)).map(({ id }) => id).sort()
    const stillOpen =
      wanted === KEPT ? ['journalled', 'metered'] : ['dollars', 'journalled', 'settled']
    expect(recovered).toEqual(stillOpen)
    expect(await statement.verify()).toMatchObject({ ok: true, value: { openHolds: 0 } })
    const left = async (account: string) => (await ledger.balance(account))?.available ?? null
    const both = async (account: string) => {
      const balance = await ledger.balance(account)
      return [balance?.available, balance?.leaving]
    }
    expect({
      open: await left('open'),
      metered: await left('metered'),
      journalled: await left('journalled'),
      settled: await left('settled'),
      whole: await left('whole'),
      leaving: await both('leaving'),
      sent: await both('sent'),
      failed: await both('failed'),
      dollars: (await ledger.balance('dollars'))?.usd,
      waiting: await left('waiting'),
    }).toEqual(wanted)
    const again = await ledger.deposit(deposit({ account: 'waiting', payment: 'waits' }))
    expect(again.ok).toBe(wanted === LOST)
    expect(await left('waiting')).toBe(1_000n)
    expect(await ledger.outstandingUsd()).toBe(wanted.dollars)
    await books.close()
  } finally {
    folder.remove()
  }
})
