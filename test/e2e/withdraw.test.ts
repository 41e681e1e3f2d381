import { describe, expect, it } from 'vitest'
import type { Wallet } from '../../src/wallets/wallet.ts'
import { bearer, child, type Pass, until } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'
import { FakePayer, hashOf, invoiceOf, PAID } from '../support/withdrawal-bed.ts'

/** A gate whose wallet pays invoices. */
async function paying(options: GateOptions = {}) {
  const payer = new FakePayer()
  const wallet: GateOptions['wallet'] = (play): Wallet => ({ ...play, outgoing: payer })
  const gate = await startGate({ books: 'sqlite', ...options, wallet })
  const invoice = (sat: number, name = 'somebody') => invoiceOf(gate.world, sat, { name })
  return { gate, payer, invoice }
}

const withdraw = (gate: TestGate, pass: Pass | string | null, body: object, headers = {}) =>
  gate.ask({ path: '/v1/withdraw', body, headers: { ...bearer(pass), ...headers } })

describe('POST /v1/withdraw', () => {
  it('L9 L12 pays an invoice with what was not spent, and the books balance', async () => {
    const { gate, invoice, payer } = await paying()
    const pass = await gate.buy(5_000)
    expect((await gate.chat(pass)).status).toBe(200)
    const before = await gate.balance(pass)
    const [source] = before.withdrawable
    expect(before.withdrawable).toEqual([{ source: 'play', sats: 4_999, invoice_sats: 4_950 }])
    expect(before.withdrawable_msat).toBe(4_999_000)
    const done = await withdraw(gate, pass, { invoice: invoice(source.invoice_sats) })
    expect(done.status).toBe(200)
    expect(done.headers['cache-control']).toBe('private, no-store')
    expect(done.json).toMatchObject({
      ...{ id: `ln:${hashOf()}`, state: 'paid', kind: 'lightning', source: 'play' },
      ...{ amount_sats: 4_950, fee_msat: 2_000 },
      balance_msat: before.balance_msat - 4_952_000,
    })
    expect(payer.orders).toHaveLength(1)
    expect((await gate.balance(pass)).balance_msat).toBe(done.json.balance_msat)
    const event = gate.events.find(({ event }) => event === 'withdrawn')
    expect(event).toMatchObject({ state: 'paid', amount_msat: 4_950_000, fee_msat: 2_000 })
    expect(gate.log()).not.toContain(invoice(4_950))
    await gate.proof()
  })

  it('I11 the same invoice, twice at once and again after a restart, is paid once', async () => {
    const { gate, invoice, payer } = await paying()
    const pass = await gate.buy(5_000)
    const body = { invoice: invoice(2_000) }
    const [first, second] = await Promise.all([
      withdraw(gate, pass, body),
      withdraw(gate, pass, body),
    ])
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.json).toEqual(first.json)
    await gate.stop()
    const next = await paying({ after: gate })
    const third = await withdraw(next.gate, pass, body)
    expect(third.json).toMatchObject({ id: first.json.id, state: 'paid', fee_msat: 2_000 })
    expect([payer.orders.length, next.payer.orders.length]).toEqual([1, 0])
    await next.gate.proof()
  })

  it('L12 a payment without an end survives a restart, and ends when the wallet says so', async () => {
    const { gate, invoice, payer } = await paying()
    payer.answer = async () => ({ is: 'pending' })
    const pass = await gate.buy(5_000)
    const body = { invoice: invoice(2_000) }
    const asked = withdraw(gate, pass, body)
    await until(() => payer.orders.length > 0)
    gate.world.skip(16_000)
    const pending = await asked
    expect(pending.status).toBe(202)
    expect(pending.headers['retry-after']).toBe('10')
    expect(pending.json).toMatchObject({ state: 'pending', fee_msat: 20_000 })
    const other = await withdraw(gate, pass, { invoice: invoice(1_000, 'other') })
    expect(other.status).toBe(429)
    expect(other.json.error.code).toBe('withdrawal_in_flight')
    await gate.stop()
    const next = await paying({ after: gate })
    next.payer.now(hashOf(), PAID)
    next.gate.world.skip(61_000)
    await until(() => next.gate.composed.withdrawals.open === 0)
    const done = await withdraw(next.gate, pass, body)
    expect(done.json).toMatchObject({ state: 'paid', fee_msat: 2_000 })
    await next.gate.proof()
  })

  it('what came back is on the account again', async () => {
    const { gate, invoice, payer } = await paying()
    payer.answer = async () => ({ is: 'failed', reason: 'no route' })
    const pass = await gate.buy(5_000)
    const back = await withdraw(gate, pass, { invoice: invoice(2_000) })
    expect([back.status, back.json.error.code]).toEqual([409, 'not_sent'])
    expect((await gate.balance(pass)).balance_msat).toBe(5_000_000)
    await gate.proof()
  })

  it('L14 I4 only the root pass may', async () => {
    const { gate, invoice, payer } = await paying()
    const pass = await gate.buy(5_000)
    const body = { invoice: invoice(2_000) }
    for (const narrow of [child(pass, 'only = spend'), child(pass, 'spend <= 5000')]) {
      const refused = await withdraw(gate, narrow, body)
      expect([refused.status, refused.json.error.code]).toEqual([403, 'root_pass_needed'])
      expect(await gate.balance(narrow)).not.toHaveProperty('withdrawable')
    }
    const nobody = await withdraw(gate, null, body)
    expect(nobody.status).toBe(402)
    expect(nobody.headers).not.toHaveProperty('www-authenticate')
    expect(payer.orders).toEqual([])
  })

  it('I1 a gift, and an invoice of this gate, do not leave', async () => {
    const { gate, invoice } = await paying()
    const { pass } = await gate.composed.gifts.give(5_000, [])
    const gift = await withdraw(gate, pass, { invoice: invoice(2_000) })
    expect(gift.json.error.code).toBe('nothing_to_withdraw')
    const paid = await gate.buy(5_000)
    const own = await gate.ask({ path: '/create-invoice', body: { amountSats: 2_000 } })
    const circle = await withdraw(gate, paid, { invoice: own.json.bolt11 })
    expect([circle.status, circle.json.error.code]).toEqual([400, 'own_invoice'])
  })

  it('B9 spends, withdrawals and payments at the same time make and lose nothing', async () => {
    const { gate, invoice } = await paying()
    const pass = await gate.buy(20_000)
    const jobs: Promise<unknown>[] = []
    for (let i = 0; i < 8; i += 1) {
      jobs.push(gate.chat(pass))
      jobs.push(withdraw(gate, pass, { invoice: invoice(1_000, `n${i}`) }))
      jobs.push(gate.buy(100, {}, bearer(pass)))
    }
    await Promise.all(jobs)
    await gate.proof()
    const { balance_msat: left } = await gate.balance(pass)
    const out = gate.events
      .filter((one) => one.event === 'withdrawn')
      .reduce((sum, one) => sum + (one.state === 'paid' ? one.amount_msat + one.fee_msat : 0), 0)
    const spent = (await gate.requests(8)).reduce((sum, one) => sum + (one.charged_msat ?? 0), 0)
    expect(left + out + spent).toBe(20_800_000)
    expect(out).toBeGreaterThan(0)
  })

  it('nothing leaves while the gate stops, or where nobody is charged', async () => {
    const { gate, invoice } = await paying()
    const pass = await gate.buy(5_000)
    gate.composed.refuseNew()
    expect((await withdraw(gate, pass, { invoice: invoice(2_000) })).status).toBe(503)
    const observe = await paying({ settings: { mode: 'observe' } })
    const refused = await withdraw(observe.gate, null, { invoice: invoice(2_000) })
    expect(refused.json.error.code).toBe('no_withdrawals')
  })

  it('the page of another site may read the answer', async () => {
    const { gate, invoice } = await paying()
    const pass = await gate.buy(5_000)
    const headers = { origin: 'https://app.example' }
    const done = await withdraw(gate, pass, { invoice: invoice(2_000) }, headers)
    expect(done.headers['access-control-allow-origin']).toBe('https://app.example')
  })
})
