import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Background } from '../../../../src/floor/background.ts'
import type { World } from '../../../../src/floor/world.ts'
import { addressBook } from '../../../../src/wallets/lightning-address/book.ts'
import {
  type LightningAddressOptions,
  openLightningAddressWallet,
} from '../../../../src/wallets/lightning-address/lightning-address.ts'
import { type LnurlClient, makeLnurl } from '../../../../src/wallets/lightning-address/lnurl.ts'
import { pollOpen } from '../../../../src/wallets/lightning-address/watch.ts'
import { INVOICES_A_MINUTE, KEPT_FOR_BUYERS } from '../../../../src/wallets/rate-limit.ts'
import { AmountRefused, type Wallet } from '../../../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { type LnurlServer, type Page, startLnurlServer } from '../../../support/lnurl-server.ts'
import { memoryFacts } from '../../../support/memory-facts.ts'
import { VirtualWorld } from '../../../support/virtual-world.ts'
import { real, worldAt } from '../../../support/world.ts'

const ASK = { sat: 21, memo: 'address', expirySeconds: 600 }
/** Long, because a machine may be busy. */
const DEADLINE = 20_000

walletContract('a Lightning address (a double that hangs up)', async () => {
  const server = await startLnurlServer()
  const world = real
  const store = memoryFacts()
  const bodies: Readonly<Record<string, Page>> = {
    2000000000: { body: { status: 'ERROR', reason: 'no liquidity for that' } },
    3000000000: { status: 500, body: { status: 'ERROR', reason: 'amount out of range' } },
    4000000000: { status: 400, body: 'no' },
    2000: { body: { status: 'ERROR', reason: 'too small' } },
  }
  server.traps.page = (path) => bodies[/amount=(\d+)/.exec(path)?.[1] ?? ''] ?? null
  return {
    refuses: [2_000_000, 3_000_000, 4_000_000, 2, 200_000_000],
    open: () =>
      opened({
        address: server.address,
        world,
        background: unheard,
        store,
        moneyHint: null,
        lnurl: client(world),
      }),
    pay: async (bolt11) => server.pay(bolt11),
    outage: {
      async begin() {
        server.traps.hangsUp = true
        server.hangUp()
      },
      end: async () => void Object.assign(server.traps, { hangsUp: false }),
    },
    expiry: 'theirs',
    cleanup: () => server.stop(),
  }
})

let server: LnurlServer
let store: ReturnType<typeof memoryFacts>
let clock: { now: number }
let wallets: Wallet[]
beforeEach(async () => {
  clock = { now: Date.now() }
  server = await startLnurlServer(() => clock.now)
  store = memoryFacts()
  wallets = []
})
afterEach(async () => {
  for (const wallet of wallets) await wallet.close()
  await server.stop()
})

const world = { ...worldAt(() => clock.now), elapsed: () => clock.now }
const options = (): LightningAddressOptions => ({
  address: server.address,
  lnurl: client(world),
  store,
  world,
  background: unheard,
  moneyHint: null,
})
async function open(change: Partial<LightningAddressOptions> = {}): Promise<Wallet> {
  const wallet = await opened({ ...options(), ...change })
  wallets.push(wallet)
  return wallet
}
/** The error as one line. Null if there is none. */
const trouble = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
  )
const answer = (start: string, page: Page) => {
  server.traps.page = (path) => (path.startsWith(start) ? page : null)
}
const asIs = () => {
  server.traps.page = () => null
}
const asked = (start: string) => server.requests.filter((path) => path.startsWith(start)).length

