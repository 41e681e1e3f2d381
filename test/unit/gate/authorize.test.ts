import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNKNOWN_TERMS } from '../../../src/dialects/dialect.ts'
import type { Authenticator } from '../../../src/gate/authenticate.ts'
import type { Held } from '../../../src/gate/call.ts'
import { Gate } from '../../../src/gate/gate.ts'
import { Holds } from '../../../src/gate/hold.ts'
import { ModeRule } from '../../../src/gate/mode.ts'
import { ObservedLedger } from '../../../src/gate/observe.ts'
import type { End } from '../../../src/gate/outcome.ts'
import type { PaymentRequired } from '../../../src/gate/payment-required.ts'
import type { Incoming, Reply } from '../../../src/gate/ports.ts'
import { refuse } from '../../../src/gate/refusal.ts'
import type { RequestLog } from '../../../src/gate/request-log.ts'
import { type Mode, type PriceRule, pattern, type Route } from '../../../src/gate/route.ts'
import { type Ending, Settler } from '../../../src/gate/settle.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import { msat } from '../../../src/money/msat.ts'
import { plainHttp } from '../../plug/plain-http.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { slotsOf } from '../../support/slots.ts'
import { real as world } from '../../support/world.ts'

/** A call costs 10 msat. Everything else is free. */
const PRICE: PriceRule = { by: 'call', rate: { call: 10_000_000n } }
const GONE = refuse(503, 'gone', 'gone')

/** A gate without a network: only authorize and settle, on books in memory. */
async function stage(parts: { balance: number; slots: number | null; mode?: Mode }) {
  const { balance, slots, mode = 'charge' } = parts
  const { ledger, statement } = openMemoryBooks('play')
  const native = { amount: '1', unit: 'msat', rate: '1' }
  const paid = { payment: 'p', account: 'a', credit: 'paid', rail: 'l402', native, at: 0 } as const
  if (balance > 0) await ledger.deposit({ ...paid, amount: msat(BigInt(balance)) })
  const holds = {
    real: new Holds(ledger, world, 60_000),
    observed: new Holds(new ObservedLedger(ledger, world), world, 60_000),
  }
  const counter = { measure: async () => null }
  const estimating = { estimator: new PromptEstimator(), counter }
  const offers: string[] = []
  const paymentRequired = {
    asks: async () => ({ sat: 1, least: 1 }),
    sats: async () => 1,
    offer: async (_: Incoming, { reason }: { reason: string }) => {
      offers.push(reason)
      return refuse(402, 'insufficient_quota', reason)
    },
  } as unknown as PaymentRequired
  const who = { account: 'a', limits: [], scope: { is: 'root' }, via: 'pass', carries: null }
  const authenticator = {
    authenticate: async () => ({ ok: true, value: who }),
  } as unknown as Authenticator
  const gate = new Gate({
    pricing: { bounds: { usual: 1, most: 1 }, speeds: { most: () => 1 }, estimating } as never,
    rateNow: () => null,
    terms: () => ({ ...UNKNOWN_TERMS }),
    authenticator,
    paymentRequired,
    mode: new ModeRule({ paymentRequired, holds, world, healthy: () => true, contact: null }),
    forwarder: null as never,
    settler: new Settler({ world, onUpstreamFailure: 'used' }),
    change: { leftAfter: ({ cost }) => cost.after, replyTo: (_, reply) => reply },
    respond: null as never,
    log: null as unknown as RequestLog,
    world,
    healthy: () => true,
  })
  const targets = slotsOf(slots)
  const route: Route = {
    ...{ method: 'GET', path: pattern('/files/**'), dialect: plainHttp, mode, targets },
    ...{ price: PRICE, query: true, tellsPrice: false },
  }
  let ids = 0
  const call = (presented: 'credential' | 'absent' = 'credential') => {
    ids += 1
    const gone = new EventEmitter()
    const incoming = {
      ...{ id: `call-${ids}`, method: 'GET', path: '/files/a', query: '', body: Buffer.alloc(0) },
      ...{ maxCost: null, presented: { is: presented }, head: { contentType: null, headers: {} } },
      isLocal: () => true,
    } as unknown as Incoming
    const reply = { onGone: (then: () => void) => gone.on('gone', then) } as unknown as Reply
    return { call: gate.begin(route, incoming, reply), leave: () => gone.emit('gone') }
  }
  const free = (): number => {
    const taken = []
    for (let slot = targets.take(); slot !== null && taken.length < 100; slot = targets.take()) {
      taken.push(slot)
    }
    for (const slot of taken) slot.letGo()
    return taken.length
  }
  return { gate, ledger, statement, call, free, offers, route, targets }
}

type Stage = Awaited<ReturnType<typeof stage>>

const heldOf = async ({ gate, call }: Stage): Promise<Held> => {
  const held = await gate.authorize(call().call)
  if (!held.ok) throw new Error(held.error.message)
  return held.value
}

const ended = (end: End, usage: 'reported' | 'none' = 'reported', flowed = true): Ending => ({
  ...{ sent: true, end, whole: true },
  meter: {
    seen: { output: flowed } as never,
    usage: () => ({ source: usage, input: 0, cached: 0, output: 0, reportedInput: null }),
  },
})

