import { describe, expect, it } from 'vitest'
import { bearer, child, until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'

/** `POST /create-invoice` with that key. */
const topUp = (key: string, amountSats: number, ask: object = {}) => ({
  path: '/create-invoice',
  body: { amountSats, ...ask },
  headers: bearer(key),
})

describe('L14 an_api_key_in_a_settings_field_is_not_cash', () => {
  it('a spending key spends its account and sees its balance, and its own charges alone', async () => {
    const gate = await startGate()
    const root = await gate.buy(10)
    const key = child(root, 'only = spend')
    await gate.chat(root)
    const { status, headers } = await gate.chat(key)
    expect([status, headers['x-credit-balance-msat']]).toEqual([200, '9986'])
    const balance = await gate.balance(key)
    expect(balance.withdrawable_msat).toBeUndefined()
    expect(await gate.balance(root)).toMatchObject({ ...balance, withdrawable_msat: 9_000 })
    expect(balance).toMatchObject({ balance_msat: 9_986, paid_msat: 9_986 })
    const usage = await gate.ask({ path: '/v1/usage', headers: bearer(key) })
    expect(usage.json.data).toHaveLength(1)
  })

  it('it tops its account up, and gets no macaroon for that, whatever caveats it asks for', async () => {
    const gate = await startGate()
    const root = await gate.buy(10)
    const key = child(root, 'only = spend')
    for (const ask of [{}, { caveats: [] }, { caveats: ['only = spend'] }]) {
      const made = await gate.ask(topUp(key, 10, ask))
      expect(made.status).toBe(200)
      expect(made.json.macaroon).toBeUndefined()
      await gate.pay(made.json.bolt11)
      const status = await gate.ask({ path: made.json.payment_url })
      expect(status.json.macaroon).toBeUndefined()
    }
    await until(async () => (await gate.balance(key)).balance_msat === 40_000)
  })

  it('a 402 to it offers a top-up of the same account, without a macaroon', async () => {
    const gate = await startGate({ settings: { pricing: { default: '0/500' } } })
    const key = child(await gate.buy(1), 'only = spend')
    expect((await gate.chat(key)).status).toBe(200)
    const refused = await gate.chat(key)
    expect(refused.status).toBe(402)
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.json.l402).toMatchObject({ macaroon: null })
    expect(refused.json.pass_format).toBe('the key of this request')
    expect(refused.json.error.message).toContain('it tops up the account of this key')
    expect(refused.text).not.toContain('<macaroon>')
    await gate.pay(refused.json.l402.invoice)
    await until(async () => (await gate.balance(key)).balance_msat > 1_000)
    expect((await gate.chat(key)).status).toBe(200)
  })

  it('a child of it with a limit is a narrowed pass like any other', async () => {
    const gate = await startGate()
    const key = child(child(await gate.buy(10), 'only = spend'), 'spend <= 3')
    expect(await gate.balance(key)).toMatchObject({ narrowed: true, balance_msat: 3_000 })
  })

  it('another value of only is refused, and no request with it is served', async () => {
    const gate = await startGate()
    const made = await gate.ask({
      path: '/create-invoice',
      body: { amountSats: 10, caveats: ['only = withdraw'] },
    })
    expect([made.status, made.json.error.message]).toEqual([
      400,
      expect.stringContaining('only = takes the word spend'),
    ])
  })
})
