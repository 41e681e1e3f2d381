import { describe, expect, it } from 'vitest'
import { bearer } from '../support/buyer.ts'
import { type CashuGate, startCashuGate } from '../support/cashu-gate.ts'

const redeem = ({ gate }: CashuGate, body: object, key: string | null = null) =>
  gate.ask({ path: '/cashu-redeem', body, headers: bearer(key) })

describe('L4 one token in many ways at once', () => {
  it.each([0, 1, 2, 3])(
    'is one credit and at most one pass: beginning with way %i',
    async (way) => {
      const at = await startCashuGate()
      const { gate, payer, pays } = at
      const pass = await gate.buy(1000)
      const asked = { path: '/create-invoice', body: { amountSats: 1000 } }
      const { json: invoice } = await gate.ask(asked)
      const statusToken = new URL(invoice.payment_url, 'http://gate').searchParams.get('token')
      const token = await payer.token(500)
      const ways = [
        () => pays(token),
        () => pays(token, pass.text),
        () => redeem(at, { token }, pass.text),
        () => redeem(at, { token, paymentHash: invoice.payment_hash, statusToken }),
        () => redeem(at, { token }),
      ]
      const times = Array.from({ length: 25 }, (_, turn) => ways[(way + turn) % ways.length])
      const answers = await Promise.all(times.map((one) => one?.()))
      const statuses = new Set(answers.map((one) => one?.status))
      expect([...statuses].filter((status) => status !== 200 && status !== 402)).toEqual([])
      const passes = answers.flatMap(
        (one) => one?.headers['x-satgate-pass'] ?? one?.json.pass ?? [],
      )
      // The first answer of the pass that was bought over Lightning has that very pass.
      const ofToken = new Set(passes.filter((one) => one !== pass.text))
      expect(ofToken.size).toBeLessThan(2)
      const costs = answers.reduce((sum, one) => sum + Number(one?.headers['x-cost-msat'] ?? 0), 0)
      const accounts = await gate.books.statement.accounts(99)
      const all = accounts.reduce((sum, { paid }) => sum + Number(paid), 0)
      expect(all).toBe(1_500_000 - costs)
      await gate.proof()
    },
  )
})

describe('E4 L3 a token that was pending, and is sent again beside a pass', () => {
  it('opens the account that it was first presented for, and its pass is not lost', async () => {
    const at = await startCashuGate()
    const { gate, payer, pays, mint } = at
    const pass = await gate.buy(1000)
    const token = await payer.token(500)
    mint.faults.swap = { is: 'dropAfter', times: 1 }
    for (const route of ['checkstate', 'restore'] as const) {
      mint.faults[route] = { is: 'status500', times: 1_000 }
    }
    expect((await gate.world.hurry(pays(token))).status).toBe(503)
    mint.faults.checkstate = { is: 'status500', times: 0 }
    mint.faults.restore = { is: 'status500', times: 0 }
    gate.world.advance(120_000)
    const elsewhere = await gate.world.hurry(redeem(at, { token }, pass.text))
    expect([elsewhere.status, elsewhere.json.error.code]).toEqual([402, 402])
    const paid = await gate.world.hurry(pays(token, pass.text))
    expect(paid.status).toBe(200)
    const own = String(paid.headers['x-satgate-pass'])
    expect((await gate.balance(own)).balance_msat).toBe(500_000)
    await gate.proof()
  })
})
