import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type LnurlServer, startLnurlServer } from '../support/lnurl-server.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/**
 * The program with a Lightning address. Buyers pay the address directly if its provider tells of
 * payments, otherwise a mint.
 */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

interface Shop {
  readonly gate: GateProcess
  readonly mint: FakeMint
  readonly provider: LnurlServer
}

async function shop(settings: object = {}): Promise<Shop> {
  const fakes = Promise.all([startFakeUpstream({}), startFakeMint(), startLnurlServer()])
  const [fake, mint, provider] = await fakes
  const payout = provider.address.text
  const wallet = { mints: [mint.url] }
  const gate = new GateProcess({ upstream: fake.base.origin, payout, wallet, ...settings })
  for (const stop of [() => fake.close(), () => mint.stop(), () => provider.stop()])
    clean.push(stop)
  clean.push(() => gate.remove())
  return { gate, mint, provider }
}

const noVerify = ({ provider }: Shop) => {
  provider.traps.invoice = { verify: undefined }
}

/** Buys a pass. Whoever made the invoice is paid. */
async function buy({ gate }: Shop, payee: { pay(bolt11: string): string }): Promise<string> {
  const made = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  const pass = `${made.json.macaroon}:${payee.pay(made.json.bolt11)}`
  await until(async () => (await chat(gate, pass)) === 200)
  return pass
}

const chat = async (gate: GateProcess, pass: string) => {
  const headers = { authorization: `Bearer ${pass}` }
  return (await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers })).status
}

describe('--payout you@domain', () => {
  it('is the wallet itself if its provider tells of payments: no coin is made', async () => {
    const here = await shop()
    await here.gate.start()
    expect(here.gate.events('ready')).toMatchObject([{ wallet: 'lightningaddress' }])
    const pass = await buy(here, here.provider)
    expect(here.mint.counts.quote).toBe(0)
    await here.gate.kill9()
    await here.gate.start()
    expect(await chat(here.gate, pass)).toBe(200)
    const owned = await here.gate.command('wallet', 'balance')
    expect(owned).toMatchObject({ balance_sat: 0 })
  })

  it('is where the ecash is sent if its provider does not, and the output says so', async () => {
    const here = await shop()
    noVerify(here)
    await here.gate.start()
    expect(here.gate.events('ready')).toMatchObject([{ wallet: 'ecash', money: 'test' }])
    expect(here.gate.stderr).toMatch(
      /does not tell of payments by itself: earnings are kept as ecash/,
    )
    await buy(here, here.mint)
    const balance = await here.gate.command('wallet', 'balance')
    expect(balance).toMatchObject({ balance_sat: 100, payout: { state: 'first' } })
  })

  it('if it does not answer, ecash is used for now, and the output says so', async () => {
    const here = await shop()
    here.provider.traps.hangsUp = true
    await here.gate.start()
    expect(here.gate.events('ready')).toMatchObject([{ wallet: 'ecash', money: 'test' }])
    expect(here.gate.stderr).toMatch(
      /does not answer now: it hung up\. In this run earnings are kept as ecash/,
    )
  })

  it('if its domain says that nobody has it, the exit code is 2, before anything is sold', async () => {
    const here = await shop()
    here.provider.traps.page = () => ({
      status: 404,
      body: { status: 'ERROR', reason: 'no such user' },
    })
    const why = await here.gate.start().then(String, (error: Error) => error.message)
    expect(why).toMatch(/ended with 2: .*refuses.*no such user.*spelled right/s)
  })

  it('what was earned as ecash before is still there, and its invoices can still be paid', async () => {
    const here = await shop()
    noVerify(here)
    await here.gate.start()
    const old = await buy(here, here.mint)
    const late = await here.gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
    await here.gate.stop()
    here.provider.traps.invoice = {}
    await here.gate.start()
    expect(here.gate.events('ready')).toMatchObject([{ wallet: 'lightningaddress' }])
    await buy(here, here.provider)
    expect(await chat(here.gate, old)).toBe(200)
    const pass = `${late.json.macaroon}:${here.mint.pay(late.json.bolt11)}`
    await until(async () => (await chat(here.gate, pass)) === 200)
    expect((await here.gate.command('wallet', 'balance')).balance_sat).toBe(200)
    expect(await here.gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })
})
