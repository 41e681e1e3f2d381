import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Freeze } from '../../../src/wallets/ecash/freeze.ts'
import type { Mint, Proof } from '../../../src/wallets/ecash/mint/mint.ts'
import { feesAt, netOf, pick } from '../../../src/wallets/ecash/spend/fees.ts'
import { Swapper } from '../../../src/wallets/ecash/spend/swap.ts'
import { openEcashFile } from '../../../src/wallets/ecash/store/database.ts'
import { EcashStore } from '../../../src/wallets/ecash/store/store.ts'
import { worldAt } from '../../support/world.ts'
import { fund, MintBank, mintDouble } from './mint-double.ts'

let store: EcashStore
let freeze: Freeze
let bank: MintBank
let mint: Mint
let swapper: Swapper
let clock = 1

function open(ppk: number) {
  store = new EcashStore(openEcashFile({ path: ':memory:', seedMark: 's', now: 1 }))
  freeze = new Freeze(store)
  bank = new MintBank('https://mint.example', ppk)
  mint = mintDouble(bank)
  swapper = new Swapper({ store, freeze, world: worldAt(() => clock) })
}
beforeEach(() => open(0))
afterEach(() => store.close())

const amountsOf = (coins: readonly Proof[] | null) => coins?.map(({ amount }) => amount) ?? null
const free = () => store.holdings().reduce((sum, one) => sum + one.free, 0)
const ours = () => store.holdings().reduce((sum, one) => sum + one.free + one.held, 0)

/** Nothing is lost: the coins that the mint has issued are the coins that we hold. */
const expectWhole = () => expect(bank.out()).toBe(ours())

describe('coins of the right amounts', () => {
  it('are taken unchanged if they are there', async () => {
    fund(store, bank, [1, 2, 4, 8])
    expect(amountsOf(await swapper.ofValue(mint, 5))).toEqual([1, 4])
    expect(bank.calls).not.toContain('swap')
  })

  it('are made in one swap, the rest into the fewest', async () => {
    fund(store, bank, [64, 64])
    expect(amountsOf(await swapper.ofValue(mint, 21))).toEqual([1, 4, 16])
    expect(bank.calls.filter((call) => call === 'swap')).toHaveLength(1)
    expect(free()).toBe(128)
    expectWhole()
  })

  it('E6 cost what the mint says: four inputs at 100 ppk are one sat', async () => {
    open(100)
    fund(store, bank, [8, 8, 8, 8])
    const { coins, fees } = await swapper.coinsAt(mint)
    expect(fees.of(coins)).toBe(1)
    expect(fees.net(coins)).toBe(31)
    expect(amountsOf(await swapper.ofValue(mint, 31))).toEqual([1, 2, 4, 8, 16])
    expect(free()).toBe(31)
    expect(await swapper.ofValue(mint, 32)).toBeNull()
  })

  it('E6 for spending include their own fee', async () => {
    open(1000)
    fund(store, bank, [64, 64])
    const { coins } = (await swapper.forSpending(mint, 40)) ?? { coins: [] }
    const sat = coins.reduce((sum, { amount }) => sum + amount, 0)
    expect(sat - coins.length).toBeGreaterThanOrEqual(40)
    expect(sat - coins.length).toBeLessThanOrEqual(44)
    expectWhole()
  })

  it('E6 that cost more than they are worth stay', async () => {
    open(1000)
    fund(store, bank, [1, 1, 1, 1, 2])
    expect(await swapper.forSpending(mint, 2)).toBeNull()
    const { coins, fees } = await swapper.coinsAt(mint)
    expect(netOf(coins, fees)).toBe(0)
    expect(free()).toBe(6)
  })

  it('E6 of a keyset that is no longer active are swapped into the new one', async () => {
    fund(store, bank, [32])
    const old = bank.active
    bank.rotate(0)
    const coins = (await swapper.ofValue(mint, 32)) ?? []
    expect(coins.map(({ keyset }) => keyset)).toEqual([bank.active])
    expect(bank.active).not.toBe(old)
    expectWhole()
  })

  it('I11 thousands of small proofs are merged, a hundred at a time', async () => {
    open(100)
    for (let n = 0; n < 200; n += 1) fund(store, bank, [...Array(10).fill(1), 2, 4, 4])
    const before = free()
    expect(store.freeProofs(bank.url)).toHaveLength(2600)
    const { coins, fees } = await swapper.coinsAt(mint)
    const estimate = netOf(coins, fees)
    await swapper.merge(mint)
    expect(store.freeProofs(bank.url).length).toBeLessThanOrEqual(100)
    expect(bank.mostInputs).toBe(100)
    expect(before - free()).toBe(bank.kept)
    expect(bank.kept).toBeLessThan(320)
    expect(await swapper.forSpending(mint, estimate)).not.toBeNull()
    expectWhole()
  })

  it('I11 of thousands of small ones one amount is made without merging them all', async () => {
    for (let n = 0; n < 300; n += 1) fund(store, bank, Array(10).fill(1))
    expect(amountsOf(await swapper.ofValue(mint, 500))).toEqual([4, 16, 32, 64, 128, 256])
    expect(store.freeProofs(bank.url).length).toBeGreaterThan(1000)
    expectWhole()
  })

  it('are chosen largest first, a hundred at most', async () => {
    fund(store, bank, [...Array(200).fill(1), 8])
    const fees = await feesAt(mint, store.freeProofs(bank.url))
    expect(pick(store.freeProofs(bank.url), 9, fees)).toHaveLength(2)
    expect(pick(store.freeProofs(bank.url), 107, fees)).toHaveLength(100)
    expect(pick(store.freeProofs(bank.url), 108, fees)).toBeNull()
  })
})

