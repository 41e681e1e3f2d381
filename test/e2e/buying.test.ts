import { describe, expect, it } from 'vitest'
import { bearer, child, type Pass, passOf, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const create = (gate: TestGate, body: unknown = {}, headers = {}) =>
  gate.ask({ path: '/create-invoice', body, headers })

describe('POST /create-invoice', () => {
  it('sells credit in advance: the answer has everything that a buyer needs', async () => {
    const gate = await startGate()
    const { status, json, headers } = await create(gate)
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('private, no-store')
    expect(json).toEqual({
      bolt11: expect.stringMatching(/^lnbcrt10u1/),
      invoice: json.bolt11,
      payment_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      payment_url: expect.stringMatching(
        new RegExp(`^/invoice-status/${json.payment_hash}\\?token=[0-9a-f]{64}$`),
      ),
      pay_at: `${gate.url}${json.payment_url}`,
      amount_sats: 1000,
      credit_sats: 1000,
      macaroon: expect.stringMatching(/^[A-Za-z0-9+/]+={0,2}$/),
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
  })

  it('is small, and has a picture only if one is asked for', async () => {
    const gate = await startGate()
    expect((await create(gate)).text.length).toBeLessThan(2_000)
    const drawn = await gate.ask({ path: '/create-invoice?qr=svg', body: {} })
    expect(drawn.json).toMatchObject({ qr_svg: expect.stringMatching(/^<svg/), amount_sats: 1000 })
  })

  it.each([
    [{ amount: 5 }, 'amount', 'Did you mean amountSats, as in {"amountSats": 1000}?'],
    [{ amount_sats: 5 }, 'amount_sats', 'Did you mean amountSats,'],
    [{ amountsats: 5 }, 'amountsats', 'Did you mean amountSats,'],
    [{ sats: 5 }, 'sats', 'Did you mean amountSats,'],
    [{ amountSats: 5, caveat: [] }, 'caveat', 'Did you mean caveats, as in {"caveats": ['],
    [{ memo: 'x' }, 'memo', 'The fields are amountSats and caveats.'],
    ['{"__proto__": 1}', '__proto__', 'The fields are amountSats and caveats.'],
    [{ 'a\u202eb': 1 }, 'a?b', 'The fields are'],
  ])('sells nothing if a field is not known: %j', async (body, param, fix) => {
    const gate = await startGate()
    const { status, json } = await create(gate, body)
    expect(status).toBe(400)
    expect(json.error).toMatchObject({ code: 'unknown_parameter', param })
    expect(json.error.message).toContain(`There is no field "${param}" in this request. ${fix}`)
  })

  it.each([
    ['?amountSats=5', 'amountSats', 'amountSats belongs into the JSON body'],
    ['?amount=5', 'amount', 'amountSats belongs into the JSON body'],
    ['?QR=svg', 'QR', 'The only one is qr, as in ?qr=svg.'],
    ['?qr=png', 'qr', 'takes svg alone'],
    ['?qr', 'qr', 'takes svg alone'],
  ])('nor if a query parameter is not known: %s', async (query, param, fix) => {
    const gate = await startGate()
    const { status, json } = await gate.ask({ path: `/create-invoice${query}`, body: {} })
    expect([status, json.error.param]).toEqual([400, param])
    expect(json.error.message).toContain(fix)
  })

  it.each([
    [{ amountSats: '100' }, 'write {"amountSats": 100}, without quotes'],
    [{ amountSats: 'ten' }, 'must be a whole number from 1 to 10000000'],
    [{ amountSats: 1.5 }, 'must be a whole number from 1 to 10000000'],
    [[], 'The body must be a JSON object, for example {"amountSats": 1000}'],
    ['amountSats=5', 'The body is not JSON.'],
    [{ caveats: 'spend <= 1' }, 'caveats is a list of texts'],
    [{ caveats: ['spent <= 1'] }, 'What is wrong here: a caveat starts with one of'],
    [{ caveats: ['expires = 2020-01-01T00:00:00Z'] }, 'the time in expires is over'],
  ])('tells how to write it correctly: %j', async (body, words) => {
    const gate = await startGate()
    expect((await create(gate, body)).json.error.message).toContain(words)
  })

  it.each([
    [{ amountSats: 0 }, 400],
    [{ amountSats: 1 }, 200],
    [{ amountSats: 10_000_000 }, 200],
    [{ amountSats: 10_000_001 }, 400],
    [{ amountSats: 1.5 }, 400],
    [{ amountSats: '100' }, 400],
    [{ amountSats: -1 }, 400],
    [{ amountSats: 1e21 }, 400],
    [{ amountSats: null }, 200],
    [[], 400],
    ['text', 400],
    [null, 400],
    ['', 200],
    ['{', 400],
    [{ caveats: ['model = fake'] }, 200],
    [{ caveats: ['expires = 2999-01-01T00:00:00Z'] }, 200],
    [{ caveats: ['modle = fake'] }, 400],
    [{ caveats: 'model = fake' }, 400],
    [{ caveats: [1] }, 400],
    [{ caveats: Array.from({ length: 17 }, () => 'model = fake') }, 400],
    ['x'.repeat(70_000), 413],
  ])('%j: %i', async (body, status) => {
    const gate = await startGate()
    expect((await create(gate, body)).status).toBe(status)
  })

  it('if caveats are asked for, the macaroon has them from the beginning, and no two are alike', async () => {
    const gate = await startGate()
    const ask = { caveats: ['spend <= 1 / day'] }
    const [a, b] = [await gate.buy(100, ask), await gate.buy(100, ask)]
    expect(await gate.balance(a)).toMatchObject({ available_msat: 1_000, narrowed: true })
    await gate.chat(a)
    expect((await gate.balance(a)).available_msat).toBe(993)
    expect((await gate.balance(b)).available_msat).toBe(1_000)
  })

  it('with a root pass it tops up that account, and gives a macaroon for it', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const more = await gate.buy(5, {}, bearer(pass))
    expect((await gate.balance(pass)).balance_msat).toBe(15_000)
    expect(await gate.balance(more)).toEqual(await gate.balance(pass))
  })

  it('I4 child_topup_cannot_escape_caveats: the account grows, the child gets no macaroon', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const narrowed = child(pass, 'spend <= 3', 'path = /v1/*')
    const made = await create(gate, { amountSats: 5 }, bearer(narrowed))
    expect(made.status).toBe(200)
    expect(made.json).not.toHaveProperty('macaroon')
    await gate.pay(made.json.bolt11)
    await until(async () => (await gate.balance(pass)).balance_msat === 15_000)
    expect((await gate.balance(narrowed)).available_msat).toBe(3_000)
    // Neither with caveats of its own choice, nor in the status of its invoice.
    const again = await create(gate, { amountSats: 5, caveats: ['label = x'] }, bearer(narrowed))
    expect(again.json).not.toHaveProperty('macaroon')
  })

  it('I4 a child sees its own usage and what it may spend, and nothing else of the account', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const narrowed = child(pass, 'spend <= 3')
    await gate.chat(pass)
    await gate.chat(narrowed)
    const usage = async (of: Pass | string) =>
      (await gate.ask({ path: '/v1/usage', headers: bearer(of) })).json.data.length
    expect([await usage(pass), await usage(narrowed)]).toEqual([2, 1])
    const shown = await gate.balance(narrowed)
    expect(shown).toMatchObject({ available_msat: 2_993, held_msat: 0, narrowed: true })
    expect(shown).not.toHaveProperty('paid_msat')
    const answer = await gate.chat(narrowed)
    expect(answer.headers['x-credit-balance-msat']).toBe('2986')
  })

  it('a credential that is not good is refused, so that nobody pays by mistake', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const bad = `${pass.macaroon}:${'0'.repeat(64)}`
    expect((await create(gate, {}, bearer(bad))).json.error.code).toBe('bad_credential')
  })

  it('D1 past the bound of open invoices it is 429 with Retry-After', async () => {
    const gate = await startGate({ settings: { limits: { invoicesPerClient: 2 } } })
    await create(gate)
    await create(gate)
    const third = await create(gate)
    expect([third.status, third.json.error.code]).toEqual([429, 'too_many_invoices'])
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
  })
})

