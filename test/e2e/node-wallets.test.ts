import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { startClnDouble } from '../support/clnrest.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startPhoenixdDouble } from '../support/phoenixd.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** The program on a node of the operator. The nodes are doubles, with everything else as it is. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

interface Node {
  readonly url: string
  readonly key: string
  pay(bolt11: string): string
  down(): Promise<void>
  up(): Promise<void>
  stop(): Promise<void>
}

const NODES: Readonly<Record<string, () => Promise<Node>>> = {
  async phoenixd() {
    const double = await startPhoenixdDouble()
    return { ...double, key: double.limited }
  },
  async cln() {
    const double = await startClnDouble()
    return { ...double, key: double.rune(['invoice', 'listinvoices', 'waitanyinvoice']) }
  },
}

async function shop(kind: string) {
  const [fake, node] = await Promise.all([
    startFakeUpstream({}),
    NODES[kind]?.() ?? expect.unreachable(),
  ])
  const wallet = { kind, url: node.url, key: { env: 'NODE_KEY' } }
  const gate = new GateProcess({ upstream: fake.base.origin, wallet })
  clean.push(
    () => fake.close(),
    () => node.stop(),
    () => gate.remove(),
  )
  const ask = (path: string, pass: string | null, body?: object) =>
    gate.client.ask({
      path,
      ...(body === undefined ? {} : { body }),
      ...(pass === null ? {} : { headers: { authorization: `Bearer ${pass}` } }),
    })
  return {
    ...{ gate, node, ask },
    start: () => gate.start({ NODE_KEY: node.key }),
    invoice: async () => (await ask('/create-invoice', null, { amountSats: 100 })).json,
    balance: async (pass: string) => (await ask('/v1/balance', pass)).json.balance_msat,
    paid: () => gate.events('paid').length,
  }
}

const CHAT = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

describe.each(Object.keys(NODES))('a gate on %s', (kind) => {
  it('sells, and learns of a payment that nobody presents', { timeout: 90_000 }, async () => {
    const { start, gate, node, ask, invoice, balance, paid } = await shop(kind)
    await start()
    expect(gate.events('ready')).toMatchObject([{ wallet: kind }])
    const first = await invoice()
    const pass = `${first.macaroon}:${node.pay(first.bolt11)}`
    expect((await ask('/v1/chat/completions', pass, CHAT)).status).toBe(200)
    expect(await balance(pass)).toBeLessThan(100_000)
    const second = await invoice()
    node.pay(second.bolt11)
    await until(() => paid() === 2)
    expect(gate.stderr).not.toContain(node.key)
  })

  it('C10 what was paid while the gate was dead is credited after its start', {
    timeout: 90_000,
  }, async () => {
    const { start, gate, node, invoice, balance, paid } = await shop(kind)
    await start()
    const [known, missed] = [await invoice(), await invoice()]
    node.pay(known.bolt11)
    await until(() => paid() === 1)
    await gate.kill9()
    const preimage = node.pay(missed.bolt11)
    await start()
    await until(() => paid() === 1)
    expect(await balance(`${missed.macaroon}:${preimage}`)).toBe(100_000)
  })

  it('C10 a node that is gone takes the offers with it, and nothing that was paid', {
    timeout: 90_000,
  }, async () => {
    const { start, gate, node, ask, invoice, balance } = await shop(kind)
    await start()
    const [first, open] = [await invoice(), await invoice()]
    const pass = `${first.macaroon}:${node.pay(first.bolt11)}`
    expect(await balance(pass)).toBe(100_000)
    await node.down()
    const preimage = node.pay(open.bolt11)
    await until(async () => (await ask('/v1/chat/completions', null, CHAT)).status === 503)
    expect((await ask('/v1/chat/completions', pass, CHAT)).status).toBe(200)
    expect(gate.events('problem')).toMatchObject([{ what: 'wallet_unreachable', wallet: kind }])
    await node.up()
    await gate.event(({ event, wallet }) => event === 'solved' && wallet === kind)
    expect(await balance(`${open.macaroon}:${preimage}`)).toBe(100_000)
    expect((await ask('/v1/chat/completions', null, CHAT)).status).toBe(402)
  })
})
