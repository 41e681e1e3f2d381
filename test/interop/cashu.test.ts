import { decodePaymentRequest, getTokenMetadata } from '@cashu/cashu-ts'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { bearer, until } from './buyer.ts'
import { EcashBuyer } from './ecash-buyer.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'
import { lndGate } from './opening.ts'

const CHAT = '/v1/chat/completions'
const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

/** A gate in a process of its own. Its model server answers at once. */
class Shop {
  readonly gate: GateProcess
  readonly #upstream: FakeUpstream

  private constructor(gate: GateProcess, upstream: FakeUpstream) {
    this.gate = gate
    this.#upstream = upstream
  }

  static async open(make: (upstream: string) => GateProcess): Promise<Shop> {
    const upstream = await startFakeUpstream()
    const shop = new Shop(make(upstream.base.origin), upstream)
    onTestFinished(() => shop.gate.kill9())
    await shop.gate.start()
    return shop
  }

  pays = (token: string, pass: string | null = null) =>
    this.gate.client.ask({
      path: CHAT,
      body: HELLO,
      headers: { ...(pass === null ? {} : bearer(pass)), 'x-cashu': token },
    })

  offer = () => this.gate.client.ask({ path: CHAT, body: HELLO })

  balance = async (key: string) =>
    (await this.gate.client.ask({ path: '/v1/balance', headers: bearer(key) })).json.balance_msat

  /** Waits until the mint was looked at. */
  async offering(): Promise<{ amount: number; request: string; request_bech32: string }> {
    let cashu = null
    await until(async () => {
      cashu = (await this.offer()).json.cashu ?? null
      return cashu !== null
    }, 30_000)
    if (cashu === null) throw new Error('no offer of ecash')
    return cashu
  }

  /**
   * The sats that the books have credited by ecash. Waits until the coins that are here are those of
   * all deposits: the mint of the lab pays the invoices of 402s by itself, too.
   */
  async deposited(): Promise<number> {
    let tokens = 0
    await until(async () => {
      const { deposits, withdrawals } = await this.gate.command('earnings')
      const { balance_sat: coins } = await this.gate.command('wallet', 'balance')
      const all: readonly { rail: string; amount_msat: number }[] = deposits
      const sum = (of: readonly { amount_msat: number }[]) =>
        of.reduce((total, { amount_msat: msat }) => total + msat, 0) / 1000
      tokens = sum(all.filter(({ rail }) => rail === 'cashu'))
      // What was not spent has gone back with the answer, fees included.
      return sum(all) - sum(withdrawals) === coins
    }, 60_000)
    return tokens
  }

  async close(): Promise<void> {
    const verdict = await this.gate.command('ledger', 'verify')
    await this.gate.remove()
    await this.#upstream.close()
    expect(verdict).toMatchObject({ balanced: true })
  }
}

