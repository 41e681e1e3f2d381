import { createHook } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import { UNKNOWN_TERMS } from '../../../src/dialects/dialect.ts'
import { isPromise } from '../../../src/floor/awaitable.ts'
import type { Authenticator } from '../../../src/gate/authenticate.ts'
import type { Call } from '../../../src/gate/call.ts'
import type { Forwarder } from '../../../src/gate/forward.ts'
import { Gate } from '../../../src/gate/gate.ts'
import { Holds } from '../../../src/gate/hold.ts'
import { ModeRule } from '../../../src/gate/mode.ts'
import { PaymentRequired } from '../../../src/gate/payment-required.ts'
import type { Incoming, Reply } from '../../../src/gate/ports.ts'
import type { RequestLog } from '../../../src/gate/request-log.ts'
import { Respond } from '../../../src/gate/respond.ts'
import { pattern, type Route } from '../../../src/gate/route.ts'
import { Settler } from '../../../src/gate/settle.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import { msat } from '../../../src/money/msat.ts'
import { Tiers } from '../../../src/money/tiers.ts'
import { Gifts } from '../../../src/rails/gifts.ts'
import { plainHttp } from '../../plug/plain-http.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { slotsOf } from '../../support/slots.ts'
import { real } from '../../support/world.ts'

/**
 * How many promises and timers the gate's own steps make for one request. No machine changes these
 * numbers. Its surroundings answer at once here, so what is counted is the gate's own.
 */
const counted = { promises: 0, timers: 0 }
const hook = createHook({
  init(_, type) {
    if (type === 'PROMISE') counted.promises += 1
    if (type === 'Timeout' || type === 'Immediate') counted.timers += 1
  },
})

/** What is made while `work` runs, until all that it waits for has come. */
async function made(work: () => unknown) {
  counted.promises = 0
  counted.timers = 0
  hook.enable()
  const over = work()
  const before = { ...counted }
  if (isPromise(over)) await over
  hook.disable()
  // The `await` above makes one promise, and the one of the caller another.
  const own = isPromise(over) ? counted.promises - 2 : before.promises
  return { promises: own, timers: counted.timers }
}

async function stage() {
  const { ledger } = openMemoryBooks('play')
  const native = { amount: '1', unit: 'msat', rate: '1' }
  const paid = { payment: 'p', account: 'a', credit: 'paid', rail: 'l402', native, at: 0 } as const
  await ledger.deposit({ ...paid, amount: msat(1_000_000n) })
  const timers = { set: 0 }
  const after: typeof real.after = (...args) => {
    timers.set += 1
    return real.after(...args)
  }
  const world = { ...real, after }
  const holds = new Holds(ledger, world, 60_000)
  const offer = {
    ...{ challenges: [], headers: {}, body: {}, accepts: [], say: 'pay', howToPay: 'pay' },
  }
  const selling = Object.assign(new Gifts(world.random), {
    offer: () => ({ ok: true, value: offer }) as const,
  })
  const paymentRequired = new PaymentRequired(
    [selling as never],
    { min: 10, max: 1_000 },
    new Tiers([]),
  )
  const who = { account: 'a', limits: [], scope: { is: 'root' }, via: 'pass', carries: null }
  const forwarded = {
    relayed: { end: 'complete', whole: Buffer.from('x'), head: null, detail: null },
    meter: null,
    ttft: null,
    ending: {
      ...{ sent: true, end: 'complete', whole: true },
      meter: {
        seen: { output: true },
        usage: () => ({ source: 'reported', input: 0, cached: 0, output: 0, reportedInput: null }),
      },
    },
  }
  const answer = Promise.resolve(forwarded)
  const gate = new Gate({
    pricing: {
      bounds: { usual: 1, most: 1 },
      speeds: { most: () => 1 },
      estimating: { estimator: new PromptEstimator(), counter: null },
    } as never,
    rateNow: () => null,
    terms: () => ({ ...UNKNOWN_TERMS }),
    authenticator: {
      authenticate: () => ({ ok: true, value: who }),
    } as unknown as Authenticator,
    paymentRequired,
    mode: new ModeRule({
      ...{ paymentRequired, holds: { real: holds, observed: holds }, world },
      ...{ healthy: () => true, contact: null },
    }),
    forwarder: { run: () => answer, learn() {} } as unknown as Forwarder,
    settler: new Settler({ world, onUpstreamFailure: 'used' }),
    change: { leftAfter: ({ cost }) => cost.after, replyTo: (_, reply) => reply },
    respond: new Respond({ spendable: (_, available) => available }, world),
    log: { ended() {}, refused() {} } as unknown as RequestLog,
    world,
    healthy: () => true,
  })
  const route: Route = {
    ...{ method: 'GET', path: pattern('/files/**'), dialect: plainHttp, mode: 'charge' as const },
    ...{ price: { by: 'call', rate: { call: 10_000n } }, query: true, tellsPrice: false },
    targets: slotsOf(null),
  }
  let ids = 0
  const statuses: number[] = []
  const begin = (presented: 'credential' | 'absent'): Call => {
    ids += 1
    const incoming = {
      ...{ id: `call-${ids}`, method: 'GET', path: '/files/a', query: '', body: Buffer.alloc(0) },
      ...{ rail: null, acceptPayment: null, maxCost: null },
      ...{ presented: { is: presented }, head: { contentType: null, headers: {} } },
    } as unknown as Incoming
    const reply = {
      ...{ onGone() {}, end() {}, headSent: false },
      head: (status: number) => statuses.push(status),
    } as unknown as Reply
    return gate.begin(route, incoming, reply)
  }
  return { gate, begin, statuses, timers }
}

describe('the steps of a request', () => {
  it('make two promises for one that is paid for, and no timer', async () => {
    const { gate, begin, statuses, timers } = await stage()
    const call = begin('credential')
    // One is the result of `#deliver`, the only asynchronous step, and one its wait for the backend.
    expect(await made(() => gate.serve(call))).toEqual({ promises: 2, timers: 0 })
    expect([statuses, timers.set, gate.running]).toEqual([[200], 0, 0])
  })

  it('make none until its money is held', async () => {
    const { gate, begin } = await stage()
    const call = begin('credential')
    expect(await made(() => gate.authorize(call))).toEqual({ promises: 0, timers: 0 })
  })

  it('make none for a 402 whose offer is there', async () => {
    const { gate, begin, statuses, timers } = await stage()
    const call = begin('absent')
    expect(await made(() => gate.serve(call))).toEqual({ promises: 0, timers: 0 })
    expect([statuses, timers.set]).toEqual([[402], 0])
  })
})
