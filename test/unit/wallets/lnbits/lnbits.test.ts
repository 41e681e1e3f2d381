import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Background } from '../../../../src/floor/background.ts'
import type { World } from '../../../../src/floor/world.ts'
import { type LnbitsOptions, openLnbitsWallet } from '../../../../src/wallets/lnbits/lnbits.ts'
import {
  AmountRefused,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { real, TestWorld, worldAt } from '../../../support/world.ts'
import { type LnbitsDouble, type Row, startLnbitsDouble, type Traps } from './lnbits-double.ts'

const ASK = { sat: 21, memo: 'lnbits', expirySeconds: 600 }
/** Long, because a machine may be busy. Where nobody answers, time is let pass. */
const DEADLINE = 5_000

const optionsFor = (double: LnbitsDouble, world: World): LnbitsOptions => ({
  url: double.url,
  key: double.invoiceKey,
  tlsCertPem: null,
  moneyHint: null,
  world,
  background: unheard,
  deadlineMs: DEADLINE,
})

walletContract('lnbits (a double that never answers)', async () => {
  const double = await startLnbitsDouble()
  const world = new TestWorld()
  const stop = world.rush(() => double.traps.silent)
  return {
    open: () => openLnbitsWallet(optionsFor(double, world)),
    pay: async (bolt11) => double.pay(bolt11),
    memo: 'theirs',
    most: 10_000_000,
    outage: {
      begin: async () => void Object.assign(double.traps, { silent: true }),
      end: async () => void Object.assign(double.traps, { silent: false }),
    },
    refuses: [20_000_000_000_000],
    async cleanup() {
      stop()
      await double.stop()
    },
  }
})

walletContract('lnbits (a double that hangs up, with its admin key)', async () => {
  const double = await startLnbitsDouble()
  return {
    open: () => openLnbitsWallet({ ...optionsFor(double, real), key: double.adminKey }),
    pay: async (bolt11) => double.pay(bolt11),
    memo: 'theirs',
    most: 10_000_000,
    outage: {
      async begin() {
        double.traps.hangUps = 1_000_000
        double.hangUp()
      },
      end: async () => void Object.assign(double.traps, { hangUps: 0 }),
    },
    refuses: [20_000_000_000_000],
    cleanup: () => double.stop(),
  }
})

let double: LnbitsDouble
let opened: Wallet[]
let world: TestWorld
let stopTime: () => void
beforeEach(async () => {
  double = await startLnbitsDouble()
  opened = []
  world = new TestWorld()
  stopTime = world.rush(() => double.traps.silent)
})
afterEach(async () => {
  stopTime()
  for (const wallet of opened) await wallet.close()
  await double.stop()
})
async function open(change: Partial<LnbitsOptions> = {}): Promise<Wallet> {
  const background = new Background(world, () => {})
  const wallet = await openLnbitsWallet({ ...optionsFor(double, world), background, ...change })
  opened.push(wallet)
  return wallet
}
/** The error as one line. Null if there is none. */
const trouble = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
  )
const trap = (change: Partial<Traps>) => void Object.assign(double.traps, change)

