import { describe, expect, it } from 'vitest'
import { child, type Pass, tick, until } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'

/**
 * An output token costs one sat and prompts are free, so an account can pay for as many words as it
 * has sats.
 */
const settings = (more: object = {}) => ({ pricing: { default: '0/1000' }, ...more })
const words = (count: number) => Array.from({ length: count }, () => ' word')

async function paid(sats: number, options: GateOptions = {}) {
  const { script, ...rest } = options
  const gate = await startGate({ ...rest, settings: settings(options.settings) })
  gate.fake.script = script ?? { deltas: words(10) }
  return { gate, pass: await gate.buy(sats) }
}

const ten = (gate: TestGate, pass: Pass | string, body = {}) =>
  gate.chat(pass, { max_tokens: 10, ...body })

describe.each(['memory', 'sqlite'] as const)('one balance, %s books', (books) => {
  it('B1 many parallel requests on a balance for one: one runs at a time, and none is free', async () => {
    const { gate, pass } = await paid(10, { books, script: { deltas: words(10), paceMs: 20 } })
    const all = await Promise.all(Array.from({ length: 20 }, () => ten(gate, pass)))
    const statuses = all.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    for (const status of statuses) expect([200, 402, 429]).toContain(status)
    expect(gate.fake.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect((await gate.balance(pass)).balance_msat).toBe(0)
    await gate.proof()
  })

  it('B1 a request that waits for another one of its account gets the money when that one ends', async () => {
    const { gate, pass } = await paid(30, { books, script: { deltas: words(5), paceMs: 10 } })
    const all = await Promise.all(
      Array.from({ length: 6 }, () => gate.chat(pass, { max_tokens: 25 })),
    )
    expect(all.map(({ status }) => status).filter((status) => status === 200).length).toBe(6)
    expect((await gate.balance(pass)).balance_msat).toBe(0)
    await gate.proof()
  })

  it('B2 J4 an answer that overruns takes nothing from the hold of another request, and the rest is owed', async () => {
    const { gate, pass } = await paid(30, { books })
    gate.fake.script = { deltas: words(200), paceMs: 30 }
    const other = gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 10 }))
    await until(() => gate.fake.running === 1)
    gate.fake.script = { deltas: words(35) }
    expect((await ten(gate, pass, { stream: true })).status).toBe(200)
    const event = (await gate.requests(1))[0]
    expect(event).toMatchObject({ charged_msat: 20_000, owed_msat: 15_000, held_msat: 10_000 })
    expect(event).not.toHaveProperty('overrun_msat')
    const owing = { available_msat: 0, held_msat: 10_000, owed_msat: 15_000, balance_msat: 0 }
    expect(await gate.balance(pass)).toMatchObject(owing)
    expect((await ten(gate, pass)).status).toBe(402)
    other.leave()
    await until(() => gate.composed.running() === 0)
    // What the other request did not use pays for the first one. The rest is a loss.
    const [, , left] = await gate.requests(3)
    const lost = 15_000 - (10_000 - (left?.charged_msat ?? 0))
    expect(left).toMatchObject({ end: 'client_left', overrun_msat: lost, left_msat: 0 })
    expect(await gate.balance(pass)).toMatchObject({ available_msat: 0, balance_msat: 0 })
    await gate.proof()
  })

  it('I8 J4 the offer to an account that owes also pays for the answer', async () => {
    const { gate, pass } = await paid(30, { books })
    gate.fake.script = { deltas: words(200), paceMs: 30 }
    const other = gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 10 }))
    await until(() => gate.fake.running === 1)
    gate.fake.script = { deltas: words(45) }
    await gate.chat(pass, { max_tokens: 20, stream: true })
    expect(await gate.balance(pass)).toMatchObject({ held_msat: 10_000, owed_msat: 25_000 })
    gate.fake.script = { deltas: words(10) }
    const refused = await ten(gate, pass)
    expect([refused.status, refused.json.amount_sats]).toEqual([402, 35])
    await gate.accept(refused)
    expect((await ten(gate, pass)).status).toBe(200)
    other.leave()
    await until(() => gate.composed.running() === 0)
    await gate.proof()
  })

  it('B9 top-ups, charges and hang-ups at once: no msat is made or lost', async () => {
    const { gate, pass } = await paid(500, { books, script: { deltas: words(5), paceMs: 1 } })
    let topped = 0
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        if (i % 6 === 0) {
          await gate.buy(7, {}, { authorization: `Bearer ${pass.text}` })
          topped += 7
        } else if (i % 6 === 1) {
          const sent = gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 20 }))
          await tick(i)
          sent.leave()
        } else await ten(gate, pass, { stream: i % 2 === 0 })
      }),
    )
    await tick(100)
    await until(() => gate.composed.running() === 0)
    const charged = (await gate.requests()).reduce((sum, one) => sum + (one.charged_msat ?? 0), 0)
    expect((await gate.balance(pass)).balance_msat).toBe((500 + topped) * 1_000 - charged)
    await gate.proof()
  })
})

