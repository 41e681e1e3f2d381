import { afterEach, describe, expect, it, vi } from 'vitest'
import { Accounts } from '../../../src/gate/accounts.ts'
import { Doorkeeper } from '../../../src/gate/admit.ts'
import type { Credential } from '../../../src/passes/pass.ts'
import { real } from '../../support/world.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('a pass whose payment cannot be written', () => {
  it('J12 waits for the disk for some seconds, then is told to come again, not to pay again', async () => {
    vi.useFakeTimers()
    const row = { hash: 'aa', keyId: 'k', tokenId: 't', account: 'a', usedAt: null } as never
    const never = new Promise<never>(() => {})
    const world = { ...real, now: Date.now, random: (bytes: number) => new Uint8Array(bytes) }
    const invoices = { get: async () => row, markSettled: () => never } as never
    const receipt = { payment: 'l402:aa', account: 'a', amount: 1n, rail: 'l402', native: {} }
    const redeemed = { ok: true, value: { fresh: true, receipt } }
    const accounts = new Accounts({
      ledger: { deposit: () => never } as never,
      invoices,
      l402: { redeem: async () => redeemed } as never,
      world,
      say: () => {},
    })
    const pass = { hash: 'aa', tokenId: 't', limits: [], rules: [] }
    const verify = () => ({ ok: true, value: { pass, keyId: 'k' } }) as never
    const doorkeeper = new Doorkeeper({ verify, invoices, accounts, world })
    const admitted = doorkeeper.admit({ secret: 's' } as Credential, null)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await admitted).toEqual({ ok: false, error: { why: 'unreachable' } })
  })
})
