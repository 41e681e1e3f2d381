import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { Buyers } from './ecash-buyers.ts'
import { type Call, type Fault, MintBank } from './mint-double.ts'

let wallet: Buyers
beforeEach(() => {
  wallet = new Buyers()
})
afterEach(() => wallet.close())

function use(other: Buyers) {
  wallet.close()
  wallet = other
}

const make = (id: string, sat: number) => wallet.now.tokens.make(id, sat)
const swaps = () => wallet.bank.calls.filter((call) => call === 'swap').length
const kept = () => wallet.now.store.all('SELECT id, sat FROM exports')

/** The `nth` call of that name fails once. */
function failOnce(name: Call, fault: Fault, nth = 1) {
  let seen = 0
  wallet.bank.fault = (call) => (call === name && ++seen === nth ? fault : null)
}

describe('a token for a buyer', () => {
  it('is worth exactly what was asked for, and its coins are ours no more', async () => {
    wallet.fund(64, 64)
    const { token, feeSat } = await make('w1', 21)
    expect(wallet.worth(token)).toBe(21)
    expect(feeSat).toBe(0)
    expect(wallet.held()).toBe(107)
    expect(wallet.whole(128, token)).toBe(true)
  })

  it('B10 the same id gives the same token, whatever is asked for, and never a second one', async () => {
    wallet.fund(64)
    const first = await make('w1', 21)
    expect(await make('w1', 21)).toEqual(first)
    expect(await make('w1', 5)).toEqual(first)
    wallet.reopen()
    expect(await make('w1', 21)).toEqual(first)
    expect(await wallet.now.tokens.find('w1')).toEqual(first)
    expect(kept()).toEqual([{ id: 'w1', sat: 21 }])
  })

  it('B10 asked for twice at the same moment, it is one token', async () => {
    wallet.fund(64)
    const [one, two] = await Promise.all([make('w1', 21), make('w1', 21)])
    expect(one).toEqual(two)
    expect(swaps()).toBe(1)
  })

  it('two at the same moment share no coin', async () => {
    wallet.fund(16, 8)
    const [one, two] = await Promise.all([make('w1', 12), make('w2', 12)])
    expect(new Set([...one.token.split(' '), ...two.token.split(' ')]).size).toBe(4)
    expect(wallet.held()).toBe(0)
    expect(wallet.whole(24, one.token, two.token)).toBe(true)
  })

  it('L13 is always made of coins that the mint has just signed, also if such coins are here', async () => {
    wallet.fund(16, 4, 1)
    const { token } = await make('w1', 21)
    expect(swaps()).toBe(1)
    expect(wallet.worth(token)).toBe(21)
    expect(wallet.whole(21, token)).toBe(true)
  })

  it('is found only once it is kept, and there is none for another id', async () => {
    wallet.fund(64)
    expect(await wallet.now.tokens.find('w1')).toBeNull()
    const making = make('w1', 21)
    expect(await wallet.now.tokens.find('w1')).toEqual(await making)
    expect(await wallet.now.tokens.find('w2')).toBeNull()
  })

  it('that is more than the coins here is not made, and nothing leaves', async () => {
    wallet.fund(16)
    await expect(make('w1', 17)).rejects.toThrow(WalletUnreachable)
    await expect(wallet.now.tokens.feeFor(17)).rejects.toThrow('too few')
    expect(wallet.free()).toBe(16)
    expect(swaps()).toBe(0)
  })

  it('is not made while the freeze is set', async () => {
    wallet.fund(64)
    wallet.now.freeze.set('Elsewhere', 1)
    await expect(make('w1', 5)).rejects.toThrow('Elsewhere')
    expect(wallet.bank.calls).not.toContain('swap')
  })
})

describe('E6 the fee for making a token', () => {
  it.each([
    ['one large coin', [1024], 100, 21, 1],
    ['coins of exactly that value are swapped all the same', [16, 4, 1], 0, 21, 0],
    ['eleven inputs at 100 ppk are two sat', Array(11).fill(8), 100, 85, 2],
    ['no fee at a mint without one', Array(300).fill(1), 0, 250, 0],
    ['thousands of small coins are merged first', Array(3000).fill(2), 100, 5000, null],
  ])('%s', async (_, coins, ppk, sat, fee) => {
    use(new Buyers(new MintBank('https://mint.example', ppk)))
    wallet.fund(...coins)
    const funded = coins.reduce((sum, coin) => sum + coin, 0)
    const told = await wallet.now.tokens.feeFor(sat)
    const { token, feeSat } = await make('w1', sat)
    expect(feeSat).toBe(told)
    if (fee !== null) expect(told).toBe(fee)
    expect(wallet.bank.kept).toBe(told)
    expect(wallet.worth(token)).toBe(sat)
    expect(wallet.bank.mostInputs).toBeLessThanOrEqual(100)
    expect(wallet.whole(funded, token)).toBe(true)
  })

  it('what is left after the fee can leave whole', async () => {
    use(new Buyers(new MintBank('https://mint.example', 1000)))
    wallet.fund(64, 32)
    const fee = await wallet.now.tokens.feeFor(94)
    expect(fee).toBe(2)
    await expect(wallet.now.tokens.feeFor(95)).rejects.toThrow('too few')
    const { token } = await make('w1', 94)
    expect(wallet.worth(token)).toBe(94)
    expect(wallet.held()).toBe(0)
  })
})

