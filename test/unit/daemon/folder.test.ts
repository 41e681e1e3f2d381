import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noteIfCopied, takeFolder } from '../../../src/daemon/folder.ts'
import { unwritable } from '../../../src/floor/unwritable.ts'
import { unheard } from '../../support/background.ts'

let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'satgate-folder-'))
})
afterEach(() => rmSync(path, { recursive: true }))

it('one process has the folder, and it is free when that process gives it back', () => {
  const first = takeFolder(path)
  expect([first.ok, takeFolder(path)]).toEqual([true, { ok: false, error: 'in_use' }])
  if (first.ok) first.value.unlock()
  const again = takeFolder(path)
  expect(again.ok).toBe(true)
  if (again.ok) again.value.unlock()
})

it('J12 a start does not wait for a full disk: its mark is written when that is possible', async () => {
  const ledger = join(path, 'ledger.db')
  writeFileSync(ledger, '')
  const kept: string[] = []
  const invoices = {
    recall: async () => 'another',
    remember: (_: string, mark: string) => {
      kept.push(mark)
      return new Promise<void>(() => {})
    },
  }
  expect(await noteIfCopied({ ledger, path }, invoices, unheard)).toMatch(/is a copy/)
  expect(kept).toHaveLength(1)
})

it.each([
  [{ code: 'ENOSPC' }, /no space/],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 13, errstr: 'database or disk is full' }, /full/],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 4874, errstr: 'disk I/O error' }, /I\/O/],
])('J12 %j means that the disk is full', (what, why) => {
  expect(unwritable(Object.assign(new Error('x'), what))).toMatch(why)
})

it.each([
  [{ code: 'ERR_SQLITE_ERROR', errcode: 19, errstr: 'constraint failed' }],
  [{}],
  [{ code: 'EPIPE' }],
])('J12 %j means something else', (what) => {
  expect(unwritable(Object.assign(new Error('x'), what))).toBe(null)
})
