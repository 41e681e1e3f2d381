import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { openAddress } from './address.ts'
import { bearer, until } from './buyer.ts'
import { describeWithLab, openLab } from './lab.ts'
import { openPayer } from './payer.ts'

const SALES = Number(process.env.SOAK_SALES ?? 800)
const AT_ONCE = 8
/** Sats. Each buyer buys a little more than one request. */
const BOUGHT = 12
const SPENT = 11

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

/** The sats that swaps took and did not give back. */
function costOfSwaps(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true })
  const sum = (column: string) =>
    db.prepare(`SELECT coalesce(sum(amount), 0) AS sat FROM proofs
      JOIN batches ON batches.n = ${column} AND batches.kind = 'swap' AND batches.state = 'done'`)
  const [spent, born] = [sum('spent_in').get(), sum('born').get()]
  db.close()
  return Number(spent?.sat) - Number(born?.sat)
}

describeWithLab('a day of small sales', () => {
  it(`${SALES} of them, paid by a real node to a real mint, and sent on to a real node`, async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const node = await lab.startPart('lnd')
    const payer = openPayer(node)
    onTestFinished(() => payer.close())
    const { MINT_URL: mint = '' } = await lab.startPart('nutshell-lnd', { FEE_PPK: '100' })
    const address = await openAddress(payer)
    onTestFinished(() => address.close())
    const before = (await payer.received()).length
    const upstream = await startFakeUpstream()
    onTestFinished(() => upstream.close())
    const gate = new GateProcess({
      upstream: upstream.base.origin,
      tunnel: false,
      pricing: { default: { input: 0, output: 0, request: SPENT } },
      limits: { invoicesPerClient: 100_000 },
      payout: address.text,
      wallet: { kind: 'ecash', mints: [mint], payoutAbove: Math.floor((SALES * SPENT) / 5) },
    })
    onTestFinished(() => gate.remove())
    await gate.start()

    let sold = 0
    let confirmed = false
    const sell = async () => {
      const made = await gate.client.ask({ path: '/create-invoice', body: { amountSats: BOUGHT } })
      const pass = `${made.json.macaroon}:${await payer.pay(made.json.bolt11)}`
      const chat = { path: '/v1/chat/completions', body: HELLO, headers: bearer(pass) }
      expect((await gate.client.ask(chat)).status).toBe(200)
      sold += 1
    }
    const began = Date.now()
    let begun = 0
    const seller = async () => {
      while (begun < SALES) {
        begun += 1
        await sell()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, seller))
    const took = (Date.now() - began) / 1000
    console.log(`${sold} sales in ${took.toFixed(0)} s, ${(sold / took).toFixed(1)} a second`)

    // Only the small first sum left before the operator confirmed it.
    const paid = () => gate.events('payout').filter(({ state }) => state === 'paid')
    await until(async () => paid().length === 1, 60_000)
    expect((await payer.received()).slice(before)).toEqual([paid()[0]?.sat])
    confirmed = (await gate.command('wallet', 'confirm')) !== null
    await until(async () => paid().length >= 2, 120_000)
    await until(async () => {
      const { payout, withdrawable_sat: left } = await gate.command('wallet', 'balance')
      return payout.state === 'on' && left < 500
    }, 120_000)

    const balance = await gate.command('wallet', 'balance')
    const left = paid().reduce((sum, { sat }) => sum + sat, 0)
    const fees = paid().reduce((sum, { fee_sat: fee }) => sum + fee, 0)
    const arrived = (await payer.received()).slice(before)
    expect(confirmed).toBe(true)
    expect(arrived.reduce((sum, sat) => sum + sat, 0)).toBe(left)
    expect(address.asked).toBe(paid().length)
    expect(balance.owed_sat).toBe(sold * (BOUGHT - SPENT))
    expect(balance.balance_sat).toBeGreaterThanOrEqual(balance.owed_sat)
    // Every sat is a coin, or at the operator's node, or a fee of a payout or of a swap.
    const together = costOfSwaps(join(gate.folder, 'data', 'ecash.db'))
    expect(balance.balance_sat + left + fees + together).toBe(sold * BOUGHT)
    console.log(
      `${left} sat left in ${paid().length} payouts for ${fees} + ${together} sat of fees`,
    )
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
  }, 1_800_000)
})
