import { afterEach, describe, expect, it, vi } from 'vitest'
import { Authenticator } from '../../../src/gate/authenticate.ts'
import { Deposits } from '../../../src/gate/deposits.ts'
import { KnownPasses } from '../../../src/passes/known.ts'
import type { PresentedPass } from '../../../src/passes/pass.ts'
import { MemoryRevocations } from '../../support/memory-revocations.ts'
import { real } from '../../support/world.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('a pass whose payment cannot be written', () => {
  it('J12 waits some seconds for the disk, then is told to come again, and not to pay again', async () => {
    vi.useFakeTimers()
    const row = {
      hash: 'aa',
      keyId: 'k',
      tokenId: 't',
      account: 'a',
      usedAt: null,
      generation: 0,
    } as never
    const never = new Promise<never>(() => {})
    const world = { ...real, now: Date.now, random: (bytes: number) => new Uint8Array(bytes) }
    const passes = { get: async () => row, markUsed: () => never } as never
    const receipt = {
      payment: 'ln:aa',
      account: 'a',
      amount: 1n,
      rail: 'l402',
      record: () => never,
    }
    const redeemed = { ok: true, value: receipt }
    const ledger = { deposit: () => never }
    const deposits = new Deposits({ ledger, passes, world, say: () => {} } as never)
    const unpaid = { redeem: async () => redeemed } as never
    const pass = { hash: 'aa', tokenId: 't', names: [], limits: [], rules: [] }
    const verified = { ok: true, value: { pass, keyId: 'k' } }
    const presented = { is: 'credential', credential: { secret: 's' }, verified, opens: 'preimage' }
    const authenticator = new Authenticator({
      passes,
      revocations: new MemoryRevocations(),
      unpaid,
      deposits,
      known: new KnownPasses(1),
      world,
    })
    const admitted = authenticator.authenticate(presented as unknown as PresentedPass, null)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await admitted).toEqual({ ok: false, error: { why: 'unreachable' } })
  })
})
