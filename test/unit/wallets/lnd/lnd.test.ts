import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { World } from '../../../../src/floor/world.ts'
import { type LndOptions, openLndWallet } from '../../../../src/wallets/lnd/lnd.ts'
import {
  AmountRefused,
  type Wallet,
  WalletRefused,
  WalletUnreachable,
} from '../../../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { real, TestWorld, worldAt } from '../../../support/world.ts'
import { type LndDouble, startLndDouble } from './lnd-double.ts'

const ASK = { sat: 21, memo: 'lnd', expirySeconds: 600 }
/** Long, because a machine may be busy. Where nobody answers, time is let pass. */
const DEADLINE = 5_000

const optionsFor = (double: LndDouble, world: World): LndOptions => ({
  url: double.url,
  macaroonHex: double.macaroonHex,
  tlsCertPem: null,
  moneyHint: null,
  world,
  background: unheard,
  deadlineMs: DEADLINE,
})

walletContract('lnd (a double that never answers)', async () => {
  const double = await startLndDouble()
  const world = new TestWorld()
  const stop = world.rush(() => double.traps.silent)
  return {
    open: () => openLndWallet(optionsFor(double, world)),
    pay: async (bolt11) => double.pay(bolt11),
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

walletContract('lnd (a double that hangs up)', async () => {
  const double = await startLndDouble()
  return {
    open: () => openLndWallet(optionsFor(double, real)),
    pay: async (bolt11) => double.pay(bolt11),
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

let double: LndDouble
let opened: Wallet[]
let world: TestWorld
let stopTime: () => void
beforeEach(async () => {
  double = await startLndDouble()
  opened = []
  world = new TestWorld()
  stopTime = world.rush(() => double.traps.silent || double.traps.unsynced)
})
afterEach(async () => {
  stopTime()
  for (const wallet of opened) await wallet.close()
  await double.stop()
})
async function open(change: Partial<LndOptions> = {}): Promise<Wallet> {
  const wallet = await openLndWallet({ ...optionsFor(double, world), ...change })
  opened.push(wallet)
  return wallet
}
/** The error as one line. Null if there is none. */
const trouble = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
  )

describe('opening', () => {
  it('learns the kind of money from an invoice that lasts a second, and keeps to it', async () => {
    const wallet = await open()
    expect(wallet.money).toBe('test')
    expect(double.requests).toEqual(['GET /v1/state', 'POST /v1/invoices', 'POST /v2/router/send'])
  })

  it.each(['real', 'test'] as const)(
    'a node that is down is opened by the hint: %s',
    async (hint) => {
      double.traps.silent = true
      expect((await open({ moneyHint: hint })).money).toBe(hint)
    },
  )

  it.each([null, 'play'] as const)(
    'with the hint %s a node that is down is unreachable',
    async (hint) => {
      double.traps.silent = true
      expect(await trouble(open({ moneyHint: hint }))).toBe(
        `WalletUnreachable: no answer in ${DEADLINE} ms`,
      )
    },
  )

  it('the node counts more than the hint', async () => {
    expect((await open({ moneyHint: 'real' })).money).toBe('test')
  })

  it('C8 with a wrong hint no invoice is made', async () => {
    double.traps.silent = true
    const wallet = await open({ moneyHint: 'real' })
    double.traps.silent = false
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })

  it.each([
    [{ url: 'localhost:8080' }, /its url must be https/],
    [{ url: 'http://node.example:8080' }, /its url must be https/],
    [{ url: 'http://127.0.0.1.example:8080' }, /its url must be https/],
    [{ macaroonHex: '' }, /its macaroon must be hex/],
    [{ macaroonHex: 'AgEDbG5k' }, /its macaroon must be hex/],
    [{ tlsCertPem: 'MIIC' }, /its tlsCert must be a certificate/],
    [{ macaroonHex: '00ff' }, /does not take this macaroon/],
  ])('%j is refused, also with a hint', async (change, reason) => {
    const said = await trouble(open({ ...change, moneyHint: 'test' }))
    expect(said).toMatch(/^WalletRefused/)
    expect(said).toMatch(reason)
  })

  it('a base path is kept, secrets of the url are not shown', async () => {
    const url = double.url.replace('http://', 'http://me:pw@')
    const wallet = await open({ url: `${url}/lnd/`, moneyHint: 'test' })
    expect(double.requests).toEqual(['GET /lnd/v1/state'])
    expect(wallet.label).toBe(`lnd at ${new URL(double.url).host}`)
  })
})

describe('an lnd that refuses', () => {
  it.each([
    [
      'wallet locked, unlock it to enable full RPC access',
      'WalletUnreachable: its wallet is locked: run lncli unlock',
    ],
    [
      'the RPC server is in the process of starting up, but not yet ready to accept calls',
      'WalletUnreachable: it is starting',
    ],
    ['permission denied', /^WalletRefused: it does not take this macaroon/],
    ['expected 1 macaroon, got 0', /^WalletRefused: it does not take this macaroon/],
    [
      'cannot determine data format of binary-encoded macaroon',
      /^WalletRefused: it does not take this macaroon/,
    ],
    [
      'verification failed: signature mismatch after caveat verification',
      /^WalletRefused: it does not take this macaroon/,
    ],
    ['something of lnbcrt1secret', 'WalletUnreachable: it answered with HTTP 500'],
  ])('%j', async (words, said) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.traps.complaint = words
    for (const call of [
      () => wallet.createInvoice(ASK),
      () => wallet.lookup(paymentHash),
      () => wallet.probe(),
    ]) {
      const heard = await trouble(call())
      typeof said === 'string' ? expect(heard).toBe(said) : expect(heard).toMatch(said)
    }
  })

  it.each([
    ['LOCKED', 'its wallet is locked: run lncli unlock'],
    ['NON_EXISTING', 'it has no wallet yet: run lncli create'],
    ['UNLOCKED', 'it is starting'],
    ['RPC_ACTIVE', 'it is not synced to its chain yet'],
    ['WAITING_TO_START', 'it waits to start'],
    ['constructor', 'what answers there does not answer as lnd does'],
  ])('probe in state %s', async (state, reason) => {
    const wallet = await open()
    double.traps.state = state
    expect(await trouble(wallet.probe())).toBe(`WalletUnreachable: ${reason}`)
  })

  it('probe makes no invoice', async () => {
    const wallet = await open()
    const made = double.invoices
    await wallet.probe()
    expect(double.invoices).toBe(made)
  })

  it('an lnd that is not synced never answers a request for an invoice; the deadline ends it', async () => {
    const wallet = await open()
    double.traps.unsynced = true
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      `WalletUnreachable: no answer in ${DEADLINE} ms`,
    )
  })

  it('an amount that lnd refuses is refused with its bound', async () => {
    const wallet = await open()
    const most = 100_000 * 100_000_000
    await expect(wallet.createInvoice({ ...ASK, sat: 20_000_000_000_000 })).rejects.toEqual(
      new AmountRefused(null, most),
    )
  })

  it.each([
    [{ status: 200, body: '<html>a proxy</html>' }],
    [{ status: 404, body: 'Not Found' }],
    [{ status: 404, body: '{"code":5,"message":"Not Found","details":[]}' }],
    [{ status: 502, body: 'Bad Gateway' }],
    [{ status: 200, body: '{}' }],
    [{ status: 200, body: 'null' }],
    [{ status: 200, body: '{"state":"PAID"}' }],
    [{ status: 302, body: '{}' }],
  ])('C10 %j is an outage, never "unknown"', async (page) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.traps.page = page
    for (const call of [
      () => wallet.lookup(paymentHash),
      () => wallet.createInvoice(ASK),
      () => wallet.probe(),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(WalletUnreachable)
    }
  })

  it('a kept connection that lnd has closed is no outage', async () => {
    const wallet = await open()
    await wallet.createInvoice(ASK)
    double.traps.hangUps = 1
    expect(await trouble(wallet.createInvoice(ASK))).toBeNull()
  })
})

describe('invoices', () => {
  it.each([
    ['another amount', { extraSat: 1 }],
    ['another hash', { otherHash: true }],
  ])('C8 %s than asked for is refused', async (_, trap) => {
    const wallet = await open()
    Object.assign(double.traps, trap)
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: it answered with another invoice than it was asked for',
    )
  })

  it('C1 the preimage of an open or held invoice proves nothing', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    double.set(paymentHash, { state: 'ACCEPTED' })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
  })

  it('is dead when canceled, or a minute past its expiry; never while a payment is held', async () => {
    let now = Date.now()
    const wallet = await open({ world: worldAt(() => now) })
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    const states: string[] = []
    for (const [at, state] of [
      [expiresAt + 59_000, 'OPEN'],
      [expiresAt + 60_000, 'OPEN'],
      [expiresAt + 60_000, 'ACCEPTED'],
      [expiresAt - 60_000, 'CANCELED'],
    ] as const) {
      now = at
      double.set(paymentHash, { state })
      states.push((await wallet.lookup(paymentHash)).is)
    }
    expect(states).toEqual(['open', 'dead', 'open', 'dead'])
  })

  it('C8 C10 an invoice that was dead or unknown and is settled late is settled', async () => {
    const late = Date.now() + 3_600_000
    const wallet = await open({ world: worldAt(() => late) })
    const { paymentHash } = await wallet.createInvoice(ASK)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
    double.traps.page = { status: 404, body: '{"code":5,"message":"unable to locate invoice"}' }
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'unknown' })
    double.traps.page = null
    double.pay(paymentHash)
    expect((await wallet.lookup(paymentHash)).is).toBe('settled')
  })

  it('a node that never made an invoice does not know this one', async () => {
    double.traps.silent = true
    const wallet = await open({ moneyHint: 'test' })
    double.traps.silent = false
    expect(await wallet.lookup('ab'.repeat(32))).toEqual({ is: 'unknown' })
  })

  it.each(['', '../state', 'AB'.repeat(32)])('%j is asked of nobody', async (hash) => {
    const wallet = await open()
    double.requests.length = 0
    expect(await wallet.lookup(hash)).toEqual({ is: 'unknown' })
    expect(double.requests).toEqual([])
  })
})