describe('opening', () => {
  it('learns the kind of money, the wallet and the rights of the key, and pays nothing', async () => {
    const wallet = await open()
    expect(wallet).toMatchObject({ money: 'test', preimageIsPublic: true, outgoing: undefined })
    expect(wallet.identity).toMatch(/^[0-9a-f]{32}$/)
    expect(double.requests).toEqual([
      'POST /api/v1/payments',
      'POST /api/v1/payments {"out":true,"bolt11":""}',
    ])
  })

  it('an admin key pays out, and about warns of it', async () => {
    const wallet = await open({ key: double.adminKey })
    expect(wallet.outgoing).toBeDefined()
    expect(await wallet.about?.()).toMatchObject({
      holder: `the server ${new URL(double.url).host}`,
      paysOut: true,
      preimage: 'public',
      warnings: [expect.stringMatching(/admin key/)],
    })
    expect((await (await open()).about?.())?.warnings).toEqual([])
    expect((await open()).identity).toBe(wallet.identity)
  })

  it.each(['real', 'test'] as const)(
    'a server that is down is opened by the hint: %s',
    async (hint) => {
      trap({ silent: true })
      const wallet = await open({ moneyHint: hint, key: double.adminKey })
      expect(wallet).toMatchObject({ money: hint, identity: undefined, outgoing: undefined })
      trap({ silent: false })
      await wallet.probe()
      expect(wallet.money).toBe(hint)
      expect(wallet.identity).toBeDefined()
      expect(wallet.outgoing).toBeDefined()
    },
  )

  it.each([null, 'play'] as const)('with the hint %s it is unreachable', async (hint) => {
    trap({ silent: true })
    expect(await trouble(open({ moneyHint: hint }))).toBe(
      `WalletUnreachable: no answer in ${DEADLINE} ms`,
    )
  })

  it('C8 with a wrong hint no invoice is made: another network is other money', async () => {
    trap({ silent: true })
    const wallet = await open({ moneyHint: 'real' })
    trap({ silent: false })
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })

  it.each([
    [{ url: 'lnbits.example' }, /its url must be https/],
    [{ url: 'http://8.8.8.8' }, /its url must be https/],
    [{ tlsCertPem: 'MIIC' }, /its tlsCert must be a certificate/],
    [{ url: 'http://lnbits.example' }, /its url must be https/],
    [{ key: '' }, /copy the "Invoice\/read key"/],
    [{ key: 'two words of a key' }, /copy the "Invoice\/read key"/],
    [{ key: 'a'.repeat(32) }, /copy the "Invoice\/read key"/],
  ])('%j is refused, also with a hint', async (change, reason) => {
    const said = await trouble(open({ ...change, moneyHint: 'test' }))
    expect(said).toMatch(/^WalletRefused/)
    expect(said).toMatch(reason)
  })

  it('a base path is kept, secrets of the url are not shown', async () => {
    const url = double.url.replace('http://', 'http://me:pw@')
    const wallet = await open({ url: `${url}/pay/` })
    expect(double.requests[0]).toBe('POST /pay/api/v1/payments')
    expect(wallet.label).toBe(`lnbits at ${new URL(double.url).host}`)
  })
})

describe('what it answers', () => {
  it.each([
    [404, 'Wallet not found.', /^WalletRefused: .*Invoice\/read key/],
    [403, 'Invoice (or Admin) key required.', /^WalletRefused: .*Invoice\/read key/],
    [401, 'Unauthorized', /^WalletRefused: .*Invoice\/read key/],
    [520, 'Wallet does not have permission to create invoices.', /^WalletRefused: .*may not make/],
    [520, 'Wallet balance cannot exceed 1000 sats.', /^WalletRefused: .*at most 1000 sat in one/],
    [
      520,
      'anything of lnbcrt1secret',
      'WalletUnreachable: its Lightning backend makes no invoice now',
    ],
    [500, 'anything', 'WalletUnreachable: it answered with HTTP 500'],
    [502, 'Bad Gateway', 'WalletUnreachable: it answered with HTTP 502'],
    [404, 'Not Found', /^WalletUnreachable: what answers there does not answer as LNbits does/],
    [200, 'hello', /^WalletUnreachable: what answers there does not answer as LNbits does/],
    [429, 'Rate limit exceeded', /^WalletBusy: the wallet makes no more invoices for 10 s/],
  ])('to a request for an invoice with %d %j', async (status, detail, said) => {
    const wallet = await open()
    trap({ page: { status, body: JSON.stringify({ detail }) } })
    const heard = await trouble(wallet.createInvoice(ASK))
    typeof said === 'string' ? expect(heard).toBe(said) : expect(heard).toMatch(said)
  })

  it('an amount that it refuses is refused with its bound', async () => {
    await expect((await open()).createInvoice({ ...ASK, sat: 10_000_001 })).rejects.toEqual(
      new AmountRefused(null, 10_000_000),
    )
  })

  it.each([
    [{ status: 200, body: '<html>a proxy</html>' }],
    [{ status: 404, body: '{"detail":"Not Found"}' }],
    [{ status: 502, body: 'Bad Gateway' }],
    [{ status: 200, body: 'null' }],
    [{ status: 200, body: '{"paid":true,"details":{}}' }],
    [{ status: 302, body: '{}' }],
  ])('C10 %j is an outage, never "unknown"', async (page) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ page })
    for (const call of [
      () => wallet.lookup(paymentHash),
      () => wallet.createInvoice(ASK),
      () => wallet.probe(),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(WalletUnreachable)
    }
  })

  it('asked too often, it makes no invoice for a while, and an open one stays open', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ page: { status: 429, body: '{"detail":"Rate limit exceeded"}' } })
    await expect(wallet.createInvoice(ASK)).rejects.toEqual(new WalletBusy(10_000))
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    await expect(wallet.probe()).rejects.toBeInstanceOf(WalletUnreachable)
  })

  it('a backend that is down is noticed by the next invoice, and is up only with another one', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ backend: 'down' })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    await wallet.probe()
    const down = 'WalletUnreachable: its Lightning backend makes no invoice now'
    expect(await trouble(wallet.createInvoice(ASK))).toBe(down)
    expect(await trouble(wallet.probe())).toBe(down)
    trap({ backend: 'throws' })
    expect(await trouble(wallet.lookup(paymentHash))).toBe(
      'WalletUnreachable: its Lightning backend does not answer',
    )
    trap({ backend: 'up' })
    await wallet.probe()
    await wallet.createInvoice(ASK)
  })

  it('a kept connection that the server has closed is no outage of a look-up', async () => {
    const wallet = await open()
    trap({ hangUps: 1 })
    expect(await trouble(wallet.probe())).toBeNull()
  })
})

