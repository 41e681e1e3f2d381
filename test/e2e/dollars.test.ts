import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer } from '../support/buyer.ts'
import { fakePayer } from '../support/fake-chain.ts'
import { type FakeFacilitator, startFakeFacilitator } from '../support/fake-facilitator.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { type Paying, payV1, payV2 } from '../support/x402-buyer.ts'

/** The program with real payments of x402 that a facilitator settles on a chain of the test. */

const PAY_TO = '0x209693bc6afc0c5328ba36faf03c514ef312287c'
const PAYER = fakePayer(7)
const COPIES = 50

let gate: GateProcess
let facilitator: FakeFacilitator
let fake: FakeUpstream

beforeAll(async () => {
  ;[fake, facilitator] = await Promise.all([startFakeUpstream({}), startFakeFacilitator()])
  facilitator.chain.give(PAYER.address, 100_000_000n)
  gate = new GateProcess({
    upstream: fake.base.origin,
    pricing: { rate: { usdPerBtc: 100_000 } },
    rails: {
      ...{ l402: false, cashu: false },
      x402: { payTo: PAY_TO, network: 'base-sepolia', facilitator: facilitator.url },
    },
  })
  await gate.start()
}, 90_000)

afterAll(async () => {
  await gate.remove()
  await Promise.all([fake.close(), facilitator.stop()])
})

const chat = (headers: Readonly<Record<string, string>> = {}, body: object = {}) =>
  gate.client.ask({
    path: '/v1/chat/completions',
    body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5, ...body },
    headers,
  })
const signed = async (pay: typeof payV2): Promise<Paying> => pay(await chat(), PAYER)
const balance = async (pass: string) =>
  (await gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })).json
const paidEvents = () => gate.events('paid').length

describe('L1 a payment of x402 is a proof, and no key', () => {
  it('version 2 gets its pass again, and each request is charged to its dollars', async () => {
    const paying = await signed(payV2)
    const before = paidEvents()
    const first = await chat(paying.headers)
    const again = await chat(paying.headers)
    expect([first.status, again.status]).toEqual([200, 200])
    const pass = String(first.headers['x-satgate-pass'])
    expect(again.headers['x-satgate-pass']).toBe(pass)
    expect(again.headers['cache-control']).toContain('no-store')
    expect(paidEvents()).toBe(before + 1)
    const { usd_micros, usd, usd_counted, paid_msat, available_msat } = await balance(pass)
    expect([usd, usd_counted, paid_msat]).toEqual([expect.stringMatching(/^0\.\d+$/), true, 0])
    // A sat is 1,000 µ$ at this rate, so a msat is one.
    expect(available_msat).toBe(usd_micros)
    expect(Number(again.headers['x-credit-balance-msat'])).toBe(usd_micros)
    expect(usd_micros).toBeLessThan(Number(paying.authorization.value))
  })

  it('version 2 as the chain shows it buys nothing and is offered nothing', async () => {
    const unpaid = await chat()
    const paying = payV2(unpaid, PAYER)
    expect((await chat(paying.headers)).status).toBe(200)
    const { authorization, signature } = paying
    const rebuilt = payV2(unpaid, PAYER, { signed: { authorization, signature }, offer: null })
    const stolen = await chat(rebuilt.headers)
    expect([stolen.status, stolen.json.reason]).toEqual([402, 'x402_paid'])
    expect(stolen.headers['x-satgate-pass'] ?? stolen.headers['payment-required']).toBeUndefined()
  })

  it('version 2 whose pass was ended buys nothing', async () => {
    const paying = await signed(payV2)
    const pass = String((await chat(paying.headers)).headers['x-satgate-pass'])
    const ended = await gate.client.ask({
      ...{ path: '/v1/pass', method: 'DELETE', headers: bearer(pass) },
    })
    expect(ended.status).toBeLessThan(300)
    const again = await chat(paying.headers)
    expect([again.status, again.json.payment_state]).toEqual([402, 'revoked'])
    expect(again.headers['x-satgate-pass']).toBeUndefined()
  })

  it.each([false, true])('version 1 gets a lost answer again, streamed: %s', async (stream) => {
    const paying = payV1(await chat({}, { stream }), PAYER)
    const first = await chat(paying.headers, { stream })
    expect(first.status).toBe(200)
    const [seen, paid] = [fake.seen.length, paidEvents()]
    for (const _ of [1, 2]) {
      const again = await chat(paying.headers, { stream })
      expect([again.status, again.text]).toEqual([200, first.text])
      for (const name of ['content-type', 'x-payment-response', 'cache-control']) {
        expect(again.headers[name]).toBe(first.headers[name])
      }
      expect(again.headers['x-satgate-pass'] ?? again.headers['x-credit-balance']).toBeUndefined()
    }
    const other = await chat(paying.headers, { stream, max_tokens: 6 })
    expect([other.status, other.json.reason]).toEqual([402, 'x402_paid'])
    expect([fake.seen.length, paidEvents()]).toEqual([seen, paid])
    const isStored = (event: object) => 'reason' in event && event.reason === 'stored_answer'
    await expect.poll(() => gate.events('request').some(isStored)).toBe(true)
    expect(gate.events('request').find(isStored)).toMatchObject({ status: 200, end: 'complete' })
    // Its pass is in use, so the answer was not lost.
    await balance(String(first.headers['x-satgate-pass']))
    const late = await chat(paying.headers, { stream })
    expect([late.status, late.json.reason]).toEqual([402, 'x402_paid'])
  })

  it('version 1 never buys a second answer, whoever sends it', async () => {
    const paying = await signed(payV1)
    const first = await chat(paying.headers)
    expect(first.status).toBe(200)
    const pass = String(first.headers['x-satgate-pass'])
    const left = (await balance(pass)).usd_micros
    for (const body of [{}, { max_tokens: 6 }]) {
      const again = await chat(paying.headers, body)
      expect([again.status, again.json.reason]).toEqual([402, 'x402_paid'])
      expect(again.json.accepts).toEqual([])
      expect(again.headers['x-satgate-pass'] ?? again.headers['payment-required']).toBeUndefined()
    }
    expect((await balance(pass)).usd_micros).toBe(left)
  })
})

