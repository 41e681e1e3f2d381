import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Background } from '../../../../src/floor/background.ts'
import type { World } from '../../../../src/floor/world.ts'
import { type NwcOptions, openNwcWallet } from '../../../../src/wallets/nwc/nwc.ts'
import {
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { real, TestWorld, worldAt } from '../../../support/world.ts'
import { type NwcDouble, startNwcDouble, type Traps } from './nwc-double.ts'

const ASK = { sat: 21, memo: 'nwc', expirySeconds: 600 }
/** Long, because a machine may be busy. Where nobody answers, time is let pass. */
const DEADLINE = 5_000

const optionsFor = (double: NwcDouble, world: World): NwcOptions => ({
  connection: double.connection,
  ...{ moneyHint: null, world, background: unheard, deadlineMs: DEADLINE },
})

walletContract('nwc (a double whose relay never answers)', async () => {
  const double = await startNwcDouble()
  const world = new TestWorld()
  const stop = world.rush(() => double.traps.silent)
  return {
    open: () => openNwcWallet(optionsFor(double, world)),
    pay: async (bolt11) => double.pay(bolt11),
    outage: {
      begin: async () => void Object.assign(double.traps, { silent: true }),
      end: async () => void Object.assign(double.traps, { silent: false }),
    },
    refuses: 'wallets have no code for it',
    async cleanup() {
      stop()
      await double.stop()
    },
  }
})

walletContract('nwc (a double with NIP-04 whose relay is gone for a while)', async () => {
  const double = await startNwcDouble()
  Object.assign(double.traps, { encryption: null, reads: ['nip04'] })
  return {
    open: () => openNwcWallet(optionsFor(double, real)),
    pay: async (bolt11) => double.pay(bolt11),
    outage: { begin: () => double.close(), end: () => double.reopen() },
    refuses: 'wallets have no code for it',
    cleanup: () => double.stop(),
  }
})

let double: NwcDouble
let opened: Wallet[]
let world: TestWorld
let stopTime: () => void
beforeEach(async () => {
  double = await startNwcDouble()
  opened = []
  world = new TestWorld()
  stopTime = world.rush(() => double.traps.silent || double.traps.drops.length > 0)
})
afterEach(async () => {
  stopTime()
  for (const wallet of opened) await wallet.close()
  await double.stop()
})
async function open(change: Partial<NwcOptions> = {}): Promise<Wallet> {
  const background = new Background(world, () => {})
  const wallet = await openNwcWallet({ ...optionsFor(double, world), background, ...change })
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
const NO_REPLY =
  /^WalletUnreachable: the wallet does not reply in 5000 ms: is it running, and does it still use the relay 127\.0\.0\.1:\d+\?$/

describe('opening', () => {
  it('a receive-only connection is enough, and no invoice is made to learn the network', async () => {
    const wallet = await open()
    expect(wallet).toMatchObject({ money: 'test', outgoing: undefined })
    expect(wallet.identity).toMatch(/^[0-9a-f]{64}$/)
    expect(wallet.label).toMatch(/^nwc by 127\.0\.0\.1:\d+$/)
    expect(double.calls).toEqual(['get_info'])
    expect((await wallet.about?.())?.warnings).toEqual([])
  })

  it('a connection that may pay is said: in its label, and with what would be enough', async () => {
    double.traps.methods.push('pay_invoice')
    const wallet = await open()
    expect(wallet.outgoing).toBeDefined()
    expect(wallet.label).toMatch(/, may pay$/)
    expect(await wallet.about?.()).toMatchObject({
      paysOut: true,
      warnings: [expect.stringMatching(/may also pay/)],
    })
  })

  it.each([
    [{ network: 'mainnet' }, 'real'],
    [{ network: 'bitcoin' }, 'real'],
    [{ network: 'signet' }, 'test'],
    [{ network: '' }, 'test'],
    [{}, 'test'],
  ])('of a wallet that says %j it is %s money', async (info, money) => {
    trap({ info })
    expect((await open()).money).toBe(money)
    expect(double.calls.includes('make_invoice')).toBe(!('network' in info) || info.network === '')
  })

  it('a connection that may not read about the wallet is enough too', async () => {
    trap({ methods: ['make_invoice', 'lookup_invoice'] })
    const wallet = await open()
    expect(wallet).toMatchObject({ money: 'test', outgoing: undefined })
    const before = double.calls.length
    await wallet.probe()
    expect(double.calls.slice(before)).toEqual(['get_info'])
  })

  it.each(['make_invoice', 'lookup_invoice'])('one that may not %s is refused', async (method) => {
    trap({ methods: double.traps.methods.filter((name) => name !== method) })
    expect(await trouble(open({ moneyHint: 'test' }))).toBe(
      `WalletRefused: this connection may not ${method}: make one in the wallet that may make and look up invoices`,
    )
  })

  it.each(['real', 'test'] as const)(
    'a wallet that is away is opened by the hint: %s',
    async (hint) => {
      trap({ drops: ['get_info'] })
      const wallet = await open({ moneyHint: hint })
      expect(wallet.money).toBe(hint)
      trap({ drops: [] })
      double.traps.methods.push('pay_invoice')
      await wallet.probe()
      expect(wallet.money).toBe(hint)
      expect(wallet.outgoing).toBeDefined()
    },
  )

  it.each([null, 'play'] as const)('with the hint %s it is unreachable', async (hint) => {
    trap({ drops: ['get_info'] })
    expect(await trouble(open({ moneyHint: hint }))).toMatch(NO_REPLY)
  })

  it('C8 with a wrong hint no invoice is made: another network is other money', async () => {
    trap({ drops: ['get_info'] })
    const wallet = await open({ moneyHint: 'real' })
    trap({ drops: [] })
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })

  const KEY = 'a'.repeat(64)
  it.each([
    ['', /no connection string/],
    ['https://example.com', /no connection string/],
    [`nostr+walletconnect://?relay=wss://r.example&secret=${KEY}`, /no public key/],
    [`nostr+walletconnect://${KEY}?relay=wss://r.example`, /no secret/],
    [`nostr+walletconnect://${KEY}?relay=wss://r.example&secret=xyz`, /no secret/],
    [`nostr+walletconnect://${KEY}?secret=${KEY}`, /no relay/],
    [`nostr+walletconnect://${KEY}?relay=https://r.example&secret=${KEY}`, /no relay/],
    [
      `nostr+walletconnect://${'f'.repeat(64)}?relay=wss://r.example&secret=${KEY}`,
      /no public key/,
    ],
  ])('the key %j is refused, and nothing of it is said', async (connection, reason) => {
    const said = await trouble(open({ connection, moneyHint: 'test' }))
    expect(said).toMatch(/^WalletRefused/)
    expect(said).toMatch(reason)
    expect(said).not.toContain(KEY)
  })
})

describe('encryption', () => {
  it.each([
    ['nip44_v2 nip04', ['nip44_v2', 'nip04'], 'nip44_v2'],
    ['nip44_v2', ['nip44_v2'], 'nip44_v2'],
    ['nip04', ['nip04'], undefined],
    [null, ['nip04'], undefined],
  ] as const)('a wallet that says %j is spoken to so', async (encryption, reads, tag) => {
    trap({ encryption, reads: [...reads] })
    await (await open()).createInvoice(ASK)
    for (const { tags } of double.events) {
      expect(tags.find(([name]) => name === 'encryption')?.[1]).toBe(tag)
    }
  })

  it.each([['nip04'], ['nip44_v2']] as const)(
    'without an info event a wallet with %s alone is found out',
    async (scheme) => {
      trap({ noInfo: true, reads: [scheme] })
      await (await open()).createInvoice(ASK)
    },
  )

  it('a wallet that speaks neither is refused', async () => {
    trap({ errors: { get_info: 'UNSUPPORTED_ENCRYPTION' } })
    expect(await trouble(open())).toMatch(/^WalletRefused: this wallet speaks neither/)
  })
})

describe('what it answers', () => {
  const CODES: readonly [string, string | RegExp][] = [
    ['RATE_LIMITED', 'WalletBusy: the wallet makes no more invoices for 10 s'],
    ['UNAUTHORIZED', /^WalletRefused: the wallet does not know this connection, or has ended it/],
    ['RESTRICTED', /^WalletRefused: this connection may not make_invoice/],
    ['NOT_IMPLEMENTED', 'WalletRefused: this wallet cannot make_invoice'],
    ['QUOTA_EXCEEDED', /^WalletRefused: the budget of this connection is used up/],
    ['INTERNAL', /^WalletUnreachable: the wallet says that it failed/],
    ['OTHER', /^WalletUnreachable: the wallet says that it failed/],
    ['constructor', /^WalletUnreachable: the wallet says that it failed/],
  ]
  it.each(CODES)('to a request for an invoice with %s', async (code, said) => {
    const wallet = await open()
    trap({ errors: { make_invoice: code } })
    const heard = await trouble(wallet.createInvoice(ASK))
    typeof said === 'string' ? expect(heard).toBe(said) : expect(heard).toMatch(said)
  })

  it.each([
    ['NOT_FOUND', { is: 'unknown' }],
    ['RATE_LIMITED', { is: 'open' }],
  ])('to a look-up with %s', async (code, state) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ errors: { lookup_invoice: code } })
    expect(await wallet.lookup(paymentHash)).toEqual(state)
  })

  it('C10 an invoice that was not found and is settled later is settled', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ errors: { lookup_invoice: 'NOT_FOUND' } })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'unknown' })
    trap({ errors: {} })
    double.pay(paymentHash)
    expect((await wallet.lookup(paymentHash)).is).toBe('settled')
  })

  it('each reply twice, and replies of strangers, are one reply', async () => {
    trap({ times: 2 })
    const wallet = await open()
    const made = await Promise.all([1, 2, 3].map(() => wallet.createInvoice(ASK)))
    expect(new Set(made.map((one) => one.paymentHash)).size).toBe(3)
  })

  it('without a reply its own deadline ends a call', async () => {
    const wallet = await open()
    trap({ drops: ['make_invoice', 'lookup_invoice'] })
    expect(await trouble(wallet.createInvoice(ASK))).toMatch(NO_REPLY)
    expect(await trouble(wallet.lookup('ab'.repeat(32)))).toMatch(NO_REPLY)
  })

  it('a relay that takes no messages is said', async () => {
    const wallet = await open()
    trap({ refuses: 'restricted: pay for this relay with lnbc1secret' })
    expect(await trouble(wallet.createInvoice(ASK))).toMatch(
      /^WalletUnreachable: the relay 127\.0\.0\.1:\d+ does not take messages of this connection$/,
    )
    trap({ refuses: 'duplicate: have it' })
    trap({ refuses: null })
    await wallet.createInvoice(ASK)
  })

  it('a node that is down is noticed by the next invoice, and is up only with another one', async () => {
    const wallet = await open()
    trap({ errors: { make_invoice: 'INTERNAL' } })
    await wallet.probe()
    expect(await trouble(wallet.createInvoice(ASK))).toMatch(/^WalletUnreachable/)
    expect(await trouble(wallet.probe())).toMatch(/^WalletUnreachable/)
    trap({ errors: {} })
    await wallet.probe()
    const before = double.calls.length
    await wallet.probe()
    expect(double.calls.slice(before)).toEqual(['get_info'])
  })

  it('of two relays one dead, nothing is late', async () => {
    const other = await startNwcDouble()
    await other.close()
    const dead = /relay=([^&]+)/.exec(other.connection)?.[1]
    const connection = double.connection.replace('?relay=', `?relay=${dead}&relay=`)
    const wallet = await open({ connection })
    const before = performance.now()
    await wallet.createInvoice(ASK)
    expect(performance.now() - before).toBeLessThan(1_000)
    expect(wallet.label).toMatch(/ and 1 more$/)
  })
})

