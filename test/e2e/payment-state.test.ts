import { describe, expect, it } from 'vitest'
import { bearer, child, passOf } from '../support/buyer.ts'
import { newKeys, startGate, type TestGate } from '../support/gate.ts'

/** 0.5 sat for each answer, whatever its prompt: a pass of 1 sat is used up soon. */
const PRICE = { pricing: { default: '0/500' } }
const WRONG = '0'.repeat(64)

interface Case {
  readonly name: string
  /** Returns the key that is presented. It is made at a gate that sells. */
  key(gate: TestGate): Promise<string | null>
  readonly state: string
  readonly says: RegExp
}

const invoice = async (gate: TestGate, headers = {}) =>
  (await gate.ask({ path: '/create-invoice', body: { amountSats: 10 }, headers })).json

/** Three refusals that look alike, and the others beside them. */
const CASES: readonly Case[] = [
  {
    name: 'no key',
    key: async () => null,
    state: 'none',
    says: /this needs up to \d+ sat, and nothing was paid yet/,
  },
  {
    name: 'not paid yet: its own invoice is open',
    key: async (gate) => `${(await invoice(gate)).macaroon}:${WRONG}`,
    state: 'unpaid',
    says: /this key is not paid yet/,
  },
  {
    name: 'not paid yet: its invoice has expired',
    async key(gate) {
      const { macaroon } = await invoice(gate)
      gate.world.advance(601_000)
      return `${macaroon}:${WRONG}`
    },
    state: 'unpaid',
    says: /this key was never paid, and its invoice has expired/,
  },
  {
    name: 'paid and used up',
    async key(gate) {
      const pass = await gate.buy(1)
      while ((await gate.chat(pass)).status === 200);
      return pass.text
    },
    state: 'used_up',
    says: /this needs [\d.]+ sat, the pass has [\d.]+\./,
  },
  {
    name: 'paid elsewhere: at another gate',
    key: async () => (await (await startGate()).buy(10)).text,
    state: 'elsewhere',
    says: /this gate did not sell this key.* Nothing was taken/,
  },
  {
    name: 'ended by its owner',
    async key(gate) {
      const pass = child(await gate.buy(10), 'label = a')
      await gate.ask({ path: '/v1/pass', method: 'DELETE', headers: bearer(pass) })
      return pass
    },
    state: 'revoked',
    says: /this pass was revoked/,
  },
  {
    name: 'its time is over',
    key: async (gate) => child(await gate.buy(10), 'expires = 2020-01-01T00:00:00Z'),
    state: 'expired',
    says: /this pass has expired/,
  },
  {
    name: 'paid, with the secret of another',
    async key(gate) {
      const pass = await gate.buy(10)
      await gate.chat(pass)
      return `${pass.macaroon}:${WRONG}`
    },
    state: 'wrong_secret',
    says: /the secret of this pass is not the one of its invoice/,
  },
  {
    name: 'a caveat of a later version',
    async key(gate) {
      const made = await gate.buy(10)
      const { attenuate, parse, serialize } = await import('../../src/passes/macaroon.ts')
      const macaroon = parse(Buffer.from(made.macaroon, 'base64'))
      const more = macaroon.ok ? attenuate(macaroon.value, 'moon = full') : macaroon
      if (!more.ok) throw new Error(more.error)
      return `${Buffer.from(serialize(more.value)).toString('base64')}:${made.secret}`
    },
    state: 'not_understood',
    says: /this pass has a caveat that this gate does not know/,
  },
  {
    name: 'cut short',
    key: async (gate) => (await gate.buy(10)).text.slice(0, 60),
    state: 'damaged',
    says: /the key of this request is damaged/,
  },
]

describe('refusals that look alike stay apart, in mode charge', () => {
  it.each(CASES)('$name: $state', async ({ key, says, state }) => {
    const gate = await startGate({ settings: PRICE })
    const refused = await gate.chat(await key(gate))
    expect([refused.status, refused.json.payment_state]).toEqual([402, state])
    const { error } = refused.json
    expect(error).toMatchObject({ type: 'insufficient_quota', code: 402, param: null })
    expect(error.message).toMatch(/^Insufficient credits: /)
    expect(error.message).toMatch(says)
    if (state !== 'none') expect(refused.text).not.toContain('nothing was paid')
    // Each says what to do next: there is one invoice to pay.
    expect(refused.json.l402.invoice).toMatch(/^lnbc/)
    expect(refused.headers['www-authenticate']).toMatch(/^L402 /)
  })
})

