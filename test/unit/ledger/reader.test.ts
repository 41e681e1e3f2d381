import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLedger } from '../../../bench/ledger-file.ts'
import { readHere, readOnThread } from '../../../src/ledger/sqlite/reader.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { deposit, hold } from './use.ts'

/** Reading on another thread answers what reading here answers, and leaves this one free. */

let folder = scratch()
beforeEach(() => {
  folder = scratch()
})
afterEach(() => folder.remove())

const books = (readsOnThread: boolean, path = folder.path('ledger.db')) =>
  openSqliteBooks({ path, kind: 'play', world: new ScriptWorld(), readsOnThread })

describe('a reader on a thread', () => {
  it('answers the same as one here', async () => {
    const opened = books(true)
    await opened.ledger.deposit(deposit())
    await opened.ledger.hold(hold())
    await opened.flush()
    const path = folder.path('ledger.db')
    const [here, there] = [readHere(path), readOnThread(path)]
    for (const name of ['earnings', 'income', 'owed', 'check'] as const) {
      expect(await there.call(name, []), name).toEqual(await here.call(name, []))
    }
    const all = [9, null, null] as const
    expect(await there.call('accounts', [...all])).toEqual(await here.call('accounts', [...all]))
    expect(await there.call('entries', [...all])).toEqual(await here.call('entries', [...all]))
    expect(await opened.statement.verify()).toMatchObject({ ok: true, value: { accounts: 1 } })
    await there.close()
    await opened.close()
  })

  it('tells why a question failed, and answers the next one', async () => {
    const reader = readOnThread(folder.path('ledger.db'))
    await expect(reader.call('owed', [])).rejects.toThrow('unable to open')
    await books(false).close()
    expect(await reader.call('owed', [])).toBe(0n)
    await reader.close()
  })

  it('that has ended rejects who waits and who comes later', async () => {
    await books(false).close()
    const reader = readOnThread(folder.path('ledger.db'))
    const waiting = reader.call('owed', [])
    const rejected = expect(waiting).rejects.toThrow('has ended')
    await reader.close()
    await rejected
    expect(reader.ended).toBe(true)
    await expect(reader.call('owed', [])).rejects.toThrow('has ended')
  })

  it('a proof leaves this thread free, and says how far it is', async () => {
    const data = folder.path('data')
    makeLedger(data, 45_000)
    const opened = books(true, `${data}/ledger.db`)
    let turns = 0
    let over = false
    const told: string[] = []
    const proof = opened.statement
      .verify((progress) => told.push(progress))
      .finally(() => {
        over = true
      })
    while (!over) {
      turns++
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(await proof).toMatchObject({ ok: true, value: { accounts: 4_500, openHolds: 20 } })
    expect(turns).toBeGreaterThan(50)
    expect(told).toEqual([
      ...['read 0 of 45020 holds', 'read 20000 of 45020 holds', 'read 40000 of 45020 holds'],
      'comparing the drawers',
    ])
    await opened.close()
    rmSync(data, { recursive: true })
  })
})
