import { copyFileSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { Buyers } from './ecash-buyers.ts'
import { type Call, type Fault, invoiceFor, MintBank } from './mint-double.ts'

let wallet: Buyers
beforeEach(() => {
  wallet = new Buyers()
})
afterEach(() => wallet.close())

function use(other: Buyers) {
  wallet.close()
  wallet = other
}

const pay = (order: Parameters<Buyers['now']['payments']['pay']>[0]) =>
  wallet.now.payments.pay(order)
const find = (name: { id: string; paymentHash: string }) => wallet.now.payments.find(name)
const paid = () => wallet.bank.paidOut.map(({ sat }) => sat)
const made = (name: Call) => wallet.bank.calls.filter((call) => call === name).length

function failOnce(name: Call, fault: Fault, nth = 1) {
  let seen = 0
  wallet.bank.fault = (call) => (call === name && ++seen === nth ? fault : null)
}

describe('a payment for a buyer', () => {
  it('pays the invoice, and the change comes back', async () => {
    wallet.bank.route = 1
    wallet.fund(1024, 512)
    const order = wallet.order(1000)
    expect(await pay(order)).toEqual({ is: 'paid', feeMsat: 1_000n })
    expect(paid()).toEqual([1000])
    expect(wallet.held()).toBe(535)
    expect(wallet.whole(1536)).toBe(true)
  })

  it('E6 the fee is all that left beyond the amount: swaps, inputs and route', async () => {
    use(new Buyers(new MintBank('https://mint.example', 100)))
    wallet.bank.route = 3
    wallet.fund(...Array(300).fill(8))
    const before = wallet.held()
    const state = await pay(wallet.order(1000))
    expect(state).toEqual({ is: 'paid', feeMsat: BigInt(before - wallet.held() - 1000) * 1000n })
    expect(wallet.bank.kept).toBe(before - wallet.held() - 1000)
    expect(wallet.whole(2400)).toBe(true)
  })

  it('L12 the same id or the same hash is never paid twice, also by another process', async () => {
    wallet.fund(1024)
    const order = wallet.order(100)
    const first = await pay(order)
    expect(await pay(order)).toEqual(first)
    expect(await pay({ ...order, id: 'another' })).toEqual(first)
    expect(await pay({ ...wallet.order(50), id: order.id })).toEqual(first)
    wallet.reopen()
    expect(await pay(order)).toEqual(first)
    expect(await find(order)).toEqual(first)
    expect(paid()).toEqual([100])
  })

  it('twice at the same moment is one payment', async () => {
    wallet.fund(1024)
    const order = wallet.order(100)
    const both = await Promise.all([pay(order), pay(order), pay({ ...order, id: 'another' })])
    expect(new Set(both.map(({ is }) => is))).toEqual(new Set(['paid']))
    expect(paid()).toEqual([100])
  })

  it('two of them at the same moment share no coin', async () => {
    wallet.fund(512, 512)
    const [one, two] = await Promise.all([pay(wallet.order(400)), pay(wallet.order(500))])
    expect([one.is, two.is]).toEqual(['paid', 'paid'])
    expect(wallet.whole(1024)).toBe(true)
  })

  it('is not known before it is sent', async () => {
    expect(await find(wallet.order(5))).toEqual({ is: 'unknown' })
  })

  it('goes on beside an open payout of the operator, and neither touches the other', async () => {
    wallet.fund(1024)
    const { payouts } = wallet.now
    const payout = { kind: 'asked', destination: 'invoice', mint: wallet.bank.url } as const
    const begun = payouts.begin({ ...payout, sat: 10, feeLimit: 10 }, 1)
    expect((await pay(wallet.order(100))).is).toBe('paid')
    expect(payouts.open()).toEqual(begun)
  })

  it('C8 an invoice that the operator paid from this wallet is not paid again', async () => {
    wallet.fund(1024)
    const { payouts } = wallet.now
    const order = wallet.order(100)
    const payout = { kind: 'asked', destination: 'invoice', mint: wallet.bank.url } as const
    const { n } = payouts.begin({ ...payout, sat: 100, feeLimit: 10 }, 1)
    payouts.keepInvoice(n, { bolt11: order.bolt11, hash: order.paymentHash, expiresAt: 9e15 })
    expect(await pay(order)).toMatchObject({
      is: 'failed',
      reason: expect.stringContaining('before'),
    })
    expect(made('melt')).toBe(0)
  })

  it('J24 an invoice of the same mint needs no fee', async () => {
    wallet.bank.reserveOf = () => 0
    wallet.fund(64, 32, 4)
    expect(await pay({ ...wallet.order(100), maxFeeMsat: 0n })).toEqual({ is: 'paid', feeMsat: 0n })
    expect(wallet.held()).toBe(0)
  })
})

describe('what is refused before anything is sent, for good', () => {
  const refused = async (order: Parameters<typeof pay>[0], reason: string) => {
    const state = await pay(order)
    expect(state).toMatchObject({ is: 'failed', reason: expect.stringContaining(reason) })
    expect(await find(order)).toEqual(state)
    expect(await pay(order)).toEqual(state)
    expect(made('melt')).toBe(0)
    expect(wallet.free()).toBe(wallet.held())
  }

  it('a fee reserve above the limit', async () => {
    wallet.fund(1024)
    wallet.bank.reserveOf = () => 20
    await refused({ ...wallet.order(100), maxFeeMsat: 19_999n }, 'up to 20 sat of fees')
  })

  it('input fees above the limit, and no coin is swapped', async () => {
    use(new Buyers(new MintBank('https://mint.example', 1000)))
    wallet.bank.reserveOf = () => 0
    wallet.fund(...Array(60).fill(4))
    await refused({ ...wallet.order(100), maxFeeMsat: 30_000n }, 'of fees')
    expect(made('swap')).toBe(0)
  })

  it('too few coins', async () => {
    wallet.fund(64)
    await refused(wallet.order(100), 'too few')
  })

  it('an invoice that is about to expire', async () => {
    wallet.fund(1024)
    await refused(
      wallet.order(0, { bolt11: invoiceFor(100, { now: wallet.clock, seconds: 20 }) }),
      'expired',
    )
  })

  it('I9 an invoice for another kind of money', async () => {
    wallet.fund(1024)
    const [real] = REAL
    if (real === undefined) throw new Error('an invoice')
    wallet.clock = Date.UTC(2017, 5, 1, 11)
    await refused(wallet.order(0, { bolt11: real }), 'real money')
  })
})

/** The example of BOLT 11 for 2500 uBTC. It has a minute to live, so only its money is judged. */
const REAL = [
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh',
]

describe('what stops it before it is sent: it can be tried again', () => {
  it.each([
    ['meltQuote', 'before'],
    ['meltQuote', 'busy'],
    ['swap', 'before'],
    ['swap', 'after'],
    ['swap', 'late'],
    ['swap', 'busy'],
    ['swap', 'kept'],
    ['restore', 'before'],
  ] as const)('E4 %s %s', async (call, fault) => {
    wallet.fund(1024)
    failOnce(call, fault)
    const order = wallet.order(100)
    await expect(pay(order)).rejects.toThrow(WalletUnreachable)
    expect(await find(order)).toEqual({ is: 'unknown' })
    wallet.bank.fault = () => null
    wallet.clock += 120_000
    expect((await pay(order)).is).toBe('paid')
    expect(paid()).toEqual([100])
    expect(wallet.now.freeze.reason).toBeNull()
    expect(wallet.whole(1024)).toBe(true)
  })

  it('the freeze', async () => {
    wallet.fund(1024)
    wallet.now.freeze.set('Elsewhere', 1)
    const order = wallet.order(100)
    await expect(pay(order)).rejects.toThrow('Elsewhere')
    expect(made('melt')).toBe(0)
    expect(await find(order)).toEqual({ is: 'unknown' })
  })

  it.each(['crash-before', 'crash-after', 'crash-late'] as const)(
    '%s of the swap',
    async (fault) => {
      wallet.fund(1024)
      failOnce('swap', fault)
      const order = wallet.order(100)
      await expect(pay(order)).rejects.toThrow(/swap/)
      wallet.bank.fault = () => null
      wallet.reopen()
      expect(await find(order)).toEqual({ is: 'unknown' })
      expect((await pay(order)).is).toBe('paid')
      expect(wallet.whole(1024)).toBe(true)
    },
  )
})

describe('a payment whose end is not known', () => {
  it.each(['before', 'after', 'late', 'busy', 'kept'] as const)(
    'E4 melt %s: it is pending, and then paid once',
    async (fault) => {
      wallet.fund(1024)
      failOnce('melt', fault)
      const order = wallet.order(100)
      expect(await pay(order)).toEqual({ is: 'pending' })
      wallet.bank.fault = () => null
      wallet.clock += 120_000
      const ended = await find(order)
      expect(ended.is).toBe('paid')
      expect(paid()).toEqual([100])
      expect(wallet.whole(1024)).toBe(true)
    },
  )

  it.each(['crash-before', 'crash-after', 'crash-late'] as const)(
    'B10 %s of the melt: the next process finds it, and it is paid once',
    async (fault) => {
      wallet.fund(1024)
      failOnce('melt', fault)
      const order = wallet.order(100)
      await expect(pay(order)).rejects.toThrow(/melt/)
      wallet.bank.fault = () => null
      wallet.reopen()
      expect((await find(order)).is).toBe('paid')
      expect((await pay(order)).is).toBe('paid')
      expect(paid()).toEqual([100])
      expect(wallet.whole(1024)).toBe(true)
    },
  )

  it('L12 pending for a day, over restarts: its coins stay set aside, and it ends as the mint says', async () => {
    wallet.fund(1024, 1024)
    wallet.bank.meltsEnd = 'pending'
    const order = wallet.order(1000)
    expect(await pay(order)).toEqual({ is: 'pending' })
    for (let hour = 0; hour < 24; hour += 1) {
      wallet.clock += 3_600_000
      expect(await find(order)).toEqual({ is: 'pending' })
      expect(await pay(order)).toEqual({ is: 'pending' })
      if (hour % 6 === 0) wallet.reopen()
    }
    expect(made('melt')).toBe(1)
    expect(wallet.free()).toBeLessThan(1048)
    wallet.bank.resolve('paid')
    wallet.clock += 3_600_000
    expect((await find(order)).is).toBe('paid')
    expect(wallet.whole(2048)).toBe(true)
  })

  it('that failed in the end frees its coins, and is never paid later', async () => {
    wallet.fund(1024)
    wallet.bank.meltsEnd = 'pending'
    const order = wallet.order(1000)
    await pay(order)
    wallet.bank.resolve('failed')
    wallet.bank.meltsEnd = 'failed'
    const ended = { is: 'failed', reason: 'the mint could not pay it' }
    expect(await find(order)).toEqual(ended)
    wallet.bank.meltsEnd = 'paid'
    expect(await pay(order)).toEqual(ended)
    expect(wallet.free()).toBe(1024)
    expect(paid()).toEqual([])
  })

  it('of an invoice that somebody else has paid is failed, and its coins are free', async () => {
    wallet.fund(1024)
    const order = wallet.order(1000)
    wallet.bank.paidByOthers.add(order.bolt11)
    expect(await pay(order)).toEqual({
      is: 'failed',
      reason: 'somebody else has paid that invoice',
    })
    expect(wallet.free()).toBe(1024)
  })

  it('is given up an hour after its invoice expired, if the mint says unpaid and took no coin', async () => {
    wallet.fund(1024)
    wallet.bank.fault = (call) => (call === 'melt' ? 'before' : null)
    const order = wallet.order(1000)
    expect(await pay(order)).toEqual({ is: 'pending' })
    wallet.clock += 600_000 + 3_500_000
    expect(await find(order)).toEqual({ is: 'pending' })
    wallet.clock += 200_000
    wallet.bank.fault = () => null
    expect(await find(order)).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching('expired'),
    })
    expect(wallet.free()).toBe(1024)
    expect(paid()).toEqual([])
  })

  it('is not given up while the mint keeps its coins, whatever it says of the quote', async () => {
    wallet.fund(1024)
    failOnce('melt', 'before')
    const order = wallet.order(1000)
    await pay(order)
    const [sent] = wallet.now.store.sentBatches(wallet.bank.url)
    wallet.bank.mark(wallet.now.store.inputsOf(sent?.n ?? 0), 'pending')
    wallet.clock += 86_400_000
    expect(await find(order)).toEqual({ is: 'pending' })
    expect(wallet.free()).toBeLessThan(24)
  })

  it('is not given up while the mint works on it, however old its invoice is', async () => {
    wallet.fund(1024)
    wallet.bank.meltsEnd = 'pending'
    const order = wallet.order(1000)
    await pay(order)
    wallet.clock += 40 * 86_400_000
    expect(await find(order)).toEqual({ is: 'pending' })
    expect(wallet.free()).toBeLessThan(24)
  })

  it('J5 is looked up less and less often, however often somebody asks', async () => {
    wallet.fund(1024)
    wallet.bank.meltsEnd = 'pending'
    const order = wallet.order(1000)
    await pay(order)
    for (let second = 0; second < 600; second += 1) {
      wallet.clock += 1_000
      await find(order)
    }
    expect(made('meltState')).toBeLessThan(25)
  })

  it('L13 is not sent again from a folder that may be an older copy', async () => {
    wallet.fund(1024)
    failOnce('melt', 'before')
    const order = wallet.order(100)
    await pay(order)
    wallet.now.freeze.set('Elsewhere', 1)
    expect(await find(order)).toEqual({ is: 'pending' })
    expect(made('melt')).toBe(1)
  })

  it('J12 a disk that is full when the mint has paid: it stays pending', async () => {
    wallet.fund(1024)
    const { store } = wallet.now
    const run = store.run.bind(store)
    store.run = (sql, ...values) => {
      if (!sql.includes(`SET state = 'paid'`)) return run(sql, ...values)
      throw Object.assign(new Error('full'), {
        code: 'ERR_SQLITE_ERROR',
        errcode: 13,
        errstr: 'full',
      })
    }
    const order = wallet.order(100)
    expect(await pay(order)).toEqual({ is: 'pending' })
    store.run = run
    expect((await find(order)).is).toBe('paid')
    expect(wallet.whole(1024)).toBe(true)
  })
})