describeWithLab('ecash of a Nutshell with fees, paid by real wallets', () => {
  let lab: Lab
  let mint: string
  let buyer: EcashBuyer
  const open = () =>
    Shop.open((upstream) => new GateProcess({ upstream, wallet: { mints: [mint] } }))

  beforeAll(async () => {
    lab = await openLab()
    mint = (await lab.startPart('nutshell', { FEE_PPK: '100' })).MINT_URL ?? ''
    buyer = await EcashBuyer.at(mint)
  })
  afterAll(() => lab?.stop())

  it('I8 its own decoder reads both requests, and what they ask for buys the answer', async () => {
    const shop = await open()
    const { amount, request, request_bech32 } = await shop.offering()
    for (const text of [request, request_bech32]) {
      const read = decodePaymentRequest(text)
      expect([Number(read.amount), read.unit, read.mints]).toEqual([amount, 'sat', [mint]])
    }
    const paid = await shop.pays(await buyer.token(amount))
    expect([paid.status, paid.headers['x-satgate-pass']]).toEqual([
      ...[200, expect.stringMatching(/:[0-9a-f]{64}$/)],
    ])
    expect(await shop.deposited()).toBeGreaterThanOrEqual(amount - 2)
    await shop.close()
  })

  it('the paying client of the lab buys by X-Cashu', async () => {
    const shop = await open()
    await shop.offering()
    const said = await lab.exec('clients', 'cashu-ts', `${shop.gate.url}/v1`, '-', 'fake')
    expect(JSON.parse(said)).toMatchObject({ ok: true, status: 200 })
    await shop.close()
  })

  it('E6 the wallet of Nutshell pays too, in coins as it has them, if it writes their DLEQ', async () => {
    const shop = await open()
    await shop.offering()
    const token = (await lab.exec('nutshell', 'token', '333', '--dleq')).split(/\s+/).at(-1) ?? ''
    const paid = await shop.pays(token)
    expect(paid.status).toBe(200)
    const change = getTokenMetadata(String(paid.headers['x-cashu']))
    expect(Number(change.amount)).toBeGreaterThan(300)
    const bare = (await lab.exec('nutshell', 'token', '100')).split(/\s+/).at(-1) ?? ''
    const refused = await shop.pays(bare)
    expect([refused.status, refused.json.error.code]).toEqual([400, 'token_without_dleq'])
    await lab.exec('nutshell', 'receive', bare)
    await shop.close()
  })

  it('spent elsewhere, half spent, and of a thousand proofs: named, and nothing is taken', async () => {
    const shop = await open()
    await shop.offering()
    const coins = await buyer.coins(300)
    await buyer.spend(coins.slice(1))
    const half = await shop.pays(buyer.write(coins))
    expect([half.status, half.json.reason]).toEqual([402, 'token_spent'])
    const whole = await shop.pays(buyer.write(coins.slice(0, 1)))
    expect([200, 400]).toContain(whole.status)
    const [coin] = await buyer.coins(64)
    if (coin === undefined) throw new Error('no coin')
    const many = Array.from({ length: 1000 }, (_, at) => ({ ...coin, secret: `${at}` }))
    const large = await shop.gate.client.ask({
      path: '/cashu-redeem',
      body: { token: buyer.write(many.slice(0, 70).map(({ dleq: _, ...one }) => one)) },
    })
    expect([large.status, large.json.error.code]).toEqual([400, 'token_too_large'])
    expect((await shop.pays(buyer.write([coin]))).status).toBe(200)
    await shop.close()
  })

  it('E4 the mint is paused while it swaps, and the gate is killed: every sat is credited once', async () => {
    const shop = await open()
    await shop.offering()
    const tokens = [await buyer.token(101), await buyer.token(102), await buyer.token(103)]
    expect((await shop.pays(tokens[0] ?? '')).status).toBe(200)
    await lab.pause('nutshell')
    const lost = tokens.slice(1).map((token) => shop.pays(token).catch(() => null))
    await new Promise((then) => setTimeout(then, 2_000))
    await shop.gate.kill9()
    await lab.resume('nutshell')
    await Promise.all(lost)
    await shop.gate.start()
    await shop.offering()
    for (const token of tokens) {
      await until(async () => (await shop.pays(token)).status === 200, 60_000)
    }
    expect(await shop.deposited()).toBe(101 + 102 + 103 - 3)
    await shop.close()
  })

  it('E4 the mint is killed while tokens come: what it took is credited, the rest is still good', async () => {
    const shop = await open()
    await shop.offering()
    const tokens = await Promise.all([51, 52, 53, 54].map((sats) => buyer.token(sats)))
    const sent = tokens.map((token) => shop.pays(token).catch(() => null))
    await new Promise((then) => setTimeout(then, 60))
    await lab.kill('nutshell')
    const answers = await Promise.all(sent)
    for (const answer of answers) expect([200, 503]).toContain(answer?.status)
    await lab.startPart('nutshell', { KEEP: '1', FEE_PPK: '100' })
    for (const token of tokens) {
      await until(async () => (await shop.pays(token)).status === 200, 90_000)
    }
    expect(await shop.deposited()).toBe(51 + 52 + 53 + 54 - 4)
    await shop.close()
  })
})

describeWithLab('ecash beside a Lightning node', () => {
  let lab: Lab
  let node: PartEnv
  let mint: string

  beforeAll(async () => {
    lab = await openLab()
    node = await lab.startPart('lnd')
    mint = (await lab.startPart('nutshell-lnd')).MINT_URL ?? ''
  })
  afterAll(() => lab?.stop())

  it('both are offered; the outage of one leaves the other; the coins are the operator’s', async () => {
    const shop = await Shop.open((upstream) => {
      const gate = lndGate(upstream, node, { maxOutputTokens: 64 })
      gate.configure({
        ...{ upstream, rails: { cashu: { mints: [mint] } } },
        wallet: {
          ...{ kind: 'lnd', url: node.LND_REST, tlsCert: node.LND_TLS_CERT },
          key: { file: node.LND_INVOICE_MACAROON },
        },
      })
      return gate
    })
    await shop.offering()
    const both = (await shop.offer()).json
    expect([both.l402?.scheme, both.cashu?.unit]).toEqual(['L402', 'sat'])
    const token = (await lab.exec('nutshell-lnd', 'token', '500', '--dleq')).split(/\s+/).at(-1)
    const paid = await shop.pays(token ?? '')
    expect(paid.status).toBe(200)
    const { deposits } = await shop.gate.command('earnings')
    expect(deposits).toMatchObject([{ rail: 'cashu', amount_msat: 500_000 }])
    const [taken] = await shop.gate.command('wallet', 'export', '--yes')
    expect(getTokenMetadata(taken.token)).toMatchObject({ mint, unit: 'sat' })
    await lab.kill('nutshell-lnd')
    await until(async () => (await shop.offer()).json.cashu === undefined, 60_000)
    const { status, json } = await shop.offer()
    expect([status, json.l402.scheme]).toEqual([402, 'L402'])
    await shop.close()
  })
})
