import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { MintQuotes } from '../../../src/wallets/ecash/mint-quotes.ts'
import { TokenMinter } from '../../../src/wallets/ecash/mint-tokens.ts'
import { QuotePoller } from '../../../src/wallets/ecash/quote-poller.ts'
import type { Asker, Invoice } from '../../../src/wallets/wallet.ts'
import { until } from '../../support/buyer.ts'
import { EcashBed } from '../../support/ecash.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'

const mints: FakeMint[] = []
afterEach(async () => {
  for (const mint of mints.splice(0)) await mint.stop()
})

/**
 * A poller on a mint that allows few calls; the test counts its seconds. `sockets`: the mint
 * reports payments (NUT-17).
 */
async function counting(sockets = false) {
  const mint = await startFakeMint({ sockets })
  mints.push(mint)
  const bed = new EcashBed()
  onTestFinished(() => bed.close())
  const world = { ...bed.world, now: () => 1_800_000_000_000 + bed.ahead }
  const parts = { ...(await bed.parts({ mints: [mint], limited: true })), world }
  const seen: string[] = []
  const minter = new TokenMinter({ ...parts, onMinted: ({ hash }) => seen.push(hash) })
  const worker = new QuotePoller({ ...parts, minter })
  const offers = new MintQuotes({ ...parts, maxPerMint: 1_000_000, money: 'test' })
  const ask = { sat: 21, memo: 'ecash', expirySeconds: 600 }
  return {
    bed,
    mint,
    worker,
    minter,
    invoice: (asker: Asker = 'stranger') => offers.create({ ...ask, asker }),
    /** The seconds until the payment is seen while these pages are open. */
    async secondsUntil(paid: Invoice, pages: readonly Invoice[]): Promise<number> {
      for (let second = 0; second < 300; second += 1) {
        if (seen.includes(paid.paymentHash)) return second
        for (const page of pages) worker.wake(page.paymentHash)
        await worker.tick()
        bed.ahead += 1_000
      }
      throw new Error('not seen in five minutes')
    },
  }
}

describe('J5 status_page_costs_the_mint_nothing', () => {
  it('an open page costs a mint no more calls than the rounds do', async () => {
    const calls = async (open: boolean) => {
      const { mint, secondsUntil, invoice } = await counting()
      const page = await invoice()
      const never = await invoice()
      await secondsUntil(never, open ? [page] : []).catch(() => null)
      return mint.counts.quoteState
    }
    const [without, withPage] = [await calls(false), await calls(true)]
    expect(withPage).toBeLessThanOrEqual(6 * 5)
    expect(withPage).toBeGreaterThan(0)
    expect(without).toBeGreaterThan(0)
  })

  it('of a mint that reports payments (NUT-17) an open page is looked up once a minute, because reports get lost', async () => {
    const { bed, mint, worker, invoice } = await counting(true)
    const { paymentHash } = await invoice()
    await worker.tick()
    await until(() => mint.counts.ws > 0)
    for (let second = 0; second < 300; second += 1) {
      worker.wake(paymentHash)
      await worker.tick()
      bed.ahead += 1_000
    }
    await worker.stop()
    expect(mint.counts.quoteState).toBeLessThanOrEqual(5)
  })

  it('while pages are open all the time, invoices are made, and payments are seen at once', async () => {
    const { mint, secondsUntil, invoice, minter, worker } = await counting()
    const pages = [await invoice(), await invoice(), await invoice()]
    await secondsUntil({ ...pages[0], paymentHash: 'never' } as Invoice, pages).catch(() => null)
    expect((await invoice()).bolt11).toMatch(/^lnbcrt/)
    const paid = await invoice('buyer')
    mint.pay(paid.bolt11)
    await minter.collect(paid.paymentHash, 'paid')
    expect(minter.lookedAt(paid.paymentHash)).toBeGreaterThan(0)
    await worker.stop()
    expect(mint.issuedSat()).toBe(21)
  })

  it('a payment is seen soon by its page, whatever other invoices are open', async () => {
    const { mint, secondsUntil, invoice } = await counting()
    const pages: Invoice[] = []
    for (let made = 0; made < 5; made += 1) pages.push(await invoice())
    const [mine] = pages
    if (mine === undefined) throw new Error('no invoice')
    mint.pay(mine.bolt11)
    expect(await secondsUntil(mine, [mine])).toBeLessThanOrEqual(12)
  })

  it('a paid invoice whose page is closed is seen too, however many pages are open', async () => {
    const { mint, secondsUntil, invoice } = await counting()
    const [paid, ...pages] = [await invoice(), await invoice(), await invoice(), await invoice()]
    mint.pay(paid.bolt11)
    expect(await secondsUntil(paid, pages)).toBeLessThanOrEqual(120)
  })

  it('an invoice that is too old for the rounds is asked for while its page is open', async () => {
    const { bed, mint, secondsUntil, invoice } = await counting()
    const old = await invoice()
    bed.ahead += 25 * 3_600_000
    mint.pay(old.bolt11)
    await secondsUntil({ ...old, paymentHash: 'never' }, []).catch(() => null)
    expect(mint.counts.quoteState).toBe(0)
    expect(await secondsUntil(old, [old])).toBeLessThanOrEqual(12)
  })
})
