import { getDecodedToken } from '@cashu/cashu-ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ecashSources, restoredEcash } from '../../../src/daemon/ecash-sources.ts'
import { readBolt11 } from '../../../src/wallets/bolt11.ts'
import { Swapper } from '../../../src/wallets/ecash/spend/swap.ts'
import type { PaymentOrder } from '../../../src/wallets/outgoing.ts'
import type { WithdrawalSource } from '../../../src/withdrawals/source.ts'
import { until } from '../../support/buyer.ts'
import { EcashBed } from '../../support/ecash.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'

let bed: EcashBed
let mint: FakeMint
beforeEach(async () => {
  bed = new EcashBed()
  mint = await startFakeMint({ feePpk: 100 })
})
afterEach(async () => {
  await bed.close()
  await mint.stop()
})

/** The sources of a process, and everything that they work with. */
async function open() {
  const parts = await bed.parts({ mints: [mint] })
  const swapper = new Swapper({ ...parts, world: bed.world })
  const ecash = { ...parts, swapper }
  const say = (event: object) => void bed.events.push({ ...event })
  const sources = ecashSources(ecash, { money: 'test', world: bed.world, say })
  const [source] = sources
  if (source === undefined) throw new Error('a mint is a source')
  return { ...parts, source, sources, restored: restoredEcash(ecash) }
}

/** Buyers have paid these invoices, and their coins are here. */
async function funded(...sats: number[]): Promise<void> {
  const wallet = await bed.open({ mints: [mint] })
  for (const sat of sats) {
    const { bolt11, paymentHash } = await wallet.createInvoice({
      sat,
      memo: '',
      expirySeconds: 600,
    })
    mint.pay(bolt11)
    await until(async () => (await wallet.lookup(paymentHash)).is === 'settled')
    expect(await wallet.lookup(paymentHash)).toMatchObject({ source: `ecash ${mint.url}` })
  }
  await bed.die()
}

function orderOf(bolt11: string, maxFeeMsat = 100_000n): PaymentOrder {
  const { paymentHash = '', amountMsat } = readBolt11(bolt11) ?? {}
  const id = `satgate:ann:${paymentHash}`
  return { id, bolt11, paymentHash, amountMsat: amountMsat ?? 0n, maxFeeMsat }
}

const lightning = (source: WithdrawalSource) => {
  if (source.lightning === null) throw new Error('a mint pays invoices')
  return source.lightning
}
const ecash = (source: WithdrawalSource) => {
  if (source.ecash === null) throw new Error('a mint gives ecash')
  return source.ecash
}

describe('the mints as sources of withdrawals', () => {
  it('L9 each is named by its address, and tells what it holds', async () => {
    await funded(300)
    const { source, sources } = await open()
    expect(sources.map((one) => one.source)).toEqual([`ecash ${mint.url}`])
    expect(source.ecash?.mint).toBe(mint.url)
    expect(await source.held()).toBe(300)
  })

  it('gives a token that any wallet reads, with the proofs of its signatures', async () => {
    await funded(300)
    const { source, mints } = await open()
    const fee = await ecash(source).feeFor(100)
    const { token, feeSat } = await ecash(source).make('w1', 100)
    expect(feeSat).toBe(fee)
    expect(token).toMatch(/^cashuB/)
    const [known] = mints.all
    const read = getDecodedToken(token, (await known?.mint.keysets()) ?? [])
    expect(read).toMatchObject({ mint: mint.url, unit: 'sat' })
    expect(read.proofs.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(100)
    expect(read.proofs.every(({ dleq }) => dleq?.e !== undefined)).toBe(true)
    expect(await source.held()).toBe(300 - 100 - feeSat)
  })

  it('pays an invoice of somebody else, and one of the mint itself without a route', async () => {
    await funded(1000)
    mint.routeSat = 2
    const { source, mints } = await open()
    const paid = await lightning(source).pay(orderOf(mint.invoice(500)))
    expect(paid.is).toBe('paid')
    expect(mint.payouts).toEqual([expect.objectContaining({ sat: 500 })])
    const held = (await source.held()) ?? 0
    expect(paid).toEqual({ is: 'paid', feeMsat: BigInt(1000 - 500 - held) * 1000n })
    const own = await mints.all[0]?.mint.createQuote({ sat: 50, memo: '', key: null })
    const inside = await lightning(source).pay(orderOf(own?.bolt11 ?? '', 2_000n))
    expect(inside.is).toBe('paid')
    expect(await mints.all[0]?.mint.quoteState(own?.quote ?? '')).toBe('paid')
  })

  it('B10 a swap and a melt whose answers are lost: the next process ends both', async () => {
    await funded(1000)
    const first = await open()
    mint.faults.swap = { is: 'dropAfter', times: 1 }
    await expect(ecash(first.source).make('w1', 100)).rejects.toThrow('unreachable')
    mint.faults.melt = { is: 'dropAfter', times: 1 }
    const order = orderOf(mint.invoice(500))
    expect(await lightning(first.source).pay(order)).toEqual({ is: 'pending' })
    await bed.die()
    const next = await open()
    expect((await lightning(next.source).find(order)).is).toBe('paid')
    const { token } = await ecash(next.source).make('w1', 100)
    expect(await ecash(next.source).find('w1')).toMatchObject({ token })
    expect(mint.payouts).toHaveLength(1)
    expect(mint.issuedSat()).toBe(((await next.source.held()) ?? 0) + 100)
  })

  it('a 429 of the mint stops withdrawals for a while, and nothing has left', async () => {
    await funded(1000)
    const { source, mints } = await open()
    mint.faults.meltQuote = { is: 'status429', times: 1 }
    const order = orderOf(mint.invoice(500))
    await expect(lightning(source).pay(order)).rejects.toThrow('too often')
    await expect(lightning(source).pay(order)).rejects.toThrow('too often')
    expect(mint.counts.meltQuote).toBe(1)
    expect(mints.all[0]?.rateLimit.wait('paid')).toBeGreaterThan(0)
    bed.ahead = 120_000
    expect((await lightning(source).pay(order)).is).toBe('paid')
  })

  it('L13 tells since when a restored folder is whole, until the operator confirms it', async () => {
    await funded(1000)
    const twin = bed.copy()
    try {
      const { source } = await open()
      await ecash(source).make('w1', 100)
      const parts = await twin.parts({ mints: [mint] })
      const swapper = new Swapper({ ...parts, world: twin.world })
      const older = { ...parts, swapper }
      const [from] = ecashSources(older, { money: 'test', world: twin.world, say: () => {} })
      const port = restoredEcash(older)
      expect(port.restored()).toBeNull()
      await expect(from?.ecash?.make('w2', 100)).rejects.toThrow('satgate wallet restore')
      expect(port.restored()).toEqual({ since: expect.any(Number) })
      parts.freeze.clear()
      expect(port.restored()).not.toBeNull()
      port.confirm()
      expect(port.restored()).toBeNull()
    } finally {
      await twin.close()
    }
  })
})
