import { getDecodedToken, hasValidDleq } from '@cashu/cashu-ts'
import { describe, expect, it } from 'vitest'
import { writeToken } from '../../../src/wallets/ecash/mint/cashu.ts'
import { ChangeLies } from '../../../src/wallets/ecash/mint/mint.ts'
import type { FakeMintOptions } from '../../support/fake-mint.ts'
import { client, KEY, pass, setUp, sum } from './ecash-mint-setup.ts'

describe('a mint', () => {
  it('is not asked before it is needed', async () => {
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

  it('says what it offers, and its limits', async () => {
    const { fake, mint } = await setUp({ leastSat: 10, mostSat: 5000 })
    const about = await mint.about()
    expect(about).toMatchObject({ least: 10, most: 5000, tells: true, locks: true })
    expect(about.amounts.slice(0, 4)).toEqual([1, 2, 4, 8])
    const ask = { memo: '', key: null }
    for (const sat of [9, 5001]) {
      const asked = mint.createQuote({ sat, ...ask })
      await expect(asked).rejects.toMatchObject({ name: 'MintRefused', means: 'amount' })
    }
    // Coins that the mint holds can still be paid out.
    fake.nuts[4] = { ...(fake.nuts[4] as object), disabled: true }
    pass(11 * 60_000)
    expect((await mint.about()).most).toBe(0)
  })

  it('asks what it offers once for all who want to know, and again after some minutes', async () => {
    const { fake, mint } = await setUp()
    await Promise.all([mint.about(), mint.about(), mint.feeFor([])])
    pass(60_000)
    await mint.about()
    expect(fake.counts).toMatchObject({ info: 1, keysets: 1, keys: 1 })
    pass(10 * 60_000)
    await mint.about()
    expect(fake.counts).toMatchObject({ info: 2, keysets: 2, keys: 1 })
  })

  it('is not told who asks, or where its coins come from', async () => {
    const { fake, mint, batch, coins } = await setUp()
    const old = await coins(8)
    await mint.swap(old, await batch(8, 50))
    const last = fake.heard.at(-1)?.body
    expect(last).toContain(old[0]?.secret)
    // A DLEQ proof would connect the coin with its blinded message.
    expect(last).not.toContain('dleq')
    for (const { headers } of fake.heard) {
      expect(headers['user-agent']).toBe('satgate')
      const names = Object.keys(headers).filter((name) => /cookie|forward|refer|origin/.test(name))
      expect(names).toEqual([])
    }
  })

  it('gone and back at the same address is the same mint', async () => {
    const { fake, mint, coins } = await setUp()
    const some = await coins(8)
    await fake.stop()
    await expect(mint.states(some)).rejects.toMatchObject({ name: 'MintUnreachable' })
    await fake.restart()
    expect(await mint.states(some)).toEqual(['unspent'])
  })

  it('that is closed is not asked any more, and running calls end', async () => {
    const { fake, mint } = await setUp()
    fake.faults.info = { is: 'hang', times: 1 }
    const asked = mint.about()
    mint.close()
    await expect(asked).rejects.toMatchObject({ reason: 'it is no longer used' })
    await expect(mint.about()).rejects.toMatchObject({ reason: 'it is no longer used' })
    await setUp()
  })
})

describe('locked quotes', () => {
  it.each(['today', 'before'] as const)('are opened as mints of %s want it', async (locks) => {
    const { mint, paidQuote, batch } = await setUp({ locks })
    const quote = await paidQuote(21)
    const other = { privateKey: '08'.repeat(32) }
    const outputs = await batch(21)
    for (const key of [other, null]) {
      await expect(mint.mint(quote, key, outputs)).rejects.toMatchObject({ code: 20008 })
    }
    expect(await mint.mint(quote, KEY, outputs)).toHaveLength(3)
  })

  it('are not asked of a mint that has none, and a mint that makes them open lies', async () => {
    const { mint } = await setUp({ locks: 'none' })
    expect((await mint.about()).locks).toBe(false)
    expect((await mint.createQuote({ sat: 1, memo: '', key: null })).quote).not.toBe('')
    const asked = mint.createQuote({ sat: 1, memo: '', key: KEY })
    await expect(asked).rejects.toMatchObject({ name: 'MintLies' })
  })
})

describe('what was done before', () => {
  it('E4 an answer that was lost is found again: minting, swapping', async () => {
    const { fake, mint, batch, paidQuote } = await setUp()
    const quote = await paidQuote(21)
    const first = await batch(21)
    fake.faults.mint = { is: 'dropAfter', times: 1 }
    await expect(mint.mint(quote, KEY, first)).rejects.toMatchObject({ name: 'MintUnreachable' })
    await expect(mint.mint(quote, KEY, first)).rejects.toMatchObject({ means: 'signed' })
    const fresh = await batch(21, 50)
    await expect(mint.mint(quote, KEY, fresh)).rejects.toMatchObject({ means: 'issued' })
    const coins = await mint.restore(first)
    expect(sum(coins)).toBe(21)

    const second = await batch(21, 100)
    fake.faults.swap = { is: 'dropAfter', times: 1 }
    await expect(mint.swap(coins, second)).rejects.toMatchObject({ name: 'MintUnreachable' })
    await expect(mint.swap(coins, second)).rejects.toMatchObject({ means: 'spent' })
    expect(sum(await mint.restore(second))).toBe(21)
    expect(fake.issuedSat()).toBe(21)
  })

  it('E5 a batch is the same outputs in every process, and other ones for every seed', async () => {
    const { fake, mint, coins, batch } = await setUp()
    const made = await coins(21)
    const again = await client(fake)
    expect(await again.restore(await batch(21))).toEqual(made)
    const stranger = await client(fake, { seed: new Uint8Array(64) })
    expect(await stranger.restore(await batch(21))).toEqual([])
    const { keyset } = await mint.about()
    const later = await mint.restore({ keyset, counter: 1, amounts: [0, 0, 0] })
    expect(later).toEqual(made.slice(1))
  })

  it('some of a long batch are restored, in the order of the batch', async () => {
    const { mint, batch, coins } = await setUp()
    const made = await coins(1023, 130)
    const { keyset } = await batch(0)
    const wide = { keyset, counter: 0, amounts: Array(250).fill(0) }
    const found = await mint.restore(wide)
    expect(found.map(({ amount }) => amount)).toEqual(made.map(({ amount }) => amount))
    expect(found).toEqual(made)
  })

  it('E3 a signature for another amount than was asked for is not believed, although it is valid', async () => {
    const { mint, batch, coins } = await setUp()
    await coins(8)
    const restored = mint.restore({ ...(await batch(8)), amounts: [16] })
    await expect(restored).rejects.toMatchObject({ what: 'a signature for another amount' })
  })

  it('outputs are signed once', async () => {
    const { mint, batch, coins } = await setUp()
    await coins(4)
    const more = await coins(8, 10)
    const reused = { ...(await batch(8)), counter: 0 }
    await expect(mint.swap(more, reused)).rejects.toMatchObject({ means: 'signed' })
  })
})

describe('payments', () => {
  async function paying(options: FakeMintOptions = {}) {
    const all = await setUp({ feePpk: 100, ...options })
    const inputs = await all.coins(300)
    const quote = await all.mint.meltQuote(all.fake.invoice(200))
    const blanks = { ...(await all.batch(0, 100)), amounts: Array(8).fill(0) }
    return {
      ...all,
      inputs,
      quote: quote.quote,
      blanks,
      pay: () => all.mint.melt(quote.quote, inputs, blanks),
    }
  }

  it('give back what the route did not take, except the fee', async () => {
    const { fake, mint, pay, inputs, blanks } = await paying()
    fake.routeSat = 2
    const fee = await mint.feeFor(inputs)
    const melted = await pay()
    expect(melted.is === 'paid' && sum(melted.change)).toBe(300 - 200 - 2 - fee)
    expect(melted.is === 'paid' && melted.change).toEqual(await mint.restore(blanks))
    expect(fake.issuedSat()).toBe(300 - 200 - 2 - fee)
  })

  it('that fail leave the coins as they were', async () => {
    const { fake, mint, pay, inputs, quote, blanks } = await paying()
    fake.meltsEnd = 'failed'
    expect(await pay()).toEqual({ is: 'unpaid' })
    expect(await mint.meltState(quote, blanks)).toEqual({ is: 'unpaid' })
    expect(new Set(await mint.states(inputs))).toEqual(new Set(['unspent']))
    fake.meltsEnd = 'paid'
    expect((await pay()).is).toBe('paid')
  })

  it.each(['paid', 'failed'] as const)(
    'that take long are asked after until they are %s',
    async (how) => {
      const { fake, mint, batch, pay, inputs, quote, blanks } = await paying()
      fake.meltsEnd = 'pending'
      expect(await pay()).toEqual({ is: 'pending' })
      expect(await mint.meltState(quote, blanks)).toEqual({ is: 'pending' })
      expect(new Set(await mint.states(inputs))).toEqual(new Set(['pending']))
      await expect(mint.swap(inputs, await batch(299, 300))).rejects.toMatchObject({
        means: 'pending',
      })
      await expect(pay()).rejects.toMatchObject({ name: 'MintUnreachable' })
      fake.resolveMelts(how)
      const end = await mint.meltState(quote, blanks)
      expect(end.is).toBe(how === 'paid' ? 'paid' : 'unpaid')
      expect(fake.issuedSat()).toBe(how === 'paid' ? 99 : 300)
      if (end.is === 'paid') expect(sum(end.change)).toBe(99)
    },
  )

  it('E4 whose answer is lost are looked up, and never count as refused', async () => {
    const { fake, mint, pay, quote, blanks } = await paying()
    fake.faults.melt = { is: 'dropAfter', times: 1 }
    await expect(pay()).rejects.toMatchObject({ name: 'MintUnreachable' })
    // It was paid. A second try says so, and is no proof of a failure either.
    await expect(pay()).rejects.toMatchObject({ name: 'MintUnreachable' })
    const end = await mint.meltState(quote, blanks)
    expect(end.is === 'paid' && sum(end.change)).toBe(99)
    expect(fake.payouts).toHaveLength(1)
  })

  it('whose change is not kept with them, or is more than there was room for', async () => {
    const { fake, mint, pay, quote, blanks } = await paying()
    fake.faults.melt = { is: 'more', times: 1 }
    await expect(pay()).rejects.toMatchObject({ what: 'more change than asked for' })
    fake.faults.meltState = { is: 'noChange', times: 1 }
    const end = await mint.meltState(quote, blanks)
    expect(end.is === 'paid' && sum(end.change)).toBe(99)
  })

  it('E3 whose change is invalid were made nevertheless, and that is reported', async () => {
    const { fake, mint, pay, quote, blanks } = await paying()
    fake.faults.melt = { is: 'badDleq', times: 1 }
    await expect(pay()).rejects.toBeInstanceOf(ChangeLies)
    fake.faults.meltState = { is: 'noChange', times: 1 }
    fake.faults.restore = { is: 'badDleq', times: 1 }
    await expect(mint.meltState(quote, blanks)).rejects.toBeInstanceOf(ChangeLies)
    expect((await mint.meltState(quote, blanks)).is).toBe('paid')
  })

  it('of an invoice of the same mint need no route', async () => {
    const { fake, mint, inputs } = await paying()
    const { quote, bolt11 } = await mint.createQuote({ sat: 100, memo: '', key: KEY })
    const own = await mint.meltQuote(bolt11)
    expect(own).toMatchObject({ sat: 100, feeReserve: 0 })
    const none = { keyset: (await mint.about()).keyset, counter: 0, amounts: [] }
    expect(await mint.melt(own.quote, inputs, none)).toEqual({ is: 'paid', change: [] })
    expect(await mint.quoteState(quote)).toBe('paid')
    expect(fake.payouts).toEqual([])
  })

  it('with too little, or with spent coins, are refused', async () => {
    const { mint, batch, inputs, quote, blanks } = await paying()
    const few = mint.melt(quote, inputs.slice(0, 1), blanks)
    await expect(few).rejects.toMatchObject({ means: 'amount' })
    await mint.swap(inputs, await batch(299, 300))
    await expect(mint.melt(quote, inputs, blanks)).rejects.toMatchObject({ means: 'spent' })
  })
})

describe('keysets', () => {
  it.each([
    [0, 1, 0],
    [100, 1, 1],
    [100, 10, 1],
    [100, 11, 2],
    [1000, 3, 3],
    [999, 2, 2],
  ])('E6 at %d ppk %d inputs cost %d sat', async (feePpk, inputs, fee) => {
    const { mint } = await setUp({ feePpk })
    const { keyset } = await mint.about()
    expect(await mint.feeFor(Array(inputs).fill({ keyset }))).toBe(fee)
  })

  it.each([
    [1, 66],
    [0, 16],
  ] as const)('E6 of version %d work, in tokens too', async (version, digits) => {
    const { fake, mint, batch, coins } = await setUp({ version, feePpk: 100 })
    const made = await mint.swap(await coins(21), await batch(20, 50))
    const { keyset } = await mint.about()
    expect(keyset).toHaveLength(digits)
    const token = getDecodedToken(await writeToken(fake.url, made), [keyset])
    expect(token).toMatchObject({ mint: fake.url, unit: 'sat' })
    const answer = await fetch(`${fake.url}/v1/keys/${keyset}`)
    const { keysets } = (await answer.json()) as { keysets: { keys: Record<string, string> }[] }
    const keys = { id: keyset, keys: keysets[0]?.keys ?? {} }
    expect(token.proofs.map(({ id, secret }) => ({ id, secret }))).toEqual(
      made.map(({ secret }) => ({ id: keyset, secret })),
    )
    expect(token.proofs.every((proof) => hasValidDleq(proof, keys))).toBe(true)
  })

  it('E6 change: coins of the old one are spent at their own fee', async () => {
    const { fake, mint, batch, coins } = await setUp({ feePpk: 100 })
    const old = await coins(64)
    const before = await batch(63, 50)
    fake.rotate(2000)
    await expect(mint.swap(old, before)).rejects.toMatchObject({ means: 'keyset' })
    // After the refusal it asked for the keysets again.
    const now = await batch(63, 100)
    expect(now.keyset).not.toBe(before.keyset)
    const swapped = await mint.swap(old, now)
    expect(await mint.feeFor([...old, ...swapped])).toBe(Math.ceil((100 + 6 * 2000) / 1000))
    const strange = mint.feeFor([{ keyset: `01${'ee'.repeat(32)}` }])
    await expect(strange).rejects.toMatchObject({ means: 'keyset' })
  })
})
