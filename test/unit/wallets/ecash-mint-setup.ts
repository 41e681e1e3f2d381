import { afterEach } from 'vitest'
import { openMint } from '../../../src/wallets/ecash/mint/cashu.ts'
import type { Batch, Mint, Proof, QuoteKey } from '../../../src/wallets/ecash/mint/mint.ts'
import { splitSats } from '../../../src/wallets/ecash/mint/sats.ts'
import { type FakeMint, type FakeMintOptions, startFakeMint } from '../../support/fake-mint.ts'
import { TestWorld } from '../../support/world.ts'

/** A client and a mint for one test. Both are closed after it. */

const SEED = Uint8Array.from({ length: 64 }, (_, index) => index)
export const KEY: QuoteKey = { privateKey: '07'.repeat(32) }
/** Long, because a machine may be busy. Where nobody answers, time is let pass. */
export const PATIENCE = 5_000

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export const world = new TestWorld()
/** So many ms pass for whoever asks the time. No timer is due because of it. */
export const pass = (ms: number): void => world.advance(ms)

interface As {
  readonly seed?: Uint8Array
}

export async function client(fake: FakeMint, as: As = {}): Promise<Mint> {
  const mint = await openMint({ url: fake.url, seed: SEED, world, deadlineMs: PATIENCE, ...as })
  cleanups.push(() => mint.close())
  return mint
}

export async function setUp(options: FakeMintOptions = {}, as: As = {}) {
  const fake = await startFakeMint(options)
  cleanups.push(() => fake.stop())
  const mint = await client(fake, as)
  /** Outputs of that many sats, from `counter` on. */
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

export const sum = (proofs: readonly Proof[]) => proofs.reduce((all, { amount }) => all + amount, 0)