describe('opening', () => {
  it('asks for one invoice of the least amount, and whether it was paid', async () => {
    server.traps.request = { minSendable: 4500 }
    const wallet = await open()
    expect(wallet.money).toBe('test')
    expect(wallet.label).toBe(`${server.address.text} (Lightning address)`)
    expect(server.requests).toEqual([
      '/.well-known/lnurlp/you',
      '/callback?amount=5000',
      expect.stringMatching(/^\/verify\//),
    ])
  })

  it('without LUD-21 it is no wallet', async () => {
    server.traps.invoice = { verify: null }
    expect(await openLightningAddressWallet(options())).toBe('no_verify')
  })

  it.each([
    [
      'says no',
      { body: { status: 'ERROR', reason: 'closed' } },
      'WalletRefused: it says no: closed',
    ],
    ['fails', { status: 500 }, 'WalletUnreachable: it answered with HTTP 500'],
    ['has enough', { status: 429 }, 'WalletUnreachable: it takes no more questions for now'],
  ])('an address never seen that %s', async (_, page, error) => {
    answer('/', page)
    expect(await trouble(open({ moneyHint: 'test' }))).toBe(error)
  })

  it('one whose verify is broken sells nothing', async () => {
    answer('/verify', { status: 500 })
    expect(await trouble(open())).toBe('WalletUnreachable: it answered with HTTP 500')
  })

  it('C9 one that calls everything paid is refused', async () => {
    server.traps.verified = { settled: true }
    expect(await trouble(open())).toBe(
      'WalletRefused: it calls an invoice paid that nobody has paid',
    )
  })

  it.each([{ status: 500 }, { status: 429 }])(
    'one seen before opens also while it fails (%j), and works when it is back',
    async (page) => {
      await open()
      answer('/', page)
      const wallet = await open()
      expect(wallet.money).toBe('test')
      asIs()
      expect(await trouble(wallet.createInvoice(ASK))).toBe(null)
    },
  )

  it('another address is not known by it', async () => {
    await open()
    answer('/', { status: 500 })
    const address = { ...server.address, text: 'me@127.0.0.1' }
    expect(await trouble(open({ address }))).toMatch(/HTTP 500/)
  })
})

describe('invoices', () => {
  it('C10 the address for look-ups is on disk before the invoice is given out', async () => {
    const wallet = await open()
    store.fail = true
    expect(await trouble(wallet.createInvoice(ASK))).toBe('Error: disk full')
    store.fail = false
    const { paymentHash } = await wallet.createInvoice(ASK)
    expect([...store.kept.values()].join()).toContain(`${server.url}/verify/${paymentHash}`)
  })

  it('C8 an invoice that was given before is not sold twice, also not at the same time', async () => {
    const wallet = await open()
    server.traps.repeats = true
    // The invoice with which it was opened was offered to nobody.
    expect(await trouble(wallet.createInvoice({ ...ASK, sat: 1 }))).toBe(null)
    const twice = 'WalletRefused: it gave an invoice that it gave before'
    expect(await trouble(wallet.createInvoice({ ...ASK, sat: 1 }))).toBe(twice)
    expect(await trouble((await open()).createInvoice({ ...ASK, sat: 1 }))).toBe(twice)
    const fresh = await open({ store: memoryFacts() })
    const both = [fresh.createInvoice({ ...ASK, sat: 1 }), fresh.createInvoice({ ...ASK, sat: 1 })]
    expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'rejected',
    ])
  })

  it('I9 of another kind of money are refused', async () => {
    await open()
    answer('/', { status: 500 })
    const wallet = await open({ moneyHint: 'real' })
    asIs()
    expect(await trouble(wallet.createInvoice(ASK))).toBe(
      'WalletRefused: its invoices are for test money, the ledger keeps real',
    )
  })

  it('whose payment nobody could confirm are refused', async () => {
    const wallet = await open()
    server.traps.invoice = { verify: null }
    expect(await trouble(wallet.createInvoice(ASK))).toMatch(/no longer shows .* \(LUD-21\)$/)
  })

  it('D1 out of bounds are refused with the bounds, without a call', async () => {
    server.traps.request = { minSendable: 2000, maxSendable: 10_000 }
    const wallet = await open()
    const before = server.requests.length
    for (let asked = 0; asked < INVOICES_A_MINUTE; asked += 1) {
      await expect(wallet.createInvoice({ ...ASK, sat: 1 + 10 * (asked % 2) })).rejects.toEqual(
        new AmountRefused(2, 10),
      )
    }
    expect(server.requests.length).toBe(before)
    expect(await trouble(wallet.createInvoice({ ...ASK, sat: 10 }))).toBe(null)
  })

  it('carry the memo as a comment', async () => {
    await (await open()).createInvoice({ ...ASK, memo: 'for you' })
    expect(server.requests.at(-1)).toBe('/callback?amount=21000&comment=for%20you')
  })

  it('I10 strangers cannot use up what is kept for buyers', async () => {
    const wallet = await open()
    for (let made = 0; made < INVOICES_A_MINUTE - KEPT_FOR_BUYERS; made += 1) {
      await wallet.createInvoice(ASK)
    }
    const before = server.requests.length
    for (const asker of ['stranger', undefined] as const) {
      const refused = wallet.createInvoice({ ...ASK, ...(asker && { asker }) })
      await expect(refused).rejects.toMatchObject({ name: 'WalletBusy', retryAfterMs: 1000 })
    }
    expect(server.requests.length).toBe(before)
    const buyer = { ...ASK, asker: 'buyer' } as const
    for (let made = 0; made < KEPT_FOR_BUYERS; made += 1) await wallet.createInvoice(buyer)
    await expect(wallet.createInvoice(buyer)).rejects.toMatchObject({ retryAfterMs: 1000 })
    await expect(wallet.createInvoice(ASK)).rejects.toMatchObject({ retryAfterMs: 21_000 })
    clock.now += 21_000
    expect(await trouble(wallet.createInvoice(ASK))).toBe(null)
  })

  it('I10 after a 429 nothing is asked until the time that it named', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    answer('/', { status: 429, headers: { 'retry-after': '9' } })
    await expect(wallet.createInvoice(ASK)).rejects.toMatchObject({ retryAfterMs: 9_000 })
    const before = server.requests.length
    clock.now += 4_000
    await expect(wallet.createInvoice(ASK)).rejects.toMatchObject({ retryAfterMs: 5_000 })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    expect(await trouble(wallet.probe())).toBe(null)
    expect(server.requests.length).toBe(before)
    asIs()
    clock.now += 5_000
    expect(await trouble(wallet.createInvoice(ASK))).toBe(null)
  })

  it('I10 a 429 to a look-up or a probe is no outage either', async () => {
    for (const ask of [
      (wallet: Wallet, hash: string) => wallet.lookup(hash),
      (wallet: Wallet) => wallet.probe(),
    ]) {
      asIs()
      const wallet = await open()
      const { paymentHash } = await wallet.createInvoice(ASK)
      answer('/', { status: 429 })
      expect(await trouble(ask(wallet, paymentHash))).toBe(null)
      expect(await trouble(wallet.createInvoice(ASK))).toMatch(/^WalletBusy/)
    }
  })
})

