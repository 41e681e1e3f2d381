import { expect } from 'vitest'
import type { InvoiceRow } from '../../src/ledger/invoices.ts'
import { msat } from '../../src/money/msat.ts'
import type { Test } from './ledger.ts'
import { type Open, ScriptWorld } from './ledger-script.ts'
import { passRow } from './passes.ts'

/** What every ledger must do with invoices. */
export function runInvoicesContract(test: Test, open: Open): void {
  const withInvoices = async (use: (opened: Awaited<ReturnType<Open>>) => Promise<void>) => {
    const opened = await open(new ScriptWorld())
    try {
      await use(opened)
    } finally {
      await opened.dispose()
    }
  }

  test('a row comes back as it was put, and the first one of a hash stands', () =>
    withInvoices(async ({ books: { invoices } }) => {
      const first = row({ hash: 'a', amount: msat(9_000n) })
      await invoices.put(first)
      await invoices.put(row({ hash: 'a', account: 'eve' }))
      expect(await invoices.get('a')).toEqual(first)
      expect(await invoices.get('b')).toBeNull()
    }))

  test('settled is said once and never taken back', () =>
    withInvoices(async ({ books: { invoices } }) => {
      await invoices.put(row({ hash: 'a' }))
      await invoices.markSettled('a', 10)
      await invoices.markSettled('a', 20)
      await invoices.markSettled('unknown', 50)
      expect(await invoices.get('a')).toEqual(row({ hash: 'a', settledAt: 10 }))
      expect(await invoices.get('unknown')).toBeNull()
    }))

  test('pending rows are the wallet’s own, unsettled, not expired, newest first', () =>
    withInvoices(async ({ books: { invoices } }) => {
      await invoices.put(row({ hash: 'old', createdAt: 1 }))
      await invoices.put(row({ hash: 'new', createdAt: 3 }))
      await invoices.put(row({ hash: 'middle', createdAt: 2 }))
      await invoices.put(row({ hash: 'gone', expiresAt: 50 }))
      await invoices.put(row({ hash: 'other', wallet: 'lnd' }))
      await invoices.put(row({ hash: 'paid' }))
      await invoices.markSettled('paid', 5)
      const pending = async (limit: number) =>
        (await invoices.pending('play', 50, limit)).map(({ hash }) => hash)
      expect(await pending(9)).toEqual(['new', 'middle', 'old'])
      expect(await pending(2)).toEqual(['new', 'middle'])
    }))

  test('J6 stale rows are the wallet’s own, unsettled and long expired, oldest first; they can be dropped, with their passes', () =>
    withInvoices(async ({ books: { invoices, passes } }) => {
      await invoices.put(row({ hash: 'new', createdAt: 3, expiresAt: 50 }))
      await invoices.put(row({ hash: 'old', createdAt: 1, expiresAt: 50 }))
      await invoices.put(row({ hash: 'middle', createdAt: 2, expiresAt: 50 }))
      await invoices.put(row({ hash: 'alive', createdAt: 2, expiresAt: 51 }))
      await invoices.put(row({ hash: 'other', wallet: 'lnd', expiresAt: 50 }))
      await invoices.put(row({ hash: 'paid', expiresAt: 50 }))
      await invoices.markSettled('paid', 5)
      const stale = async (after: number, limit: number) =>
        (await invoices.stale('play', { before: 50, after }, limit)).map(({ hash }) => hash)
      expect(await stale(0, 9)).toEqual(['old', 'middle', 'new'])
      expect(await stale(1, 1)).toEqual(['middle'])
      for (const hash of ['old', 'paid']) await passes.put(passRow({ hash }))
      for (const hash of ['old', 'paid', 'never']) await invoices.forget(hash)
      expect([await passes.get('old'), await passes.get('paid')]).toEqual([
        null,
        passRow({ hash: 'paid' }),
      ])
      expect([await invoices.get('old'), await stale(0, 9)]).toEqual([null, ['middle', 'new']])
      expect((await invoices.get('paid'))?.settledAt).toBe(5)
    }))

  test('facts are remembered, the last one of a key', () =>
    withInvoices(async ({ books: { invoices } }) => {
      expect(await invoices.recall('settle_index')).toBeNull()
      await invoices.remember('settle_index', '1')
      await invoices.remember('settle_index', '2')
      expect(await invoices.recall('settle_index')).toBe('2')
    }))

  test('J24 what can still be paid is told by wallet: how many, and until when', () =>
    withInvoices(async ({ books: { invoices } }) => {
      await invoices.put(row({ hash: 'a', wallet: 'lnd', expiresAt: 100 }))
      await invoices.put(row({ hash: 'b', wallet: 'lnd', expiresAt: 300 }))
      await invoices.put(row({ hash: 'c', wallet: 'lnd', expiresAt: 50 }))
      await invoices.put(row({ hash: 'd', wallet: 'ecash', expiresAt: 200 }))
      await invoices.put(row({ hash: 'e', wallet: 'ecash', expiresAt: 900 }))
      await invoices.markSettled('e', 60)
      expect(await invoices.payable(50)).toEqual([
        { wallet: 'ecash', invoices: 1, until: 200 },
        { wallet: 'lnd', invoices: 2, until: 300 },
      ])
      expect(await invoices.payable(300)).toEqual([])
    }))

  test('J24 the newest row that its wallet must know is paid, or can still be paid', () =>
    withInvoices(async ({ books: { invoices } }) => {
      const newest = async (after: number) => (await invoices.newest('play', after))?.hash ?? null
      expect(await newest(0)).toBeNull()
      await invoices.put(row({ hash: 'paid', createdAt: 1, expiresAt: 50 }))
      await invoices.markSettled('paid', 5)
      await invoices.put(row({ hash: 'open', createdAt: 2, expiresAt: 100 }))
      await invoices.put(row({ hash: 'other', createdAt: 3, wallet: 'lnd' }))
      expect([await newest(99), await newest(100)]).toEqual(['open', 'paid'])
    }))

  test('invoices and facts are there after a restart', () =>
    withInvoices(async ({ books: { invoices, passes }, reopen }) => {
      await invoices.put(row({ hash: 'a' }))
      await invoices.markSettled('a', 10)
      await invoices.remember('settle_index', '2')
      await Promise.all([
        invoices.put(row({ hash: 'dropped' })),
        passes.put(passRow({ hash: 'dropped' })),
      ])
      await invoices.forget('dropped')
      const books = await reopen()
      const again = books.invoices
      expect(await books.passes.get('dropped')).toBeNull()
      expect(await again.get('dropped')).toBeNull()
      expect(await again.get('a')).toEqual(row({ hash: 'a', settledAt: 10 }))
      expect(await again.recall('settle_index')).toBe('2')
    }))
}

const row = (some: Partial<InvoiceRow>): InvoiceRow => ({
  hash: 'a',
  account: 'ann',
  amount: msat(21_000n),
  wallet: 'play',
  bolt11: 'lnbc…',
  createdAt: 1,
  expiresAt: 100,
  settledAt: null,
  bonus: msat(7n),
  ...some,
})
