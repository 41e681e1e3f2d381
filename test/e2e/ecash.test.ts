import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** The program with the ecash wallet: killed, moved to another machine, and run twice. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

async function shop(): Promise<{ mint: FakeMint; gate: GateProcess; another(): GateProcess }> {
  const [fake, mint] = await Promise.all([startFakeUpstream({}), startFakeMint()])
  clean.push(
    () => fake.close(),
    () => mint.stop(),
  )
  const another = () => {
    const wallet = { mints: [mint.url] }
    const gate = new GateProcess({ upstream: fake.base.origin, tunnel: false, wallet })
    clean.push(() => gate.remove())
    return gate
  }
  return { mint, gate: another(), another }
}

const folderOf = (gate: GateProcess) => join(gate.folder, 'data')

/** Moves all files of a stopped gate to another machine. */
function moved(from: GateProcess, to: GateProcess): GateProcess {
  rmSync(folderOf(to), { recursive: true })
  cpSync(folderOf(from), folderOf(to), { recursive: true })
  rmSync(join(folderOf(to), 'control.sock'), { force: true })
  return to
}

async function invoice(gate: GateProcess, amountSats = 100) {
  const { json, status, text } = await gate.client.ask({
    path: '/create-invoice',
    body: { amountSats },
  })
  if (status !== 200) throw new Error(`no invoice: ${text}`)
  return json
}

async function buy({ gate, mint }: { gate: GateProcess; mint: FakeMint }): Promise<string> {
  const { bolt11, macaroon } = await invoice(gate)
  const pass = `${macaroon}:${mint.pay(bolt11)}`
  await until(async () => (await chat(gate, pass)) === 200)
  return pass
}

const chat = async (gate: GateProcess, pass: string | null = null) => {
  const headers = pass === null ? {} : { authorization: `Bearer ${pass}` }
  return (await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers })).status
}

const coins = async (gate: GateProcess): Promise<number> =>
  (await gate.command('wallet', 'balance')).balance_sat

describe('with nothing configured but a backend', () => {
  it('it earns: a 402, a payment, an answer, coins in its folder, and the advice to make a backup', async () => {
    const { gate, mint } = await shop()
    await gate.start()
    expect(gate.events('ready')).toMatchObject([{ wallet: 'ecash' }])
    expect(gate.stderr).toContain(`back up ${folderOf(gate)}`)
    expect(await chat(gate)).toBe(402)
    await buy({ gate, mint })
    expect([await coins(gate), mint.issuedSat()]).toEqual([100, 100])
    expect(JSON.stringify(gate.events())).not.toMatch(/lnbcrt|[0-9a-f]{40}/)
    expect(await gate.stop()).toBe(0)
    await gate.start()
    expect(gate.stderr).not.toContain('back up')
  })

  it('E4 killed between the payment and its coins: the next start takes the coins', async () => {
    const { gate, mint } = await shop()
    await gate.start()
    const made = await invoice(gate)
    mint.faults.mint = { is: 'dropAfter', times: 1 }
    const pass = `${made.macaroon}:${mint.pay(made.bolt11)}`
    await until(() => Promise.resolve(mint.issuedSat() === 100))
    await gate.kill9()
    await gate.start()
    await until(async () => (await chat(gate, pass)) === 200)
    expect(await coins(gate)).toBe(100)
  })

  it('if a mint is away there is no 402 and no free answer; buyers with credit are served', async () => {
    const { gate, mint } = await shop()
    await gate.start()
    const pass = await buy({ gate, mint })
    await mint.stop()
    await until(async () => (await chat(gate)) === 503)
    expect(await chat(gate, pass)).toBe(200)
    await mint.restart()
    await until(async () => (await chat(gate)) === 402)
  })
})

describe('a backup', () => {
  it('of a stopped gate earns on elsewhere, with every balance and coin', async () => {
    const { gate, mint, another } = await shop()
    await gate.start()
    const pass = await buy({ gate, mint })
    await gate.stop()
    await gate.start()
    expect(gate.stderr).not.toContain('is a copy')
    await gate.stop()
    const next = await moved(gate, another()).start()
    expect(next.stderr).toMatch(/is a copy\. What happened since it was made is not known here/)
    expect(await chat(next, pass)).toBe(200)
    expect(await coins(next)).toBe(100)
    await buy({ gate: next, mint })
    expect([await coins(next), mint.issuedSat()]).toEqual([200, 200])
  })

  it('I11 an older one is noticed: nothing is sold until stock was taken, then it earns on', async () => {
    const { gate, mint, another } = await shop()
    await gate.start()
    const pass = await buy({ gate, mint })
    await gate.stop()
    const older = moved(gate, another())
    await gate.start()
    await buy({ gate, mint })
    await gate.stop()

    await older.start()
    for (const problem of ['seed_elsewhere', 'wallet_unreachable', 'withdrawals_paused']) {
      await older.event(({ what }) => what === problem)
    }
    expect(older.events('problem')).toHaveLength(3)
    expect([await chat(older), await chat(older, pass)]).toEqual([503, 200])
    await older.command('wallet', 'restore', '--yes')
    // Tokens are taken at once, invoices when the wallet is tried again.
    await older.event(({ event, what }) => event === 'solved' && what === 'wallet_unreachable')
    expect([await coins(older), mint.issuedSat()]).toEqual([200, 200])
    await buy({ gate: older, mint })
    expect([await coins(older), mint.issuedSat()]).toEqual([300, 300])
  })

  it('I11 a second gate on a copy stops at its first sale, and the first goes on', async () => {
    const { gate, mint, another } = await shop()
    await gate.start()
    await gate.stop()
    const twin = moved(gate, another())
    await Promise.all([gate.start(), twin.start()])
    await buy({ gate, mint })
    const made = await invoice(twin)
    mint.pay(made.bolt11)
    await twin.event(({ what }) => what === 'seed_elsewhere')
    await until(async () => (await chat(twin)) === 503)
    await buy({ gate, mint })
    expect([await coins(gate), await coins(twin)]).toEqual([200, 0])
  })

  it('without its seed or its root key it does not start, and makes no new one beside the money', async () => {
    const { gate, mint } = await shop()
    await gate.start()
    await buy({ gate, mint })
    await gate.stop()
    const why = () => gate.start().then(String, (error: Error) => error.message)
    rmSync(join(folderOf(gate), 'ecash.seed'))
    expect(await why()).toMatch(/ended with 4: .*ecash.seed is missing/s)
  })
})
