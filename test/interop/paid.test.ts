import { connect } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answered, lines } from '../support/ask.ts'
import type { GateProcess } from '../support/gate-process.ts'
import { Buyer, bearer, chunksOf, costOf, deltasOf, until } from './buyer.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { closeProved, lndGate } from './opening.ts'
import { openWire, type Wire } from './wire.ts'

const CHAT = '/v1/chat/completions'
/** The token with which the model ends. Without it the answer goes on to its limit. */
const ENDLESS = { logit_bias: { 1019: -100 } }
const hello = (more: object = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content: 'What is a license?' }],
  ...more,
})
/** ms after which new buyers must be served again when the node is back. */
const BACK = 5_000

describeWithLab('satgate paid by a real lnd', () => {
  let lab: Lab
  let wire: Wire
  let gate: GateProcess

  beforeAll(async () => {
    lab = await openLab()
    const lnd = await lab.startPart('lnd')
    const llm = await lab.startPart('llamacpp', { CTX: '8192' })
    wire = await openWire(lnd.LND_REST ?? '')
    const url = `https://127.0.0.1:${wire.port}`
    gate = await lndGate(llm.LLAMACPP_URL, lnd, { maxOutputTokens: 64, url }).start()
  })
  afterAll(() => closeProved({ lab, gate, between: wire }))

  /** No test may begin with the outage of the test before it. */
  beforeEach(async () => {
    wire.heal()
    await until(async () => (await post(CHAT, hello())).status === 402, 15_000)
  })

  const lnd = async (...words: string[]) => JSON.parse(await lab.exec('lnd', ...words))
  const pay = async (invoice: string): Promise<string> => (await lnd('pay', invoice)).preimage
  const post = (path: string, body: unknown, pass?: string): Promise<Answered> =>
    gate.client.ask({ path, body, headers: pass === undefined ? {} : bearer(pass) })
  const invoiceOf = async (sats: number, pass?: string) => {
    const made = await post('/create-invoice', { amountSats: sats }, pass)
    expect(made.status).toBe(200)
    return made.json
  }
  /** Buys a pass with that many sats. */
  const buy = async (sats: number): Promise<Buyer> => {
    const { bolt11, macaroon } = await invoiceOf(sats)
    return new Buyer(gate, `${macaroon}:${await pay(bolt11)}`)
  }
  const paidEvents = (account: string) =>
    gate.events('paid').filter((event) => event.account === account)

  describe('402, pay, stream', () => {
    it('is settled to the msat', async () => {
      const asked = hello({ max_tokens: 30, stream: true, stream_options: { include_usage: true } })
      const refused = await post(CHAT, asked)
      expect(refused.status).toBe(402)
      const [challenge] = lines(refused, 'www-authenticate')
      const { macaroon = '', invoice = '' } =
        /^L402 macaroon="(?<macaroon>[^"]+)", invoice="(?<invoice>[^"]+)"/.exec(challenge ?? '')
          ?.groups ?? {}
      const preimage = await pay(invoice)
      const buyer = new Buyer(gate, `${macaroon}:${preimage}`)
      const headers = { authorization: `L402 ${macaroon}:${preimage}` }
      const answer = await gate.client.ask({ path: CHAT, body: asked, headers })
      expect(answer.status).toBe(200)
      const { usage } = chunksOf(answer.text).findLast((chunk) => chunk.usage)
      const event = await gate.request(answer.headers['x-request-id'])
      expect(event).toMatchObject({ end: 'complete', usage: 'reported' })
      expect(event.charged_msat).toBe(costOf(usage))
      const paid = refused.json.amount_sats * 1000
      const balance = await buyer.balance()
      expect(balance).toMatchObject({ balance_msat: paid - costOf(usage), held_msat: 0 })
      expect(paidEvents(balance.account)).toHaveLength(1)
      expect(paidEvents(balance.account)[0]).toMatchObject({ amount_msat: paid })
      const atNode = await lnd('lookup', refused.json.payment_hash)
      expect(atNode).toMatchObject({ state: 'SETTLED', amt_paid_msat: String(paid) })
    })

    it('I8 paying the offer of a dear request buys that very request, unclamped', async () => {
      // A buffered answer is limited by what its model makes in time (J14).
      const dear = hello({ max_tokens: 6000, stream: true })
      const refused = await post(CHAT, dear)
      expect(refused.json.amount_sats).toBeGreaterThanOrEqual(18)
      const { macaroon, invoice } = refused.json.l402
      const answer = await post(CHAT, dear, `${macaroon}:${await pay(invoice)}`)
      expect(answer.status).toBe(200)
      expect(answer.headers['x-max-tokens-applied']).toBeUndefined()
    })

    it('the preimage of an invoice that nobody paid buys nothing, and asks for nothing', async () => {
      const { macaroon, payment_hash } = await invoiceOf(20)
      const { r_preimage, state } = await lnd('lookup', payment_hash)
      expect(state).toBe('OPEN')
      const preimage = Buffer.from(r_preimage, 'base64').toString('hex')
      const answer = await post(CHAT, hello(), `${macaroon}:${preimage}`)
      expect(answer.status).toBe(503)
      expect(answer.json.error.code).toBe('payment_pending')
      expect(lines(answer, 'www-authenticate')).toEqual([])
    })

    it('a root pass tops its account up, and is credited without asking', async () => {
      const buyer = await buy(50)
      expect(await buyer.balance()).toMatchObject({ balance_msat: 50_000, paid_msat: 50_000 })
      const more = await invoiceOf(70, buyer.pass)
      const preimage = await pay(more.bolt11)
      await until(async () => (await buyer.balance()).balance_msat === 120_000, 2_000)
      const again = new Buyer(gate, `${more.macaroon}:${preimage}`)
      expect((await again.balance()).account).toBe((await buyer.balance()).account)
      const { charged } = await again.buy(CHAT, hello({ max_tokens: 5 }))
      expect((await buyer.balance()).balance_msat).toBe(120_000 - charged)
    })

    it('C9 the settlement secret is as good as a preimage, and told until its first use', async () => {
      const { bolt11, macaroon, payment_url, payment_hash } = await invoiceOf(30)
      const status = async () => (await gate.client.ask({ path: payment_url })).json
      expect(await status()).toMatchObject({ paid: false })
      const preimage = await pay(bolt11)
      await until(async () => (await status()).paid, 3_000)
      const { token_suffix, ...told } = await status()
      expect(told).toMatchObject({ paid: true, preimage, bolt11, macaroon, amount_sats: 30 })
      expect(token_suffix).toMatch(/^[0-9a-f]{64}$/)
      expect(token_suffix).not.toBe(preimage)
      const stranger = await gate.client.ask({
        path: `/invoice-status/${payment_hash}?token=${'0'.repeat(64)}`,
      })
      expect(stranger.status).toBe(404)
      const buyer = new Buyer(gate, `${macaroon}:${token_suffix}`)
      const { answer } = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(200)
      expect(await status()).toEqual({ paid: true })
      const wrong = await post(CHAT, hello(), `${macaroon}:${'1'.repeat(64)}`)
      expect(wrong.status).toBe(402)
    })
  })

  describe('a wallet that is away', () => {
    const outages = {
      'killed and started again': {
        begin: () => lab.exec('lnd', 'down', 'merchant'),
        end: () => lab.exec('lnd', 'up', 'merchant'),
      },
      'that stands still': {
        begin: async () => {
          await lab.exec('lnd', 'pause', 'merchant')
          await until(() => isSilent(wire.port), 5_000)
        },
        end: () => lab.exec('lnd', 'resume', 'merchant'),
      },
      'started with its wallet locked': {
        begin: async () => {
          await lab.exec('lnd', 'down', 'merchant')
          await lab.exec('lnd', 'up', 'merchant', 'locked')
        },
        end: () => lab.exec('lnd', 'unlock'),
      },
      'cut off from the gate': {
        begin: async () => wire.cut(),
        end: async () => wire.heal(),
      },
    }

    it.each(Object.entries(outages))(
      '%s: new buyers get 503, passes go on',
      async (_, { begin, end }) => {
        const buyer = await buy(20)
        const first = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
        expect(first.answer.status).toBe(200)
        const other = await buy(20)
        const running = await other.open(
          CHAT,
          hello({ max_tokens: 2000, stream: true, ...ENDLESS }),
        )
        const problems = gate.events('problem').length
        await begin()
        try {
          const refused = await post(CHAT, hello())
          expect(refused.status).toBe(503)
          expect(refused.json.error.code).toBe('wallet_unreachable')
          expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
          expect(lines(refused, 'www-authenticate')).toEqual([])
          const asked = Date.now()
          expect((await post('/create-invoice', {})).status).toBe(503)
          expect(Date.now() - asked).toBeLessThan(1_000)
          const { answer } = await buyer.buy(CHAT, hello({ max_tokens: 5, stream: true }))
          expect(answer.status).toBe(200)
          expect((await running.over).text).toMatch(/data: \[DONE\]\n\n$/)
          const health = await gate.client.ask({ path: '/health' })
          expect(health.json).toMatchObject({ status: 'degraded', wallet: 'unreachable' })
          const said = gate.events('problem').slice(problems)
          expect(said.filter(({ what }) => what === 'wallet_unreachable')).toHaveLength(1)
        } finally {
          await end()
        }
        await until(async () => (await post(CHAT, hello())).status === 402, BACK)
        expect(gate.events('solved').at(-1)).toMatchObject({ what: 'wallet_unreachable' })
        expect(gate.events('solved')).toHaveLength(gate.events('problem').length)
        expect(await (await buy(10)).balance()).toMatchObject({ balance_msat: 10_000 })
      },
    )

    it('C10 I8 a buyer who paid while the gate could not see it is never asked to pay again', async () => {
      const { bolt11, macaroon } = await invoiceOf(40)
      wire.cut()
      const preimage = await pay(bolt11)
      const pass = `${macaroon}:${preimage}`
      const waiting = post(CHAT, hello({ max_tokens: 5 }), pass)
      const balance = await gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })
      expect(balance.status).toBe(503)
      const answer = await waiting
      expect(answer.status).toBe(503)
      expect(answer.json.error.code).toBe('payment_pending')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(lines(answer, 'www-authenticate')).toEqual([])
      const again = post(CHAT, hello({ max_tokens: 5 }), pass)
      wire.heal()
      expect((await again).status).toBe(200)
    })

    it('a gate that starts while its node is away serves who has credit', async () => {
      const buyer = await buy(20)
      await buyer.buy(CHAT, hello({ max_tokens: 5 }))
      await gate.stop()
      wire.cut()
      await gate.start()
      const { answer } = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(200)
      expect((await post(CHAT, hello())).status).toBe(503)
      wire.heal()
      await until(async () => (await post(CHAT, hello())).status === 402, BACK)
    })
  })

  describe('B6 kill -9 of the gate', () => {
    it('mid-stream: the deposit is there, the hold is resolved, what flowed is charged', async () => {
      const buyer = await buy(100)
      const stream = await buyer.open(CHAT, hello({ max_tokens: 7000, stream: true, ...ENDLESS }))
      const beganAt = Date.now()
      await until(() => Date.now() - beganAt > 2_500 || deltasOf(stream.text()) > 5000, 20_000)
      const got = deltasOf(stream.text())
      await gate.kill9()
      expect((await stream.over).cut).toBe(true)
      await gate.start()
      expect(await gate.command('ledger', 'verify')).toMatchObject({
        balanced: true,
        open_holds: 0,
      })
      expect(gate.events('problem')).toContainEqual(
        expect.objectContaining({ what: 'holds_recovered', holds: 1 }),
      )
      const { balance_msat, held_msat, paid_msat } = await buyer.balance()
      expect(held_msat).toBe(0)
      expect(paid_msat).toBe(balance_msat)
      const charged = 100_000 - balance_msat
      expect(charged).toBeGreaterThan(0)
      expect(charged).toBeLessThanOrEqual(costOf({ prompt_tokens: 100, completion_tokens: got }))
      const { answer } = await buyer.buy(CHAT, hello({ max_tokens: 5 }))
      expect(answer.status).toBe(200)
    })

    it('C10 a payment made while the gate is down is credited after its start, unasked', async () => {
      const old = await buy(10)
      await old.balance()
      const { bolt11, macaroon } = await invoiceOf(60)
      const top = await invoiceOf(33, old.pass)
      await gate.kill9()
      const preimage = await pay(bolt11)
      await pay(top.bolt11)
      await gate.start()
      await gate.event((said) => said.event === 'paid' && said.amount_msat === 60_000, 15_000)
      await gate.event((said) => said.event === 'paid' && said.amount_msat === 33_000, 15_000)
      expect((await old.balance()).balance_msat).toBe(43_000)
      const buyer = new Buyer(gate, `${macaroon}:${preimage}`)
      expect((await buyer.balance()).balance_msat).toBe(60_000)
      expect(gate.events('paid')).toHaveLength(2)
    })
  })
})

/** A stopped node accepts connections and sends nothing. */
function isSilent(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: 500 })
  socket.once('secureConnect', () => resolve(false)).once('timeout', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
