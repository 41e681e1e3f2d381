import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { Authenticator } from '../../../src/gate/authenticate.ts'
import { Holds } from '../../../src/gate/hold.ts'
import type { PassRow } from '../../../src/ledger/passes.ts'
import { msat } from '../../../src/money/msat.ts'
import { macaroonKey, settlementSecret } from '../../../src/passes/keys.ts'
import { KnownPasses } from '../../../src/passes/known.ts'
import { verify } from '../../../src/passes/macaroon.ts'
import { makeRecogniser } from '../../../src/passes/recognise.ts'
import { makeVerifier } from '../../../src/passes/verify.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { MemoryRevocations } from '../../support/memory-revocations.ts'
import { everySlot } from '../../support/slots.ts'
import { worldAt } from '../../support/world.ts'
import { filled, hex, IDENTIFIER, KEY, macaroon, SECRET, token } from '../passes/fixtures.ts'

/**
 * A pass that is known is found by its header, without reading it. Everything that can change is
 * still judged: these tests change it, after the pass was served once.
 */
const CALL = { path: '/v1/chat/completions', method: 'POST', model: 'llama3' }
const CAVEATS = ['expires = 2030-01-01T00:00:00Z', 'path = /v1/chat/*', 'model = llama*']
const TOKEN = token(macaroon(CAVEATS))
const PASS = `${TOKEN}:${SECRET}`
/** The names of its prefixes. */
const NAMES = (verify(macaroonKey(KEY.master, IDENTIFIER), macaroon(CAVEATS)) ?? []).map((one) =>
  createHash('sha256').update(one).digest('hex'),
)

function stage(changes: Partial<PassRow> = {}) {
  let row: PassRow | null = {
    ...{ hash: IDENTIFIER.hash, payment: 'ln:p', tokenId: IDENTIFIER.tokenId, keyId: KEY.id },
    ...{ account: 'a', shared: false, caveats: CAVEATS, createdAt: 0, usedAt: 1 },
    ...{ generation: 0, ...changes },
  }
  let now = Date.UTC(2029, 0)
  const world = worldAt(() => now)
  const believe = makeVerifier({ keys: [KEY], remember: 100 })
  const verify = vi.fn(believe)
  const known = new KnownPasses(100)
  const read = makeRecogniser({ verify, keys: [KEY], known })
  const revocations = new MemoryRevocations()
  const redeem = async () => ({ ok: false, error: 'pending' }) as const
  const authenticator = new Authenticator({
    passes: { get: () => row } as never,
    revocations,
    unpaid: { redeem } as never,
    deposits: null as never,
    known,
    world,
  })
  const present = async (header: string | readonly string[], call = CALL) => {
    const headers = typeof header === 'string' ? ['Authorization', header] : header
    const presented = read(['Host', 'x', ...headers, 'User-Agent', 'y'])
    if (presented.is !== 'credential') return presented.is
    const identified = await authenticator.authenticate(presented, call)
    if (identified.ok) return identified.value.account
    const { error } = identified
    return error.why === 'forbidden' ? error.caveat : error.why
  }
  return {
    present,
    revocations,
    /** How many signatures were asked for. */
    verified: () => verify.mock.calls.length,
    change: (changed: Partial<PassRow> | null) => {
      row = changed === null || row === null ? null : { ...row, ...changed }
    },
    until: (at: number) => {
      now = at
    },
  }
}

async function served() {
  const at = stage()
  expect(await at.present(`L402 ${PASS}`)).toBe('a')
  expect(await at.present(`L402 ${PASS}`)).toBe('a')
  expect(at.verified()).toBe(1)
  return at
}

