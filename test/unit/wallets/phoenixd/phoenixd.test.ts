import { createServer } from 'node:https'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../../../src/wallets/bolt11.ts'
import type { PaymentOrder } from '../../../../src/wallets/outgoing.ts'
import {
  openPhoenixdWallet,
  type PhoenixdOptions,
} from '../../../../src/wallets/phoenixd/phoenixd.ts'
import type { Wallet } from '../../../../src/wallets/wallet.ts'
import { heard, until, wait } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { selfSigned } from '../../../support/certificate.ts'
import { type PhoenixdDouble, startPhoenixdDouble } from '../../../support/phoenixd.ts'
import { serve } from '../../../support/serve.ts'
import { TestWorld } from '../../../support/world.ts'

const ASK = { sat: 21, memo: 'phoenixd', expirySeconds: 600 }
const DEADLINE = 5_000

let double: PhoenixdDouble
let opened: Wallet[]
let world: TestWorld
let stopTime: () => void
beforeEach(async () => {
  double = await startPhoenixdDouble()
  opened = []
  world = new TestWorld()
  stopTime = world.rush(() => double.faults.silent)
})
afterEach(async () => {
  stopTime()
  for (const wallet of opened) await wallet.close()
  await double.stop()
})

async function open(change: Partial<PhoenixdOptions> = {}): Promise<Wallet> {
  const wallet = await openPhoenixdWallet({
    ...{ url: double.url, password: double.full, tlsCertPem: null, moneyHint: null },
    ...{ world, background: unheard, deadlineMs: DEADLINE },
    ...change,
  })
  opened.push(wallet)
  return wallet
}

/** The error as one line. Null if there is none. */
const trouble = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
  )

const WRONG_PASSWORD =
  'WalletRefused: it does not take this password: give http-password-limited-access (or http-password) from the phoenix.conf of this very phoenixd'
const NOT_IT =
  'WalletUnreachable: what answers there does not answer as phoenixd does: is that its http-bind-port?'