describe('C8 C10 a_lie_or_lag_of_the_wallet_credits_nothing', () => {
  it.each([
    ['another amount', { extraMsat: 1_000 }],
    ['another hash', { otherHash: true }],
  ])('an invoice of %s than asked for is refused', async (_, change) => {
    const wallet = await open()
    trap(change)
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: it answered with another invoice than it was asked for',
    )
  })

  const NOT_NWC = 'WalletUnreachable: the wallet answers in another way than NIP-47 says'
  const settled = { state: 'settled', settled_at: 1_700_000_000 }
  const exact = { is: 'settled', preimage: null, receivedMsat: 21_000n }
  const cases: readonly [string, Record<string, unknown>, string[], object | string][] = [
    ['only the preimage is there', { preimage: 'ab'.repeat(32) }, [], { is: 'open' }],
    [
      'without a state, only the preimage is there',
      { preimage: 'ab'.repeat(32) },
      ['state'],
      { is: 'open' },
    ],
    [
      'a time of settlement, and the state is pending',
      { settled_at: 1_700_000_000 },
      [],
      { is: 'open' },
    ],
    ['settled at 0', { settled_at: 0 }, ['state'], { is: 'open' }],
    ['held', { state: 'accepted', settled_at: 1_700_000_000 }, [], { is: 'open' }],
    ['a word that is no state', { state: 'paid' }, [], NOT_NWC],
    ['settled, in sat instead of msat', { ...settled, amount: 21 }, [], NOT_NWC],
    ['settled, in thousandths of msat', { ...settled, amount: 21_000_000 }, [], NOT_NWC],
    ['settled, with less than asked for', { ...settled, amount: 20_999 }, [], NOT_NWC],
    ['settled, with an amount that is none', { ...settled, amount: '21000' }, [], NOT_NWC],
    ['settled, another invoice in it', { ...settled, invoice: 'lnbcrt1other' }, [], NOT_NWC],
    ['settled, another hash', { ...settled, payment_hash: 'ab'.repeat(32) }, [], { is: 'unknown' }],
    ['settled, but it is a payment out', { ...settled, type: 'outgoing' }, [], { is: 'unknown' }],
    ['really settled', settled, [], exact],
    ['settled by a wallet without states', settled, ['state'], exact],
    [
      'settled, and the payer gave half more',
      { ...settled, amount: 31_500 },
      [],
      { ...exact, receivedMsat: 31_500n },
    ],
    ['settled, without the invoice', settled, ['invoice'], exact],
    ['settled in sat, without the invoice', { ...settled, amount: 21 }, ['invoice'], NOT_NWC],
    ['settled for nothing', { ...settled, amount: 0 }, [], NOT_NWC],
  ]
  it.each(cases)('%s', async (_, change, without, expected) => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.set(paymentHash, change)
    trap({ without })
    const answer = await wallet
      .lookup(paymentHash)
      .catch((error: Error) => trouble(Promise.reject(error)))
    expect(answer).toEqual(expected)
  })

  it('settled, then taken back', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    expect((await wallet.lookup(paymentHash)).is).toBe('settled')
    double.set(paymentHash, { state: 'pending' })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
  })

  it('a pending invoice is dead a minute past its expiry', async () => {
    let at = Date.now()
    const wallet = await open({ world: worldAt(() => at) })
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    for (const without of [[], ['expires_at']]) {
      trap({ without })
      at = expiresAt + 59_000
      expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
      at = expiresAt + 60_000
      expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
    }
  })

  it.each(['', 'get_info', 'AB'.repeat(32)])('%j is asked of nobody', async (hash) => {
    const wallet = await open()
    double.calls.length = 0
    expect(await wallet.lookup(hash)).toEqual({ is: 'unknown' })
    expect(double.calls).toEqual([])
  })
})