describe('whether an invoice was paid', () => {
  it('I8 a payment that the provider sees late is open, then settled; never dead', async () => {
    const wallet = await open()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    server.traps.lags = true
    const preimage = server.pay(bolt11)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    clock.now += 10_000
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    server.traps.lags = false
    expect(await wallet.lookup(paymentHash)).toMatchObject({ is: 'settled', preimage })
  })

  it('C8 is dead a minute after its expiry, and settled nevertheless if it turns out paid', async () => {
    const wallet = await open()
    const { bolt11, paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    clock.now = expiresAt + 60_000
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    clock.now += 1
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
    server.pay(bolt11)
    clock.now += 86_400_000
    expect(await wallet.lookup(paymentHash)).toMatchObject({ is: 'settled', receivedMsat: 21_000n })
  })

  it('C10 "Not found" of an invoice that is known is not unknown', async () => {
    const wallet = await open()
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    answer('/verify', { body: { status: 'ERROR', reason: 'Not found' } })
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    clock.now = expiresAt + 60_001
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
  })

  it('C8 a lie about it is a refusal, and credits nothing', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    server.traps.verified = { settled: true, preimage: 'ab'.repeat(32) }
    expect(await trouble(wallet.lookup(paymentHash))).toMatch(/^WalletRefused/)
    server.traps.verified = {}
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
  })

  it('C9 a settlement without a preimage counts, is kept, and is not asked for again', async () => {
    const wallet = await open()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    server.pay(bolt11)
    server.traps.verified = { preimage: null }
    const settled = { is: 'settled', preimage: null, receivedMsat: 21_000n }
    expect(await wallet.lookup(paymentHash)).toEqual(settled)
    answer('/', { status: 500 })
    expect(await wallet.lookup(paymentHash)).toEqual(settled)
    expect(await (await open()).lookup(paymentHash)).toEqual(settled)
  })

  it('D1 many who ask for one at once cause one call', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    server.traps.silent = true
    const before = server.requests.length
    const all = [1, 2, 3, 4].map(() => wallet.lookup(paymentHash))
    await wait(50)
    server.traps.silent = false
    expect(await Promise.all(all)).toEqual(Array(4).fill({ is: 'open' }))
    expect(server.requests.length).toBe(before + 1)
  })

  it('I10 look-ups are two a second, and those that would wait too long are refused', async () => {
    const world = virtual()
    const wallet = await open({ world, lnurl: client(world) })
    const hashes: string[] = []
    for (let made = 0; made < 30; made += 1) {
      hashes.push((await wallet.createInvoice(ASK)).paymentHash)
    }
    const before = asked('/verify')
    const states = await world.until(Promise.all(hashes.map((hash) => wallet.lookup(hash))))
    expect(states).toEqual(Array(30).fill({ is: 'open' }))
    // Four at once, then ten that waited.
    expect(asked('/verify') - before).toBe(14)
  })
})

