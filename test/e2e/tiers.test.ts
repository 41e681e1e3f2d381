import { describe, expect, it } from 'vitest'
import type { Wallet } from '../../src/wallets/wallet.ts'
import { bearer, child, type Pass, passOf } from '../support/buyer.ts'
import { startCashuGate } from '../support/cashu-gate.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'
import { FakePayer, invoiceOf } from '../support/withdrawal-bed.ts'

/** `credit.tiers`: larger payments buy bonus credit, on every way of paying. */

const TIERS = [
  { amountSats: 1_000, creditSats: 1_050 },
  { amountSats: 10_000, creditSats: 11_000 },
]
const settings = { credit: { tiers: TIERS }, pricing: { default: '1000' } }

/** A gate with these tiers, whose wallet pays invoices too. */
async function tiered(options: GateOptions = {}) {
  const payer = new FakePayer()
  const wallet: GateOptions['wallet'] = (play): Wallet => ({ ...play, outgoing: payer })
  const gate = await startGate({ settings, books: 'sqlite', ...options, wallet })
  const withdraw = (pass: Pass | string, sat: number, name = 'somebody') =>
    gate.ask({
      path: '/v1/withdraw',
      body: { invoice: invoiceOf(gate.world, sat, { name }) },
      headers: bearer(pass),
    })
  return { gate, payer, withdraw }
}

/** What an account has, in msat. */
async function has(gate: TestGate, pass: Pass | string) {
  const { paid_msat, bonus_msat, withdrawable_msat } = await gate.balance(pass)
  return { paid: paid_msat, bonus: bonus_msat, mayLeave: withdrawable_msat }
}

describe('credit.tiers, by Lightning', () => {
  it.each([
    { pays: 999, buys: 999 },
    { pays: 1_000, buys: 1_050 },
    { pays: 9_999, buys: 10_049 },
    { pays: 10_000, buys: 11_000 },
    { pays: 20_000, buys: 21_000 },
  ])('$pays sat buy $buys sat, as the invoice says', async ({ pays, buys }) => {
    const { gate } = await tiered()
    const made = await gate.ask({ path: '/create-invoice', body: { amountSats: pays } })
    expect(made.json).toMatchObject({ amount_sats: pays, credit_sats: buys })
    const secret = await gate.pay(made.json.bolt11)
    const pass = passOf(made.json.macaroon, secret, made.json.payment_hash)
    const bonus = (buys - pays) * 1000
    const balance = { balance_msat: buys * 1000, paid_msat: pays * 1000, bonus_msat: bonus }
    expect(await gate.balance(pass)).toMatchObject(balance)
    await gate.proof()
  })

  it('a top-up gets it as the first payment does; a narrowed pass does not see it as its own', async () => {
    const { gate } = await tiered()
    const pass = await gate.buy(10_000)
    await gate.buy(1_000, {}, bearer(pass))
    expect(await has(gate, pass)).toMatchObject({ paid: 11_000_000, bonus: 1_050_000 })
    expect(await gate.balance(child(pass, 'spend <= 5'))).not.toHaveProperty('bonus_msat')
    await gate.proof()
  })

  it.each([
    { after: [], what: 'were taken away' },
    { after: [{ amountSats: 10_000, creditSats: 10_001 }], what: 'became smaller' },
  ])(
    'credit_sats of an invoice is credited also if the tiers $what meanwhile',
    async ({ after: tiers }) => {
      const { gate } = await tiered()
      const made = await gate.ask({ path: '/create-invoice', body: { amountSats: 10_000 } })
      expect(made.json.credit_sats).toBe(11_000)
      await gate.stop()
      const next = await tiered({ after: gate, settings: { ...settings, credit: { tiers } } })
      const secret = await next.gate.pay(made.json.bolt11)
      const pass = passOf(made.json.macaroon, secret, made.json.payment_hash)
      expect(await has(next.gate, pass)).toMatchObject({ paid: 10_000_000, bonus: 1_000_000 })
      const now = await next.gate.ask({ path: '/create-invoice', body: { amountSats: 10_000 } })
      expect(now.json.credit_sats).toBe(tiers[0]?.creditSats ?? 10_000)
      await next.gate.proof()
    },
  )

  it('a 402 and /.well-known/l402 tell buyers of them', async () => {
    const { gate } = await tiered()
    expect((await gate.chat(null)).json.credit_tiers).toEqual(TIERS)
    const terms = await gate.ask({ method: 'GET', path: '/.well-known/l402' })
    expect(terms.json.credit_tiers).toEqual(TIERS)
  })

  it('a gift of the operator gets nothing on top', async () => {
    const { gate } = await tiered()
    const { pass } = await gate.composed.gifts.give(10_000, [])
    expect(await has(gate, String(pass))).toEqual({ paid: 0, bonus: 10_000_000, mayLeave: 0 })
  })
})

