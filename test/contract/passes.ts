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
  ...some,
})