describe('opening', () => {
  it.each([
    ['mainnet', 'real'],
    ['testnet3', 'test'],
    ['testnet', 'test'],
    ['anything else', 'test'],
  ] as const)(
    'the chain %s is %s money, and no invoice is made to learn that',
    async (chain, money) => {
      double.faults.chain = chain
      expect((await open()).money).toBe(money)
      expect(double.requests.some((line) => line.includes('/createinvoice'))).toBe(false)
    },
  )

  it('the limited password makes invoices and pays nothing', async () => {
    const wallet = await open({ password: double.limited })
    expect(wallet.outgoing).toBeUndefined()
    await wallet.createInvoice(ASK)
    expect(await wallet.about?.()).toMatchObject({ paysOut: false })
  })

  it('the full password pays, and nothing is paid to find that out', async () => {
    const wallet = await open()
    expect(wallet.outgoing).toBeDefined()
    expect(double.node.payments).toEqual([])
    expect(await wallet.about?.()).toEqual({
      holder: 'your node',
      inbound: { sat: 1_234_567, says: expect.stringContaining('fee credit: 250 sat') },
      ...{ preimage: 'payer', learns: 'subscription', paysOut: true, warnings: [] },
    })
  })

  it('a phoenixd without a look-up by hash pays nothing, because a payment could be repeated', async () => {
    double.faults.noOutgoingByHash = true
    expect((await open()).outgoing).toBeUndefined()
  })

  it('with a hint it opens while the node is down, and learns the rest when it is back', async () => {
    await double.down()
    const wallet = await open({ moneyHint: 'test' })
    expect([wallet.money, wallet.outgoing, wallet.identity]).toEqual(['test', undefined, undefined])
    await double.up()
    await wallet.probe()
    expect(wallet.outgoing).toBeDefined()
    expect(wallet.identity).toMatch(/^02(ab){32}$/)
  })

  it.each([null, 'play'] as const)(
    'with the hint %s a node that is down is an error',
    async (hint) => {
      await double.down()
      expect(await trouble(open({ moneyHint: hint }))).toBe(
        'WalletUnreachable: nothing listens there: is phoenixd running, and is that its http-bind-port (9740)?',
      )
    },
  )

  it.each([
    ['a wrong password', { password: 'ab'.repeat(32) }, WRONG_PASSWORD],
    ['no url', { url: 'localhost:9740' }, /its url must be https, or http on this machine/],
    ['plain http elsewhere', { url: 'http://node.example:9740' }, /or in a private network/],
    ['a name that only looks near', { url: 'http://127.0.0.1.example' }, /in a private network/],
    ['what is no certificate', { tlsCertPem: 'MIIC' }, /its tlsCert must be a certificate in PEM/],
  ])('%s is refused, also with a hint', async (_, change, said) => {
    const words = await trouble(open({ ...change, moneyHint: 'test' }))
    if (typeof said === 'string') expect(words).toBe(said)
    else expect(words).toMatch(said)
    expect(words).toMatch(/^WalletRefused/)
  })

  it.each([
    ['another server', { status: 404, body: 'not here' }, NOT_IT],
    ['the page of a proxy', { status: 200, body: '<html>' }, NOT_IT],
    ['JSON of something else', { status: 200, body: '{"identity_pubkey":"02"}' }, NOT_IT],
    ['a redirect', { status: 302, body: '' }, NOT_IT],
    [
      'an error',
      { status: 500, body: 'secret words' },
      'WalletUnreachable: phoenixd answered with HTTP 500',
    ],
  ])('%s is told apart', async (_, page, said) => {
    double.faults.page = page
    expect(await trouble(open())).toBe(said)
  })

  it.each(['http://localhost:1', 'http://10.0.0.7:1', 'http://phoenixd:1', 'http://[fd00::1]:1'])(
    '%s may be plain, because phoenixd speaks no TLS',
    async (url) => {
      const opening = openPhoenixdWallet({
        ...{ url, password: 'x', tlsCertPem: null, moneyHint: 'test', world },
        ...{ background: unheard, deadlineMs: 50 },
      })
      const wallet = await world.hurry(opening)
      opened.push(wallet)
      expect(wallet.label).toBe(`phoenixd at ${new URL(url).host}`)
    },
  )

  it('a certificate that nobody vouches for is refused, and taken where it is given', async () => {
    const listener = (_: unknown, response: { end(text: string): void }) =>
      response.end('{"nodeId":"02","chain":"testnet3"}')
    const proxy = await serve(listener, (each) => createServer(selfSigned, each) as never)
    const url = `https://localhost:${proxy.port}`
    expect(await trouble(open({ url, moneyHint: 'test' }))).toMatch(
      /^WalletRefused: the TLS certificate there is not trusted: set tlsCert/,
    )
    expect((await open({ url, tlsCertPem: selfSigned.cert })).money).toBe('test')
    expect(await trouble(open({ url: double.url.replace('http', 'https') }))).toMatch(
      /phoenixd itself speaks http:\/\/ alone/,
    )
    await proxy.close()
  })
})

describe('C8 an invoice that is not what was asked for', () => {
  it.each([
    [
      'another amount',
      { extraSat: 1 },
      'WalletRefused: it answered with another invoice than it was asked for',
    ],
    [
      'another hash',
      { otherHash: true },
      'WalletRefused: it answered with another invoice than it was asked for',
    ],
  ])('%s', async (_, fault, said) => {
    const wallet = await open()
    Object.assign(double.faults, fault)
    expect(await trouble(wallet.createInvoice(ASK))).toBe(said)
  })

  it('another network', async () => {
    double.faults.chain = 'mainnet'
    const wallet = await open()
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })
})