describe('authorize and settle', () => {
  it('hold the price of the call, and charge it', async () => {
    const at = await stage({ balance: 100, slots: 1 })
    const held = await heldOf(at)
    expect([held.id, held.hold?.id, held.hold?.amount]).toEqual(['call-1', 'call-1', 10n])
    expect(at.free()).toBe(0)
    const settled = await at.gate.settle(held, ended('complete'))
    expect(settled).toBe(held)
    expect([settled.cost.charged, settled.cost.after]).toEqual([10n, 90n])
  })

  it('a request that is admitted and never sent costs nothing, and gives its slot back', async () => {
    const at = await stage({ balance: 100, slots: 1 })
    await at.gate.settle(await heldOf(at), { sent: false, end: 'client_left' })
    expect(at.free()).toBe(1)
    expect(await at.ledger.balance('a')).toMatchObject({ available: 100n, held: 0n })
  })

  it('a sent request keeps its slot until the backend is done, settled or not', async () => {
    const at = await stage({ balance: 100, slots: 1 })
    const held = await heldOf(at)
    held.slot.sent()
    await at.gate.settle(held, ended('client_left'))
    expect(at.free()).toBe(0)
    held.slot.released()
    expect(at.free()).toBe(1)
  })

  it('a refused hold leaves nothing held and no slot taken', async () => {
    const at = await stage({ balance: 9, slots: 1 })
    const refused = await at.gate.authorize(at.call().call)
    expect(refused).toMatchObject({ ok: false, error: { status: 402 } })
    expect(at.offers).toHaveLength(1)
    expect(at.free()).toBe(1)
    expect(await at.statement.holds(10)).toEqual([])
  })

  it('a 402 comes before a 503: a full gate tells those who cannot pay, and holds nothing', async () => {
    for (const [balance, status] of [
      [9, 402],
      [10, 503],
    ] as const) {
      const at = await stage({ balance, slots: 0 })
      const refused = await at.gate.authorize(at.call().call)
      expect(refused).toMatchObject({ ok: false, error: { status } })
      expect(await at.ledger.usage('a', null, { limit: 10, before: null })).toEqual([])
      expect(await at.statement.holds(10)).toEqual([])
    }
  })

  it('no slot is kept while other requests of the account are waited for', async () => {
    const at = await stage({ balance: 15, slots: 2 })
    const first = await heldOf(at)
    const waits = at.gate.authorize(at.call().call)
    await new Promise((then) => setImmediate(then))
    expect(at.free()).toBe(1)
    await at.gate.settle(first, { sent: false, end: 'client_left' })
    const second = await waits
    expect(second.ok).toBe(true)
    expect(at.free()).toBe(1)
  })

  it('a backend that is gone is reported before a slot or credit is taken', async () => {
    const at = await stage({ balance: 100, slots: 1 })
    const route = { ...at.route, targets: slotsOf(1, GONE) }
    const { call } = at.call()
    const refused = await at.gate.authorize({ ...call, route })
    expect(refused).toEqual({ ok: false, error: GONE })
    expect(await at.statement.holds(10)).toEqual([])
  })

  it('B3 whatever happens, every slot comes back and the books balance', async () => {
    const end = fc.constantFrom<End>(
      ...([
        'complete',
        'cut',
        'client_left',
        'outgrown',
        'upstream_failed',
        'stalled',
        'stopped',
      ] as const),
    )
    const how = fc.record({
      end,
      usage: fc.constantFrom('reported' as const, 'none' as const),
      sent: fc.boolean(),
      flowed: fc.boolean(),
      releasedFirst: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(how, { maxLength: 12 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<Mode>('charge', 'control', 'observe'),
        async (hows, balance, slots, mode) => {
          const at = await stage({ balance, slots, mode })
          const before = await at.ledger.balance('a')
          const over = hows.map(async ({ end, usage, sent, flowed, releasedFirst }) => {
            const { call, leave } = at.call()
            const authorized = at.gate.authorize(call)
            // Nobody waits for credit in this test.
            leave()
            const held = await authorized
            if (!held.ok) return
            const { slot } = held.value
            if (sent) slot.sent()
            if (releasedFirst) slot.released()
            const ending = sent ? ended(end, usage, flowed) : { sent, end: 'client_left' as const }
            await at.gate.settle(held.value, ending as Ending)
            slot.released()
          })
          await Promise.all(over)
          expect(at.free()).toBe(slots)
          expect(await at.statement.holds(100)).toEqual([])
          expect((await at.statement.verify()).ok).toBe(true)
          if (mode === 'observe') expect(await at.ledger.balance('a')).toEqual(before)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the mode of a route decides', () => {
  it.each([
    ['charge', 402, 1],
    ['control', 402, 0],
    ['observe', null, 0],
  ] as const)('%s: a request without a pass', async (mode, status, offers) => {
    const at = await stage({ balance: 0, slots: 1, mode })
    const answer = await at.gate.authorize(at.call('absent').call)
    expect([answer.ok ? null : answer.error.status, at.offers.length]).toEqual([status, offers])
    if (!answer.ok) return
    expect(answer.value.observed).toEqual({ refusal: 'payment_required' })
    const { cost } = await at.gate.settle(answer.value, ended('complete'))
    expect([cost.charged, cost.wouldCharge]).toEqual([0n, 10n])
  })

  it('free asks for nothing, and needs a slot like any other', async () => {
    const at = await stage({ balance: 0, slots: 1 })
    const route: Route = { ...at.route, mode: 'free', price: { by: 'call', rate: {} } }
    const answer = await at.gate.authorize({ ...at.call('absent').call, route })
    expect(answer).toMatchObject({ ok: true, value: { payer: null, hold: null, observed: null } })
    expect(at.free()).toBe(0)
  })
})
