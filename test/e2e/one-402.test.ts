import { describe, expect, it } from 'vitest'
import type { OfferRefused, PaymentRefused, Rail } from '../../src/rails/rail.ts'
import { WalletUnreachable } from '../../src/wallets/wallet.ts'
import { VoucherShop } from '../plug/voucher.ts'
import { Facilitator } from '../plug/x402.ts'
import { bearer, child } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'

/** The one 402 of all rails: who is in it, who chooses, and what no cache may keep of it. */

const CHAT = '/v1/chat/completions'
const BODY = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }

async function opened(...more: readonly Rail[]) {
  const facilitator = new Facilitator()
  const shop = new VoucherShop()
  const gate = await startGate({
    rails: [facilitator.v1, facilitator.v2, shop.rail, ...more],
    settings: { pricing: { default: '1000' }, cors: '*' },
  })
  const refused = (query: string, headers = {}) =>
    gate.ask({ path: `${CHAT}${query}`, body: BODY, headers })
  return { facilitator, shop, gate, refused }
}

/** A rail of a test that offers, or takes, as a test says. */
function railOf(name: string, does: Partial<Pick<Rail, 'offer' | 'redeem'>>): Rail {
  const header = `x-${name}`
  return {
    ...{ name, reads: [header], writes: [] },
    read: (raw) =>
      raw.some((one, at) => at % 2 === 0 && one.toLowerCase() === header)
        ? { is: 'payment', payment: name }
        : { is: 'absent' },
    offer: () => ({ ok: false, error: { why: 'nothing' } }),
    redeem: async () => ({ ok: false, error: 'unknown' }),
    start: () => ({ stop: async () => {} }),
    ...does,
  }
}