describe('what phoenixd says of an invoice', () => {
  const other = (sat: number) => double.node.invoice(sat)
  const OTHER_AMOUNT =
    'WalletUnreachable: it tells of other amounts than its invoice asks for: is this phoenixd 0.8?'
  const OTHER_INVOICE =
    'WalletUnreachable: it answered about another invoice than it was asked about'

  /** `paid`: the invoice of 21 sat was really paid before. */
  it.each([
    ['isPaid without completedAt', false, { isPaid: true, receivedSat: 21 }, { is: 'open' }],
    ['completedAt without isPaid', true, { isPaid: false }, { is: 'open' }],
    ['a settlement that is taken back', true, { isPaid: false, completedAt: null }, { is: 'open' }],
    ['paid, and nothing came', true, { receivedSat: 0 }, { is: 'open' }],
    ['paid, and less than nothing came', true, { receivedSat: -5 }, { is: 'open' }],
    ['paid, and less came: what came', true, { receivedSat: 15 }, 15_000n],
    ['paid, and more came: all of it', true, { receivedSat: 30 }, 30_000n],
    [
      'its fees took some: the buyer paid all of it',
      true,
      { receivedSat: 15, fees: 6_000 },
      21_000n,
    ],
    [
      'its fees took more than all: the buyer paid all of it',
      true,
      { receivedSat: -20_000, fees: 20_021_000 },
      21_000n,
    ],
    [
      'its fees were paid from fee credit too: no more than what was asked',
      true,
      { receivedSat: 21, fees: 9_000_000 },
      21_000n,
    ],
    [
      'its fees are more than what is missing: no more than what was asked',
      true,
      { receivedSat: 15, fees: 9_000_000 },
      21_000n,
    ],
    [
      'its fees explain a part of what is missing: no more than that',
      true,
      { receivedSat: 10, fees: 6_000 },
      16_000n,
    ],
    ['an amount in msat', true, { receivedSat: 21_000 }, OTHER_AMOUNT],
    ['both amounts in msat', true, { receivedSat: 21_000, requestedSat: 21_000 }, OTHER_AMOUNT],
    ['an amount that is no whole number', true, { receivedSat: 20.5 }, NOT_IT],
    ['an amount as text', true, { receivedSat: '21' }, NOT_IT],
    ['fees less than nothing', true, { fees: -1 }, OTHER_AMOUNT],
    ['another amount asked for', true, { requestedSat: 22, receivedSat: 22 }, OTHER_AMOUNT],
    ['another hash', true, { paymentHash: 'cd'.repeat(32) }, OTHER_INVOICE],
    ['a preimage of something else', true, { preimage: 'cd'.repeat(32) }, NOT_IT],
    ['no invoice, as of an offer', true, { invoice: undefined }, NOT_IT],
  ] as const)('%s', async (_, paid, lie, says) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    if (paid) double.pay(paymentHash)
    double.lie(paymentHash, lie)
    const state = wallet.lookup(paymentHash)
    if (typeof says === 'string') expect(await trouble(state)).toBe(says)
    else if (typeof says === 'object') expect(await state).toEqual(says)
    else expect(await state).toMatchObject({ is: 'settled', receivedMsat: says })
  })

  it('an invoice with another hash, or of another amount', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    double.lie(paymentHash, { invoice: other(21) })
    expect(await trouble(wallet.lookup(paymentHash))).toBe(OTHER_INVOICE)
  })

  it('an invoice of another kind of money is not paid with it', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await double.down()
    const real = await open({ moneyHint: 'real' })
    await double.up()
    expect(await trouble(real.lookup(paymentHash))).toBe(
      'WalletUnreachable: it answered with an invoice of another network',
    )
  })

  it('the preimage of an unpaid invoice is there, and proves nothing', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
  })

  it('is dead half a minute after its expiry, because a channel may still be opened for it', async () => {
    const wallet = await open()
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    world.advance(expiresAt - Date.now() + 29_000)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    world.advance(3_000)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
  })

  it('a 404 of something else is not "unknown"', async () => {
    const wallet = await open()
    double.faults.page = { status: 404, body: 'Not found' }
    expect(await trouble(wallet.lookup('ab'.repeat(32)))).toBe(NOT_IT)
  })
})

describe('a description', () => {
  it.each([
    ['a'.repeat(128), 128],
    ['a'.repeat(129), 128],
    [`${'a'.repeat(127)}☕`, 128],
    [`${'a'.repeat(127)}😀`, 127],
  ])('of %j is cut to what phoenixd takes, and no character in two', async (memo, length) => {
    const { bolt11 } = await (await open()).createInvoice({ ...ASK, memo })
    expect(readBolt11(bolt11)?.description).toHaveLength(length)
  })
})

