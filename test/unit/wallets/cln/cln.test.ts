import { createServer } from 'node:https'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../../../src/wallets/bolt11.ts'
import { type ClnOptions, openClnWallet } from '../../../../src/wallets/cln/cln.ts'
import type { PaymentOrder } from '../../../../src/wallets/outgoing.ts'
import type { Wallet } from '../../../../src/wallets/wallet.ts'
import { heard, until, wait } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { selfSigned } from '../../../support/certificate.ts'
import { type ClnDouble, startClnDouble } from '../../../support/clnrest.ts'
import { TestWorld } from '../../../support/world.ts'

const ASK = { sat: 21, memo: 'cln', expirySeconds: 600 }
const SELLING = ['invoice', 'listinvoices', 'waitanyinvoice']
const PAYING = [...SELLING, 'pay', 'listpays']

let double: ClnDouble
let opened: Wallet[]
let world: TestWorld
beforeEach(async () => {
  double = await startClnDouble()
  opened = []
  world = new TestWorld()
})
afterEach(async () => {
  for (const wallet of opened) await wallet.close()
  await double.stop()
})

async function open(
  methods: readonly string[] | 'all' = PAYING,
  change: Partial<ClnOptions> = {},
): Promise<Wallet> {
  const wallet = await openClnWallet({
    ...{ url: double.url, rune: double.rune(methods), tlsCertPem: null, moneyHint: null },
    ...{ world, background: unheard, deadlineMs: 5_000 },
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

const MAKE_RUNE = `lightning-cli createrune restrictions='[["method=invoice","method=listinvoices","method=waitanyinvoice"]]'`
const NOT_IT =
  'WalletUnreachable: what answers there does not answer as clnrest does: is that its clnrest-port?'

describe('the rune', () => {
  it.each([
    [['listinvoices', 'waitanyinvoice'], 'invoice'],
    [['invoice', 'waitanyinvoice'], 'listinvoices'],
    [['invoice', 'listinvoices'], 'waitanyinvoice'],
    [['invoice'], 'listinvoices and waitanyinvoice'],
    [['getinfo'], 'invoice and listinvoices and waitanyinvoice'],
  ])(
    'that allows %j lacks what it needs to sell, and the message says how to make one',
    async (methods, missing) => {
      expect(await trouble(open(methods, { moneyHint: 'test' }))).toBe(
        `WalletRefused: its rune does not allow ${missing}: ${MAKE_RUNE}`,
      )
      expect(double.labels).toEqual([])
    },
  )

  it.each([
    [SELLING, false],
    [[...SELLING, 'pay'], false],
    [[...SELLING, 'listpays'], false],
    [PAYING, true],
    [[...SELLING, 'xpay', 'listpays'], true],
    ['all', true],
  ] as const)(
    'that allows %j pays: %s, and nothing is paid to find that out',
    async (methods, pays) => {
      const wallet = await open(methods)
      expect(wallet.outgoing !== undefined).toBe(pays)
      expect(double.node.payments).toEqual([])
      expect(await wallet.about?.()).toMatchObject({ paysOut: pays })
    },
  )

  it('may pay by xpay where pay is gone', async () => {
    double.faults.noPay = true
    expect((await open(PAYING)).outgoing).toBeUndefined()
    expect((await open('all')).outgoing).toBeDefined()
  })

  it.each([
    ['of another node', 'A'.repeat(60), /it does not take this rune. Make one at this very node/],
    ['that is a macaroon', 'zz!!', /its key must be a rune, as this prints it/],
    ['that is empty', '', /its key must be a rune, as this prints it/],
  ])('%s is refused, also with a hint', async (_, rune, said) => {
    const words = await trouble(open(PAYING, { rune, moneyHint: 'test' }))
    expect(words).toMatch(/^WalletRefused/)
    expect(words).toMatch(said)
    if (rune !== '') expect(words).not.toContain(rune)
  })

  it('that is limited in its rate is no wrong rune', async () => {
    const wallet = await open()
    double.faults.tooSoon = true
    expect(await trouble(wallet.probe())).toBe(
      'WalletUnreachable: its rune allows only so many calls in a minute: make one without rate and per',
    )
  })

  it('that may look at the channels shows how many sats can arrive', async () => {
    const wallet = await open([...SELLING, 'listpeerchannels'])
    expect(await wallet.about?.()).toEqual({
      ...{ holder: 'your node', inbound: { sat: 2_000, says: null } },
      ...{ preimage: 'payer', learns: 'subscription', paysOut: false, warnings: [] },
    })
    expect((await (await open(SELLING)).about?.())?.inbound).toEqual({
      ...{ sat: null, says: 'its rune may not look: add method=listpeerchannels to see it here' },
    })
  })

  it('that allows everything is warned of', async () => {
    expect((await (await open('all')).about?.())?.warnings).toEqual([
      'its rune allows every method: whoever reads it owns the node. Make one that names its methods',
    ])
  })
})

describe('opening', () => {
  it('learns the money and the key of the node from an invoice that lasts a second', async () => {
    const wallet = await open(SELLING)
    expect([wallet.money, wallet.kind]).toEqual(['test', 'cln'])
    expect(wallet.identity).toMatch(/^0[23][0-9a-f]{64}$/)
    expect(double.labels).toHaveLength(1)
    expect(double.labels[0]).toMatch(/^satgate-[0-9a-f]{32}$/)
  })

  it('with a hint it opens while the node is down, and learns the rest when it is back', async () => {
    await double.down()
    const wallet = await open(PAYING, { moneyHint: 'test' })
    expect([wallet.money, wallet.outgoing, wallet.identity]).toEqual(['test', undefined, undefined])
    await double.up()
    await wallet.probe()
    expect(wallet.outgoing).toBeDefined()
    expect(wallet.identity).toBeDefined()
  })

  it.each([null, 'play'] as const)(
    'with the hint %s a node that is down is an error',
    async (hint) => {
      await double.down()
      expect(await trouble(open(PAYING, { moneyHint: hint }))).toBe(
        'WalletUnreachable: nothing listens there: is clnrest-port set (3010), and does it listen at that address (clnrest-host)?',
      )
    },
  )

  it('C8 with a wrong hint no invoice is made', async () => {
    await double.down()
    const wallet = await open(PAYING, { moneyHint: 'real' })
    await double.up()
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })

  it.each([
    ['http://node.example:3010', {}, /its url must be https, or http on this very machine/],
    ['localhost:3010', {}, /its url must be https, or http on this very machine/],
    [
      'https://localhost:1',
      { tlsCertPem: 'MIIC' },
      /its tlsCert must be a certificate in PEM form: ca.pem/,
    ],
  ])('%s is refused', async (url, change, said) => {
    const words = await trouble(open(PAYING, { url, moneyHint: 'test', ...change }))
    expect(words).toMatch(/^WalletRefused/)
    expect(words).toMatch(said)
  })

  it.each([
    ['another server', { status: 404, body: 'not here' }, NOT_IT],
    ['the page of a proxy', { status: 200, body: '<html>' }, NOT_IT],
    ['a result without the status of one', { status: 200, body: '{"invoices":[]}' }, NOT_IT],
    ['a redirect', { status: 301, body: '' }, NOT_IT],
    [
      'lightningd that stops',
      { status: 500, body: '{"code":-5,"message":"secret"}' },
      'WalletUnreachable: it refused invoice with the error -5',
    ],
  ])('%s is told apart', async (_, page, said) => {
    double.faults.page = page
    expect(await trouble(open())).toBe(said)
  })

  it('over TLS it takes the certificate that is given, and no other', async () => {
    const tls = await startClnDouble((listener) => createServer(selfSigned, listener) as never)
    const url = tls.url.replace('http', 'https')
    const rune = tls.rune(PAYING)
    expect(await trouble(open(PAYING, { url, rune, moneyHint: 'test' }))).toMatch(
      /^WalletRefused: its TLS certificate is not the one given: set tlsCert to the ca.pem/,
    )
    expect((await open(PAYING, { url, rune, tlsCertPem: selfSigned.cert })).money).toBe('test')
    expect(await trouble(open(PAYING, { url: tls.url, rune }))).toMatch(/^WalletUnreachable/)
    expect(await trouble(open(PAYING, { url: double.url.replace('http', 'https') }))).toMatch(
      /clnrest-protocol says which of the two it speaks/,
    )
    await tls.stop()
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

  it('a description ends before what the node does not take', async () => {
    const wallet = await open()
    for (const [memo, description] of [
      ['Käse ☕ 😀', 'Käse ☕ 😀'],
      ['one\ntwo', 'one'],
      ['half \ud83d of one', 'half '],
    ]) {
      const { bolt11 } = await wallet.createInvoice({ ...ASK, memo: memo ?? '' })
      expect(readBolt11(bolt11)?.description ?? '').toBe(description)
    }
  })
})

const OLD_AMOUNTS = { amount_msat: '21000msat', amount_received_msat: '21000msat' }

describe('what the node says of an invoice', () => {
  const OTHER_AMOUNT = 'WalletUnreachable: it tells of other amounts than its invoice asks for'
  const OTHER_INVOICE =
    'WalletUnreachable: it answered about another invoice than it was asked about'

  /** `paid`: the invoice of 21 sat was really paid before. */
  it.each([
    ['paid without pay_index', true, { pay_index: undefined }, { is: 'open' }],
    ['a settlement that is taken back', true, { status: 'unpaid' }, { is: 'open' }],
    ['paid, and nothing came', true, { amount_received_msat: 0 }, { is: 'open' }],
    ['paid, and less came: what came', true, { amount_received_msat: 15_000 }, 15_000n],
    ['paid, and more came: all of it', true, { amount_received_msat: 30_000 }, 30_000n],
    ['amounts as nodes wrote them before', true, OLD_AMOUNTS, 21_000n],
    ['a received amount in sats: what it says', true, { amount_received_msat: 21 }, 21n],
    ['a received amount in another unit', true, { amount_received_msat: 21_000_000 }, OTHER_AMOUNT],
    ['another amount asked for', true, { amount_msat: 22_000 }, OTHER_AMOUNT],
    ['the amount asked for in sats', true, { amount_msat: 21 }, OTHER_AMOUNT],
    ['an amount that is no whole number', true, { amount_received_msat: 0.5 }, NOT_IT],
    ['an amount below nothing', true, { amount_received_msat: -21_000 }, NOT_IT],
    ['another hash', true, { payment_hash: 'cd'.repeat(32) }, OTHER_INVOICE],
    ['a preimage of something else', true, { payment_preimage: 'cd'.repeat(32) }, NOT_IT],
    ['no preimage', true, { payment_preimage: undefined }, NOT_IT],
    ['no invoice, as of an offer', true, { bolt11: undefined }, NOT_IT],
    ['a state that there is not', true, { status: 'settled' }, NOT_IT],
    ['unpaid', false, {}, { is: 'open' }],
    ['unpaid, with the fields of a payment', false, { pay_index: 1 }, { is: 'open' }],
    ['expired', false, { status: 'expired' }, { is: 'dead' }],
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

  it('an invoice with another hash', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    double.lie(paymentHash, { bolt11: double.node.invoice(21) })
    expect(await trouble(wallet.lookup(paymentHash))).toBe(OTHER_INVOICE)
  })

  it('an invoice of another kind of money is not paid with it', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await double.down()
    const real = await open(PAYING, { moneyHint: 'real' })
    await double.up()
    expect(await trouble(real.lookup(paymentHash))).toBe(
      'WalletUnreachable: it answered with an invoice of another network',
    )
  })
})

describe('C10 the watch', () => {
  it('hears of a payment at once, and resumes exactly', async () => {
    const wallet = await open()
    const told = heard()
    const watch = wallet.watch(null, told.listen)
    await until(async () => double.waiting === 1)
    const first = await wallet.createInvoice(ASK)
    double.pay(first.paymentHash)
    await until(async () => told.hashes().includes(first.paymentHash), 2_000)
    watch.stop()
    const missed = [await wallet.createInvoice(ASK), await wallet.createInvoice(ASK)]
    for (const { paymentHash } of missed) double.pay(paymentHash)
    const later = heard()
    wallet.watch(told.cursorOf(first.paymentHash), later.listen)
    await until(async () => later.all.length === 2)
    expect(later.all).toEqual(
      missed.map(({ paymentHash }, at) => ({ paymentHash, cursor: String(at + 2) })),
    )
  })

  it.each([0, 1, 2, 3, 7, 8, 9, 40])(
    'without a cursor begins behind the newest of %i paid invoices',
    async (before) => {
      const wallet = await open()
      for (let at = 0; at < before; at += 1) {
        double.pay((await wallet.createInvoice(ASK)).paymentHash)
      }
      const told = heard()
      wallet.watch(null, told.listen)
      const held = () => double.requests.filter((line) => line.endsWith('waitanyinvoice')).length
      const asked = held()
      await until(async () => double.waiting === 1)
      await wait(50)
      expect(told.all).toEqual([])
      expect(held() - asked).toBeLessThan(16)
      const { paymentHash } = await wallet.createInvoice(ASK)
      double.pay(paymentHash)
      await until(async () => told.hashes().includes(paymentHash))
    },
  )

  it('a cursor of another wallet is none', async () => {
    const wallet = await open()
    double.pay((await wallet.createInvoice(ASK)).paymentHash)
    const told = heard()
    wallet.watch('1732600000000 abcd', told.listen)
    await until(async () => double.waiting === 1)
    await wait(50)
    expect(told.all).toEqual([])
  })

  it('a connection that breaks is made again, and nothing is lost', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.waiting === 1)
    const { paymentHash } = await wallet.createInvoice(ASK)
    await double.down()
    double.pay(paymentHash)
    await double.up()
    await until(async () => told.hashes().includes(paymentHash))
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
    await until(async () => double.waiting === 1)
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await until(async () => told.hashes().includes(paymentHash))
    expect(told.all).toHaveLength(1)
  })

  it('an index that does not grow is not asked for in a hot loop', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.lie(paymentHash, { pay_index: 0 })
    double.pay(paymentHash)
    wallet.watch('0', heard().listen)
    const before = double.requests.length
    await wait(500)
    expect(double.requests.length - before).toBeLessThan(6)
  })
})

describe('paying', () => {
  let serial = 0
  const orderFor = (bolt11: string, maxFeeMsat = 20_000n): PaymentOrder => {
    const { paymentHash = '', amountMsat } = readBolt11(bolt11) ?? {}
    serial += 1
    const id = `satgate:a:${serial}`
    return { id, bolt11, paymentHash, amountMsat: amountMsat ?? 0n, maxFeeMsat }
  }
  const outgoingOf = async () => (await open()).outgoing ?? expect.unreachable()

  it('a payment carries our id as its label, and the most that it may cost', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25, 'paid', 1_001n), 1_001n)
    expect(await outgoing.pay(order)).toEqual({ is: 'paid', feeMsat: 1_001n })
    expect(double.node.payments[0]).toMatchObject({ label: order.id })
    const dear = orderFor(double.node.invoice(25, 'paid', 1_001n), 1_000n)
    expect(await outgoing.pay(dear)).toEqual({
      is: 'failed',
      reason: 'every route costs more than this payment may cost',
    })
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

  it('failed between two attempts is pending, also for another process', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25, 'held'))
    double.faults.between = true
    expect(await world.hurry(outgoing.pay(order))).toEqual({ is: 'pending' })
    const other = await outgoingOf()
    expect(await other.find(order)).toEqual({ is: 'pending' })
    expect(await other.pay(order)).toEqual({ is: 'pending' })
    double.faults.between = false
    double.node.end(order.bolt11, 'paid')
    await until(async () => (await other.find(order)).is === 'paid')
    expect(double.node.arrived(order.bolt11)).toBe(1)
  })

  it('words of the node that hold an invoice are not repeated', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25, 'unpayable'))
    expect(await outgoing.pay(order)).toEqual({
      is: 'failed',
      reason: 'the receiver refused the payment',
    })
  })

  it.each([
    ['an error that says nothing', { code: -1, message: 'oops' }, { is: 'pending' }],
    ['a plugin that ended', { code: -4, message: 'gone' }, { is: 'pending' }],
  ])('%s is no failure', async (_, fault, state) => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25, 'held'))
    const paying = outgoing.pay(order)
    await until(async () => double.node.payments.length === 1)
    double.faults.error = fault
    expect(await world.hurry(paying)).toEqual(state)
    double.faults.error = null
    double.node.end(order.bolt11, 'paid')
    await until(async () => (await outgoing.find(order)).is === 'paid')
  })

  it('an error that says nothing is in doubt, also if the node does not know the payment', async () => {
    const outgoing = await outgoingOf()
    const order = orderFor(double.node.invoice(25))
    double.faults.payError = { code: -1, message: 'oops' }
    expect(await outgoing.pay(order)).toEqual({ is: 'pending' })
    expect(await outgoing.find(order)).toEqual({ is: 'pending' })
    world.advance(200_000)
    expect(await outgoing.find(order)).toEqual({ is: 'unknown' })
  })

  it('the list asks for page after page', async () => {
    const outgoing = await outgoingOf()
    const orders: PaymentOrder[] = []
    for (let at = 0; at < 8; at += 1) {
      const order = orderFor(double.node.invoice(25 + at, 'paid', 7n))
      orders.push(order)
      await outgoing.pay(order)
      await double.node.pay(double.node.invoice(99), { label: `rent ${at}` })
    }
    expect(await outgoing.list?.(Date.now() - 5_000)).toEqual(
      orders.map(({ id, paymentHash, amountMsat }) => ({
        ...{ id, paymentHash, amountMsat, state: { is: 'paid', feeMsat: 7n } },
      })),
    )
  })
})