describe('C8 C10 a_lie_or_lag_of_the_wallet_credits_nothing', () => {
  it.each([
    ['another amount', { extraSat: 1 }],
    ['another hash', { otherHash: true }],
  ])('an invoice of %s than asked for is refused', async (_, change) => {
    const wallet = await open()
    trap(change)
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: it answered with another invoice than it was asked for',
    )
  })

  const NOT_LNBITS = 'WalletUnreachable: what answers there does not answer as LNbits does'
  const cases: readonly [string, (hash: string) => void, string | object][] = [
    ['only the preimage is there', () => {}, { is: 'open' }],
    ['it says paid, its row says pending', () => trap({ saysPaid: true }), NOT_LNBITS],
    [
      'its row says success, and paid in sat instead of msat',
      (hash) => {
        double.pay(hash)
        trap({ inSat: true })
      },
      NOT_LNBITS,
    ],
    [
      'more arrived than the invoice asks for',
      (hash) => paidWith(hash, { amount: 99_000 }),
      NOT_LNBITS,
    ],
    [
      'the row of another invoice',
      (hash) => paidWith(hash, { bolt11: 'lnbcrt1other' }),
      NOT_LNBITS,
    ],
    [
      'a word that is no state',
      (hash) => paidWith(hash, { status: 'paid' as 'success' }),
      NOT_LNBITS,
    ],
    [
      'no details, as for a stranger',
      () => trap({ noDetails: true }),
      /^WalletRefused: .*Invoice\/read key/,
    ],
    [
      'settled, then taken back',
      (hash) => {
        double.pay(hash)
        double.set(hash, { status: 'pending' })
      },
      { is: 'open' },
    ],
  ]
  const paidWith = (hash: string, change: Partial<Row>) =>
    double.set(hash, { status: 'success', ...change })

  it.each(cases)('%s', async (_, lie, expected) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    lie(paymentHash)
    const answer = await wallet
      .lookup(paymentHash)
      .catch((error: Error) => trouble(Promise.reject(error)))
    if (expected instanceof RegExp) expect(answer).toMatch(expected)
    else expect(answer).toEqual(expected)
  })

  it('a preimage that does not open the invoice is not shown', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.set(paymentHash, { status: 'success', preimage: '00'.repeat(32) })
    expect(await wallet.lookup(paymentHash)).toEqual({
      is: 'settled',
      preimage: null,
      receivedMsat: 21_000n,
    })
  })

  it('a notification alone reports nothing, also for a hash that was never made', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const { paymentHash } = await wallet.createInvoice(ASK)
    const looks = () => double.requests.filter((one) => one.includes('paginated')).length
    const before = looks()
    for (const hash of [paymentHash, 'ab'.repeat(32)]) {
      double.say(JSON.stringify({ payment: { payment_hash: hash, status: 'success' } }))
    }
    double.say('no json')
    await until(async () => looks() > before)
    await wait(100)
    expect(told.all).toEqual([])
  })

  it('an invoice that is late by some seconds is settled, though it was said to have failed', async () => {
    let now = Date.now()
    const wallet = await open({ world: worldAt(() => now) })
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    double.set(paymentHash, { status: 'failed' })
    const states: string[] = []
    for (const at of [expiresAt - 1, expiresAt + 4_999, expiresAt + 5_000]) {
      now = at
      states.push((await wallet.lookup(paymentHash)).is)
    }
    expect(states).toEqual(['open', 'open', 'dead'])
    double.pay(paymentHash)
    expect((await wallet.lookup(paymentHash)).is).toBe('settled')
  })

  it('an invoice that this wallet pays itself is looked up beside its own payment', async () => {
    const wallet = await open({ key: double.adminKey })
    const { paymentHash, bolt11 } = await wallet.createInvoice(ASK)
    const amounts = { amountMsat: 21_000n, maxFeeMsat: 10_000n }
    await wallet.outgoing?.pay({ id: 'satgate:a:1', paymentHash, bolt11, ...amounts })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    double.pay(paymentHash)
    expect((await wallet.lookup(paymentHash)).is).toBe('settled')
  })

  it.each(['', '../wallet', 'AB'.repeat(32)])('%j is asked of nobody', async (hash) => {
    const wallet = await open()
    double.requests.length = 0
    expect(await wallet.lookup(hash)).toEqual({ is: 'unknown' })
    expect(double.requests).toEqual([])
  })
})