describe('credit.tiers, by ecash', () => {
  it.each(['X-Cashu', 'API key', '/cashu-redeem'])('a token of 10,000 sat as %s', async (way) => {
    const { gate, payer, pays } = await startCashuGate({ gate: { settings, books: 'sqlite' } })
    const token = await payer.token(10_000)
    let pass = token
    if (way === 'X-Cashu') {
      const answer = await pays(token)
      expect(answer.status).toBe(200)
      pass = String(answer.headers['x-satgate-pass'])
    } else if (way === 'API key') {
      expect((await gate.chat(token)).status).toBe(200)
    } else {
      const redeemed = await gate.ask({ path: '/cashu-redeem', body: { token } })
      // What the token was worth. What the tier adds is on the account.
      expect(redeemed.json.credited).toBe(10_000)
      pass = redeemed.json.pass
    }
    const { balance_msat: left } = await gate.balance(pass)
    const spent = (await gate.requests(0)).reduce((sum, one) => sum + (one.charged_msat ?? 0), 0)
    expect(left + spent).toBe(11_000_000)
    await gate.proof()
  })
})

describe('L10 pay_much_take_the_bonus_and_withdraw', () => {
  it('L10 whoever withdraws what was paid in keeps no bonus', async () => {
    const { gate, withdraw } = await tiered()
    const pass = await gate.buy(10_000)
    const [{ invoice_sats: most }] = (await gate.balance(pass)).withdrawable
    expect(most).toBeLessThanOrEqual(10_000)
    const done = await withdraw(pass, most)
    expect(done.json).toMatchObject({ state: 'paid', amount_sats: most })
    const left = await has(gate, pass)
    // The fee that was not needed came back, with its share of the bonus and no more.
    expect(left.paid).toBe((10_000 - most) * 1000 - done.json.fee_msat)
    expect(left.bonus).toBeLessThanOrEqual(left.paid / 10)
    await gate.proof()
  })

  it('L10 the bonus is never withdrawn, and what is spent earns its share', async () => {
    const { gate, withdraw } = await tiered()
    const pass = await gate.buy(10_000)
    const served = await gate.chat(pass)
    const spent = Number(served.headers['x-cost-msat'])
    expect(spent).toBeGreaterThan(0)
    const before = await has(gate, pass)
    expect(before.mayLeave).toBeLessThanOrEqual(10_000_000 - spent)
    const tooMuch = await withdraw(pass, 10_001, 'more than was paid in')
    expect([tooMuch.status, tooMuch.json.error.code]).toEqual([400, 'too_much'])
    const done = await withdraw(pass, 5_000)
    const taken = 5_000_000 + done.json.fee_msat
    const left = await has(gate, pass)
    expect(left.paid).toBe(before.paid - taken)
    expect(left.bonus).toBe(before.bonus - Math.ceil(taken / 10))
    await gate.proof()
  })

  it('L10 by ecash too: change and a token that leaves take their share of the bonus', async () => {
    const { gate, payer, pays } = await startCashuGate({
      ...{ paysBack: true, mint: { feePpk: 0 }, gate: { settings, books: 'sqlite' } },
    })
    const answer = await pays(await payer.token(10_000))
    expect(String(answer.headers['x-cashu'])).toMatch(/^cashuB/)
    const left = await has(gate, String(answer.headers['x-satgate-pass']))
    const spent = Number(answer.headers['x-cost-msat'])
    // All that was paid in is spent or left; of the bonus there is what the spent part earned.
    expect(left.bonus).toBeGreaterThan(0)
    expect(left.bonus).toBeLessThanOrEqual(spent / 10 + 100)
    await gate.proof()
  })
})
