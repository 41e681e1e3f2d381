import { expect } from 'vitest'
import type { PassRow } from '../../src/ledger/passes.ts'
import type { Test } from './ledger.ts'
import { type Open, ScriptWorld } from './ledger-script.ts'

/** What every ledger must do with passes. */
export function runPassesContract(test: Test, open: Open): void {
  const withPasses = async (use: (opened: Awaited<ReturnType<Open>>) => Promise<void>) => {
    const opened = await open(new ScriptWorld())
    try {
      await use(opened)
    } finally {
      await opened.dispose()
    }
  }

  test('a pass comes back as it was put, and the first one of a hash stands', () =>
    withPasses(async ({ books: { passes } }) => {
      const first = passRow({ shared: true, caveats: ['path = /v1/*'] })
      await passes.put(first)
      await passes.put(passRow({ account: 'eve' }))
      expect(await passes.get('a')).toEqual(first)
      expect(await passes.get('b')).toBeNull()
    }))

  test('used is said once and never taken back', () =>
    withPasses(async ({ books: { passes } }) => {
      await passes.put(passRow({}))
      await passes.markUsed('a', 30)
      await passes.markUsed('a', 40)
      await passes.markUsed('unknown', 50)
      expect(await passes.get('a')).toEqual(passRow({ usedAt: 30 }))
      expect(await passes.get('unknown')).toBeNull()
    }))

  test('J6 a shared pass is nobody’s, then the first one’s that claims it', () =>
    withPasses(async ({ books: { passes } }) => {
      await passes.put(passRow({ tokenId: null }))
      expect(await passes.get('a')).toEqual(passRow({ tokenId: null }))
      expect(await Promise.all([passes.claim('a', 'ann'), passes.claim('a', 'eve')])).toEqual([
        'ann',
        'ann',
      ])
      expect(await passes.claim('a', 'eve')).toBe('ann')
      expect(await passes.claim('c', 'eve')).toBeNull()
      await passes.put(passRow({ hash: 'own', tokenId: 'bob' }))
      expect(await passes.claim('own', 'eve')).toBe('bob')
    }))

  test('passes are there after a restart', () =>
    withPasses(async ({ books: { passes }, reopen }) => {
      await passes.put(passRow({ caveats: [] }))
      await passes.put(passRow({ hash: 'nobodys', tokenId: null }))
      await passes.put(passRow({ hash: 'shared', tokenId: null }))
      await passes.claim('shared', 'ann')
      const again = (await reopen()).passes
      expect(await again.get('nobodys')).toEqual(passRow({ hash: 'nobodys', tokenId: null }))
      expect(await again.claim('shared', 'eve')).toBe('ann')
      expect(await again.get('a')).toEqual(passRow({ caveats: [] }))
      await again.markUsed('a', 11)
      expect(await again.get('a')).toMatchObject({ usedAt: 11 })
    }))
}

/** What every ledger must do with passes that end. */
export function runRevocationsContract(test: Test, open: Open): void {
  const withBooks = async (use: (opened: Awaited<ReturnType<Open>>) => Promise<void>) => {
    const opened = await open(new ScriptWorld())
    try {
      await use(opened)
    } finally {
      await opened.dispose()
    }
  }
  const rotation = {
    ...{ account: 'ann', generation: 1, pass: 'p', from: 0, at: 5, key: null, usedAt: null },
  } as const

  test('H9 a name is revoked at once, for every chain that has it, and once', () =>
    withBooks(async ({ books: { revocations } }) => {
      expect(revocations.isRevoked(['a', 'b'])).toBe(false)
      const revoked = revocations.revoke({ name: 'b', account: 'ann', at: 1 })
      expect(revocations.isRevoked(['a', 'b'])).toBe(true)
      await revoked
      await revocations.revoke({ name: 'b', account: 'ann', at: 2 })
      expect(revocations.isRevoked(['a', 'c'])).toBe(false)
      expect([revocations.count('ann'), revocations.count('eve')]).toEqual([1, 0])
    }))

  test('the last rotation of an account stands, and is used once', () =>
    withBooks(async ({ books: { revocations } }) => {
      expect(revocations.rotation('ann')).toBeNull()
      revocations.confirm('ann', 1)
      expect(revocations.rotation('ann')).toBeNull()
      await revocations.rotate(rotation)
      const next = { ...rotation, generation: 2, pass: 'q', key: 'k' }
      const rotated = revocations.rotate(next)
      expect(revocations.rotation('ann')).toEqual(next)
      await rotated
      revocations.confirm('ann', 9)
      revocations.confirm('ann', 10)
      expect(revocations.rotation('ann')).toEqual({ ...next, usedAt: 9 })
    }))

  test('revocations are there after a restart, and so is the generation of a pass', () =>
    withBooks(async ({ books, reopen }) => {
      await books.revocations.revoke({ name: 'b', account: 'ann', at: 1 })
      await books.passes.put(passRow({ hash: 'p', generation: 1 }))
      await books.revocations.rotate(rotation)
      const again = await reopen()
      expect(again.revocations.isRevoked(['b'])).toBe(true)
      expect(again.revocations.count('ann')).toBe(1)
      expect(again.revocations.rotation('ann')).toEqual(rotation)
      expect(await again.passes.get('p')).toEqual(passRow({ hash: 'p', generation: 1 }))
      again.revocations.confirm('ann', 7)
      const last = await reopen()
      expect(last.revocations.rotation('ann')).toEqual({ ...rotation, usedAt: 7 })
    }))
}

export const passRow = (some: Partial<PassRow>): PassRow => ({
  hash: 'a',
  payment: 'ln:a',
  tokenId: 'token',
  keyId: 'key',
  account: 'ann',
  shared: false,
  caveats: null,
  createdAt: 1,
  usedAt: null,
  generation: 0,
  ...some,
})
