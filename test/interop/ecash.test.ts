import { readFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { walletContract } from '../contract/wallet.ts'
import { EcashBed } from '../support/ecash.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { Buyer, bearer, until } from './buyer.ts'
import { describeWithLab, type Lab, labMissing, openLab } from './lab.ts'
import { openPayer, type Payer } from './payer.ts'

const CHAT = '/v1/chat/completions'
const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

if (labMissing === null) {
  walletContract('ecash of Nutshell over a real lnd', async () => {
    const lab = await openLab()
    const payer = openPayer(await lab.startPart('lnd'))
    const { MINT_URL: url = '' } = await lab.startPart('nutshell-lnd')
    const bed = new EcashBed()
    return {
      open: () => bed.open({ mints: [{ url }], deadlineMs: 1_000 }),
      pay: payer.pay,
      outage: { begin: () => lab.pause('nutshell-lnd'), end: () => lab.resume('nutshell-lnd') },
      refuses: [10_000_000],
      expiry: 'theirs',
      preimage: 'maybe',
      source: /^ecash http:/,
      async cleanup() {
        payer.close()
        await bed.close()
        await lab.stop()
      },
    }
  })
}

/** A gate with these mints in a process of its own, and a model server that answers at once. */
class Shop {
  readonly gate: GateProcess
  readonly #upstream: FakeUpstream

  constructor(upstream: FakeUpstream, settings: Readonly<Record<string, unknown>>) {
    this.#upstream = upstream
    const limits = { invoicesPerClient: 10_000 }
    this.gate = new GateProcess({
      ...{ upstream: upstream.base.origin, tunnel: false, limits },
      ...settings,
    })
  }

  static async open(settings: Readonly<Record<string, unknown>>): Promise<Shop> {
    const shop = new Shop(await startFakeUpstream(), settings)
    // Also if a test fails before it closes its shop.
    onTestFinished(() => shop.gate.kill9())
    await shop.gate.start()
    return shop
  }

  async invoice(amountSats: number) {
    const made = await this.gate.client.ask({ path: '/create-invoice', body: { amountSats } })
    if (made.status !== 200) throw new Error(`no invoice: ${made.status} ${made.text}`)
    return made.json
  }

  /** With the secret from the status page, because a fake payment has no valid preimage. */
  async passOf(made: { payment_url: string; macaroon: string }): Promise<string> {
    let secret = ''
    await until(async () => {
      const { json } = await this.gate.client.ask({ path: made.payment_url })
      secret = json.token_suffix ?? ''
      return secret !== ''
    }, 60_000)
    return `${made.macaroon}:${secret}`
  }

  buyer = (pass: string): Buyer => new Buyer(this.gate, pass)

  /** Waits until that pass is served. */
  async served(pass: string, within = 60_000): Promise<void> {
    const answers = new Set<string>()
    const served = async () => {
      const { status, json } = await this.chat(pass)
      answers.add(`${status} ${json?.error?.code}`)
      return status === 200
    }
    await until(served, within).catch(() => {
      const said = JSON.stringify(this.gate.events('problem'))
      throw new Error(`never served: ${[...answers]}; said: ${said}`)
    })
  }

  /** Null while the payment of a pass is not seen. */
  async balanceNow(pass: string): Promise<{ balance_msat: number } | null> {
    const { status, json } = await this.gate.client.ask({
      path: '/v1/balance',
      headers: bearer(pass),
    })
    return status === 200 ? json : null
  }

  chat = (pass: string) => this.gate.client.ask({ path: CHAT, body: HELLO, headers: bearer(pass) })

  /** Everything that came in is in the books, and the coins for it are here. */
  async accounts(): Promise<{ deposited: number; coins: number; awaited: number }> {
    const earnings = await this.gate.command('earnings')
    const balance = await this.gate.command('wallet', 'balance')
    const deposits: { amount_msat: number }[] = earnings.deposits
    const deposited = deposits.reduce((sum, { amount_msat: msat }) => sum + msat, 0) / 1000
    const mints: { awaited_sat: number }[] = balance.mints
    const awaited = mints.reduce((sum, { awaited_sat: sat }) => sum + sat, 0)
    return { deposited, coins: balance.balance_sat, awaited }
  }

  async close(): Promise<void> {
    const verdict = await this.gate.command('ledger', 'verify')
    await this.gate.remove()
    await this.#upstream.close()
    expect(verdict).toMatchObject({ balanced: true })
  }
}

describeWithLab('a gate that needs no node', () => {
  let lab: Lab
  let payer: Payer
  let mint: string

  beforeAll(async () => {
    lab = await openLab()
    payer = openPayer(await lab.startPart('lnd'))
    mint = (await lab.startPart('nutshell-lnd')).MINT_URL ?? ''
  })
  afterAll(async () => {
    payer?.close()
    await lab?.stop()
  })

  it('402, paid over Lightning, served: with the preimage that the payer has', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const refused = await shop.gate.client.ask({ path: CHAT, body: HELLO })
    expect(refused.status).toBe(402)
    const { invoice, macaroon } = refused.json.l402
    const preimage = await payer.pay(invoice)
    const answer = await shop.chat(`${macaroon}:${preimage}`)
    expect(answer.status).toBe(200)
    const { deposited, coins } = await shop.accounts()
    expect([deposited, coins]).toEqual([refused.json.amount_sats, refused.json.amount_sats])
    await shop.close()
  })

  it('E4 the mint is paused, killed and brought back while payments flow: every sat is there', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const sold: Promise<{ sats: number; pass: string } | null>[] = []
    const sell = async (sats: number) => {
      const made = await shop.invoice(sats)
      return { sats, pass: `${made.macaroon}:${await payer.pay(made.bolt11)}` }
    }
    const selling = (from: number, to: number) => {
      for (let sats = from; sats <= to; sats += 1) sold.push(sell(sats).catch(() => null))
      return Promise.all(sold)
    }
    await selling(11, 15)
    await lab.pause('nutshell-lnd')
    const paused = selling(21, 23)
    await new Promise((then) => setTimeout(then, 3_000))
    await lab.resume('nutshell-lnd')
    await paused
    const open = [await shop.invoice(31), await shop.invoice(32)]
    await lab.kill('nutshell-lnd')
    // Its node is up, and accepts payments that the mint does not know of yet.
    for (const { bolt11, macaroon, amount_sats: sats } of open) {
      const preimage = await payer.pay(bolt11)
      sold.push(Promise.resolve({ sats, pass: `${macaroon}:${preimage}` }))
    }
    await lab.startPart('nutshell-lnd', { KEEP: '1' })
    const paid = (await Promise.all(sold)).filter((one) => one !== null)
    expect(paid.map(({ sats }) => sats)).toEqual(expect.arrayContaining([11, 15, 31, 32]))

    // A Nutshell that crashes while it signs never signs these outputs later. They are reported,
    // not forgotten.
    const total = paid.reduce((sum, { sats }) => sum + sats, 0)
    await until(async () => {
      const { deposited, awaited } = await shop.accounts()
      return deposited + awaited === total
    }, 60_000)
    const { deposited, coins, awaited } = await shop.accounts()
    expect(coins).toBe(deposited)
    expect(awaited).toBeLessThan(total / 2)
    let served = 0
    for (const { sats, pass } of paid) {
      const { balance_msat: balance } = (await shop.balanceNow(pass)) ?? { balance_msat: 0 }
      if (balance === sats * 1_000) served += sats
    }
    expect(served).toBe(deposited)
    await shop.close()
  })

  it('I11 the gate is killed while payments flow: the next one takes what was paid', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const sold: { sats: number; pass: string }[] = []
    for (let round = 0; round < 4; round += 1) {
      const made = await Promise.all([40, 41, 42].map((sats) => shop.invoice(sats + round * 3)))
      const paying = made.map(({ bolt11 }) => payer.pay(bolt11))
      await Promise.race(paying)
      await new Promise((then) => setTimeout(then, round * 15))
      await shop.gate.kill9()
      const preimages = await Promise.all(paying)
      await shop.gate.start()
      for (const [index, preimage] of preimages.entries()) {
        const { amount_sats: sats, macaroon } = made[index]
        sold.push({ sats, pass: `${macaroon}:${preimage}` })
      }
    }
    for (const { pass } of sold) await shop.served(pass)
    const total = sold.reduce((sum, { sats }) => sum + sats, 0)
    const { deposited, coins } = await shop.accounts()
    expect([deposited, coins]).toEqual([total, total])
    await shop.close()
  })
})

