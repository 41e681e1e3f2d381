import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../contract/wallet.ts'
import type { Answered } from '../support/ask.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { Buyer, PRICE } from './buyer.ts'

const CHAT = '/v1/chat/completions'
const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 }

export interface Hosted {
  /** What stands below `wallet` in the settings of the gate, but for its key. */
  wallet(): Readonly<Record<string, unknown>>
  key(): string
  /** The buyer pays, also while the wallet is away. */
  pay(bolt11: string): Promise<unknown>
  readonly outages: Readonly<Record<string, { begin(): Promise<unknown>; end(): Promise<unknown> }>>
}

/** Whole purchases through the gate, with a wallet that somebody else serves. */
export function hostedPurchases({ wallet, key, pay, outages }: Hosted): void {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-key-'))
  let upstream: FakeUpstream
  let gate: GateProcess
  beforeAll(async () => {
    upstream = await startFakeUpstream()
    const file = join(folder, 'wallet.key')
    writeFileSync(file, key(), { mode: 0o600 })
    gate = new GateProcess({
      upstream: upstream.base.origin,
      wallet: { ...wallet(), key: { file } },
      pricing: { default: PRICE, maxOutputTokens: 64 },
      limits: { invoicesPerClient: 1000 },
    })
    await gate.start()
  })
  afterAll(async () => {
    const verdict = await gate?.command('ledger', 'verify')
    await gate?.remove()
    await upstream?.close()
    rmSync(folder, { recursive: true, force: true })
    expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
  })

  const post = (path: string, body: object): Promise<Answered> => gate.client.ask({ path, body })
  const invoiceOf = async (amountSats: number) => {
    const made = await post('/create-invoice', { amountSats })
    expect(made.status).toBe(200)
    return made.json
  }
  /** With the secret of the status page, as a buyer without a preimage does. */
  const passOf = async (made: { payment_url: string; macaroon: string }): Promise<Buyer> => {
    let secret: string | undefined
    await until(async () => {
      secret = (await gate.client.ask({ path: made.payment_url })).json.token_suffix
      return secret !== undefined
    }, 60_000)
    return new Buyer(gate, `${made.macaroon}:${secret}`)
  }
  const buy = async (sats: number): Promise<Buyer> => {
    const made = await invoiceOf(sats)
    await pay(made.bolt11)
    return passOf(made)
  }

  it('402, pay, answer: settled to the msat, and credited once', async () => {
    const refused = await post(CHAT, HELLO)
    expect(refused.status).toBe(402)
    await pay(refused.json.l402.invoice)
    const buyer = await passOf({ ...refused.json, ...refused.json.l402 })
    const paid = refused.json.amount_sats * 1000
    expect(await buyer.balance()).toMatchObject({ balance_msat: paid, paid_msat: paid })
    const { answer, charged } = await buyer.buy(CHAT, HELLO)
    expect(answer.status).toBe(200)
    expect(await buyer.balance()).toMatchObject({ balance_msat: paid - charged, held_msat: 0 })
    const { account } = await buyer.balance()
    expect(gate.events('paid').filter((event) => event.account === account)).toHaveLength(1)
  })

  it.each(Object.entries(outages))(
    'C10 %s: new buyers get 503, credit is served, and what was paid meanwhile is credited',
    async (_, { begin, end }) => {
      const buyer = await buy(20)
      const open = await invoiceOf(30)
      await begin()
      try {
        await until(async () => (await post(CHAT, HELLO)).status === 503, 30_000)
        expect((await buyer.buy(CHAT, HELLO)).answer.status).toBe(200)
        await pay(open.bolt11)
      } finally {
        await end()
      }
      await until(async () => (await post(CHAT, HELLO)).status === 402, 60_000)
      const late = await passOf(open)
      expect(await late.balance()).toMatchObject({ balance_msat: 30_000 })
      expect(gate.events('solved').at(-1)).toMatchObject({ what: 'wallet_unreachable' })
    },
  )

  it('H3 nothing secret is in its lines', async () => {
    const { bolt11, payment_hash } = await invoiceOf(10)
    const said = JSON.stringify([gate.events('problem'), gate.events('ready'), gate.stderr])
    for (const secret of [bolt11, payment_hash, key()]) expect(said).not.toContain(secret)
  })
}