describe('limits under load', () => {
  it('429 if the money is held, never a second invoice', async () => {
    const { gate, pass } = await paid(10, { script: { firstByteMs: 8_000 } })
    const running = gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 10 }))
    await until(() => gate.fake.running === 1)
    const refused = await gate.world.hurry(ten(gate, pass))
    expect([refused.status, refused.json.error.code]).toEqual([429, 'rate_limit_exceeded'])
    expect(refused.headers['www-authenticate']).toBe(undefined)
    running.leave()
    await until(() => gate.composed.running() === 0)
    await gate.proof()
  })

  it('B8 calls in a window: as many as the limit allows, however many come at once; the next window is full again', async () => {
    const { gate, pass } = await paid(1_000)
    const now = gate.world.now()
    gate.world.advance(60_000 - (now % 60_000) + 1_000)
    const narrowed = child(pass, 'calls <= 5 / min')
    const all = await Promise.all(Array.from({ length: 20 }, () => ten(gate, narrowed)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(5)
    expect((await ten(gate, narrowed)).status).toBe(429)
    gate.world.advance(60_000)
    expect((await ten(gate, narrowed)).status).toBe(200)
  })

  it('I12 window_edge_and_commit_failure_never_grant: held before midnight, given back after it', async () => {
    const { gate, pass } = await paid(1_000, { script: { deltas: words(200), paceMs: 500 } })
    const day = 86_400_000
    gate.world.advance(day - (gate.world.now() % day) - 60_000)
    const narrowed = child(pass, 'calls <= 1 / day', 'spend <= 50 / day')
    const running = gate.client.start(gate.chatQuestion(narrowed, { stream: true, max_tokens: 50 }))
    await until(() => gate.fake.running === 1)
    expect((await gate.balance(narrowed)).available_msat).toBe(0)
    gate.world.advance(60_000)
    running.leave()
    await until(() => gate.composed.running() === 0)
    gate.fake.script = { deltas: words(10) }
    // The new day has its own call and its own 50 sats, and nothing of the day before.
    expect((await gate.balance(narrowed)).available_msat).toBe(50_000)
    expect((await ten(gate, narrowed)).status).toBe(200)
    expect((await ten(gate, narrowed)).status).toBe(429)
    expect((await gate.balance(narrowed)).available_msat).toBe(40_000)
  })

  it('H9 a child cannot exceed its parent, and no further caveat resets the limit', async () => {
    const { gate, pass } = await paid(1_000)
    const team = child(pass, 'spend <= 25')
    const [a, b] = [child(team, 'spend <= 20'), child(team, 'spend <= 20')]
    expect((await ten(gate, a)).status).toBe(200)
    expect((await ten(gate, b)).status).toBe(200)
    const third = await ten(gate, a)
    expect([third.status, third.headers['x-max-tokens-applied']]).toEqual([200, '5'])
    expect((await gate.balance(team)).available_msat).toBe(0)
    for (const again of [a, b, team, child(team, 'label = fresh')]) {
      expect((await ten(gate, again)).status).toBe(402)
    }
    expect((await ten(gate, pass)).status).toBe(200)
  })
})