describe('F1 fifty copies of one payment at once', () => {
  it('of version 1 are one grant and one charge; the others are told what to do', async () => {
    const paying = await signed(payV1)
    const [settled, before, seen] = [facilitator.counts.settle, paidEvents(), fake.seen.length]
    const all = await Promise.all(Array.from({ length: COPIES }, () => chat(paying.headers)))
    const answers = all.filter(({ status }) => status === 200)
    const served = answers.filter(({ headers }) => headers['x-satgate-pass'] !== undefined)
    expect(served).toHaveLength(1)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(facilitator.counts.settle - settled).toBe(1)
    expect(paidEvents() - before).toBe(1)
    expect(fake.seen.length - seen).toBe(1)
    for (const { status, json, headers } of all.filter((one) => one.status !== 200)) {
      expect([402, 503]).toContain(status)
      expect(['x402_paid', 'x402_answering']).toContain(json.reason ?? json.error.code)
      expect(headers['x-satgate-pass'] ?? headers['payment-required']).toBeUndefined()
    }
    const cost = Number(served[0]?.headers['x-cost-msat'])
    const { usd_micros } = await balance(String(served[0]?.headers['x-satgate-pass']))
    expect(usd_micros).toBe(Number(paying.authorization.value) - cost)
  }, 60_000)
})

describe('L16 dollars beside a pass', () => {
  it('top it up', async () => {
    const one = await signed(payV2)
    const pass = String((await chat(one.headers)).headers['x-satgate-pass'])
    const had = (await balance(pass)).usd_micros
    const more = await signed(payV1)
    const topped = await chat({ ...more.headers, ...bearer(pass) })
    expect(topped.status).toBe(200)
    const cost = Number(topped.headers['x-cost-msat'])
    expect((await balance(pass)).usd_micros).toBe(had + Number(more.authorization.value) - cost)
  })

  it('F8 both versions in one request are refused, and neither is taken', async () => {
    const settled = facilitator.counts.settle
    const both = { ...(await signed(payV2)).headers, ...(await signed(payV1)).headers }
    const { status } = await chat(both)
    expect([status, facilitator.counts.settle]).toEqual([400, settled])
  })
})

describe('F6 a stream', () => {
  it('begins after the settlement, with the receipt before its first byte', async () => {
    const paying = payV2(await chat({}, { stream: true }), PAYER)
    let sentEarly = 0
    const seen = fake.seen.length
    facilitator.before = () => {
      sentEarly += fake.seen.length - seen
    }
    const stream = await chat(paying.headers, { stream: true })
    facilitator.before = () => {}
    expect([stream.status, sentEarly]).toEqual([200, 0])
    expect(stream.text).toContain('[DONE]')
    expect(stream.headers['payment-response']).toBeTypeOf('string')
    expect(stream.headers['x-satgate-pass']).toBeTypeOf('string')
    expect(stream.headers['cache-control']).toContain('private, no-store')
  })

  it('all of it balances', async () => {
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })
})
