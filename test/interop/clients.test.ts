import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import { type Answered, lines } from '../support/ask.ts'
import type { GateProcess } from '../support/gate-process.ts'
import { Buyer, costOf, until } from './buyer.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { closeProved, lndGate } from './opening.ts'

const CHAT = '/v1/chat/completions'
const MODEL = 'tiny'
const API_CLIENTS = [
  'openai-node',
  'openai-python',
  'ai-sdk',
  'langchain-node',
  'langchain-python',
  'litellm',
  'llm',
]
const PAYING = ['alby-fetch402', 'alby-fetch-l402', 'l402-npm']
const BOTH = [['buffered'], ['stream']] as const

/** The output of a client, and what was on the wire meanwhile. */
interface Ran {
  readonly ok: boolean
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: each client has its own words
  readonly [field: string]: any
}

describeWithLab('the clients that people use', () => {
  let lab: Lab
  let gate: GateProcess
  let buyer: Buyer

  beforeAll(async () => {
    lab = await openLab()
    const lnd = await lab.startPart('lnd')
    const llm = await lab.startPart('llamacpp')
    gate = await lndGate(llm.LLAMACPP_URL, lnd, { maxOutputTokens: 48 }).start()
    buyer = new Buyer(gate, await gate.mint(10_000))
  })
  afterAll(() => closeProved({ lab, gate }))

  /** Runs a client for one chat. A client that fails prints why. */
  const run = async (client: string, key: string, mode: string): Promise<Ran> => {
    const words = [client, `${gate.url}/v1`, key, MODEL, ...(mode === 'stream' ? [mode] : [])]
    const printed = await lab
      .exec('clients', ...words)
      .catch((error: Error & { stdout?: string }) => {
        if (error.stdout?.includes('{') === true) return error.stdout
        throw error
      })
    return JSON.parse(printed.trim().split('\n').at(-1) ?? '')
  }

  describe.each(API_CLIENTS)('%s, the pass as its api_key', (client) => {
    it.each(BOTH)('gets its answer and pays for it: %s', async (mode) => {
      const before = await buyer.balance()
      const seen = await gate.requestsSoFar()
      const ran = await run(client, buyer.pass, mode)
      expect(ran).toMatchObject({ ok: true, status: 200 })
      expect(ran.text).not.toBe('')
      expect(ran.attempts).toHaveLength(1)
      const event = await buyer.lastEvent(seen)
      expect(event).toMatchObject({ status: 200, end: 'complete', usage: 'reported' })
      const { prompt_tokens, completion_tokens } = event
      const cost = costOf({ prompt_tokens, completion_tokens })
      expect(event.charged_msat).toBe(cost)
      expect(before.balance_msat - (await buyer.balance()).balance_msat).toBe(cost)
    })
  })

  describe.each(PAYING)('%s, with a wallet', (client) => {
    it.each(BOTH)('pays once and gets its answer: %s', async (mode) => {
      const paidBefore = gate.events('paid').length
      const ran = await run(client, '-', mode)
      expect(ran).toMatchObject({ ok: true, status: 200 })
      expect(ran.text).not.toBe('')
      expect(ran.paid).toHaveLength(1)
      expect(ran.attempts.map(({ status }: { status: number }) => status)).toEqual([402, 200])
      const paid = gate.events('paid').slice(paidBefore)
      expect(paid).toHaveLength(1)
      expect(paid[0]).toMatchObject({ rail: 'l402', amount_msat: 10_000 })
    })
  })

  describe('402-mcp, by its documented contract', () => {
    const ask = (path: string, body?: unknown, credential?: string): Promise<Answered> =>
      gate.client.ask({
        path,
        body,
        headers: credential === undefined ? {} : { authorization: `L402 ${credential}` },
      })
    const hello = { model: MODEL, messages: [{ role: 'user', content: 'hello' }] }
    const pay = async (invoice: string): Promise<string> =>
      JSON.parse(await lab.exec('lnd', 'pay', invoice)).preimage

    /** Reads a challenge: all header lines joined, with L402 or LSAT at the very start. */
    const challengeOf = (answer: Answered) => {
      const joined = lines(answer, 'www-authenticate').join(', ')
      const rest = /^(?:L402|LSAT)\s+(.+)$/i.exec(joined)?.[1] ?? ''
      return {
        macaroon: /macaroon="?([A-Za-z0-9+/_=-]+)"?/.exec(rest)?.[1] ?? '',
        invoice: /invoice="?(ln(?:bc|bcrt|tb)[A-Za-z0-9]+)"?/.exec(rest)?.[1] ?? '',
      }
    }

    it.each([
      ['a POST', hello],
      ['a GET of the endpoint, which is how it discovers', undefined],
    ])('%s answers a challenge that it parses', async (_, body) => {
      const answer = await ask(CHAT, body)
      expect(answer.status).toBe(402)
      const { macaroon, invoice } = challengeOf(answer)
      expect(macaroon).not.toBe('')
      const read = readBolt11(invoice)
      expect(read).not.toBeNull()
      const { l402 } = answer.json
      expect(l402).toMatchObject({ macaroon, invoice, payment_hash: read?.paymentHash })
    })

    it('the invoice has an amount that it pays by itself', async () => {
      const { invoice } = challengeOf(await ask(CHAT, { ...hello, max_tokens: 1_000_000 }))
      const sats = Number(readBolt11(invoice)?.amountMsat ?? 0n) / 1000
      expect(sats).toBeGreaterThan(0)
      expect(sats).toBeLessThanOrEqual(1000)
    })

    it('its credential is reused, and the balance is a whole number of sats', async () => {
      const { macaroon, invoice } = challengeOf(await ask(CHAT, hello))
      const credential = `${macaroon}:${await pay(invoice)}`
      for (let round = 0; round < 3; round++) {
        const answer = await ask(CHAT, hello, credential)
        expect(answer.status).toBe(200)
        expect(answer.headers['x-credit-balance']).toMatch(/^\d+$/)
      }
    })

    it('a used-up credential: 402 with the tiers to buy from', async () => {
      const { bolt11, macaroon } = (await ask('/create-invoice', { amountSats: 1 })).json
      const credential = `${macaroon}:${await pay(bolt11)}`
      let answer = await ask(CHAT, hello, credential)
      for (let round = 0; answer.status === 200 && round < 100; round++) {
        answer = await ask(CHAT, hello, credential)
      }
      expect(answer.status).toBe(402)
      expect(answer.json.credit_tiers).toContainEqual({ amountSats: 1000, creditSats: 1000 })
      expect(answer.json.error.message).toMatch(/^Insufficient credits: this needs .* the pass has/)
    })

    it('nothing in the 402 leads it to another rail', async () => {
      const answer = await ask(CHAT, hello)
      expect(lines(answer, 'www-authenticate').join()).not.toMatch(/\bPayment\b/)
      for (const name of ['x-cashu', 'x-payment-required', 'x-lnurlcash']) {
        expect(answer.headers[name]).toBeUndefined()
      }
    })

    it('it takes this for a server whose credit it can buy', async () => {
      const { json } = await ask(CHAT, hello)
      expect(json).toMatchObject({
        payment_url: expect.stringMatching(/^\/invoice-status\//),
        amount_sats: expect.any(Number),
        payment_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      })
      expect(json.credit_tiers.length).toBeGreaterThan(0)
    })

    it('a person pays at the payment_url, which it polls for the preimage', async () => {
      const { l402 } = (await ask(CHAT, hello)).json
      const poll = async () =>
        (await gate.client.ask({ path: l402.payment_url, headers: { accept: 'application/json' } }))
          .json
      expect(await poll()).toMatchObject({ paid: false })
      await pay(l402.invoice)
      await until(async () => (await poll()).paid, 3_000)
      const { preimage, token_suffix } = await poll()
      expect((await ask(CHAT, hello, `${l402.macaroon}:${preimage ?? token_suffix}`)).status).toBe(
        200,
      )
    })

    it('credit is discovered by GET and bought by /create-invoice', async () => {
      const [tier] = (await ask(CHAT)).json.credit_tiers
      const made = await ask('/create-invoice', { amountSats: tier.amountSats })
      expect(made.status).toBe(200)
      const { bolt11, macaroon, credit_sats } = made.json
      expect(readBolt11(bolt11)?.amountMsat).toBe(BigInt(tier.amountSats) * 1000n)
      expect(credit_sats).toBe(tier.creditSats)
      const answer = await ask(CHAT, hello, `${macaroon}:${await pay(bolt11)}`)
      expect(answer.status).toBe(200)
      const left = Number(answer.headers['x-credit-balance-msat'])
      expect(left).toBe(tier.creditSats * 1000 - Number(answer.headers['x-cost-msat']))
    })

    it('/create-invoice {} has what a redemption needs, its token in the payment_url', async () => {
      const { payment_hash, macaroon, payment_url } = (await ask('/create-invoice', {})).json
      expect(macaroon).toMatch(/^[A-Za-z0-9+/_=-]+$/)
      const url = new URL(payment_url, gate.url)
      expect(url.pathname).toContain(payment_hash)
      expect(url.searchParams.get('token')).toMatch(/^[0-9a-f]{64}$/)
    })
  })
})
