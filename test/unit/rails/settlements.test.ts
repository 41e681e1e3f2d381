import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deposits } from '../../../src/gate/deposits.ts'
import { Tiers } from '../../../src/money/tiers.ts'
import { Lightning } from '../../../src/rails/lightning/lightning.ts'
import { LightningOffers } from '../../../src/rails/lightning/lightning-offers.ts'
import { openPlayWallet } from '../../../src/wallets/play/play.ts'
import type { InvoiceState, Wallet } from '../../../src/wallets/wallet.ts'
import { alone, WalletList } from '../../../src/wallets/wallet-list.ts'
import { unheard } from '../../support/background.ts'
import { newKeys } from '../../support/gate.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { MemoryRevocations } from '../../support/memory-revocations.ts'
import { real } from '../../support/world.ts'

const DAY = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 21, 12) })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Learns of payments from a wallet that loses notifications. The test moves its clock. */
function learning(over: Partial<Wallet> = {}) {
  let bytes = 0
  const random = (length: number) => {
    bytes += 1
    const made = new Uint8Array(length)
    new DataView(made.buffer).setUint32(0, bytes)
    return made
  }
  const world = { ...real, random }
  const books = openMemoryBooks('play')
  const { invoices, ledger, passes } = books
  const play = openPlayWallet({ store: invoices, world, background: unheard })
  const said: { state: InvoiceState | null } = { state: null }
  const wallet: Wallet = {
    ...play,
    lookup: async (hash) => said.state ?? play.lookup(hash),
    watch: () => ({ stop() {} }),
    ...over,
  }
  const lookup = vi.spyOn(wallet, 'lookup')
  const wallets = new WalletList([alone(wallet)], {
    world,
    outages: { gone() {}, back() {} },
    background: unheard,
  })
  const keys = newKeys()
  const parts = {
    wallets,
    passes,
    invoices,
    keys,
    world,
    background: unheard,
    tiers: new Tiers([]),
  }
  const lightning = new LightningOffers({
    ...parts,
    revocations: new MemoryRevocations(),
    perClient: 999,
    total: 9_999,
  })
  const paid: number[] = []
  const say = (event: { event: string; amount_msat?: unknown }) => {
    if (event.event === 'paid') paid.push(Number(event.amount_msat))
  }
  const deposits = new Deposits({ ledger, passes, keys, world, say, tiers: new Tiers([]) })
  const learner = new Lightning(parts, () => {})
  const started = learner.start((receipt) => deposits.credit(receipt))
  const settlements = {
    stop: () => started.stop(),
    wake: (hash: string) => learner.wake({ hash, wallet: 'play' }),
  }
  const invoice = async () => {
    const quota = { is: 'stranger', client: 'a', site: 'a' } as const
    const made = await lightning.create({
      sat: 10,
      account: null,
      caveats: [],
      generation: 0,
      quota,
    })
    if (!made.ok) throw new Error(made.error.why)
    return made.value.row.hash
  }
  return { invoice, invoices, lookup, paid, play, said, settlements, wallet }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('C10 notifications that are lost', () => {
  it('are replaced by a round of look-ups every ten seconds', async () => {
    const { invoice, paid, play } = learning()
    await play.pay(await invoice())
    await pass(9_900)
    expect(paid).toEqual([])
    await pass(200)
    expect(paid).toEqual([10_000])
  })

  it('a round asks for the newest fifty, and for none that expired long ago', async () => {
    const { invoice, lookup, paid, play } = learning()
    const old = await invoice()
    await pass(1_300_000)
    const hashes: string[] = []
    for (let made = 0; made < 60; made += 1) {
      hashes.push(await invoice())
      await pass(1)
    }
    lookup.mockClear()
    await pass(10_000)
    const asked = new Set(lookup.mock.calls.map(([hash]) => hash))
    expect(asked).toEqual(new Set(hashes.slice(10)))
    expect(asked).not.toContain(old)
    await play.pay(hashes.at(-1) ?? '')
    await pass(10_000)
    expect(paid).toEqual([10_000])
  })

  it('a wallet that asks by itself is not asked in rounds', async () => {
    const { invoice, lookup } = learning({ asksItself: true })
    await invoice()
    await pass(120_000)
    expect(lookup).not.toHaveBeenCalled()
  })

  it('nothing is asked after a stop', async () => {
    const { invoice, lookup, settlements } = learning()
    settlements.wake(await invoice())
    await settlements.stop()
    await pass(120_000)
    expect(lookup).not.toHaveBeenCalled()
  })
})

describe('J5 status_page_costs_the_mint_nothing', () => {
  it('an invoice whose page is open is looked up within seconds', async () => {
    const { invoice, paid, play, settlements } = learning()
    const hash = await invoice()
    await play.pay(hash)
    settlements.wake(hash)
    await pass(1_100)
    expect(paid).toEqual([10_000])
  })

  it('however many pages are open, a fixed number is looked up each second, in turn', async () => {
    const { invoice, lookup, settlements } = learning()
    const hashes: string[] = []
    for (let made = 0; made < 40; made += 1) hashes.push(await invoice())
    await pass(600_000 + 600_000)
    lookup.mockClear()
    for (let second = 0; second < 8; second += 1) {
      for (let poll = 0; poll < 20; poll += 1) for (const hash of hashes) settlements.wake(hash)
      await pass(1_000)
    }
    expect(lookup.mock.calls.length).toBeLessThanOrEqual(45)
    expect(new Set(lookup.mock.calls.map(([hash]) => hash)).size).toBe(40)
  })

  it('a wallet that asks by itself is told whose page is open', async () => {
    const wake = vi.fn()
    const { invoice, lookup, settlements } = learning({ asksItself: true, wake })
    const hash = await invoice()
    settlements.wake(hash)
    await pass(60_000)
    expect(wake).toHaveBeenCalledExactlyOnceWith(hash)
    expect(lookup).not.toHaveBeenCalled()
  })
})

describe('J6 unpaid rows go', () => {
  it('30 days after their expiry, with one last look-up', async () => {
    const { invoice, invoices, lookup } = learning()
    const hash = await invoice()
    await pass(1_300_000)
    lookup.mockClear()
    vi.setSystemTime(Date.now() + 30 * DAY - 1_500_000)
    await pass(120_000)
    expect([lookup.mock.calls.length, await invoices.get(hash)]).toEqual([0, expect.anything()])
    await pass(2 * 1_500_000)
    expect([lookup.mock.calls.length, await invoices.get(hash)]).toEqual([1, null])
  })

  it('a payment that arrived late is still credited', async () => {
    const { invoice, invoices, paid, said } = learning()
    const hash = await invoice()
    vi.setSystemTime(Date.now() + 31 * DAY)
    said.state = { is: 'settled', preimage: null, receivedMsat: 10_000n }
    await pass(120_000)
    expect(paid).toEqual([10_000])
    expect(await invoices.get(hash)).toMatchObject({ settledAt: expect.any(Number) })
  })

  it.each([['open'], ['unknown']] as const)(
    'what the wallet calls %s stays: that is not unpaid for sure',
    async (is) => {
      const { invoice, invoices, said } = learning()
      const hash = await invoice()
      vi.setSystemTime(Date.now() + 31 * DAY)
      said.state = { is }
      await pass(600_000)
      expect(await invoices.get(hash)).not.toBe(null)
    },
  )

  it.each([
    ['of one’s own', {}],
    ['of somebody else’s', { asksItself: true as const }],
  ])('a few that stay do not stop the others from being dropped: a wallet %s', async (_, over) => {
    const { invoice, invoices, wallet, play } = learning(over)
    const hashes: string[] = []
    for (let made = 0; made < 45; made += 1) {
      hashes.push(await invoice())
      await pass(1)
    }
    const kept = new Set(hashes.slice(0, 15))
    wallet.lookup = async (hash) => (kept.has(hash) ? { is: 'unknown' } : play.lookup(hash))
    vi.setSystemTime(Date.now() + 31 * DAY)
    await pass(600_000)
    const left = await Promise.all(hashes.map((hash) => invoices.get(hash)))
    expect(left.filter((row) => row !== null)).toHaveLength(15)
  })
})