describe('?rail= chooses the rail of a 402', () => {
  it('shows that rail alone, at the same price', async () => {
    const { gate, refused } = await opened()
    const all = await refused('')
    const one = await refused('?rail=voucher')
    expect([one.status, one.json.voucher.sats]).toEqual([402, all.json.voucher.sats])
    expect([one.json.l402, one.json.accepts]).toEqual([undefined, []])
    expect(one.headers['www-authenticate']).toBe('Voucher sats="1000"')
    const v2 = await refused('?rail=x402-v2')
    expect(Object.keys(v2.headers)).toContain('payment-required')
    expect([v2.json.accepts, v2.json.voucher]).toEqual([[], undefined])
    const l402 = await refused('?rail=l402')
    expect([l402.json.amount_sats, l402.json.accepts]).toEqual([all.json.amount_sats, []])
    const pass = await gate.accept(l402)
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('names those that are on, if it is none of them', async () => {
    const { gate, refused } = await opened()
    for (const query of ['?rail=lightning', '?rail=', '?rail=gift', '?rail=L402']) {
      const { status, json } = await refused(query)
      expect([status, json.error.code, json.error.param]).toEqual([400, 'unknown_rail', 'rail'])
      expect(json.error.message).toContain('l402, x402-v1, x402-v2, voucher')
    }
    const off = await startGate({ settings: { rails: { l402: true } } })
    const { json } = await off.ask({ path: `${CHAT}?rail=x402`, body: BODY })
    expect(json.error.message).toContain('It has one: l402.')
    expect(gate.events.filter(({ event }) => event === 'paid')).toEqual([])
  })

  it('changes nothing for who pays', async () => {
    const { gate, shop, refused } = await opened()
    const pass = await gate.buy(100)
    const paid = await refused('?rail=nonsense', { authorization: `Bearer ${pass.text}` })
    expect(paid.status).toBe(200)
    expect((await refused('?rail=l402', { 'x-voucher': shop.sell(100) })).status).toBe(200)
  })
})

describe('a rail that cannot take money', () => {
  it.each<[string, Rail['offer']]>([
    [
      'throws',
      () => {
        throw new Error('a secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('a secret'))],
    ['is down', async () => ({ ok: false, error: { why: 'wallet_unreachable' } })],
  ])('and %s leaves itself out, and no other', async (how, offer) => {
    const { gate, refused } = await opened(railOf('broken', { offer }))
    const { status, json, headers, text } = await refused('')
    expect([status, json.accepts.length, typeof json.voucher.sats]).toEqual([402, 1, 'number'])
    expect(headers['www-authenticate']).toMatch(/^L402 /)
    expect(text).not.toContain('a secret')
    const bugs = gate.events.filter(({ event }) => event === 'problem')
    if (how === 'is down') expect(bugs).toEqual([])
    else expect(bugs).toMatchObject([{ what: 'internal_error', rail: 'broken' }])
    expect(JSON.stringify(bugs)).not.toContain('a secret')
  })

  it('if no rail can, the refusal has no offer and names what is wrong with each', async () => {
    const gone = new WalletUnreachable('down')
    const down = async () => ({ ok: false, error: { why: 'wallet_unreachable' } }) as const
    const gate = await startGate({
      wallet: (play) => ({ ...play, createInvoice: () => Promise.reject(gone) }),
      rails: [railOf('dead', { offer: down }), railOf('broken', { offer: () => Promise.reject() })],
    })
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.error.code]).toEqual([503, 'wallet_unreachable'])
    expect(json.rails).toEqual({
      ...{ l402: 'wallet_unreachable', dead: 'wallet_unreachable', broken: 'failed' },
    } satisfies Record<string, OfferRefused['why'] | 'failed'>)
    expect(json.error.message).toContain('dead: what takes its payments does not answer')
    expect(headers['www-authenticate']).toBeUndefined()
  })
})

describe('a rail that refuses a payment in its own words', () => {
  const REFUSED: PaymentRefused = {
    ...{ status: 402, code: 'odd_paid', message: 'Odd: this was paid. Use its pass.' },
    headers: { 'x-odd-said': 'yes' },
    fields: { odd: { since: 3 } },
  }
  const refusing = async (refused: PaymentRefused) => {
    const offer: Rail['offer'] = () => {
      asked += 1
      return { ok: false, error: { why: 'nothing' } }
    }
    let asked = 0
    const error = refused
    const rail = railOf('odd', { offer, redeem: async () => ({ ok: false, error }) })
    const { gate } = await opened(rail)
    const answer = await gate.chat(null, {}, { 'x-odd': '1' })
    return { answer, asked: () => asked, gate }
  }

  it('is answered with other ways to pay, and with its headers and fields', async () => {
    const { answer } = await refusing(REFUSED)
    const { status, json, headers } = answer
    expect([status, json.reason, json.odd]).toEqual([402, 'odd_paid', { since: 3 }])
    expect([headers['x-odd-said'], headers['cache-control']]).toEqual(['yes', 'no-store'])
    expect([json.l402.scheme, json.accepts.length]).toEqual(['L402', 1])
  })

  it('offers nothing if its payer must not pay again', async () => {
    const { answer, asked, gate } = await refusing({ ...REFUSED, offersNothing: true })
    const { status, json, headers } = answer
    expect([status, json.error.code, json.reason]).toEqual([402, 402, 'odd_paid'])
    expect([json.odd, headers['x-odd-said']]).toEqual([{ since: 3 }, 'yes'])
    expect([json.l402, json.voucher, json.accepts]).toEqual([undefined, undefined, []])
    expect(headers['www-authenticate'] ?? headers['payment-required']).toBeUndefined()
    expect(json.error.message).toBe(`${REFUSED.message} ("code":402)`)
    expect(asked()).toBe(0)
    expect(gate.composed.openInvoices()).toBe(0)
  })

  it.each([400, 429, 503] as const)('a %d has its headers and fields too', async (status) => {
    const { answer } = await refusing({ ...REFUSED, status })
    expect([answer.status, answer.json.error.code]).toEqual([status, 'odd_paid'])
    expect([answer.json.odd, answer.headers['x-odd-said']]).toEqual([{ since: 3 }, 'yes'])
  })
})

describe('L3 the first answer that an L402 pass pays for has the pass', () => {
  it('as it was presented, narrowed too, once, and no cache may keep it', async () => {
    const { gate } = await opened()
    const pass = await gate.buy(500)
    const first = await gate.chat(pass)
    expect(first.headers['x-satgate-pass']).toBe(pass.text)
    expect(first.headers['cache-control']).toContain('no-store')
    const again = await gate.chat(pass)
    expect([again.status, again.headers['x-satgate-pass']]).toEqual([200, undefined])
    const other = await gate.buy(500)
    const narrowed = child(other, 'model = fake')
    const stream = await gate.chat(narrowed, { stream: true })
    expect(stream.headers['x-satgate-pass']).toBe(narrowed)
    expect(stream.headers['cache-control']).toContain('no-store')
    const root = await gate.chat(other)
    expect([root.status, root.headers['x-satgate-pass']]).toEqual([200, undefined])
  })
})

describe('F7 no cache keeps what one buyer was answered', () => {
  it('every 402 and every paid answer says so, and on what it depends', async () => {
    const { gate, facilitator, shop, refused } = await opened()
    const pass = await gate.buy(500)
    const answers = [
      ['a 402', await refused('')],
      ['a 402 to a key that is none', await gate.chat('sk-none')],
      ['a HEAD', await gate.ask({ path: CHAT, method: 'HEAD' })],
      ['a pass', await gate.chat(pass)],
      ['a stream', await gate.chat(pass, { stream: true })],
      ['a voucher', await gate.chat(null, {}, { 'x-voucher': shop.sell(50) })],
      ['x402', await gate.chat(null, { stream: true }, { 'x-payment': facilitator.sign(50) })],
      ['the balance', await gate.ask({ path: '/v1/balance', headers: bearer(pass) })],
    ] as const
    for (const [what, { status, headers }] of answers) {
      const cache = String(headers['cache-control'])
      expect(cache, what).toContain('no-store')
      if (status === 200) expect(cache, what).toContain('private')
      const vary = String(headers.vary).toLowerCase().split(', ')
      const reads = ['authorization', 'x-api-key', 'x-payment', 'payment-signature', 'x-voucher']
      expect(vary, what).toEqual(expect.arrayContaining([...reads, 'accept-payment', 'origin']))
      expect(new Set(vary).size, what).toBe(vary.length)
    }
  })

  it('a page may send what rails read, and Accept-Payment', async () => {
    const { gate } = await opened()
    const asks = { origin: 'https://page.example', 'access-control-request-method': 'POST' }
    const { headers } = await gate.ask({ path: CHAT, method: 'OPTIONS', headers: asks })
    const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(', ')
    const named = ['x-voucher', 'x-payment', 'payment-signature', 'accept-payment', 'authorization']
    expect(allowed).toEqual(expect.arrayContaining(named))
    expect(new Set(allowed).size).toBe(allowed.length)
  })
})

describe('L16 a payment beside a pass', () => {
  it.each(['x-payment', 'payment-signature'])('in %s tops the pass up', async (header) => {
    const { gate, facilitator } = await opened()
    const pass = await gate.buy(100)
    const payment = { [header]: facilitator.sign(500) }
    const { status, headers } = await gate.chat(pass, {}, payment)
    expect([status, headers['x-satgate-pass']]).toEqual([200, pass.text])
    const cost = Number(headers['x-cost-msat'])
    expect((await gate.balance(pass)).balance_msat).toBe(600_000 - cost)
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
    await gate.proof()
  })

  it('in X-API-Key too, and a narrowed pass keeps its caveats', async () => {
    const { gate, facilitator } = await opened()
    const pass = await gate.buy(100)
    const payment = () => ({ 'payment-signature': facilitator.sign(500) })
    const topped = await gate.chat(null, {}, { 'x-api-key': pass.text, ...payment() })
    expect(topped.status).toBe(200)
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
    const narrowed = child(pass, 'model = fake')
    const own = await gate.chat(narrowed, {}, payment())
    expect([own.status, await gate.books.statement.accounts(9)]).toMatchObject([200, { length: 2 }])
    const forbidden = await gate.chat(child(pass, 'model = other'), {}, payment())
    expect(forbidden.status).toBe(403)
    expect(facilitator.settled.size).toBe(2)
    await gate.proof()
  })

  it('F8 two payments in one request are refused, and neither is taken', async () => {
    const { gate, facilitator, shop } = await opened()
    const pass = await gate.buy(100)
    const payment = facilitator.sign(500)
    for (const headers of [
      { 'x-payment': payment, 'payment-signature': payment },
      { 'x-payment': payment, 'x-voucher': shop.sell(50) },
      { 'x-payment': payment, 'x-voucher': shop.sell(50), authorization: `L402 ${pass.text}` },
      { 'payment-authorization': 'Payment e30', 'x-api-key': pass.text },
    ]) {
      const { status, json } = await gate.chat(null, {}, headers)
      expect([status, json.error.code]).toEqual([400, 'conflicting_credentials'])
      expect(json.error.message).toContain('Nothing was taken')
    }
    expect(facilitator.settled.size).toBe(0)
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
  })
})