describe('a pass that is known is refused', () => {
  it('A10 for another model, C3 on another path', async () => {
    const { present, verified } = await served()
    const other = { ...CALL, model: 'gpt-5' }
    expect(await present(`L402 ${PASS}`, other)).toBe('model = llama*')
    const path = { ...CALL, path: '/v1/embeddings' }
    expect(await present(`L402 ${PASS}`, path)).toBe('path = /v1/chat/*')
    expect(await present(`L402 ${PASS}`)).toBe('a')
    expect(verified()).toBe(1)
  })

  it('when it has expired', async () => {
    const { present, until, verified } = await served()
    until(Date.UTC(2030, 0))
    expect(await present(`L402 ${PASS}`)).toBe('expired')
    expect(verified()).toBe(1)
  })

  it('J6 when another token of its invoice has claimed the row', async () => {
    const { present, change } = await served()
    change({ tokenId: hex(filled(9)) })
    expect(await present(`L402 ${PASS}`)).toBe('unknown')
  })

  it('H9 when it was revoked, or its account was rotated', async () => {
    const { present, revocations, verified } = await served()
    await revocations.revoke({ name: NAMES[1] ?? '', account: 'a', at: 1 })
    expect(await present(`L402 ${PASS}`)).toBe('revoked')
    const at = await served()
    const rotation = { account: 'a', generation: 1, pass: 'p', from: 0, at: 1 }
    await at.revocations.rotate({ ...rotation, key: null, usedAt: null })
    expect(await at.present(`L402 ${PASS}`)).toBe('revoked')
    expect(verified()).toBe(1)
  })

  it('C12 when its row names another key, or is gone', async () => {
    const { present, change } = await served()
    change({ keyId: 'other' })
    expect(await present(`L402 ${PASS}`)).toBe('unknown')
    change(null)
    expect(await present(`L402 ${PASS}`)).toBe('unknown')
  })

  it('C1 when its row says that it was never used, until its payment is seen', async () => {
    const { present, change } = await served()
    vi.useFakeTimers()
    try {
      change({ usedAt: null })
      const waits = present(`L402 ${PASS}`)
      await vi.advanceTimersByTimeAsync(20_000)
      expect(await waits).toMatch(/^(?:pending|unreachable)$/)
    } finally {
      vi.useRealTimers()
    }
  })

  it('I2 by its settlement secret when its invoice is shared', async () => {
    const at = stage()
    const settlement = `L402 ${TOKEN}:${settlementSecret(KEY.master, IDENTIFIER)}`
    for (let time = 0; time < 2; time += 1) expect(await at.present(settlement)).toBe('a')
    at.change({ shared: true })
    expect(await at.present(settlement)).toBe('bad_secret')
    expect(await at.present(`L402 ${PASS}`)).toBe('a')
  })

  it('B1 when its account has nothing left', async () => {
    const at = await served()
    const { ledger } = openMemoryBooks('play')
    const native = { amount: '1', unit: 'msat', rate: '1' }
    const paid = {
      payment: 'p',
      account: 'a',
      credit: 'paid',
      rail: 'l402',
      native,
      at: 0,
    } as const
    await ledger.deposit({ ...paid, amount: msat(100n) })
    const holds = new Holds(ledger, worldAt(Date.now), 60_000)
    const take = async (id: string) => {
      const account = await at.present(`L402 ${PASS}`)
      const what = { model: 'm', dialect: 'd', pass: null }
      const rate = { input: 0n, cached: 0n, output: 10_000_000n }
      const want = {
        ...{ request: { id, account, limits: [], what }, rate, bound: { input: 1 } },
        ...{ template: 0, dollars: null, inputEstimate: async () => 1, least: 1, most: 10 },
      }
      return holds.take(want, everySlot, () => false)
    }
    const first = await take('h1')
    if (!first.ok) throw new Error('the first was refused')
    const spent = {
      amount: msat(100n),
      quantities: {},
      usage: 'reported',
      end: 'complete',
    } as const
    await holds.settle(first.hold, { ...spent, at: 0 })
    expect(await take('h2')).toMatchObject({ refused: { why: 'insufficient_funds' } })
  })
})

describe('a pass that is known is only found by its own header', () => {
  it.each([
    ['another secret', `L402 ${TOKEN}:${hex(filled(9))}`, 'bad_secret'],
    [
      'one digit changed',
      `L402 ${PASS.slice(0, -1)}${PASS.endsWith('2') ? '3' : '2'}`,
      'bad_secret',
    ],
    ['the last digit missing', `L402 ${PASS.slice(0, -1)}`, 'damaged'],
    ['another scheme', `Bearer ${PASS}`, 'a'],
    ['capital letters', `L402 ${TOKEN}:${SECRET.toUpperCase()}`, 'a'],
  ])('%s', async (_, header, answer) => {
    const { present } = await served()
    expect(await present(header)).toBe(answer)
    expect(await present(`L402 ${PASS}`)).toBe('a')
  })

  it('C5 another credential beside it is a conflict', async () => {
    const { present } = await served()
    const own = ['authorization', `L402 ${PASS}`]
    const other = `${token(macaroon(['calls <= 1']))}:${SECRET}`
    expect(await present([...own, 'X-API-Key', other])).toBe('conflict')
    expect(await present([...own, 'x-payment', 'e30='])).toBe('conflict')
    expect(await present([...own, 'x-api-key', PASS])).toBe('a')
  })

  it('C2 a pass with a kilobyte of caveats is read each time, and takes no memory', async () => {
    const caveats = Array.from({ length: 10 }, (_, n) => `model = llama3,${`${n}`.repeat(80)}`)
    const long = `L402 ${token(macaroon(caveats))}:${SECRET}`
    expect(long.length).toBeGreaterThan(1_024)
    const { present, verified } = stage({ caveats })
    for (let time = 1; time <= 2; time += 1) {
      expect(await present(long)).toBe('a')
      expect(verified()).toBe(time)
    }
  })

  it('C2 what is kept of a pass shares its memory with nothing else', async () => {
    const known = new KnownPasses(100)
    const read = makeRecogniser({
      verify: makeVerifier({ keys: [KEY], remember: 100 }),
      keys: [KEY],
      known,
    })
    const presented = read(['Authorization', `L402 ${PASS}`])
    if (presented.is !== 'credential') throw new Error('no pass')
    known.remember(presented)
    const kept = known.find(`L402 ${PASS}`)?.credential.macaroon
    expect(kept).toEqual(new Uint8Array(presented.credential.macaroon))
    expect(kept?.buffer.byteLength).toBe(kept?.byteLength)
  })

  it('a header that is long, or says more behind the pass, is read each time', async () => {
    const at = stage()
    const long = `Bearer ${'word '.repeat(20)}${PASS}`
    const behind = `L402 ${PASS}, other`
    for (const header of [long, behind]) {
      const before = at.verified()
      for (let time = 0; time < 2; time += 1) expect(await at.present(header)).toBe('a')
      expect(at.verified()).toBe(before + 2)
    }
  })

  it('C1 one that was never used is read each time', async () => {
    vi.useFakeTimers()
    try {
      const at = stage({ usedAt: null })
      for (let time = 1; time <= 2; time += 1) {
        const waits = at.present(`L402 ${PASS}`)
        await vi.advanceTimersByTimeAsync(20_000)
        expect(await waits).toMatch(/^(?:pending|unreachable)$/)
        expect(at.verified()).toBe(time)
      }
    } finally {
      vi.useRealTimers()
    }
  })
})
