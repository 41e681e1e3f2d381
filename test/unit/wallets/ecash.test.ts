import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { readBolt11 } from '../../../src/wallets/bolt11.ts'
import { openEcashWallet } from '../../../src/wallets/ecash/ecash.ts'
import {
  AmountRefused,
  type Asker,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../../contract/wallet.ts'
import { EcashBed, type EcashOptions } from '../../support/ecash.ts'
import { type FakeMint, type FakeMintOptions, startFakeMint } from '../../support/fake-mint.ts'
import { type Fault, keepsWaiting, type Route } from '../../support/fake-mint-faults.ts'

const ASK = { sat: 21, memo: 'ecash', expirySeconds: 600 }

for (const sockets of [true, false]) {
  const how = sockets ? 'that tells of payments' : 'that has to be asked'
  walletContract(`ecash of a mint ${how}`, async () => {
    const codes: Readonly<Record<number, number>> = { 2000: 11006, 3000: 0, 4000: 10000, 2: 50000 }
    const mint = await startFakeMint({ sockets, refuses: (sat) => codes[sat] ?? null })
    const bed = new EcashBed()
    return {
      open: () => bed.open({ mints: [mint] }),
      pay: async (bolt11) => mint.pay(bolt11),
      outage: { begin: () => mint.stop(), end: () => mint.restart() },
      refuses: [2_000, 3_000, 4_000, 2, 10_000_000],
      expiry: 'theirs',
      preimage: 'maybe',
      source: /^ecash http:/,
      async cleanup() {
        await bed.close()
        await mint.stop()
      },
    }
  })
}

const mints: FakeMint[] = []
afterEach(async () => {
  for (const mint of mints.splice(0)) await mint.stop()
})

async function aMint(options: FakeMintOptions = {}): Promise<FakeMint> {
  const mint = await startFakeMint({ sockets: false, ...options })
  mints.push(mint)
  return mint
}

function aBed(from?: EcashBed): EcashBed {
  const bed = from ?? new EcashBed()
  onTestFinished(() => bed.close())
  return bed
}

/** A wallet with these mints, and an invoice of it. */
async function selling(options: Omit<EcashOptions, 'mints'> & { mints?: FakeMint[] } = {}) {
  const its = options.mints ?? [await aMint()]
  const bed = aBed()
  const wallet = await bed.open({ ...options, mints: its })
  return { bed, wallet, mints: its, mint: its[0] as FakeMint }
}

const settled = (wallet: Wallet, hash: string) =>
  wallet.lookup(hash).then(
    ({ is }) => is === 'settled',
    () => false,
  )

const fault = (is: Fault['is'], times = 1): Fault => ({ is, times })

describe('an invoice is bound to its mint', () => {
  it('it belongs to the first mint that gives one, in the operator’s order', async () => {
    const { wallet, mints: its } = await selling({ mints: [await aMint(), await aMint()] })
    await wallet.createInvoice(ASK)
    expect(its.map(({ counts }) => counts.quote)).toEqual([1, 0])
  })

  const WRONG: readonly (readonly [Route, Fault['is'], string])[] = [
    ['quote', 'dropBefore', 'mint_unreachable'],
    ['quote', 'hang', 'mint_unreachable'],
    ['quote', 'trickle', 'mint_unreachable'],
    ['quote', 'status500', 'mint_unreachable'],
    ['quote', 'code0', 'mint_unreachable'],
    ['quote', 'status429', 'mint_busy'],
    ['quote', 'garbage', 'mint_lies'],
    ['quote', 'html', 'mint_lies'],
    ['quote', 'redirect', 'mint_lies'],
    ['quote', 'wrongAmount', 'mint_lies'],
    ['quote', 'wrongUnit', 'mint_lies'],
    ['quote', 'wrongInvoice', 'mint_lies'],
    ['info', 'hang', 'mint_unreachable'],
    ['info', 'html', 'mint_lies'],
    ['keys', 'otherKeys', 'mint_lies'],
  ]
  it.each(WRONG)('%s %s: the next mint gives it, and %s is said', async (route, is, what) => {
    const { bed, wallet, mints: its } = await selling({ mints: [await aMint(), await aMint()] })
    const [first, second] = its as [FakeMint, FakeMint]
    first.faults[route] = fault(is, 9)
    const invoice = await bed.world.hurry(wallet.createInvoice(ASK), keepsWaiting)
    expect(second.counts.quote).toBe(1)
    expect(bed.problems()).toContain(`problem ${what}`)
    expect(JSON.stringify(bed.events)).not.toMatch(/lnbcrt|[0-9a-f]{32}/)

    delete first.faults[route]
    second.pay(invoice.bolt11)
    await until(() => settled(wallet, invoice.paymentHash))
    expect([second.issuedSat(), bed.sats()]).toEqual([21, 21])
  })

  it('L9 a mint that pays no invoices makes none: what came in could not leave', async () => {
    const { bed, wallet, mints: its } = await selling({ mints: [await aMint(), await aMint()] })
    const [first, second] = its as [FakeMint, FakeMint]
    first.nuts[5] = { ...(first.nuts[5] as object), disabled: true }
    for (let count = 0; count < 3; count += 1) await wallet.createInvoice(ASK)
    expect([first.counts.quote, second.counts.quote]).toEqual([0, 3])
    expect(bed.problems()).toEqual(['problem mint_pays_nothing'])
    second.nuts[5] = { ...(second.nuts[5] as object), disabled: true }
    bed.ahead += 11 * 60_000
    expect(await wallet.createInvoice(ASK).catch(String)).toContain('NUT-05')
    first.nuts[5] = { ...(first.nuts[5] as object), disabled: false }
    bed.ahead += 11 * 60_000
    await wallet.createInvoice(ASK)
    expect(bed.problems()).toContain('solved mint_pays_nothing')
  })

  it('C10 a mint whose node is down does not count as working because its offer is known', async () => {
    const { bed, wallet, mint } = await selling()
    await wallet.createInvoice(ASK)
    mint.faults.quote = fault('code0', 4)
    for (let round = 0; round < 2; round += 1) {
      expect(await wallet.createInvoice(ASK).catch(String)).toMatch(/unreachable/)
      bed.ahead += 20_000
      await wallet.probe().catch(() => null)
      bed.ahead += 20_000
    }
    expect(bed.problems()).toEqual(['problem mint_unreachable'])
    await wallet.probe()
    expect(bed.problems()).toEqual(['problem mint_unreachable', 'solved mint_unreachable'])
  })

  it('a mint that lied is set aside over a restart, one that was away is back when it answers', async () => {
    const { bed, mints: its } = await selling({ mints: [await aMint(), await aMint()] })
    const [first, second] = its as [FakeMint, FakeMint]
    first.faults.quote = fault('wrongAmount')
    await (await bed.open({ mints: its })).createInvoice(ASK)
    const next = await bed.open({ mints: its })
    await next.createInvoice(ASK)
    expect([first.counts.quote, second.counts.quote]).toEqual([1, 2])
    bed.ahead += 61 * 60_000
    await next.createInvoice(ASK)
    expect(first.counts.quote).toBe(2)
  })

  it('its amount is within the mint’s limits and the room that is left', async () => {
    const mint = await aMint({ leastSat: 10, mostSat: 500 })
    const { wallet, bed } = await selling({ mints: [mint], maxPerMint: 1_000 })
    const refusal = (sat: number) => wallet.createInvoice({ ...ASK, sat }).catch((error) => error)
    expect(await refusal(9)).toEqual(new AmountRefused(10, 500))
    expect(await refusal(501)).toEqual(new AmountRefused(10, 500))
    for (const sat of [500, 420]) {
      const { bolt11, paymentHash } = await wallet.createInvoice({ ...ASK, sat })
      mint.pay(bolt11)
      await until(() => settled(wallet, paymentHash))
    }
    expect(bed.sats()).toBe(920)
    expect(await refusal(81)).toBeInstanceOf(WalletRefused)
    expect((await refusal(10)).message).toMatch(/wallet.maxPerMint.*satgate wallet withdraw/)
  })
})

describe('the kind of money', () => {
  const opening = async (mint: FakeMint, patienceMs: number) => {
    const parts = await aBed().parts({ mints: [mint] })
    return openEcashWallet({ ...parts, maxPerMint: 1, money: null, patienceMs })
  }

  it('is that of the first invoice', async () => {
    const wallet = await opening(await aMint(), 5_000)
    expect(wallet.money).toBe('test')
    await wallet.close()
  })

  it('is unknown on a network that drops everything, and is not waited for', async () => {
    const mint = await aMint()
    mint.faults.info = fault('hang', 9)
    const refused = await opening(mint, 200).catch((error: unknown) => error)
    // It was given up before its own deadline, which would have another message.
    expect(refused).toBeInstanceOf(WalletUnreachable)
    expect(String(refused)).not.toContain('no answer in')
    expect(String(refused)).toContain(': no answer yet')
  })
})

describe('settled means that the coins are here', () => {
  it('C10 the coins of a buyer who pays and never returns are taken too', async () => {
    const { wallet, mint, bed } = await selling()
    const told = heard()
    wallet.watch(null, told.listen)
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    mint.pay(bolt11)
    bed.ahead += 6_000
    await until(async () => told.hashes().includes(paymentHash))
    expect(bed.sats()).toBe(21)
  })

  it('C10 a mint that breaks its connections is asked instead, and not too often', async () => {
    const { wallet, mint, bed } = await selling({ mints: [await aMint({ sockets: true })] })
    mint.welcome = 'drop'
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    await wait(2_300)
    expect(mint.counts.ws).toBeLessThanOrEqual(2)
    mint.pay(bolt11)
    const told = heard()
    wallet.watch(null, told.listen)
    bed.ahead += 3_000
    await until(async () => told.hashes().includes(paymentHash))
  })

  it('C8 an invoice that is paid late is still credited', async () => {
    const { wallet, mint, bed } = await selling()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    bed.ahead += 2 * 3_600_000
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
    mint.pay(bolt11)
    bed.ahead += 1_000
    await until(() => settled(wallet, paymentHash))
  })

  const LOST: readonly (readonly [string, Partial<Record<Route, Fault>>])[] = [
    ['E4 the answer to the mint request is lost', { mint: fault('dropAfter') }],
    ['E4 it hangs after it was signed', { mint: fault('trickle') }],
    ['E4 the request never arrives', { mint: fault('dropBefore') }],
    ['E4 the mint breaks down', { mint: fault('status500') }],
    ['E7 the restore is lost as well', { mint: fault('dropAfter'), restore: fault('dropAfter') }],
    ['E7 and so is the second try', { mint: fault('dropBefore', 2), restore: fault('status500') }],
    ['E4 the mint is asked too often', { mint: fault('status429') }],
  ]
  it.each(LOST)('%s: nothing is lost, nothing is twice', async (_, faults) => {
    const { wallet, mint, bed } = await selling()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    Object.assign(mint.faults, faults)
    mint.pay(bolt11)
    onTestFinished(bed.world.rush(keepsWaiting))
    await until(async () => {
      bed.ahead += 5_000
      return settled(wallet, paymentHash)
    })
    expect([mint.issuedSat(), bed.sats()]).toEqual([21, 21])
    expect(bed.store().sentBatches(mint.url)).toEqual([])
  })

  it.each(LOST)('I11 %s, and the process dies: the next one finds it', async (_, faults) => {
    const { wallet, mint, bed } = await selling()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    Object.assign(mint.faults, faults)
    mint.pay(bolt11)
    onTestFinished(bed.world.rush(keepsWaiting))
    await wallet.lookup(paymentHash).catch(() => null)
    await bed.die()
    const next = await bed.open({ mints: [mint] })
    await until(async () => {
      bed.ahead += 5_000
      return settled(next, paymentHash)
    })
    expect([mint.issuedSat(), bed.sats()]).toEqual([21, 21])
  })

  it.each([
    ['and never signs them: others are asked of it', { mint: fault('dropBefore') }],
    [
      'and had signed them after all: they are found',
      {
        mint: fault('dropAfter'),
        restore: fault('emptyRestore', 4),
        quoteState: fault('sayPaid', 5),
      },
    ],
  ])('E7 a mint keeps the coins that it should sign, %s', async (_, faults) => {
    const { wallet, mint, bed } = await selling()
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    Object.assign(mint.faults, faults)
    mint.pay(bolt11)
    await wallet.lookup(paymentHash).catch(() => null)
    mint.faults.mint = fault('code11004', 4)
    let waited = 0
    await until(async () => {
      bed.ahead += 15_000
      waited += 15
      return settled(wallet, paymentHash)
    })
    expect(waited).toBeGreaterThanOrEqual(60)
    expect([mint.issuedSat(), bed.sats()]).toEqual([21, 21])
    expect(bed.problems().filter((problem) => /lies|seed/.test(problem))).toEqual([])
  })

  it.each(['badDleq', 'noDleq'] as const)(
    'E3 coins with %s are not taken: no credit, the mint is set aside; honest ones are',
    async (is) => {
      const { wallet, mint, bed } = await selling()
      const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
      mint.faults.mint = fault(is)
      mint.faults.restore = fault(is, 2)
      mint.pay(bolt11)
      for (let round = 0; round < 3; round += 1) {
        await wallet.lookup(paymentHash).catch(() => null)
        bed.ahead += 1_000
      }
      expect(bed.sats()).toBe(0)
      expect(bed.problems()).toContain('problem mint_lies')
      expect(await wallet.createInvoice(ASK).catch(String)).toMatch(/unreachable/)
      await until(async () => {
        bed.ahead += 1_000
        return settled(wallet, paymentHash)
      })
      expect(bed.sats()).toBe(21)
    },
  )

  it('a mint that says it was issued, but not to us, credits nobody and is set aside', async () => {
    const { wallet, mint, bed } = await selling()
    const { paymentHash } = await wallet.createInvoice(ASK)
    mint.faults.quoteState = fault('sayIssued', 99)
    await wallet.lookup(paymentHash).catch(() => null)
    expect((await wallet.lookup(paymentHash).catch(() => ({ is: 'down' }))).is).not.toBe('settled')
    expect(bed.store().quote(paymentHash)?.state).toBe('stuck')
    expect(bed.problems()).toEqual(['problem mint_lies'])
  })

  it('E6 a new keyset of the mint is used at once', async () => {
    const { wallet, mint, bed } = await selling()
    const before = await wallet.createInvoice(ASK)
    const rotated = mint.rotate(100)
    for (const invoice of [before, await wallet.createInvoice(ASK)]) {
      mint.pay(invoice.bolt11)
      await until(async () => {
        bed.ahead += 10_000
        return settled(wallet, invoice.paymentHash)
      })
    }
    expect(bed.sats()).toBe(42)
    expect(bed.store().keysets()).toContain(rotated)
  })
})

describe('I11 seed_twice: two gates on one seed', () => {
  it('the second is told before it takes coins of the first, and earns on after stock was taken', async () => {
    const { bed, wallet, mint } = await selling()
    const twin = aBed(bed.copy())
    const other = await twin.open({ mints: [mint] })
    const first = await wallet.createInvoice(ASK)
    mint.pay(first.bolt11)
    await until(() => settled(wallet, first.paymentHash))

    const second = await other.createInvoice(ASK)
    mint.pay(second.bolt11)
    await other.lookup(second.paymentHash).catch(() => null)
    expect(twin.problems()).toEqual(['problem seed_elsewhere'])
    expect(await other.createInvoice(ASK).catch(String)).toMatch(
      /Stop the other gate.*wallet restore/,
    )
    expect([bed.sats(), twin.sats()]).toEqual([21, 0])

    await twin.die()
    const restarted = await twin.open({ mints: [mint] })
    expect(await restarted.createInvoice(ASK).catch(String)).toMatch(/wallet restore/)
    await twin.die()

    const parts = await twin.parts({ mints: [mint] })
    parts.store.skipTo(parts.store.keysets()[0] as string, 100)
    parts.freeze.clear()
    const again = await twin.open({ mints: [mint] })
    await until(async () => {
      twin.ahead += 1_000
      return settled(again, second.paymentHash)
    })
    expect([mint.issuedSat(), bed.sats() + twin.sats()]).toEqual([42, 42])
  })

  it('an older backup is noticed at its start, before it sells', async () => {
    const { bed, wallet, mint } = await selling()
    const sell = async () => {
      const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
      mint.pay(bolt11)
      await until(() => settled(wallet, paymentHash))
    }
    await sell()
    const backup = aBed(bed.copy())
    await (await backup.open({ mints: [mint] })).createInvoice(ASK)
    await backup.die()
    await sell()
    const stale = await backup.open({ mints: [mint] })
    expect(await stale.createInvoice(ASK).catch(String)).toMatch(/older backup/)
  })
})

describe('I10 stranger_cannot_starve_quotes', () => {
  it('strangers leave room for buyers, and both leave room for looking up what was paid', async () => {
    const { wallet, mint, bed } = await selling({ limited: true })
    const kept: string[] = []
    const ask = async (asker: Asker) => {
      for (let made = 0; ; made += 1) {
        const answer = await wallet.createInvoice({ ...ASK, asker }).catch((error) => error)
        if (answer instanceof WalletBusy) return made
        if (answer instanceof Error) throw answer
        kept.push(answer.bolt11)
      }
    }
    expect([await ask('stranger'), await ask('shared'), await ask('buyer')]).toEqual([6, 2, 5])
    expect([await ask('stranger'), await ask('shared')]).toEqual([0, 0])
    const paid = kept.at(-1) ?? ''
    mint.pay(paid)
    expect(await settled(wallet, readBolt11(paid)?.paymentHash ?? '')).toBe(true)
    const calls = mint.counts.quote + mint.counts.quoteState + mint.counts.mint
    expect(calls).toBeLessThanOrEqual(18)
    bed.ahead += 60_000
    expect(await ask('stranger')).toBeGreaterThan(0)
  })

  it('J5 a payment that a mint reports (NUT-17) needs no look-up', async () => {
    const { wallet, mint, bed } = await selling({
      ...{ limited: true, mints: [await aMint({ sockets: true })] },
    })
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    const told = heard()
    wallet.watch(null, told.listen)
    await until(async () => mint.counts.ws > 0)
    for (let second = 0; second < 30; second += 1) {
      wallet.wake?.(paymentHash)
      bed.ahead += 1_000
      await wait(10)
    }
    mint.pay(bolt11)
    await until(async () => told.hashes().includes(paymentHash))
    expect([mint.counts.quoteState, bed.sats()]).toEqual([0, 21])
  })

  it('after its 429 the mint is not called for longer than its window', async () => {
    const { wallet, mint, bed } = await selling()
    mint.faults.quote = fault('status429')
    expect(await wallet.createInvoice(ASK).catch((error) => error)).toBeInstanceOf(WalletBusy)
    const { quote } = mint.counts
    for (const seconds of [1, 20, 40]) {
      bed.ahead += seconds * 1_000
      await wallet.createInvoice({ ...ASK, asker: 'buyer' }).catch(() => null)
    }
    await wait(50)
    expect(mint.counts.quote).toBe(quote)
    bed.ahead += 5_000
    await wallet.createInvoice(ASK)
    expect(mint.counts.quote).toBe(quote + 1)
  })
})