describe('J6 shared_offers_are_counted', () => {
  it('a preimage can be read by the hash once it is paid, so no invoice is shown to two clients', async () => {
    const wallet = await open()
    expect([wallet.preimageIsPublic, wallet.strangersAMinute?.()]).toEqual([true, 40])
  })
})

describe('watching', () => {
  it('C10 reports what was paid while no process ran, before what is newer', async () => {
    const first = await open()
    const missed = [await first.createInvoice(ASK), await first.createInvoice(ASK)]
    await first.close()
    for (const { bolt11 } of missed) server.pay(bolt11)
    const told = heard()
    ;(await open()).watch(null, told.listen)
    const hashes = missed.map(({ paymentHash }) => paymentHash)
    await until(async () => told.all.length === 2)
    expect(told.hashes().toSorted()).toEqual(hashes.toSorted())
    expect(told.all.map(({ cursor }) => cursor)).toEqual(['1', '2'])
  })

  it('reports to two listeners, to each from its own cursor on, in order', async () => {
    const wallet = await open()
    const all = heard()
    wallet.watch(null, all.listen)
    for (let made = 0; made < 3; made += 1) {
      const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
      server.pay(bolt11)
      await wallet.lookup(paymentHash)
    }
    const late = heard()
    wallet.watch('1', late.listen)
    await until(async () => all.all.length === 3 && late.all.length === 2)
    expect(late.all).toEqual(all.all.slice(1))
    const odd = heard()
    wallet.watch('not a cursor', odd.listen)
    await until(async () => odd.all.length === 3)
  })

  it('C10 after a crash between number and settlement it is reported again', async () => {
    const first = await open()
    const { bolt11, paymentHash } = await first.createInvoice(ASK)
    server.pay(bolt11)
    const before = store.kept.get(`lightningaddress:invoice:${paymentHash}`) ?? ''
    await first.lookup(paymentHash)
    await first.close()
    store.kept.set(`lightningaddress:invoice:${paymentHash}`, before)
    const told = heard()
    const second = await open()
    second.watch(null, told.listen)
    await until(async () => told.hashes().includes(paymentHash))
    expect(await second.lookup(paymentHash)).toMatchObject({ is: 'settled' })
  })

  it('a settlement that is learnt twice at once has one number', async () => {
    const book = addressBook(store)
    const kept = { verify: 'https://x.example/', sat: 1, expiresAt: clock.now, paid: null }
    for (const hash of ['a', 'b']) await book.add(hash, kept)
    await Promise.all(['a', 'a', 'b'].map((hash) => book.settle(hash, null)))
    expect(await Promise.all([1, 2, 3].map(book.paidAt))).toEqual(['a', 'b', null])
  })

  it('J6 what is over and unpaid can be forgotten, what was paid stays, and no number is used twice', async () => {
    const book = addressBook(store)
    const kept = { verify: 'https://x.example/', sat: 1, expiresAt: clock.now, paid: null }
    for (const hash of ['a', 'b', 'c']) await book.add(hash, kept)
    await book.settle('b', null)
    await book.over(2)
    for (const hash of ['a', 'b', 'never']) await book.forget(hash)
    expect([...store.kept.keys()].filter((key) => /made:[12]$|invoice:a$/.test(key))).toEqual([])
    expect([await book.find('a'), (await book.find('b'))?.paid]).toEqual([null, { preimage: null }])
    expect(await addressBook(store).add('d', kept)).toMatchObject({ number: 4 })
    expect((await addressBook(store).open(0)).map(({ hash }) => hash)).toEqual(['c', 'd'])
  })

  it('J5 an open page has its invoice looked up sooner, even one that was given up', async () => {
    const world = virtual()
    const one = (number: number, hash: string) => ({ number, hash, expiresAt: clock.now + 1e9 })
    const book = { ...addressBook(store), open: async () => [] }
    const order: string[] = []
    const poll = pollOpen(book, world, async (hash) => {
      order.push(hash)
      return { is: 'open' }
    })
    const stop = new AbortController()
    const running = poll.run(stop.signal)
    poll.add(one(1, 'mine'))
    poll.add(one(2, 'other'))
    // Each invoice is looked up less and less often.
    while (order.length < 14) await world.pass(1_000)
    for (let round = 0; round < 2; round += 1) {
      const before = order.length
      poll.wake('mine')
      world.jump(2_000)
      while (order.length === before) await world.pass(100)
      expect(order.slice(before)).toEqual(['mine'])
    }
    poll.wake('given up')
    while (!order.includes('given up')) await world.pass(100)
    stop.abort()
    await running
    expect(order.filter((hash) => hash === 'given up')).toHaveLength(1)
  })

  it('I10 asks for new ones first, and for old ones in the end', async () => {
    const one = (number: number, hash: string) => ({ number, hash, expiresAt: clock.now + 1e9 })
    const book = { ...addressBook(store), open: async () => [one(1, 'older'), one(2, 'old')] }
    const order: string[] = []
    let answer = () => {}
    const answered = new Promise<void>((then) => {
      answer = then
    })
    const poll = pollOpen(book, world, async (hash) => {
      order.push(hash)
      await answered
      return { is: 'open' }
    })
    poll.add(one(3, 'first'))
    clock.now += 1_000
    const stop = new AbortController()
    const running = poll.run(stop.signal)
    await until(async () => order.length === 1)
    poll.add(one(4, 'second'))
    clock.now += 38_000
    poll.add(one(5, 'third'))
    clock.now += 1_000
    answer()
    await until(async () => order.length === 5)
    stop.abort()
    await running
    expect(order).toEqual(['first', 'second', 'old', 'older', 'third'])
  })

  it('asks with growing pauses, and no more an hour after the expiry', async () => {
    const world = virtual()
    const background = new Background(world, () => {})
    const wallet = await open({ world, background, lnurl: client(world) })
    const { paymentHash, expiresAt } = await wallet.createInvoice(ASK)
    wallet.watch(null, () => undefined)
    const times = () => asked(`/verify/${paymentHash}`)
    const later = async (ms: number) => {
      world.jump(ms - 1_000)
      await world.pass(1_000)
    }
    await world.pass(0)
    expect(times()).toBe(0)
    const seen: number[] = []
    for (const seconds of [1, 1, 2, 20, 8, 30, 30]) {
      await later(seconds * 1_000)
      seen.push(times())
    }
    // Each wait is twice as long as the last one, up to 30 s.
    expect(seen).toEqual([1, 1, 2, 3, 4, 5, 6])
    await later(expiresAt + 3_600_001 - clock.now)
    expect(times()).toBe(6)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
    expect(times()).toBe(7)
  })

  it('one invoice whose verify fails delays no other', async () => {
    const wallet = await open()
    const bad = await wallet.createInvoice(ASK)
    const good = await wallet.createInvoice(ASK)
    answer(`/verify/${bad.paymentHash}`, { status: 500 })
    server.pay(good.bolt11)
    const told = heard()
    wallet.watch(null, told.listen)
    clock.now += 1_000
    await until(async () => told.hashes().includes(good.paymentHash), 5_000)
  })

  it('a process starts after the invoices that are over', async () => {
    const first = await open()
    first.watch(null, () => undefined)
    const paid = await first.createInvoice(ASK)
    server.pay(paid.bolt11)
    await first.lookup(paid.paymentHash)
    const open1 = await first.createInvoice(ASK)
    await until(async () => store.kept.get('lightningaddress:over') === '1', 5_000)
    clock.now = open1.expiresAt + 3_600_001
    await until(async () => store.kept.get('lightningaddress:over') === '2', 5_000)
  })

  it('asks for nothing while nobody watches', async () => {
    const wallet = await open()
    await wallet.createInvoice(ASK)
    const watch = wallet.watch(null, () => undefined)
    await wait(50)
    watch.stop()
    clock.now += 60_000
    const before = server.requests.length
    await wait(1_500)
    expect(server.requests.length).toBe(before)
  })
})

let underWay = 0
/** Counts the work that is under way, so that a virtual world waits for it. */
const counted =
  <A extends unknown[], T>(ask: (...given: A) => Promise<T>) =>
  (...given: A): Promise<T> => {
    underWay += 1
    return ask(...given).finally(() => {
      underWay -= 1
    })
  }
const client = (world: World): LnurlClient => {
  const { payRequest, invoice, verify } = makeLnurl({ world, deadlineMs: DEADLINE })
  return { payRequest: counted(payRequest), invoice: counted(invoice), verify: counted(verify) }
}

/** A virtual world whose clock is also the server's. */
function virtual(): VirtualWorld {
  const world = new VirtualWorld(1, () => underWay > 0)
  clock = {
    get now() {
      return world.now()
    },
  } as typeof clock
  return world
}

async function opened(options: LightningAddressOptions): Promise<Wallet> {
  const wallet = await openLightningAddressWallet(options)
  if (wallet === 'no_verify') throw new Error(wallet)
  return wallet
}
