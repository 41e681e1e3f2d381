import { describe, expect, it } from 'vitest'
import { bearer, child, type Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

type Mode = 'charge' | 'control' | 'observe'

/** 1 sat for 1,000 tokens, so a token costs one msat. */
const settings = (mode: Mode, more: object = {}) => ({
  mode,
  pricing: { default: '1' },
  operator: { contact: 'ops@gate.example' },
  ...more,
})
const usageValue = { prompt_tokens: 600, completion_tokens: 400 }
const script = { deltas: ['yes'], usageValue }

/** A gate that sold passes of these amounts in sats, and was started again in another mode. */
async function sold(mode: Mode, ...sats: readonly number[]) {
  const before = await startGate({ settings: settings('charge'), script })
  const passes = await Promise.all(sats.map((amount) => before.buy(amount)))
  await before.stop()
  const gate = await startGate({ settings: settings(mode), after: before })
  gate.fake.script = { ...gate.fake.script, ...script }
  return { gate, passes }
}

const moved = async (gate: TestGate) => (await gate.books.statement.holds(10)).length

describe('mode control', () => {
  it('W3 control_makes_no_invoice: it refuses without an offer, and says whom to ask', async () => {
    const gate = await startGate({ settings: settings('control') })
    const refused = await gate.chat(null)
    expect([refused.status, refused.json.error.code]).toEqual([402, 402])
    expect(refused.json.error.message).toContain('ops@gate.example')
    expect(refused.headers['www-authenticate']).toBe(undefined)
    for (const field of ['l402', 'pay_at', 'accepts'])
      expect(refused.json).not.toHaveProperty(field)
    expect(gate.composed.openInvoices()).toBe(0)
    const invoice = await gate.ask({ path: '/create-invoice', body: {} })
    expect([invoice.status, invoice.json.error.code]).toEqual([404, 'not_for_sale'])
    expect(gate.composed.openInvoices()).toBe(0)
  })

  it.each(['control', 'observe'] as const)(
    'W3 no document of a gate in mode %s teaches to pay, or says that payments are taken',
    async (mode) => {
      const gate = await startGate({ settings: settings(mode) })
      const read = (path: string) => gate.ask({ path, method: 'GET' })
      const { json } = await read('/.well-known/l402')
      expect(json).toMatchObject({ accepting_payments: false, payment: { methods: [] } })
      const { paths, 'x-satgate': state } = (await read('/openapi.json')).json
      expect(state.accepting_payments).toBe(false)
      expect(Object.keys(paths)).not.toContain('/create-invoice')
      expect(JSON.stringify(paths)).not.toContain('x-payment-info')
      for (const path of ['/llms.txt', '/', '/openapi.json', '/nothing', '/v1/balance']) {
        const { text } = await read(path)
        expect(text, path).not.toMatch(
          /how to pay|pay the invoice|payments are taken|create-invoice/i,
        )
      }
    },
  )

  it('charges a pass like a gate that sells', async () => {
    const { gate, passes } = await sold('control', 10)
    const pass = passes[0] as Pass
    expect((await gate.chat(pass)).headers['x-cost-msat']).toBe('1000')
    expect((await gate.balance(pass)).balance_msat).toBe(9_000)
    await gate.proof()
  })
})

describe('mode observe', () => {
  it('L6 observe_without_a_pass is written on one anonymous account a day', async () => {
    const gate = await startGate({ settings: settings('observe'), script })
    const day = () => new Date(gate.world.now()).toISOString().slice(0, 10)
    const first = day()
    for (let n = 0; n < 2; n += 1) {
      const answer = await gate.chat(null)
      expect([answer.status, answer.headers['x-cost-msat']]).toEqual([200, '0'])
      expect(answer.headers).not.toHaveProperty('x-credit-balance')
    }
    gate.world.advance(86_400_000)
    expect((await gate.chat(null)).status).toBe(200)
    const events = await gate.requests(3)
    const accounts = [first, first, day()].map((one) => `anonymous-${one}`)
    expect(events.map(({ account }) => account)).toEqual(accounts)
    for (const event of events) {
      expect(event).toMatchObject({
        ...{ held_msat: 0, charged_msat: 0 },
        ...{ would_charge_msat: 1_000, would_refuse: 'payment_required' },
      })
    }
    expect(gate.log()).toContain('would be refused: payment_required')
    await gate.proof()
  })

  it('L26 observe_moves_no_credit, and writes what it would have charged', async () => {
    const { gate, passes } = await sold('observe', 10)
    const pass = passes[0] as Pass
    const streamed = await gate.chat(pass, { stream: true })
    expect(streamed.text).toContain('yes')
    expect((await gate.chat(pass)).headers['x-cost-msat']).toBe('0')
    expect((await gate.balance(pass)).balance_msat).toBe(10_000)
    expect(await moved(gate)).toBe(0)
    for (const event of await gate.requests(2)) {
      expect(event).toMatchObject({ charged_msat: 0, would_charge_msat: 1_000 })
      expect(event).not.toHaveProperty('would_refuse')
      expect(event).not.toHaveProperty('left_msat')
    }
    const used = await gate.ask({ path: '/v1/usage', headers: bearer(pass) })
    expect(used.json.data).toEqual([])
    await gate.proof()
  })

  it('W1 observe_and_control_judge_alike', async () => {
    const limits = [['calls <= 2 / day'], [], ['spend <= 1.5 / day'], ['calls <= 1 / total']]
    const judged = async (mode: Mode) => {
      const { gate, passes } = await sold(mode, 3, 4, 9, 9)
      const keys = passes.map((pass, n) => child(pass, ...(limits[n] ?? [])))
      const answers: string[] = []
      for (let round = 0; round < 5; round += 1) {
        for (const [n, key] of keys.entries()) {
          await gate.chat(key)
          const event = await gate.last(answers.length + 1)
          const refused = mode === 'observe' ? event.would_refuse : event.reason
          answers.push(`${n} ${refused ?? 'served'}`)
        }
      }
      await gate.proof()
      return answers
    }
    const control = await judged('control')
    expect(await judged('observe')).toEqual(control)
    expect(new Set(control.map((one) => one.split(' ')[1]))).toEqual(
      new Set(['served', 'payment_required', 'rate_limit_exceeded', 'limit_reached']),
    )
  })

  it('W5 observe_still_refuses_forbidden_path_and_broken_pass', async () => {
    const { gate, passes } = await sold('observe', 10)
    const pass = passes[0] as Pass
    const wrong = pass.text.replace(/[0-9a-f]{64}$/, 'a'.repeat(64))
    for (const [key, status] of [
      [child(pass, 'path = /v1/embeddings'), 403],
      [child(pass, 'model = other'), 403],
      [child(pass, 'expires = 2020-01-01T00:00:00Z'), 402],
      [wrong, 402],
    ] as const) {
      const refused = await gate.chat(key)
      expect(refused.status).toBe(status)
      expect(refused.json).not.toHaveProperty('l402')
    }
    expect(gate.fake.seen.filter(({ path }) => path.endsWith('/completions'))).toEqual([])
    expect(gate.composed.openInvoices()).toBe(0)
  })

  it('L26 from another machine a pass is needed', async () => {
    const { gate, passes } = await sold('observe', 10)
    for (const headers of [{ host: 'gate.example' }, { 'x-forwarded-for': '203.0.113.7' }]) {
      const refused = await gate.chat(null, {}, headers)
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([402, undefined])
      expect((await gate.chat(passes[0] as Pass, {}, headers)).status).toBe(200)
    }
  })

  it('the price cannot be asked for if nothing is sold', async () => {
    const gate = await startGate({ settings: settings('observe') })
    const asked = await gate.ask({ path: '/v1/chat/completions', method: 'GET' })
    expect(asked.status).toBe(402)
    expect(asked.json).not.toHaveProperty('l402')
  })
})