describeWithLab('a gate on a Nutshell with fees, whose quotes are held', () => {
  let lab: Lab
  let mint: string

  beforeAll(async () => {
    lab = await openLab()
    const nutshell = await lab.startPart('nutshell', { FEE_PPK: '100', SETTLE: 'hold' })
    mint = nutshell.MINT_URL ?? ''
  })
  afterAll(() => lab?.stop())

  const pay = (bolt11: string) => lab.exec('nutshell', 'pay', bolt11)

  it('C9 who has no preimage opens the pass with the secret of its page; E6 the holding is net of fees', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const made = await shop.invoice(333)
    expect((await shop.gate.client.ask({ path: made.payment_url })).json.paid).toBe(false)
    await pay(made.bolt11)
    const pass = await shop.passOf(made)
    expect((await shop.chat(pass)).status).toBe(200)
    const balance = await shop.gate.command('wallet', 'balance')
    expect(balance.balance_sat).toBe(333)
    expect(balance.mints[0].net_sat).toBeLessThan(333)
    await shop.close()
  })

  it('E5 the twelve words bring the coins back in another wallet', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const made = await shop.invoice(200)
    await pay(made.bolt11)
    await shop.passOf(made)
    const words = readFileSync(join(shop.gate.folder, 'data', 'ecash.seed'), 'utf8').trim()
    const restored = await lab.type(`${words}\n\n`, 'nutshell', 'wallet', 'restore')
    expect(restored).toContain('Balance: 200 sat')
    await shop.close()
  })

  it('I8 a mint that sees the payment late: nobody is asked to pay again', async () => {
    const shop = await Shop.open({ wallet: { mints: [mint] } })
    const made = await shop.invoice(50)
    const { json } = await shop.gate.client.ask({ path: made.payment_url })
    expect(json.paid).toBe(false)
    setTimeout(() => void pay(made.bolt11), 2_000)
    const pass = await shop.passOf(made)
    expect((await shop.chat(pass)).status).toBe(200)
    expect((await shop.accounts()).coins).toBe(50)
    await shop.close()
  })
})

