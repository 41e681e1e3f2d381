import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { makeLedger } from '../../bench/ledger-file.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'

/** A large ledger is not read whole before the gate serves. What is wrong in it is found all the same. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

/** Holds of a file of 23 MB, which is not checked whole when it is opened. */
const HOLDS = 60_000

async function gateOnLargeLedger(): Promise<GateProcess> {
  const fake: FakeUpstream = await startFakeUpstream({})
  clean.push(() => fake.close())
  const gate = new GateProcess({
    upstream: fake.base.origin,
    wallet: 'play',
    pricing: { default: '1' },
  })
  clean.push(() => gate.remove())
  makeLedger(gate.data, HOLDS)
  return gate
}

const chat = (pass: string) => ({
  path: '/v1/chat/completions',
  body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
  headers: { authorization: `Bearer ${pass}` },
})

function plant(gate: GateProcess, sql: string): void {
  const db = new DatabaseSync(join(gate.data, 'ledger.db'))
  db.exec(sql)
  db.close()
}

/** Changes one balance as broken hardware would, and not as a program that writes to the file. */
const WRONG_BALANCE = `
  DROP TRIGGER drawers_add_up;
  UPDATE drawers SET balance = balance + 5 WHERE n = 7;`

describe('a large ledger after kill -9', () => {
  it('with a wrong balance: found while the gate runs, and nothing is admitted afterwards', async () => {
    const gate = await gateOnLargeLedger()
    await gate.start()
    const pass = await gate.mint(1_000)
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    await gate.kill9()
    plant(gate, WRONG_BALANCE)
    await gate.start()
    const { detail } = await gate.event(({ what }) => what === 'ledger_damaged')
    expect(detail).toMatch(/^its drawers paid sum up to \d+ msat, not to \d+$/)
    const refused = await gate.client.ask(chat(pass))
    expect([refused.status, refused.json.error.code]).toEqual([503, 'ledger_unavailable'])
    const bought = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 5 } })
    expect(bought.status).toBe(503)
    const health = await gate.client.ask({ path: '/health' })
    expect(health.json).toMatchObject({ status: 'degraded', ledger: 'damaged' })
    await expect(gate.command('ledger', 'verify')).rejects.toMatchObject({ code: 4 })
    // A stop in order does not make the file right.
    await gate.stop()
    await gate.start()
    await gate.event(({ what }) => what === 'ledger_damaged')
    expect((await gate.client.ask(chat(pass))).status).toBe(503)
  })

  it('whose totals are wrong: the gate does not start', async () => {
    const gate = await gateOnLargeLedger()
    await gate.start()
    await gate.kill9()
    plant(gate, 'UPDATE drawers SET balance = balance + 5 WHERE n = 7')
    await expect(gate.start()).rejects.toThrow(/its drawers sum up to 5 msat, not to 0/)
  })

  it('that is right: the gate serves, its sums are those of its rows, and the books balance', async () => {
    const gate = await gateOnLargeLedger()
    await gate.start()
    const pass = await gate.mint(1_000)
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    await gate.kill9()
    await gate.start()
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    const { charges, deposits } = await gate.command('earnings')
    const requests = charges.reduce(
      (sum: number, row: { requests: number }) => sum + row.requests,
      0,
    )
    expect(requests).toBeGreaterThanOrEqual(HOLDS)
    const paid = deposits.filter(({ rail }: { rail: string }) => rail === 'l402')
    expect(paid.reduce((sum: number, row: { payments: number }) => sum + row.payments, 0)).toBe(
      6_000,
    )
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
    expect(gate.events('problem').map(({ what }) => what)).toEqual([])
  })
})