describe('L13 a folder that was restored from an older backup', () => {
  it('notices at the first withdrawal that a token left since, and nothing leaves', async () => {
    wallet.fund(512, 512)
    wallet.now.store.db.exec(`VACUUM INTO '${wallet.folder}/backup.db'`)
    await wallet.now.tokens.make('w1', 100)
    restoreBackup()
    const order = wallet.order(100)
    await expect(pay(order)).rejects.toThrow(WalletUnreachable)
    await expect(wallet.now.tokens.make('w1', 100)).rejects.toThrow('satgate wallet restore')
    expect(wallet.now.freeze.restored).toEqual({ since: wallet.clock })
    expect(made('melt')).toBe(0)
  })

  it('notices that a payment left since, also if it left no change', async () => {
    wallet.bank.reserveOf = () => 0
    wallet.fund(64, 32, 4, 512)
    wallet.now.store.db.exec(`VACUUM INTO '${wallet.folder}/backup.db'`)
    await pay(wallet.order(100))
    restoreBackup()
    await expect(pay(wallet.order(50))).rejects.toThrow(WalletUnreachable)
    expect(wallet.now.freeze.reason).toContain('spent elsewhere')
  })

  it('a mint that does not answer lets nothing leave before it was checked', async () => {
    wallet.fund(512)
    wallet.bank.fault = (call) => (call === 'states' ? 'before' : null)
    await expect(wallet.now.tokens.make('w1', 100)).rejects.toThrow(WalletUnreachable)
    expect(made('swap')).toBe(0)
  })

  it('without a restore nothing is noticed', async () => {
    wallet.fund(512)
    wallet.now.store.db.exec(`VACUUM INTO '${wallet.folder}/backup.db'`)
    restoreBackup()
    expect((await pay(wallet.order(100))).is).toBe('paid')
    expect(wallet.now.freeze.restored).toBeNull()
  })
})

function restoreBackup() {
  wallet.now.store.close()
  for (const end of ['', '-wal', '-shm']) rmSync(`${wallet.path}${end}`, { force: true })
  copyFileSync(`${wallet.folder}/backup.db`, wallet.path)
  wallet.now = wallet.start()
}