describe('watching', () => {
  const paid = async (wallet: Wallet) => {
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    return paymentHash
  }
  const looked = () => double.calls.filter((name) => name === 'list_transactions').length
  const listening = () => until(async () => looked() > 0)

  it('C10 a notification in two kinds, twice, is told once', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const hash = await paid(wallet)
    double.pay(hash)
    await until(async () => told.all.length > 0)
    await wait(300)
    expect(told.hashes()).toEqual([hash])
  })

  it('C10 a notification for an invoice that is not settled, or was never made, tells nothing', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const { paymentHash } = await wallet.createInvoice(ASK)
    const before = looked()
    for (const payment_hash of [paymentHash, 'ab'.repeat(32), 7]) {
      double.notify({ payment_hash, state: 'settled', settled_at: 1 })
    }
    double.say({ kind: 23197, content: 'no event' })
    await until(async () => looked() > before)
    await wait(300)
    expect(told.all).toEqual([])
  })

  it('C10 without any notification it looks every minute', async () => {
    trap({ mute: true })
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const hash = await paid(wallet)
    await world.until(() => told.hashes().includes(hash))
  })

  it('C10 what was notified while the only relay was down is told when it is back', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const { paymentHash } = await wallet.createInvoice(ASK)
    await double.close()
    double.pay(paymentHash)
    await wait(100)
    await double.reopen()
    const began = world.elapsed()
    await world.until(() => told.hashes().includes(paymentHash))
    expect(world.elapsed() - began).toBeLessThan(20_000)
  })

  it('C10 a connection that is dead without a sign is noticed', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    await listening()
    const { paymentHash } = await wallet.createInvoice(ASK)
    trap({ silent: true })
    double.pay(paymentHash)
    const silentAt = world.elapsed()
    await world.until(() => world.elapsed() - silentAt > 60_000)
    trap({ silent: false })
    const backAt = world.elapsed()
    await world.until(() => told.hashes().includes(paymentHash))
    expect(world.elapsed() - backAt).toBeLessThan(30_000)
  })

  it.each(['RESTRICTED', 'NOT_IMPLEMENTED'])(
    'C10 a wallet that does not list (%s) tells by notifications alone, without a cursor',
    async (code) => {
      trap({ errors: { list_transactions: code } })
      const wallet = await open()
      const told = heard()
      wallet.watch(null, told.listen)
      await listening()
      const hash = await paid(wallet)
      await until(async () => told.all.length > 0)
      expect(told.all[0]).toEqual({ paymentHash: hash, cursor: null })
    },
  )

  it('C10 a relay that drops long replies is asked for less', async () => {
    const wallet = await open()
    const hashes: string[] = []
    for (let at = 0; at < 12; at += 1) hashes.push(await paid(wallet))
    trap({ longest: 6_000, mute: true })
    const told = heard()
    wallet.watch('0', told.listen)
    await world.until(() => told.all.length === hashes.length)
    expect([...told.hashes()].sort()).toEqual([...hashes].sort())
  })

  it('C10 a settlement that a listener could not take is reported again', async () => {
    const wallet = await open()
    await paid(wallet)
    let times = 0
    wallet.watch('0', () => {
      times += 1
      if (times === 1) throw new Error('the disk is full')
    })
    await world.until(() => times === 2)
  })

  it('close ends running calls and connections too', async () => {
    const wallet = await open()
    wallet.watch(null, () => undefined)
    await listening()
    const asked = trouble(wallet.lookup('ab'.repeat(32)))
    await wallet.close()
    expect(await asked).toMatch(/^WalletUnreachable/)
    await until(async () => double.connections === 0)
    expect(await trouble(wallet.probe())).toMatch(/^WalletUnreachable/)
    wallet.watch(null, () => undefined)
    await wait(100)
    expect(double.connections).toBe(0)
  })
})

it('H3 no error of any kind contains a secret', async () => {
  const wallet = await open()
  const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
  const secret = /secret=([0-9a-f]+)/.exec(double.connection)?.[1] ?? ''
  for (const code of ['INTERNAL', bolt11, paymentHash, 'RESTRICTED', 'UNAUTHORIZED']) {
    trap({ errors: { make_invoice: code, lookup_invoice: code, get_info: code } })
    for (const call of [wallet.createInvoice(ASK), wallet.lookup(paymentHash), wallet.probe()]) {
      const error: unknown = await call.catch((thrown: unknown) => thrown)
      if (error === undefined) continue
      const known = [WalletUnreachable, WalletRefused, WalletBusy]
      expect(known.some((kind) => error instanceof kind)).toBe(true)
      const all = `${error} ${JSON.stringify(error)} ${(error as Error).cause ?? ''}`
      for (const hidden of [bolt11, paymentHash, secret]) expect(all).not.toContain(hidden)
    }
  }
})
