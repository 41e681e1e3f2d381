import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { fakePayer } from '../support/fake-chain.ts'
import { startFakeFacilitator } from '../support/fake-facilitator.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { payV1, payV2 } from '../support/x402-buyer.ts'

/** The program with payments in dollars, and without any wallet where nobody needs one. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const PAY_TO = '0x209693bc6afc0c5328ba36faf03c514ef312287c'
const CHAT = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

async function shop(settings: Readonly<Record<string, unknown>> = {}) {
  const [fake, facilitator] = await Promise.all([startFakeUpstream({}), startFakeFacilitator()])
  const x402 = { payTo: PAY_TO, network: 'base-sepolia', facilitator: facilitator.url }
  const whole = {
    upstream: fake.base.origin,
    pricing: { rate: { usdPerBtc: 100_000 } },
    rails: { l402: false, cashu: false, x402 },
    ...settings,
  }
  const gate = new GateProcess(whole)
  clean.push(
    () => fake.close(),
    () => facilitator.stop(),
    () => gate.remove(),
  )
  return { gate, facilitator, x402, whole }
}

it('a gate that takes dollars alone opens no wallet, calls no mint and makes no seed', {
  timeout: 60_000,
}, async () => {
  const { gate } = await shop()
  await gate.start()
  expect(gate.events('ready')).toMatchObject([
    { wallet: null, wallets: [], money: 'test', x402: { network: 'eip155:84532', pay_to: PAY_TO } },
  ])
  expect(readdirSync(gate.data).filter((name) => /ecash|seed/.test(name))).toEqual([])
  expect(gate.events('problem')).toEqual([])
})

const chat = (gate: GateProcess, headers: Readonly<Record<string, string>> = {}) =>
  gate.client.ask({ path: '/v1/chat/completions', body: CHAT, headers })
const offersDollars = ({ headers }: { headers: Readonly<Record<string, unknown>> }) =>
  headers['payment-required'] !== undefined

it('L3 F6 a gate without a wallet sells a completion for dollars, and its pass goes on', {
  timeout: 60_000,
}, async () => {
  const { gate, facilitator } = await shop()
  await gate.start()
  const payer = fakePayer(7)
  facilitator.chain.give(payer.address, 1_000_000n)
  for (const pay of [payV2, payV1]) {
    const unpaid = await chat(gate)
    expect([unpaid.status, unpaid.headers['www-authenticate']]).toEqual([402, undefined])
    const paying = pay(unpaid, payer)
    const paid = await chat(gate, paying.headers)
    expect(paid.status, paid.text).toBe(200)
    expect([paid.status, paid.json.choices.length]).toEqual([200, 1])
    const pass = String(paid.headers['x-satgate-pass'])
    expect((await chat(gate, { authorization: `Bearer ${pass}` })).status).toBe(200)
    const { address } = payer
    expect(facilitator.chain.used(address, paying.authorization.nonce)).toBe(true)
  }
  expect(gate.events('paid')).toMatchObject([{ rail: 'x402' }, { rail: 'x402' }])
  expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  expect(facilitator.counts.settle).toBe(2)
})

it('a facilitator that is away leaves out its own offer alone, and comes back by itself', {
  timeout: 90_000,
}, async () => {
  const mint = await startFakeMint()
  clean.push(() => mint.stop())
  const { gate, facilitator, whole, x402 } = await shop()
  gate.configure({ ...whole, wallet: { kind: 'ecash', mints: [mint.url] }, rails: { x402 } })
  await facilitator.stop()
  await gate.start()
  const problem = await gate.event(({ what }) => what === 'facilitator_unreachable')
  expect(problem).toMatchObject({ event: 'problem', facilitator: new URL(facilitator.url).host })
  const without = await chat(gate)
  expect([without.status, offersDollars(without)]).toEqual([402, false])
  expect(without.headers['www-authenticate']).toMatch(/^L402 /)
  expect((await gate.client.ask({ path: '/health' })).json).toMatchObject({
    ...{ status: 'ok', wallet: 'ok', x402: 'unreachable' },
  })
  await facilitator.restart()
  await gate.event(
    ({ event, what }) => event === 'solved' && what === 'facilitator_unreachable',
    60_000,
  )
  const offered = await chat(gate)
  expect([offersDollars(offered), offered.json.accepts.length]).toEqual([true, 1])
  expect(offered.headers['www-authenticate']).toMatch(/^L402 /)
  const payer = fakePayer(8)
  facilitator.chain.give(payer.address, 1_000_000n)
  const paid = await chat(gate, payV2(offered, payer).headers)
  expect(paid.status).toBe(200)
})

it('alone, while its facilitator is away, it says that nothing can be bought now', {
  timeout: 60_000,
}, async () => {
  const { gate, facilitator } = await shop()
  await facilitator.stop()
  await gate.start()
  const unpaid = await chat(gate)
  expect([unpaid.status, unpaid.json.error.code]).toEqual([503, 'facilitator_unreachable'])
  expect(unpaid.headers['retry-after']).toBeDefined()
  const headers = { authorization: `Bearer ${await gate.mint(100)}` }
  expect((await chat(gate, headers)).status).toBe(200)
  expect((await gate.client.ask({ path: '/health' })).json).toMatchObject({
    ...{ status: 'degraded', wallet: 'none', x402: 'unreachable' },
  })
})

it('what needs a wallet answers that there is none', { timeout: 60_000 }, async () => {
  const { gate } = await shop()
  await gate.start()
  const { client } = gate
  const health = await client.ask({ path: '/health' })
  expect(health.json).toMatchObject({ wallet: 'none', ledger: 'ok', upstream: 'ok' })
  const invoice = await client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  expect([invoice.status, invoice.json.error.code]).toEqual([404, 'not_for_sale'])
  expect(invoice.json.error.message).toContain('sells no invoices')
  const status = await client.ask({ path: `/invoice-status/${'0'.repeat(64)}?token=a` })
  expect([status.status, status.json.error.code]).toEqual([404, 'invoice_not_found'])
  const headers = { authorization: `Bearer ${await gate.mint(100)}` }
  const withdrawn = await client.ask({ path: '/v1/withdraw', headers, body: { ecash: true } })
  expect(withdrawn.status).toBe(400)
  const served = await client.ask({ path: '/v1/chat/completions', headers, body: CHAT })
  expect(served.status).toBe(200)
  const unpaid = await client.ask({ path: '/v1/chat/completions', body: CHAT })
  expect(unpaid.headers['www-authenticate']).toBeUndefined()
  for (const words of [
    ['balance'],
    ['withdraw', 'a@b.example'],
    ['export'],
    ['restore'],
    ['test'],
  ]) {
    await expect(gate.command('wallet', ...words), words[0]).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('this gate has no wallet'),
    })
  }
  expect(await gate.command('earnings')).toBeDefined()
  expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  await gate.stop()
  for (const words of [['balance'], ['test']]) {
    await expect(gate.command('wallet', ...words), words[0]).rejects.toMatchObject({
      stderr: expect.stringContaining('this gate has no wallet'),
    })
  }
  expect(existsSync(join(gate.data, 'ecash.db'))).toBe(false)
})

it('I9 a ledger of test dollars takes no real ones', { timeout: 60_000 }, async () => {
  const { gate, whole, x402 } = await shop()
  await gate.start()
  await gate.stop()
  const rails = { ...whole.rails, x402: { ...x402, network: 'base' } }
  gate.configure({ ...whole, rails })
  const why = await gate.start().then(String, (error: Error) => error.message)
  expect(why).toMatch(/ended with 1:.*test money.*real money/s)
})

it('I9 dollars and the wallet beside them have one kind of money', {
  timeout: 60_000,
}, async () => {
  const mint = await startFakeMint({ network: 'bc' })
  clean.push(() => mint.stop())
  const { gate, whole, x402 } = await shop()
  const wallet = { kind: 'ecash', mints: [mint.url] }
  gate.configure({ ...whole, wallet, rails: { x402 } })
  const why = await gate.start().then(String, (error: Error) => error.message)
  expect(why).toContain('ecash has real money and x402 on base-sepolia has test money')
})

it('the wallet of before is missed: its open invoices are told of', {
  timeout: 60_000,
}, async () => {
  const mint = await startFakeMint()
  clean.push(() => mint.stop())
  const { gate, whole, x402 } = await shop()
  const wallet = { kind: 'ecash', mints: [mint.url] }
  gate.configure({ ...whole, wallet, rails: { x402 } })
  await gate.start()
  expect(gate.events('ready')).toMatchObject([{ wallet: 'ecash', x402: { pay_to: PAY_TO } }])
  const invoice = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  expect(invoice.status).toBe(200)
  await gate.stop()
  gate.configure(whole)
  const why = await gate.start().then(String, (error: Error) => error.message)
  expect(why).toMatch(/ended with 4:.*1 unpaid invoice was made by another wallet/s)
  // With it in the settings, it answers for what it sold, and sells nothing more.
  gate.configure({ ...whole, wallet })
  await gate.start()
  const { json } = invoice
  const pass = `${json.macaroon}:${mint.pay(json.bolt11)}`
  const headers = { authorization: `Bearer ${pass}` }
  const served = await gate.client.ask({ path: '/v1/chat/completions', headers, body: CHAT })
  expect(served.status).toBe(200)
  const more = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  expect(more.status).toBe(404)
})
