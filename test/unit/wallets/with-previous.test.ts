import { expect, it, vi } from 'vitest'
import type { Wallet } from '../../../src/wallets/wallet.ts'
import { withPrevious } from '../../../src/wallets/with-previous.ts'

const wallet = (kind: string) => ({
  kind,
  money: 'test' as const,
  label: kind,
  createInvoice: vi.fn(),
  lookup: vi.fn(async () => ({ is: 'open' }) as const),
  wake: vi.fn(),
  forget: vi.fn(async () => {}),
  watch: vi.fn(() => ({ stop() {} })),
  probe: vi.fn(async () => {}),
  close: vi.fn(async () => {}),
})

it('each wallet is asked for its own invoices: looked up, woken and forgotten (J5, J6)', async () => {
  const [current, older] = [wallet('lightningaddress'), wallet('ecash')]
  const marked = { ...current, preimageIsPublic: true as const, strangersAMinute: () => 40 }
  const both: Wallet = withPrevious(marked, older, (hash) => hash === 'old')
  for (const hash of ['new', 'old']) {
    await both.lookup(hash, 'routine')
    both.wake?.(hash)
    await both.forget?.(hash)
  }
  expect(current.lookup.mock.calls).toEqual([['new', 'routine']])
  expect(older.lookup.mock.calls).toEqual([['old', 'routine']])
  expect([current.wake.mock.calls, older.wake.mock.calls]).toEqual([[['new']], [['old']]])
  expect([current.forget.mock.calls, older.forget.mock.calls]).toEqual([[['new']], [['old']]])
  // The wallet that makes invoices decides whether they may be shown, and how often.
  expect([both.preimageIsPublic, both.strangersAMinute?.()]).toEqual([true, 40])
})