describe('watching', () => {
  const listening = () => until(async () => double.subscribers === 1)

  it.each([1, 7, 1000])('C10 events in pieces of %d bytes are read', async (pieces) => {
    double.traps.pieces = pieces
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await until(async () => told.all.length > 0)
    expect(told.all).toEqual([{ paymentHash, cursor: '1' }])
  })

  it.each([
    ['hangs up', () => double.hangUp()],
    ['says that it stops', () => Object.assign(double.traps, { complainMidway: 'stopping' })],
  ])('C10 misses nothing if lnd %s', async (_, breakIt) => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const invoices = await Promise.all([1, 2, 3].map(() => wallet.createInvoice(ASK)))
    const hashes = invoices.map((invoice) => invoice.paymentHash)
    double.pay(hashes[0] ?? '')
    await until(async () => told.all.length === 1)
    breakIt()
    double.pay(hashes[1] ?? '')
    double.traps.complainMidway = null
    await until(async () => told.all.length === 2)
    await listening()
    double.pay(hashes[2] ?? '')
    await until(async () => told.all.length === 3)
    expect(told.hashes()).toEqual(hashes)
  })

  it('C10 a settlement that a listener could not take is reported again', async () => {
    const wallet = await open()
    const told = heard()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay((await wallet.createInvoice(ASK)).paymentHash)
    double.pay(paymentHash)
    wallet.watch('1', told.listen)
    await until(async () => told.all.length === 1)
    const again = heard()
    wallet.watch('1', again.listen)
    await until(async () => again.all.length === 1)
    expect(again.all).toEqual(told.all)
  })

  it('tries again with longer pauses, at least every five seconds', async () => {
    const pauses: number[] = []
    const { after } = world
    // Deadlines do not keep a process alive, pauses do.
    world.after = (ms, then, unref) => {
      if (unref === undefined && ms <= 5_000) pauses.push(ms)
      return after(ms, then, unref)
    }
    const wallet = await open()
    double.requests.length = 0
    double.traps.complaint = 'wallet locked, unlock it to enable full RPC access'
    const watch = wallet.watch(null, () => undefined)
    await world.until(() => pauses.length === 8)
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
    expect(double.requests.length).toBe(8)
    watch.stop()
    world.skip(60_000)
    await wait(100)
    expect(double.requests.length).toBe(8)
  })

  it.each([null, '', 'x', '-1'])('the cursor %j starts from now', async (cursor) => {
    const wallet = await open()
    wallet.watch(cursor, () => undefined)
    await listening()
    expect(double.requests.at(-1)).toBe('GET /v1/invoices/subscribe?settle_index=0')
  })

  it('close ends running calls too', async () => {
    const wallet = await open()
    double.traps.unsynced = true
    const asked = trouble(wallet.createInvoice(ASK))
    wallet.watch(null, () => undefined)
    await listening()
    await wallet.close()
    expect(await asked).toMatch(/^WalletUnreachable/)
    await until(async () => double.subscribers === 0)
    expect(await trouble(wallet.probe())).toMatch(/^WalletUnreachable/)
  })
})

it('no error of any kind contains a secret', async () => {
  const wallet = await open()
  const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
  double.traps.complaint = `${bolt11} ${paymentHash} ${double.macaroonHex}`
  for (const call of [wallet.createInvoice(ASK), wallet.lookup(paymentHash), wallet.probe()]) {
    const error: unknown = await call.catch((thrown: unknown) => thrown)
    expect(error instanceof WalletUnreachable || error instanceof WalletRefused).toBe(true)
    const all = `${error} ${JSON.stringify(error)} ${(error as Error).cause ?? ''}`
    for (const secret of [bolt11, paymentHash, double.macaroonHex])
      expect(all).not.toContain(secret)
  }
})