describe('capacity', () => {
  it('a full gate is 503, free of charge, and a slot is free again only when the upstream is done', async () => {
    const { gate, pass } = await paid(1_000, {
      settings: { capacity: { maxConcurrent: 2 } },
      script: { deltas: words(100), paceMs: 20 },
    })
    const open = () => gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 99 }))
    const [one, two] = [open(), open()]
    await until(() => gate.fake.running === 2)
    const full = await ten(gate, pass)
    expect([full.status, full.json.error.code]).toEqual([503, 'capacity'])
    expect(full.headers['retry-after']).toBe('5')
    expect((await gate.balance(pass)).held_msat).toBe(198_000)
    one.leave()
    await gate.fake.untilAborted()
    gate.fake.script = { deltas: words(1) }
    await until(async () => (await ten(gate, pass)).status === 200)
    two.leave()
    await until(() => gate.composed.running() === 0)
    await gate.proof()
  })

  it('B3 every way to end gives slot and hold back: nothing is taken when all is over', async () => {
    const { gate, pass } = await paid(1_000, { settings: { capacity: { maxConcurrent: 1 } } })
    const scripts = [
      { refuse: true },
      { status: 500 },
      { status: 400, body: '{}' },
      { status: 200, body: '' },
      { after: { deltas: 1, does: 'die' } as const },
      { deltas: [] },
      { deltas: words(500), after: { deltas: 500, does: 'flood' } as const },
    ]
    for (const script of scripts) {
      for (const stream of [false, true]) {
        gate.fake.script = script
        if ('after' in script && !stream) continue
        await ten(gate, pass, { stream })
        gate.fake.script = { deltas: words(1) }
        await until(async () => (await ten(gate, pass)).status === 200)
      }
    }
    expect(gate.composed.running()).toBe(0)
    await gate.proof()
  })

  it('a buyer who leaves while its money is waited for is charged nothing, and nothing is sent', async () => {
    const { gate, pass } = await paid(10, { script: { deltas: words(100), paceMs: 200 } })
    const running = gate.client.start(gate.chatQuestion(pass, { stream: true, max_tokens: 10 }))
    await until(() => gate.fake.running === 1)
    const waiting = gate.client.start(gate.chatQuestion(pass, { max_tokens: 10 }))
    await tick(300)
    waiting.leave()
    await tick(300)
    running.leave()
    const events = await gate.requests(2)
    const left = events.find(({ status }) => status === 499)
    expect(left).toMatchObject({ end: 'client_left', usage: 'none', charged_msat: 0 })
    const charged = events.reduce((sum, one) => sum + (one.charged_msat ?? 0), 0)
    expect((await gate.balance(pass)).balance_msat).toBe(10_000 - charged)
    expect(gate.fake.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
    await gate.proof()
  })
})

describe('books that cannot write', () => {
  it('I12 no request is admitted while a commit has failed: free of charge, and without a challenge', async () => {
    let healthy = true
    const gate = await startGate({ watch: (books) => ({ ...books, healthy: () => healthy }) })
    const pass = await gate.buy(10)
    healthy = false
    const refused = await gate.chat(pass)
    expect([refused.status, refused.json.error.code]).toEqual([503, 'ledger_unavailable'])
    expect(refused.headers['www-authenticate']).toBe(undefined)
    expect((await gate.chat(null)).status).toBe(503)
    const price = await gate.ask({ path: '/v1/chat/completions' })
    const bought = await gate.ask({ path: '/create-invoice', body: { amountSats: 10 } })
    for (const { status, json } of [price, bought]) {
      expect([status, json.error.code]).toEqual([503, 'ledger_unavailable'])
    }
    expect((await gate.ask({ path: '/health' })).json).toMatchObject({ ledger: 'late' })
    healthy = true
    expect((await gate.chat(pass)).status).toBe(200)
  })
})
