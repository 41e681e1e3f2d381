import { afterEach, describe, expect, it } from 'vitest'
import { openMint, splitSats } from '../../../src/wallets/ecash/cashu.ts'
import type { Batch, Mint, Proof, QuoteKey } from '../../../src/wallets/ecash/mint.ts'
import { type FakeMint, type FakeMintOptions, startFakeMint } from '../../support/fake-mint.ts'

const SEED = Uint8Array.from({ length: 64 }, (_, index) => index)
const KEY: QuoteKey = { privateKey: '07'.repeat(32) }
const DEADLINE = 300

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const clock = 1_795_000_000_000
async function client(fake: FakeMint): Promise<Mint> {
  const world = { now: () => clock }
  const mint = await openMint({ url: fake.url, seed: SEED, world, deadlineMs: DEADLINE })
  cleanups.push(() => mint.close())
  return mint
}

async function setUp(options: FakeMintOptions = {}) {
  const fake = await startFakeMint(options)
  cleanups.push(() => fake.stop())
  const mint = await client(fake)
  /** Outputs from `counter` on that make up so many sats. */
  const batch = async (sat: number, counter = 0): Promise<Batch> => {
    const { keyset, amounts } = await mint.about()
    return { keyset, counter, amounts: splitSats(sat, amounts) }
  }
  const paidQuote = async (sat: number, key: QuoteKey | null = KEY) => {
    const quote = await mint.createQuote({ sat, memo: 'test', key })
    fake.pay(quote.bolt11)
    return quote.quote
  }
  const coins = async (sat: number, counter = 0) =>
    mint.mint(await paidQuote(sat), KEY, await batch(sat, counter))
  return { fake, mint, batch, paidQuote, coins }
}

const sum = (proofs: readonly Proof[]) => proofs.reduce((all, { amount }) => all + amount, 0)

describe('a mint', () => {
  it('is asked nothing before it is needed', async () => {
    const { fake } = await setUp()
    expect(Object.values(fake.counts).every((count) => count === 0)).toBe(true)
  })

  it('makes an invoice, sees it paid, gives coins for it once, and gives them again', async () => {
    const { fake, mint, batch } = await setUp()
    const { quote, bolt11 } = await mint.createQuote({ sat: 21, memo: 'test', key: KEY })
    const outputs = await batch(21)
    expect(await mint.quoteState(quote)).toBe('unpaid')
    await expect(mint.mint(quote, KEY, outputs)).rejects.toMatchObject({ means: 'unpaid' })
    expect(await mint.restore(outputs)).toEqual([])
    expect(fake.pay(bolt11)).toMatch(/^[0-9a-f]{64}$/)
    expect(await mint.quoteState(quote)).toBe('paid')
    const coins = await mint.mint(quote, KEY, outputs)
    expect(coins.map(({ amount }) => amount)).toEqual([1, 4, 16])
    expect(await mint.quoteState(quote)).toBe('issued')
    expect(await mint.restore(outputs)).toEqual(coins)
    expect(fake.issuedSat()).toBe(21)
  })

  it('swaps and pays', async () => {
    const { fake, mint, batch, coins } = await setUp()
    const old = await coins(1000)
    const swapped = await mint.swap(old, await batch(1000, 100))
    expect(await mint.states([...old.slice(0, 1), ...swapped.slice(0, 1)])).toEqual([
      'spent',
      'unspent',
    ])
    const bolt11 = fake.invoice(500)
    const { quote, sat, feeReserve } = await mint.meltQuote(bolt11)
    expect({ sat, feeReserve }).toEqual({ sat: 500, feeReserve: 10 })
    const blanks = { ...(await batch(0, 200)), amounts: Array(10).fill(0) }
    const melted = await mint.melt(quote, swapped, blanks)
    expect(melted.is).toBe('paid')
    if (melted.is === 'paid') expect(sum(melted.change)).toBe(500)
    expect(await mint.meltState(quote, blanks)).toEqual(melted)
    expect(fake.payouts).toEqual([{ bolt11, sat: 500 }])
    expect(fake.issuedSat()).toBe(500)
  })
})