describe('C10 the watch', () => {
  it('hears of a payment by the websocket, without waiting', async () => {
    const wallet = await open({ password: double.limited })
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await until(async () => told.hashes().includes(paymentHash), 2_000)
  })

  it('tells what was paid while the websocket was lost, and listens again', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const first = await wallet.createInvoice(ASK)
    double.faults.noSocket = true
    double.hangUp()
    double.pay(first.paymentHash)
    await until(async () => told.hashes().includes(first.paymentHash))
    double.faults.noSocket = false
    await until(async () => double.listeners === 1)
    const second = await wallet.createInvoice(ASK)
    double.pay(second.paymentHash)
    await until(async () => told.hashes().includes(second.paymentHash))
    expect(told.hashes()).toEqual([first.paymentHash, second.paymentHash])
  })

  it('makes a new connection every minute, because a dead one gives no sign', async () => {
    const wallet = await open()
    wallet.watch(null, heard().listen)
    const dials = () => double.requests.filter((line) => line.startsWith('WS')).length
    await until(async () => double.listeners === 1)
    await wait(50)
    world.skip(60_000)
    world.skip(1_000)
    await until(async () => dials() === 2 && double.listeners === 1)
  })

  it('tells hundreds that were paid meanwhile, each once, oldest first', async () => {
    const wallet = await open()
    const told = heard()
    const watch = wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const first = await wallet.createInvoice(ASK)
    double.pay(first.paymentHash)
    await until(async () => told.all.length === 1)
    watch.stop()
    const missed: string[] = []
    for (let at = 0; at < 230; at += 1) missed.push((await wallet.createInvoice(ASK)).paymentHash)
    for (const hash of missed) double.pay(hash)
    const later = heard()
    wallet.watch(told.cursorOf(first.paymentHash), later.listen)
    await until(async () => later.all.length >= 230)
    expect(new Set(later.hashes())).toEqual(new Set(missed))
    expect(later.all).toHaveLength(230)
    const times = later.all.map(({ cursor }) => Number(cursor?.split(' ')[0]))
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  it('a listener that fails is told again', async () => {
    const wallet = await open()
    const told = heard()
    let failures = 2
    wallet.watch(null, (settled) => {
      failures -= 1
      if (failures >= 0) throw new Error('the disk is full')
      told.listen(settled)
    })
    await until(async () => double.listeners === 1)
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await until(async () => told.hashes().includes(paymentHash))
  })
})

describe('paying', () => {
  const orderFor = (bolt11: string, maxFeeMsat = 20_000n): PaymentOrder => {
    const read = readBolt11(bolt11)
    const { paymentHash = '', amountMsat } = read ?? {}
    return { id: 'satgate:a:1', bolt11, paymentHash, amountMsat: amountMsat ?? 0n, maxFeeMsat }
  }
  const outgoingOf = async () => (await open()).outgoing ?? expect.unreachable()

  it('asks for its one price, and sends nothing that may not cost it', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(1_000), 7_999n)
    expect(await outgoing.feeFor?.(order)).toBe(8_000n)
    expect(await outgoing.pay(order)).toEqual({
      is: 'failed',
      reason: 'phoenixd asks 4 sat and 0.4 % for routing, more than this payment may cost',
    })
    expect(double.node.payments).toEqual([])
    expect(await outgoing.pay({ ...order, maxFeeMsat: 8_000n })).toMatchObject({ is: 'paid' })
  })

  it('a call that waits in the queue of the node is pending, although the node does not know it', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25))
    double.faults.queued = true
    expect(await world.hurry(outgoing.pay(order))).toEqual({ is: 'pending' })
    expect(await outgoing.find(order)).toEqual({ is: 'pending' })
    double.faults.queued = false
    await until(async () => (await outgoing.find(order)).is === 'paid')
    expect(double.node.arrived(order.bolt11)).toBe(1)
  })

  it('words of phoenixd that may hold an invoice are not repeated', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25, 'unpayable'))
    expect(await outgoing.pay(order)).toEqual({ is: 'failed', reason: 'it failed' })
    expect(await outgoing.find(order)).toEqual({
      is: 'failed',
      reason: 'phoenixd could not pay it',
    })
  })

  it('cannot list, because phoenixd keeps no id beside a payment', async () => {
    expect((await outgoingOf()).list).toBeNull()
  })
})
