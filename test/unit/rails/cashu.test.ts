import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cashu } from '../../../src/rails/cashu/cashu.ts'
import { refusalOf } from '../../../src/rails/cashu/words.ts'
import type { TokenReceiver, TokenRefused } from '../../../src/wallets/receiver.ts'
import { railContract } from '../../contract/rail.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'
import { Payer, TokenBed } from '../../support/token-bed.ts'
import { real } from '../../support/world.ts'

/** The machine may be busy. */
const PATIENT = { timeout: 30_000 }

/** Where the rail of one test takes its tokens. It is opened before the test, which makes it anew. */
let mint: FakeMint
let bed: TokenBed
let payer: Payer
let opened: Awaited<ReturnType<TokenBed['receiver']>>

beforeEach(async () => {
  mint = await startFakeMint()
  bed = new TokenBed()
  payer = new Payer(mint)
  opened = await bed.receiver({ mints: [mint] })
})
afterEach(async () => {
  await payer.close()
  await bed.close()
  await mint.stop()
})

/** The receiver of the test that runs. The suite makes its rails before a test has begun, too. */
const receiver: TokenReceiver = {
  request: (sat) => opened.receiver.request(sat),
  get mints() {
    return opened.receiver.mints
  },
  known: (token) => opened?.receiver.known(token) ?? null,
  receive: (token, ask) => opened.receiver.receive(token, ask),
  credited: (payment, how) => opened.receiver.credited(payment, how),
  start: (received) => opened.receiver.start(received),
}

railContract('ecash', () => {
  let started: { stop(): Promise<void> } | null = null
  const ready = async () => {
    started ??= opened.receiver.start(async () => {})
    await expect.poll(() => opened.receiver.request(1), PATIENT).not.toBeNull()
    await started.stop()
  }
  return {
    rail: new Cashu(receiver, real),
    ready,
    pay: async ({ body }) => {
      const { amount } = body.cashu as { amount: number }
      return ['X-Cashu', await payer.token(amount)]
    },
    unpaid: ({ headers }) => ['X-Cashu', headers['x-cashu'] ?? ''],
    malformed: 'what stands in X-Cashu is read when it is redeemed, and refused with 400 (NUT-24)',
    outage: async () => {
      await ready()
      await mint.stop()
      const token = await payer.token(1).catch(() => 'cashuBnone')
      await opened.receiver.receive(token, { account: null, short: () => null })
      const [known] = opened.mints.all
      if (known !== undefined) await opened.mints.tried(known, (one) => one.alive()).catch(() => 0)
      bed.ahead += 2_000
    },
    async unpresented() {
      mint.faults.swap = { is: 'dropAfter', times: 1 }
      const ask = { account: null, short: () => null }
      await opened.receiver.receive(await payer.token(21), ask)
      bed.ahead += 60_000
    },
  }
})

describe('what a payer is told of a token that is not taken', () => {
  const every: readonly TokenRefused[] = [
    ...(['damaged', 'unit', 'mint', 'locked', 'duplicates', 'keyset', 'mint_full'] as const).map(
      (why) => ({ why }),
    ),
    ...(['no_dleq', 'forged', 'spent', 'pending', 'mint_silent'] as const).map((why) => ({ why })),
    { why: 'too_large', most: 64 },
    { why: 'dust', feeSat: 3 },
    { why: 'too_small', sat: 5, needs: 21 },
    { why: 'refused', code: 10001 },
    { why: 'partly_spent', known: 1, of: 2 },
    { why: 'busy', retryAfterMs: 1_500 },
  ]

  it('has a code of its own each, and says what became of the token', () => {
    const told = every.map((one) => refusalOf(one, ['https://mint.example']))
    expect(new Set(told.map(({ code }) => code)).size).toBe(every.length)
    for (const { status, message, retryAfterSeconds } of told) {
      expect(message).toMatch(/^[A-Z].*\.$/)
      if (status === 503) expect(retryAfterSeconds).toBeGreaterThan(0)
      else expect(retryAfterSeconds).toBeUndefined()
    }
  })

  it('is never that it was spent while that is not known', () => {
    const { status, message } = refusalOf({ why: 'pending' }, [])
    expect([status, message]).toEqual([503, expect.stringContaining('Do not pay again')])
    expect(message).not.toContain('spent')
  })
})