describe('watching', () => {
  const paid = async (wallet: Wallet) => {
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    return paymentHash
  }

  it('C10 what is notified twice is told once', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const hash = await paid(wallet)
    await until(async () => told.all.length > 0)
    await wait(200)
    expect(told.hashes()).toEqual([hash])
  })

  it('C10 without any notification it looks every 15 s', async () => {
    trap({ mute: true })
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const hash = await paid(wallet)
    await world.until(() => told.hashes().includes(hash))
  })

  it('C10 misses nothing if the connection breaks', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => double.listeners === 1)
    const first = await paid(wallet)
    await until(async () => told.hashes().includes(first))
    double.hangUp()
    const second = await paid(wallet)
    await world.until(() => told.hashes().includes(second))
    await world.until(() => double.listeners === 1)
    expect(told.hashes()).toEqual([first, second])
  })

  it('C10 a settlement that a listener could not take is reported again', async () => {
    const wallet = await open()
    const hash = await paid(wallet)
    let times = 0
    wallet.watch('0', () => {
      times += 1
      if (times === 1) throw new Error('the disk is full')
    })
    await world.until(() => times === 2)
    const again = heard()
    wallet.watch('0', again.listen)
    await until(async () => again.hashes().includes(hash))
  })

  it('C10 a backlog of more than a page is told whole, oldest first', async () => {
    const wallet = await open()
    const hashes: string[] = []
    for (let at = 0; at < 70; at += 1) {
      hashes.push(await paid(wallet))
      await wait(1)
    }
    const told = heard()
    wallet.watch('0', told.listen)
    await until(async () => told.all.length === 70)
    const order = (hash: string) => hashes.indexOf(hash)
    expect(told.hashes().map(order)).toEqual(hashes.map(order))
  })

  it('close ends running calls and connections too', async () => {
    const wallet = await open()
    wallet.watch(null, () => undefined)
    await until(async () => double.listeners === 1)
    await wallet.close()
    await until(async () => double.listeners === 0)
    expect(await trouble(wallet.probe())).toMatch(/^WalletUnreachable/)
    double.requests.length = 0
    wallet.watch(null, () => undefined)
    await wait(100)
    expect(double.requests).toEqual([])
  })
})

it('no error of any kind contains a secret', async () => {
  const wallet = await open()
  const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
  const detail = `${bolt11} ${paymentHash} ${double.invoiceKey}`
  for (const status of [200, 400, 404, 500, 520]) {
    trap({ page: { status, body: JSON.stringify({ detail }) } })
    for (const call of [wallet.createInvoice(ASK), wallet.lookup(paymentHash), wallet.probe()]) {
      const error: unknown = await call.catch((thrown: unknown) => thrown)
      expect(error instanceof WalletUnreachable || error instanceof WalletRefused).toBe(true)
      const all = `${error} ${JSON.stringify(error)} ${(error as Error).cause ?? ''}`
      for (const secret of [bolt11, paymentHash, double.invoiceKey]) {
        expect(all).not.toContain(secret)
      }
    }
  }
})