/** A swap fails once, and the next process finds out what happened. */
describe('a swap whose answer is lost', () => {
  const once = (fault: 'before' | 'after' | 'busy') => {
    let left = 1
    bank.fault = (call) => (call === 'swap' && left-- > 0 ? fault : null)
  }

  it('E4 that happened brings its coins back', async () => {
    fund(store, bank, [64])
    once('after')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    expect(store.sentBatches(bank.url)).toHaveLength(1)
    expect(free()).toBe(0)
    await swapper.recoverAll(mint)
    expect(free()).toBe(64)
    expect(bank.calls.filter((call) => call === 'swap')).toHaveLength(1)
    expect(freeze.reason).toBeNull()
    expectWhole()
  })

  it('E4 that did not happen is sent again unchanged', async () => {
    fund(store, bank, [64])
    once('before')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    await swapper.recoverAll(mint)
    expect(free()).toBe(64)
    expect(store.counter(bank.active)).toBe(bank.signed.size)
    expect(freeze.reason).toBeNull()
    expectWhole()
  })

  it('E4 stays open while the mint does not answer', async () => {
    fund(store, bank, [64])
    bank.fault = () => 'before'
    await expect(swapper.recoverAll(mint)).resolves.toBeUndefined()
    bank.fault = (call) => (call === 'about' ? null : 'before')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    await expect(swapper.recoverAll(mint)).rejects.toThrow('unreachable')
    expect(store.sentBatches(bank.url)).toHaveLength(1)
    bank.fault = () => null
    await swapper.recoverAll(mint)
    expectWhole()
  })

  it('E4 leaves the coins free if the mint was only too busy', async () => {
    fund(store, bank, [64])
    once('busy')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('too often')
    expect(free()).toBe(64)
    expect(store.sentBatches(bank.url)).toEqual([])
    expect(await swapper.ofValue(mint, 5)).not.toBeNull()
  })

  it('E4 and whose keyset is retired meanwhile gives its inputs back', async () => {
    fund(store, bank, [64])
    once('before')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    bank.rotate(0)
    await swapper.recoverAll(mint)
    expect(store.sentBatches(bank.url)).toEqual([])
    expect(free()).toBe(64)
    expect(freeze.reason).toBeNull()
  })
})

describe('a mint that crashed while it signed', () => {
  it('E4 is asked for other coins after a minute; the inputs are free again', async () => {
    fund(store, bank, [64])
    bank.fault = (call) => (call === 'swap' ? 'kept' : null)
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('not signed')
    await expect(swapper.recoverAll(mint)).rejects.toThrow('not signed')
    expect(free()).toBe(0)
    clock += 61_000
    await swapper.recoverAll(mint)
    expect(free()).toBe(64)
    bank.fault = () => null
    expect(amountsOf(await swapper.ofValue(mint, 5))).toEqual([1, 4])
    expect(freeze.reason).toBeNull()
    expectWhole()
  })
})

describe('another wallet on the same seed', () => {
  it('I11 that spent our coins sets the freeze, and they no longer count', async () => {
    fund(store, bank, [64, 8])
    const [big] = store.freeProofs(bank.url)
    bank.mark(big === undefined ? [] : [big], 'spent')
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('spent')
    expect(freeze.reason).toContain('mint.example')
    expect(amountsOf(store.freeProofs(bank.url))).toEqual([8])
    expectWhole()
  })

  it('I11 that used our counters sets the freeze, and its coins are not taken', async () => {
    fund(store, bank, [64])
    bank.sign('seed', { keyset: bank.active, counter: 1, amounts: [4, 2, 1] })
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('signed')
    expect(freeze.reason).not.toBeNull()
    expect(amountsOf(store.freeProofs(bank.url))).toEqual([64])
  })

  it('I11 is noticed when a lost swap is looked up', async () => {
    fund(store, bank, [64])
    bank.fault = (call) => (call === 'swap' ? 'before' : null)
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    const [batch] = store.sentBatches(bank.url)
    bank.mark(store.inputsOf(batch?.n ?? 0), 'spent')
    await swapper.recoverAll(mint)
    expect(freeze.reason).not.toBeNull()
    expect(free()).toBe(0)
    expect(store.sentBatches(bank.url)).toEqual([])
  })

  it('I11 that uses our coins right now is waited for', async () => {
    fund(store, bank, [64])
    bank.fault = (call) => (call === 'swap' ? 'before' : null)
    await expect(swapper.ofValue(mint, 5)).rejects.toThrow('unreachable')
    const [batch] = store.sentBatches(bank.url)
    bank.mark(store.inputsOf(batch?.n ?? 0), 'pending')
    await swapper.recoverAll(mint)
    expect(store.sentBatches(bank.url)).toHaveLength(1)
    expect(freeze.reason).toBeNull()
  })
})

describe('one at a time', () => {
  it('jobs wait for each other, and one that fails stops no other', async () => {
    const order: string[] = []
    const job = (name: string, fails: boolean) => async () => {
      order.push(`${name} begins`)
      await new Promise((then) => setTimeout(then, 2))
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
    }
    const results = await Promise.allSettled([
      swapper.alone(job('a', true)),
      swapper.alone(job('b', false)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })
})
