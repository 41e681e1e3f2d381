import { describe, expect, it } from 'vitest'
import { bearer, child } from '../support/buyer.ts'
import { type CashuGate, startCashuGate } from '../support/cashu-gate.ts'

const redeem = ({ gate }: CashuGate, body: object, pass: string | null = null) =>
  gate.ask({ path: '/cashu-redeem', body, headers: bearer(pass) })

/** What 402-mcp does first: an invoice, of which it pays nothing. */
async function invoiceOf({ gate }: CashuGate, amountSats = 1000) {
  const { json } = await gate.ask({ path: '/create-invoice', body: { amountSats } })
  const statusToken = new URL(json.payment_url, 'http://gate').searchParams.get('token')
  return { ...json, of: { paymentHash: json.payment_hash, statusToken } }
}

describe('POST /cashu-redeem for an invoice, as 402-mcp sends it', () => {
  it('L17 credits what the token is worth, opens the pass, and leaves the invoice payable', async () => {
    const at = await startCashuGate()
    const invoice = await invoiceOf(at)
    const token = await at.payer.token(500)
    const { status, json } = await redeem(at, { token, ...invoice.of })
    expect([status, json]).toEqual([
      ...[200, { credited: 500, token_suffix: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    ])
    const pass = `${invoice.macaroon}:${json.token_suffix}`
    const served = await at.gate.chat(pass)
    expect(served.status).toBe(200)
    const left = 500_000 - Number(served.headers['x-cost-msat'])
    expect(await at.gate.balance(pass)).toMatchObject({ balance_msat: left })
    await at.gate.pay(invoice.bolt11)
    const both = async () => (await at.gate.balance(pass)).balance_msat === left + 1_000_000
    await at.gate.world.until(both)
    expect(await at.gate.books.statement.accounts(9)).toHaveLength(1)
    await at.gate.proof()
  })

  it('L4 repeated it says the same and credits nothing, also once the pass is used', async () => {
    const at = await startCashuGate()
    const invoice = await invoiceOf(at)
    const body = { token: await at.payer.token(500), ...invoice.of }
    const first = await redeem(at, body)
    const pass = `${invoice.macaroon}:${first.json.token_suffix}`
    await at.gate.chat(pass)
    const before = await at.gate.balance(pass)
    const again = await redeem(at, body)
    expect([again.status, again.json]).toEqual([200, first.json])
    expect(await at.gate.balance(pass)).toEqual(before)
    const other = await redeem(at, { ...body, token: await at.payer.token(64) })
    expect([other.status, other.json.error.code]).toEqual([400, 'pass_in_use'])
    expect(at.mint.counts.swap).toBe(1)
  })

  it('takes nothing without the right status token, or with half of the two', async () => {
    const at = await startCashuGate()
    const invoice = await invoiceOf(at)
    const token = await at.payer.token(500)
    const { paymentHash } = invoice.of
    const wrong = await redeem(at, { token, paymentHash, statusToken: '0'.repeat(64) })
    expect([wrong.status, wrong.json.error.code]).toEqual([404, 'invoice_not_found'])
    expect((await redeem(at, { token, paymentHash })).status).toBe(400)
    expect((await redeem(at, { token, tokens: 1 })).json.error.code).toBe('unknown_parameter')
    expect((await redeem(at, {})).status).toBe(400)
    expect(at.mint.counts.swap).toBe(0)
  })

  it('E4 says pending while the mint does not answer, and then what was credited', async () => {
    const at = await startCashuGate()
    const invoice = await invoiceOf(at)
    const body = { token: await at.payer.token(500), ...invoice.of }
    at.mint.faults.swap = { is: 'dropAfter', times: 1 }
    const pending = await redeem(at, body)
    expect([pending.status, pending.json]).toEqual([202, { state: 'pending', retryAfterMs: 2000 }])
    at.gate.world.advance(5_000)
    const done = await redeem(at, body)
    expect([done.status, done.json.credited]).toEqual([200, 500])
    expect((await at.gate.chat(`${invoice.macaroon}:${done.json.token_suffix}`)).status).toBe(200)
  })

  it('E4 after kill -9 behind the swap the account of the invoice has it', async () => {
    const at = await startCashuGate()
    const invoice = await invoiceOf(at)
    const body = { token: await at.payer.token(500), ...invoice.of }
    at.mint.faults.swap = { is: 'dropAfter', times: 1 }
    expect((await redeem(at, body)).status).toBe(202)
    at.bed.ahead += 60_000
    const next = await at.again()
    const owned = async () => (await next.gate.books.statement.accounts(9)).length === 1
    await next.bed.world.until(owned)
    const { status, json } = await redeem(next, body)
    expect([status, json.credited]).toEqual([200, 500])
    expect((await next.gate.chat(`${invoice.macaroon}:${json.token_suffix}`)).status).toBe(200)
    await next.gate.proof()
  })
})

describe('POST /cashu-redeem without an invoice', () => {
  it('opens an account, whose pass comes once', async () => {
    const at = await startCashuGate()
    const token = await at.payer.token(500)
    const { status, json } = await redeem(at, { token })
    expect([status, json.credited, json.pass]).toEqual([
      ...[200, 500, `${json.macaroon}:${json.token_suffix}`],
    ])
    expect((await at.gate.chat(json.pass)).status).toBe(200)
    expect((await redeem(at, { token })).json).toEqual({ credited: 500 })
  })

  it('tops up the pass of the request, and gives no macaroon for it', async () => {
    const at = await startCashuGate()
    const pass = await at.gate.buy(100)
    const narrow = child(pass, 'spend <= 10 / day')
    const [one, two] = [await at.payer.token(500), await at.payer.token(64)]
    expect((await redeem(at, { token: one }, pass.text)).json).toEqual({ credited: 500 })
    expect((await redeem(at, { token: two }, narrow)).json).toEqual({ credited: 64 })
    expect(await at.gate.balance(pass)).toMatchObject({ balance_msat: 664_000 })
    const strange = await redeem(at, { token: one }, `${pass.macaroon}:${'0'.repeat(64)}`)
    expect(strange.status).toBe(400)
  })

  it('of a token that another account has: its name, and nothing moves', async () => {
    const at = await startCashuGate()
    const token = await at.payer.token(500)
    await redeem(at, { token })
    const pass = await at.gate.buy(100)
    const taken = await redeem(at, { token }, pass.text)
    expect([taken.status, taken.headers['www-authenticate']]).toEqual([402, undefined])
    expect(taken.json.error.message).toContain('on another account')
    expect(await at.gate.balance(pass)).toMatchObject({ balance_msat: 100_000 })
  })

  it('refuses as X-Cashu does, without an offer, and bounds one client (D5)', async () => {
    const at = await startCashuGate()
    const coins = await at.payer.coins(500)
    await at.payer.spend(coins)
    const spent = await redeem(at, { token: await at.payer.write(coins) })
    expect([spent.status, spent.headers['www-authenticate']]).toEqual([402, undefined])
    expect(spent.json.error.message).toContain('spent before')
    const bad = await redeem(at, { token: 'cashuBnothing' })
    expect([bad.status, bad.json.error.code]).toEqual([400, 'token_damaged'])
    let last = 0
    for (let n = 0; n < 40; n += 1) last = (await redeem(at, { token: `cashuB${n}` })).status
    expect(last).toBe(429)
  })
})

describe('what the gate says of ecash', () => {
  it('is in every document, and in none of a gate without it', async () => {
    const at = await startCashuGate()
    const read = async (path: string) => (await at.gate.ask({ path })).json
    const known = await read('/.well-known/l402')
    expect(known.payment).toMatchObject({
      methods: ['l402', 'cashu'],
      cashu: { mints: [at.mint.url], unit: 'sat', header: 'X-Cashu' },
      cashuRedeem: '/cashu-redeem',
    })
    const api = await read('/openapi.json')
    expect(api.components.securitySchemes.cashu.name).toBe('X-Cashu')
    const chat = api.paths['/v1/chat/completions'].post
    expect(chat.security).toBe(undefined)
    expect(api.security).toContainEqual({ cashu: [] })
    // Only clients of the Payment scheme read it, and that is off here.
    expect(chat).not.toHaveProperty('x-payment-info')
    expect(api.paths['/cashu-redeem'].post.operationId).toBe('redeemToken')
    expect((await at.gate.ask({ path: '/llms.txt' })).text).toContain("-H 'X-Cashu: TOKEN'")
    expect(await read('/health')).toMatchObject({ status: 'ok', cashu: 'ok' })
  })
})