describe('a mint that fails while a token is made', () => {
  const faults: readonly Fault[] = ['before', 'after', 'late', 'busy', 'kept']
  it.each(faults)(
    'E4 swap, %s: nothing has left, and the next try makes one token',
    async (fault) => {
      wallet.fund(64)
      failOnce('swap', fault)
      await expect(make('w1', 21)).rejects.toThrow(WalletUnreachable)
      expect(await wallet.now.tokens.find('w1')).toBeNull()
      wallet.bank.fault = () => null
      wallet.clock += 120_000
      const { token } = await make('w1', 21)
      expect(wallet.worth(token)).toBe(21)
      expect(wallet.now.freeze.reason).toBeNull()
      expect(wallet.whole(64, token)).toBe(true)
    },
  )

  it.each(['crash-before', 'crash-after', 'crash-late'] as const)(
    'B10 %s of the swap: the next process makes one token',
    async (fault) => {
      wallet.fund(64)
      failOnce('swap', fault)
      await expect(make('w1', 21)).rejects.toThrow(/swap/)
      wallet.bank.fault = () => null
      wallet.reopen()
      expect(await wallet.now.tokens.find('w1')).toBeNull()
      const { token } = await make('w1', 21)
      expect(wallet.worth(token)).toBe(21)
      expect(kept()).toEqual([{ id: 'w1', sat: 21 }])
      expect(wallet.whole(64, token)).toBe(true)
    },
  )

  it('B10 a crash between the swap and the token: nothing has left', async () => {
    wallet.fund(64)
    const { store } = wallet.now
    const run = store.run.bind(store)
    store.run = (sql, ...values) => {
      if (sql.includes('INTO exports')) throw new Error('power cut')
      return run(sql, ...values)
    }
    await expect(make('w1', 21)).rejects.toThrow('power cut')
    wallet.reopen()
    expect(await wallet.now.tokens.find('w1')).toBeNull()
    expect(wallet.free()).toBe(64)
    const { token } = await make('w1', 21)
    expect(wallet.whole(64, token)).toBe(true)
  })

  it('J12 a full disk: nothing has left', async () => {
    wallet.fund(64)
    const { store } = wallet.now
    const run = store.run.bind(store)
    store.run = (sql, ...values) => {
      if (!sql.includes('INTO exports')) return run(sql, ...values)
      throw Object.assign(new Error('full'), {
        code: 'ERR_SQLITE_ERROR',
        errcode: 13,
        errstr: 'disk is full',
      })
    }
    await expect(make('w1', 21)).rejects.toThrow('cannot be written: disk is full')
    store.run = run
    expect(wallet.free()).toBe(64)
    expect(wallet.whole(64, (await make('w1', 21)).token)).toBe(true)
  })

  it('that spent our coins elsewhere (11001) sets the freeze, and no token is made', async () => {
    wallet.fund(64)
    await make('w0', 1)
    wallet.bank.mark(wallet.now.store.freeProofs(wallet.bank.url), 'spent')
    await expect(make('w1', 21)).rejects.toThrow(WalletUnreachable)
    expect(wallet.now.freeze.reason).toContain('elsewhere')
    expect(await wallet.now.tokens.find('w1')).toBeNull()
  })

  it('that has our coins pending (11002) makes no token until they are free', async () => {
    wallet.fund(64)
    await make('w0', 1)
    const coins = wallet.now.store.freeProofs(wallet.bank.url)
    wallet.bank.mark(coins, 'pending')
    await expect(make('w1', 63)).rejects.toThrow(WalletUnreachable)
    wallet.bank.mark(coins, 'unspent')
    expect(wallet.worth((await make('w1', 63)).token)).toBe(63)
    expect(wallet.now.freeze.reason).toBeNull()
  })
})
