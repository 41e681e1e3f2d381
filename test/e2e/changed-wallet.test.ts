import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startLnurlServer } from '../support/lnurl-server.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { type LndDouble, startLndDouble } from '../unit/wallets/lnd/lnd-double.ts'

/**
 * The program after its wallet was changed: it does not silently forget invoices that can still be
 * paid (threats J24).
 */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

async function shop() {
  const fakes = [
    startFakeUpstream({}),
    startFakeMint(),
    startLnurlServer(),
    startLndDouble(),
  ] as const
  const [fake, mint, provider, lnd] = await Promise.all(fakes)
  clean.push(
    () => fake.close(),
    () => mint.stop(),
    () => provider.stop(),
    () => lnd.stop(),
  )
  const upstream = fake.base.origin
  const ecash = { upstream, wallet: { mints: [mint.url] } }
  const gate = new GateProcess(ecash)
  clean.push(() => gate.remove())
  const direct = { ...ecash, payout: provider.address.text }
  return { gate, mint, provider, lnd, ecash, direct, upstream }
}

const onNode = (upstream: string, node: LndDouble) => ({
  upstream,
  wallet: { kind: 'lnd', url: node.url, key: { env: 'LND_MACAROON' } },
})
const listOf = (upstream: string, ...nodes: readonly LndDouble[]) => ({
  upstream,
  wallet: nodes.map(
    ({ url, macaroonHex }) =>
      ({ kind: 'lnd', url, key: { env: `MACAROON_${macaroonHex.slice(-8)}` } }) as const,
  ),
})
const envOfAll = (...nodes: readonly LndDouble[]) =>
  Object.fromEntries(
    nodes.map(({ macaroonHex }) => [`MACAROON_${macaroonHex.slice(-8)}`, macaroonHex]),
  )
const envOf = (node: LndDouble) => ({ LND_MACAROON: node.macaroonHex })

async function invoice(gate: GateProcess) {
  const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  return json
}

const why = (start: Promise<unknown>) => start.then(String, (error: Error) => error.message)

async function credited(gate: GateProcess, pass: string): Promise<void> {
  const headers = { authorization: `Bearer ${pass}` }
  await until(
    async () => (await gate.client.ask({ path: '/v1/balance', headers })).json.balance_msat > 0,
  )
}

describe('J24 a_wallet_that_was_changed_still_answers_for_its_invoices:', {
  timeout: 90_000,
}, () => {
  it('it does not start on another one while some can be paid, and says how many and until when', async () => {
    const { gate, mint, lnd, ecash, upstream } = await shop()
    await gate.start()
    const [open] = [await invoice(gate), await invoice(gate)]
    await gate.stop()
    gate.configure(onNode(upstream, lnd))
    const refused = await why(gate.start(envOf(lnd)))
    expect(refused).toMatch(/ended with 4: .*2 unpaid invoices .*\(ecash\).* until 20\d\d-/s)
    expect(refused).toContain('--yes')
    expect(refused).not.toMatch(/lnbc|[0-9a-f]{40}/)
    await gate.start(envOf(lnd), ['--yes'])
    expect(gate.events('ready')).toMatchObject([{ wallet: 'lnd' }])
    expect(gate.events('problem')).toMatchObject([
      { what: 'invoices_unanswered', wallet: 'ecash', invoices: 2 },
    ])
    await gate.stop()
    gate.configure(ecash)
    await gate.start()
    await credited(gate, `${open.macaroon}:${mint.pay(open.bolt11)}`)
  })

  it('a node that became another node is another wallet; the same node is not', async () => {
    const { gate, lnd, upstream } = await shop()
    gate.configure(onNode(upstream, lnd))
    await gate.start(envOf(lnd))
    const open = await invoice(gate)
    await gate.stop()
    const other = await startLndDouble()
    clean.push(() => other.stop())
    gate.configure(onNode(upstream, other))
    expect(await why(gate.start(envOf(other)))).toMatch(
      /ended with 4: .*1 unpaid invoice .*\(lnd at 127\.0\.0\.1:\d+\)/s,
    )
    gate.configure(onNode(upstream, lnd))
    await gate.start(envOf(lnd))
    expect(gate.events('problem')).toEqual([])
    await credited(gate, `${open.macaroon}:${lnd.pay(open.bolt11)}`)
  })

  it('a wallet that leaves a list is said, with its name and address, and what to do', async () => {
    const { gate, lnd, upstream } = await shop()
    const other = await startLndDouble()
    clean.push(() => other.stop())
    const env = envOfAll(lnd, other)
    gate.configure(listOf(upstream, lnd, other))
    await gate.start(env)
    const [ready] = gate.events('ready')
    const second = String(ready?.wallets[1])
    expect([ready?.wallets[0], second]).toEqual(['lnd', expect.stringMatching(/^lnd-[0-9a-f]{6}$/)])
    const open = await invoice(gate)
    await gate.stop()
    gate.configure(listOf(upstream, other))
    const refused = await why(gate.start(env))
    expect(refused).toMatch(/ended with 4: .*1 unpaid invoice .*\(lnd at 127\.0\.0\.1:\d+\)/s)
    expect(refused).toMatch(/Keep that wallet until then, as the last one of a list/)
    await gate.start(env, ['--yes'])
    expect(gate.events('ready')).toMatchObject([{ wallet: second }])
    expect(gate.events('problem')).toMatchObject([
      { what: 'invoices_unanswered', wallet: 'lnd', invoices: 1 },
    ])
    // Its pass is not called unpaid: nobody can tell, so the buyer is not asked to pay again.
    const pass = `${open.macaroon}:${lnd.pay(open.bolt11)}`
    const headers = { authorization: `Bearer ${pass}` }
    const balance = await gate.client.ask({ path: '/v1/balance', headers })
    expect([balance.status, balance.headers['www-authenticate']]).toEqual([503, undefined])
    await gate.stop()
    // In another order each keeps its name, and the invoice is seen paid.
    gate.configure(listOf(upstream, other, lnd))
    await gate.start(env)
    expect(gate.events('ready')).toMatchObject([{ wallets: [second, 'lnd'] }])
    expect(gate.events('problem')).toEqual([])
    await credited(gate, pass)
  })

  it('invoices that are paid or can no longer be paid do not prevent a start', async () => {
    const { gate, mint, lnd, upstream } = await shop()
    await gate.start()
    const paid = await invoice(gate)
    await credited(gate, `${paid.macaroon}:${mint.pay(paid.bolt11)}`)
    await gate.stop()
    gate.configure(onNode(upstream, lnd))
    await gate.start(envOf(lnd))
    expect(gate.events('problem')).toEqual([])
  })

  it('an address after ecash serves the invoices of both; ecash after an address does not', async () => {
    const { gate, mint, ecash, direct } = await shop()
    await gate.start()
    const old = await invoice(gate)
    await gate.stop()
    gate.configure(direct)
    await gate.start()
    expect(gate.events('ready')).toMatchObject([{ wallet: 'lightningaddress' }])
    await invoice(gate)
    await credited(gate, `${old.macaroon}:${mint.pay(old.bolt11)}`)
    await gate.stop()
    gate.configure(ecash)
    expect(await why(gate.start())).toMatch(
      /ended with 4: .*1 unpaid invoice .*\(lightningaddress\)/s,
    )
    await gate.start({}, ['--yes'])
    expect(gate.events('ready')).toMatchObject([{ wallet: 'ecash' }])
  })
})
