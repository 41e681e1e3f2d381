import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { startLndDouble } from '../unit/wallets/lnd/lnd-double.ts'

/** The program with several wallets: the first one fails while payments flow. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

async function shop(mintOptions: Parameters<typeof startFakeMint>[0] = {}) {
  const [fake, mint, lnd] = await Promise.all([
    startFakeUpstream({}),
    startFakeMint(mintOptions),
    startLndDouble(),
  ])
  clean.push(
    () => fake.close(),
    () => mint.stop(),
    () => lnd.stop(),
  )
  const gate = new GateProcess({})
  writeFileSync(join(gate.folder, 'macaroon'), lnd.macaroonHex, { mode: 0o600 })
  const node = { kind: 'lnd', url: lnd.url, key: { file: 'macaroon' } }
  const ecash = { kind: 'ecash', mints: [mint.url] }
  gate.configure({ upstream: fake.base.origin, wallet: [node, ecash] })
  clean.push(() => gate.remove())
  const invoice = async () =>
    (await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })).json
  const ask = (pass: string) =>
    gate.client.ask({ path: '/v1/balance', headers: { authorization: `Bearer ${pass}` } })
  const credited = (pass: string) =>
    until(async () => (await ask(pass)).json.balance_msat === 100_000)
  return { gate, mint, lnd, invoice, ask, credited }
}

it('if the first wallet dies, the second one sells; each answers for its own invoices', {
  timeout: 90_000,
}, async () => {
  const { gate, mint, lnd, invoice, ask, credited } = await shop()
  await gate.start()
  expect(gate.events('ready')).toMatchObject([{ wallet: 'lnd', wallets: ['lnd', 'ecash'] }])
  const first = await invoice()
  await credited(`${first.macaroon}:${lnd.pay(first.bolt11)}`)

  // The node is paid and dies before the gate hears of it.
  const paid = await invoice()
  const open = await invoice()
  lnd.traps.hangUps = Number.POSITIVE_INFINITY
  lnd.hangUp()
  const preimage = lnd.pay(paid.bolt11)
  const instead = await invoice()
  await credited(`${instead.macaroon}:${mint.pay(instead.bolt11)}`)
  const problems = gate.events('problem').filter(({ what }) => what === 'wallet_unreachable')
  expect(problems).toMatchObject([{ wallet: 'lnd', instead: 'ecash' }])
  expect((await gate.client.ask({ path: '/health' })).json).toMatchObject({ wallet: 'ok' })
  const unseen = await ask(`${paid.macaroon}:${preimage}`)
  expect([unseen.status, unseen.headers['www-authenticate']]).toEqual([503, undefined])
  expect(unseen.headers['retry-after']).toBeDefined()

  lnd.traps.hangUps = 0
  await gate.event((said) => said.event === 'solved' && said.wallet === 'lnd')
  await credited(`${paid.macaroon}:${preimage}`)
  const again = await invoice()
  await credited(`${again.macaroon}:${lnd.pay(again.bolt11)}`)
  // A payment that nobody presents is learnt from the wallet that made the invoice.
  const before = gate.events('paid').length
  lnd.pay(open.bolt11)
  await until(() => gate.events('paid').length > before)
})

it('satgate wallet test asks the running gate, also while one wallet is down', {
  timeout: 60_000,
}, async () => {
  const { gate, lnd } = await shop()
  await gate.start()
  expect(await gate.command('wallet', 'test')).toMatchObject([
    { wallet: 'lnd', works: true, money: 'test', receivable: 'cannot be read with this key' },
    { wallet: 'ecash', works: true, money: 'test' },
  ])
  lnd.traps.hangUps = Number.POSITIVE_INFINITY
  await expect(gate.command('wallet', 'test')).rejects.toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/"wallet":"lnd".*"works":false.*"ecash".*"works":true/),
  })
})

it('a gate starts while one of its wallets does not answer, also on a new folder', {
  timeout: 60_000,
}, async () => {
  const { gate, mint, lnd, invoice, credited } = await shop()
  lnd.traps.hangUps = Number.POSITIVE_INFINITY
  await gate.start()
  const made = await invoice()
  await credited(`${made.macaroon}:${mint.pay(made.bolt11)}`)
  lnd.traps.hangUps = 0
  await gate.event((said) => said.event === 'solved' && said.wallet === 'lnd')
  const next = await invoice()
  await credited(`${next.macaroon}:${lnd.pay(next.bolt11)}`)
})

it('I9 it does not start on wallets whose money is of different kinds, and names both', {
  timeout: 60_000,
}, async () => {
  const { gate } = await shop({ network: 'bc' })
  const why = await gate.start().then(String, (error: Error) => error.message)
  expect(why).toMatch(/lnd at 127\.0\.0\.1:\d+ has test money and ecash has real money/)
})
