import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it } from 'vitest'
import { fakePayer } from '../support/fake-chain.ts'
import { startFakeFacilitator } from '../support/fake-facilitator.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { payV1, payV2 } from '../support/x402-buyer.ts'

/** Payments whose facilitator never says what became of them, and an operator who looks at the chain. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const CHAT = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

async function shop() {
  const [fake, facilitator, mint] = await Promise.all([
    startFakeUpstream({}),
    startFakeFacilitator(),
    startFakeMint(),
  ])
  const payTo = '0x209693bc6afc0c5328ba36faf03c514ef312287c'
  const whole = { upstream: fake.base.origin, pricing: { rate: { usdPerBtc: 100_000 } } }
  const x402 = { payTo, network: 'base-sepolia', facilitator: facilitator.url }
  const on = { ...whole, rails: { l402: false, cashu: false, x402 } }
  const off = { ...whole, wallet: { kind: 'ecash', mints: [mint.url] } }
  const gate = new GateProcess(on)
  clean.push(
    () => fake.close(),
    () => facilitator.stop(),
    () => mint.stop(),
    () => gate.remove(),
  )
  return { gate, facilitator, on, off }
}

/** So much later than it is. */
function age(gate: GateProcess, state: 'settling' | 'lost', id: string): void {
  const db = new DatabaseSync(join(gate.data, 'x402.db'))
  db.prepare('UPDATE payments SET at = at - 3600000, state = ? WHERE id LIKE ?').run(
    state,
    `%${id}`,
  )
  db.close()
}

it('L15 what the facilitator never tells is credited once the operator confirms it, with a gate and without', {
  timeout: 120_000,
}, async () => {
  const { gate, facilitator, on, off } = await shop()
  await gate.start()
  const chat = (headers: Readonly<Record<string, string>> = {}) =>
    gate.client.ask({ path: '/v1/chat/completions', body: CHAT, headers })
  const payer = fakePayer(7)
  facilitator.chain.give(payer.address, 1_000_000n)
  // The money moves, and the facilitator names no transaction, each time.
  facilitator.faults.settle = { is: 'noTransactionAfter', times: 1_000 }
  const sent: ReturnType<typeof payV2>[] = []
  for (const pay of [payV2, payV1]) {
    const paying = pay(await chat(), payer)
    const answer = await chat(paying.headers)
    expect([answer.status, answer.json.error.code]).toEqual([503, 'x402_pending'])
    sent.push(paying)
  }
  expect(await gate.command('wallet', 'confirm', '--payments')).toEqual([])
  await gate.stop()
  const [first, second] = sent
  const [one, two] = facilitator.chain.transactions
  if (first === undefined || second === undefined) expect.unreachable()
  age(gate, 'lost', first.authorization.nonce)
  age(gate, 'settling', second.authorization.nonce)

  gate.configure(off)
  await gate.start()
  const problem = { what: 'payments_unwatched', payments: 1 }
  expect(gate.events('problem')).toMatchObject([problem])
  expect(await gate.command('wallet', 'confirm', '--payments')).toHaveLength(2)
  await gate.stop()

  gate.configure(on)
  await gate.start()
  const listed = await gate.command('wallet', 'confirm', '--payments')
  expect(listed).toMatchObject([{ state: 'lost' }, { state: 'settling' }])
  const confirm = (at: number, transaction = '', ...more: readonly string[]) => {
    const id = listed[at]?.payment ?? ''
    return gate.command(
      ...['wallet', 'confirm', '--payments', id, '--transaction', transaction],
      ...more,
    )
  }
  expect((await chat(first.headers)).text).toContain('x402_unknown')
  await expect(confirm(0, one?.hash)).rejects.toMatchObject({ code: 4 })
  expect(gate.events('paid')).toEqual([])
  expect(await confirm(0, one?.hash, '--yes')).toMatchObject({ confirmed: true, credited: 'soon' })
  await gate.event(({ event }) => event === 'paid')
  await expect(confirm(1, one?.hash, '--yes')).rejects.toMatchObject({ code: 1 })
  const answered = await chat(first.headers)
  expect(answered.status, answered.text).toBe(200)
  const pass = String(answered.headers['x-satgate-pass'])
  expect((await chat({ authorization: `Bearer ${pass}` })).status).toBe(200)
  await gate.stop()

  const said = await confirm(1, two?.hash, '--yes')
  expect(said).toMatchObject({ confirmed: true, credited: 'at_the_next_start' })
  await gate.start()
  await gate.event(({ event }) => event === 'paid')
  expect((await chat(second.headers)).headers['x-satgate-pass']).toBeDefined()
  expect(await gate.command('wallet', 'confirm', '--payments')).toEqual([])
  expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  const income = (await gate.command('earnings')).deposits
  expect(income).toMatchObject([{ rail: 'x402', payments: 2, credit: 'usd' }])
})
