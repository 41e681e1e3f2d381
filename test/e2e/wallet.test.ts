import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type LnurlServer, startLnurlServer } from '../support/lnurl-server.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** A gate earns ecash, and the money leaves again: with the program, a mint and an address. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

async function bed(
  pricing: object = { default: '0/1000', maxOutputTokens: 100 },
): Promise<{ gate: GateProcess; mint: FakeMint; there: LnurlServer }> {
  const fake = await startFakeUpstream({})
  clean.push(() => fake.close())
  const mint = await startFakeMint({ feePpk: 100 })
  clean.push(() => mint.stop())
  const there = await startLnurlServer()
  clean.push(() => there.stop())
  const gate = new GateProcess({
    wallet: { kind: 'ecash', mints: [mint.url], payoutAbove: 1_500 },
    ...{ payout: there.address.text, upstream: fake.base.origin, tunnel: false },
    pricing,
  })
  clean.push(() => gate.remove())
  await gate.start()
  return { gate, mint, there }
}

/** A buyer pays. */
async function earn(gate: GateProcess, mint: FakeMint, amountSats: number): Promise<string> {
  const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats } })
  const pass = `${json.macaroon}:${mint.pay(json.bolt11)}`
  const paid = await gate.client.ask({
    path: '/v1/balance',
    headers: { authorization: `Bearer ${pass}` },
  })
  expect(paid.json.balance_msat).toBe(amountSats * 1000)
  return pass
}

/** Runs `satgate wallet …` on the folder of the gate. Returns its output and exit code. */
async function wallet(gate: GateProcess, ...words: readonly string[]) {
  const program = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))
  const args = [
    program,
    'wallet',
    ...words,
    '--config',
    join(gate.folder, 'satgate.yaml'),
    '--json',
  ]
  const run = promisify(execFile)(process.execPath, args, { cwd: gate.folder })
  const done = await run.catch((error: { code: number; stderr: string; stdout: string }) => error)
  const code = 'code' in done ? Number(done.code) : 0
  return { code, stderr: done.stderr, json: done.stdout === '' ? null : JSON.parse(done.stdout) }
}

describe('satgate wallet beside a running gate', { timeout: 60_000 }, () => {
  it('I1 the credit of buyers stays; what the operator insists on leaves; events report it', async () => {
    const { gate, mint } = await bed()
    await earn(gate, mint, 1_000)
    const { json } = await wallet(gate, 'balance')
    expect(json).toMatchObject({ balance_sat: 1_000, owed_sat: 1_000, withdrawable_sat: 0 })
    expect(json.mints).toMatchObject([{ mint: mint.url, free_sat: 1_000 }])
    const refused = await wallet(gate, 'withdraw', mint.invoice(200))
    expect(refused).toMatchObject({ code: 4, json: null })
    expect(mint.payouts).toEqual([])
    const insisted = await wallet(gate, 'withdraw', mint.invoice(200), '--yes')
    expect(insisted.json).toMatchObject({ state: 'paid', amount_sat: 200 })
    expect(mint.payouts.map(({ sat }) => sat)).toEqual([200])
    expect(gate.events('payout').map(({ state }) => state)).toEqual(['sent', 'paid'])
    expect(gate.stderr).not.toMatch(/lnbc/)
  })

  it('earnings leave by themselves: a small sum, confirmed by the operator, then what is not owed', async () => {
    const { gate, mint, there } = await bed({ default: { input: 0, output: 0, request: 900 } })
    for (let buyer = 0; buyer < 3; buyer += 1) {
      const pass = await earn(gate, mint, 1_000)
      const answer = await gate.client.ask({
        path: '/v1/chat/completions',
        body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
        headers: { authorization: `Bearer ${pass}` },
      })
      expect(answer.status).toBe(200)
    }
    const { json } = await wallet(gate)
    expect(json).toMatchObject({ balance_sat: 3_000, owed_sat: 300 })
    expect(json.payout).toMatchObject({ state: 'first', to: there.address.text, amount_sat: 150 })
    // Rounds come every half minute, and the first one at the start.
    await gate.stop()
    await gate.start()
    await gate.event(({ event, state }) => event === 'payout' && state === 'paid')
    expect(mint.payouts.map(({ sat }) => sat)).toEqual([150])
    expect((await wallet(gate)).json.payout).toMatchObject({ state: 'confirm', amount_sat: 150 })
    expect((await wallet(gate, 'confirm')).json).toEqual({ to: there.address.text })
    await gate.event(({ event, state, sat }) => event === 'payout' && state === 'paid' && sat > 150)
    const left = (await wallet(gate)).json
    expect(left.balance_sat).toBeGreaterThanOrEqual(300)
    expect(left.balance_sat).toBeLessThan(500)
    expect(left.payout).toMatchObject({ state: 'on', problem: null })
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })

  it('I11 a killed gate leaves its coins to the command, and the command to the gate', async () => {
    const { gate, mint } = await bed()
    await earn(gate, mint, 1_000)
    await gate.kill9()
    expect((await wallet(gate)).json).toMatchObject({ balance_sat: 1_000, owed_sat: 1_000 })
    const exported = await wallet(gate, 'export', '--sats', '100', '--yes')
    expect(exported.json).toMatchObject([{ amount_sat: 100, mint: mint.url }])
    await gate.start()
    const after = (await wallet(gate)).json
    expect(after.balance_sat).toBeGreaterThan(890)
    expect((await wallet(gate, 'export', '--again')).json).toHaveLength(1)
    expect((await wallet(gate, 'restore')).json).toMatchObject([{ added_sat: 0, gone_sat: 0 }])
  })
})