/** A public mint counts its clients. On loopback it does that only if a proxy names them. */
function counted(mint: string): Promise<{ server: Server; url: string; refused: () => number }> {
  let refused = 0
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-for': '203.0.113.7' }
    const call = request(mint + incoming.url, { method: incoming.method, headers }, (answer) => {
      if (answer.statusCode === 429) refused += 1
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    call.on('error', () => outgoing.destroy())
    incoming.pipe(call)
  })
  return new Promise((then) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      then({ server, url: `http://127.0.0.1:${port}`, refused: () => refused })
    })
  })
}

describeWithLab('I10 a gate on a Nutshell that counts calls', () => {
  it('is refused once, falls silent, and who has paid is served', async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const { MINT_URL = '' } = await lab.startPart('nutshell', { RATE_LIMIT: '12', SETTLE: 'hold' })
    const { server, url, refused } = await counted(MINT_URL)
    const shop = await Shop.open({ wallet: { mints: [url] } })
    const made = await shop.invoice(60)
    await lab.exec('nutshell', 'pay', made.bolt11)
    const pass = await shop.passOf(made)
    const answers: number[] = []
    for (let asked = 0; asked < 40; asked += 1) {
      answers.push((await shop.gate.client.ask({ path: CHAT, body: HELLO })).status)
    }
    expect(refused()).toBeLessThanOrEqual(2)
    expect(new Set(answers)).toEqual(new Set([402, 503].filter((code) => answers.includes(code))))
    expect((await shop.chat(pass)).status).toBe(200)
    const { coins, deposited } = await shop.accounts()
    expect([coins, deposited]).toEqual([60, 60])
    await shop.close()
    server.closeAllConnections()
    server.close()
  })
})