describe('refusals that look alike stay apart, in mode control', () => {
  it.each(CASES)('$name: $state, and no offer', async ({ key, says, state }) => {
    const before = await startGate({ settings: PRICE })
    const presented = await key(before)
    await before.stop()
    const contact = { operator: { contact: 'ops@gate.example' } }
    const gate = await startGate({
      settings: { ...PRICE, ...contact, mode: 'control' },
      after: before,
    })
    const refused = await gate.chat(presented)
    expect([refused.status, refused.json.payment_state]).toEqual([402, state])
    expect(refused.json.error.message).toMatch(says)
    expect(refused.json.error.message).toContain('ask its operator for a pass. Contact: ops@')
    expect(refused.json).not.toHaveProperty('l402')
    expect(refused.headers['www-authenticate']).toBeUndefined()
  })
})

describe('a key that is not paid yet', () => {
  it('is shown its own invoice again, never a second one, and without new secrets', async () => {
    const gate = await startGate()
    const first = await gate.chat(null)
    const { macaroon, payment_hash: hash, invoice: bolt11 } = first.json.l402
    const open = gate.composed.openInvoices()
    for (let time = 0; time < 30; time += 1) {
      const refused = await gate.chat(passOf(macaroon, WRONG, hash))
      expect(refused.json.l402).toMatchObject({ invoice: bolt11, macaroon, payment_hash: hash })
      expect(refused.json).not.toHaveProperty('payment_url')
      expect(refused.text).not.toContain('status_token')
      expect(refused.json.error.message).toContain('it is the one of this key')
    }
    expect(gate.composed.openInvoices()).toBe(open)
    const pass = passOf(macaroon, await gate.pay(bolt11), hash)
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('a macaroon without a secret, too', async () => {
    const gate = await startGate()
    const { l402 } = (await gate.chat(null)).json
    const refused = await gate.ask(gate.chatQuestion(`${l402.macaroon}:`))
    expect([refused.json.payment_state, refused.json.l402.invoice]).toEqual([
      'unpaid',
      l402.invoice,
    ])
    expect(refused.json.error.message).toContain('the key of this request is damaged')
  })

  it('a client that is shown a shared invoice is shown it again', async () => {
    const gate = await startGate({ settings: { limits: { invoicesPerClient: 1 } } })
    await gate.chat(null)
    const { l402 } = (await gate.chat(null)).json
    const again = await gate.chat(passOf(l402.macaroon, WRONG, l402.payment_hash))
    expect(again.json.l402).toMatchObject({ invoice: l402.invoice, macaroon: l402.macaroon })
  })

  it('gets a new invoice where its own is too small for the request, or is over soon', async () => {
    const gate = await startGate({ settings: { ...PRICE, credit: { invoice: { min: 1 } } } })
    const own = (await gate.ask({ path: '/create-invoice', body: { amountSats: 1 } })).json
    const key = passOf(own.macaroon, WRONG, own.payment_hash)
    expect((await gate.chat(key)).json.l402.payment_hash).toBe(own.payment_hash)
    const larger = await gate.chat(key, { n: 4 })
    expect([larger.status, larger.json.payment_state]).toEqual([402, 'unpaid'])
    expect(larger.json.l402.amount_sats).toBeGreaterThan(1)
    gate.world.advance(500_000)
    const later = await gate.chat(key)
    expect(later.json.l402.payment_hash).not.toBe(own.payment_hash)
  })

  it('I2 a child of an unpaid macaroon is not shown the invoice of its parent', async () => {
    const gate = await startGate()
    const { l402 } = (await gate.chat(null)).json
    const key = child(passOf(l402.macaroon, WRONG, l402.payment_hash), 'calls <= 1')
    const refused = await gate.chat(key)
    expect(refused.json.payment_state).toBe('unpaid')
    expect(refused.json.l402.payment_hash).not.toBe(l402.payment_hash)
  })

  it('C12 a key from before the root key was lost was bought elsewhere', async () => {
    const before = await startGate()
    const pass = await before.buy(10)
    await before.stop()
    const gate = await startGate({ after: before, keys: newKeys() })
    expect((await gate.chat(pass)).json.payment_state).toBe('elsewhere')
    const balance = await gate.ask({ path: '/v1/balance', headers: bearer(pass) })
    expect([balance.status, balance.json.payment_state]).toEqual([402, 'elsewhere'])
  })
})