describe('GET /invoice-status', () => {
  const statusOf = (gate: TestGate, made: { payment_url: string }) =>
    gate.ask({ path: made.payment_url })

  it('C9 tells the holder of its token preimage and secret once it is paid, and each of them opens the pass', async () => {
    const gate = await startGate()
    const { json: made } = await create(gate, { amountSats: 10 })
    const invoice = {
      bolt11: made.bolt11,
      amount_sats: 10,
      expires_at: made.expires_at,
      macaroon: made.macaroon,
    }
    expect((await statusOf(gate, made)).json).toEqual({ paid: false, ...invoice })
    const preimage = await gate.pay(made.bolt11)
    gate.world.advance(1_001)
    const { json, headers } = await statusOf(gate, made)
    expect(headers['cache-control']).toBe('private, no-store')
    expect(json).toEqual({
      paid: true,
      ...invoice,
      preimage,
      token_suffix: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const bySecret = passOf(made.macaroon, json.token_suffix, made.payment_hash)
    expect((await gate.chat(bySecret)).status).toBe(200)
    expect((await gate.chat(passOf(made.macaroon, preimage, made.payment_hash))).status).toBe(200)
  })

  it('tells nothing more after the pass was used', async () => {
    const gate = await startGate()
    const { json: made } = await create(gate, { amountSats: 10 })
    const preimage = await gate.pay(made.bolt11)
    await gate.balance(passOf(made.macaroon, preimage, made.payment_hash))
    expect((await statusOf(gate, made)).json).toEqual({ paid: true })
  })

  it('without the right token there is no such invoice', async () => {
    const gate = await startGate()
    const [a, b] = [(await create(gate)).json, (await create(gate)).json]
    const token = (of: { payment_url: string }) => of.payment_url.split('=')[1]
    for (const path of [
      `/invoice-status/${a.payment_hash}`,
      `/invoice-status/${a.payment_hash}?token=`,
      `/invoice-status/${a.payment_hash}?token=${token(b)}`,
      `/invoice-status/${'0'.repeat(64)}?token=${token(a)}`,
      `/invoice-status/%27%20OR%201=1--?token=${token(a)}`,
    ]) {
      const answered = await gate.ask({ path })
      expect([answered.status, answered.json.error.code]).toEqual([404, 'invoice_not_found'])
    }
  })

  it('I2 two_clients_one_nat_share_no_secret: past the bound an offer has no token, and the pass belongs only to the payer', async () => {
    const gate = await startGate({ settings: { limits: { invoicesPerClient: 1 } } })
    await gate.chat(null)
    const [one, two] = [await gate.chat(null), await gate.chat(null)]
    expect(two.json.payment_hash).toBe(one.json.payment_hash)
    for (const refused of [one, two]) {
      expect(refused.text).not.toMatch(/token=[0-9a-f]{64}|status_token|payment_url/)
    }
    const payer = await gate.accept(one)
    const stranger = passOf(two.json.l402.macaroon, '0'.repeat(64), two.json.payment_hash)
    expect((await gate.chat(stranger)).status).toBe(402)
    expect((await gate.chat(payer)).status).toBe(200)
    expect((await gate.chat(null)).json.payment_hash).not.toBe(one.json.payment_hash)
  })
})

describe('GET /v1/balance and /v1/usage', () => {
  it('tell the balance, what is held, and each charge, newest first, in pages', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    for (let i = 0; i < 3; i += 1) await gate.chat(pass)
    expect(await gate.balance(pass)).toEqual({
      account: expect.stringMatching(/^[0-9a-f]{8}$/),
      balance_msat: 9_979,
      held_msat: 0,
      available_msat: 9_979,
      balance_sats: 9,
      paid_msat: 9_979,
      bonus_msat: 0,
      withdrawable_msat: 9_000,
      withdrawable: [{ source: 'play', sats: 9, invoice_sats: 0 }],
    })
    const page = async (query: string) =>
      (await gate.ask({ path: `/v1/usage${query}`, headers: bearer(pass) })).json
    const first = await page('?limit=2')
    expect(first).toMatchObject({ has_more: true, data: [{ charged_msat: 7 }, {}] })
    const second = await page(`?limit=2&before=${first.data[1].id}`)
    expect(second).toMatchObject({ has_more: false, data: [{ prompt_tokens: 5 }] })
    expect(second.data).toHaveLength(1)
    for (const bad of ['?limit=0', '?limit=101', '?limit=x', '?limit=1.5']) {
      expect((await page(bad)).error.param).toBe('limit')
    }
  })

  it.each(['/v1/balance', '/v1/usage'])(
    '%s without a pass: no challenge, nothing to buy by looking',
    async (path) => {
      const gate = await startGate()
      const answered = await gate.ask({ path })
      expect(answered.status).toBe(402)
      expect(answered.headers['www-authenticate']).toBe(undefined)
    },
  )
})
