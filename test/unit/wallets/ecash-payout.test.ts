import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokenBelief } from '../../../src/floor/assert.ts'
import { Background } from '../../../src/floor/background.ts'
import { ChangeLies } from '../../../src/wallets/ecash/mint/mint.ts'
import { PayoutRunner } from '../../../src/wallets/ecash/spend/melt.ts'
import { startPayout } from '../../../src/wallets/ecash/spend/payout.ts'
import { unheard } from '../../support/background.ts'
import { until } from '../../support/buyer.ts'
import { real } from '../../support/world.ts'
import { addressOf, Till } from './ecash-till.ts'
import { Crash, type Fault, fund, invoiceFor, MintBank } from './mint-double.ts'

let till: Till
beforeEach(() => {
  till = new Till()
})
afterEach(() => till.close())

function use(other: Till) {
  till.close()
  till = other
}

const MINUTE = 60_000
const tick = () => till.now.payout.tick()
const gave = () => till.there.gave.map(({ sat }) => sat)
const paid = () => till.banks.flatMap(({ paidOut }) => paidOut.map(({ sat }) => sat))
const newest = () => till.now.payouts.newest(1)[0]
const said = (event: string) => till.events.filter((one) => one.event === event)

/** Every sat is a coin of ours, or was paid out, or was a fee. */
function expectWhole(funded: number) {
  const out = till.banks.reduce((sum, bank) => sum + bank.out(), 0)
  const kept = till.banks.reduce((sum, bank) => sum + bank.kept, 0)
  expect(out + kept + till.paidOut()).toBe(funded)
  expect(till.held()).toBe(out)
}

/** The first payout has arrived, and the operator has confirmed it. */
const confirmed = () => till.now.payouts.confirm('you@example.com')

describe('when money leaves by itself', () => {
  it('not below the threshold', async () => {
    fund(till.now.store, till.bank, [16384, 2048, 1024, 512, 32])
    await tick()
    expect(gave()).toEqual([])
  })

  it('not before an address is known', async () => {
    till.address = null
    till.reopen()
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(gave()).toEqual([])
    expect(till.events).toEqual([])
  })

  it('first a small sum, and nothing more until the operator has confirmed it', async () => {
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(paid()).toEqual([1000])
    expect(newest()).toMatchObject({ kind: 'first', state: 'paid', destination: 'you@example.com' })
    for (let round = 0; round < 3; round += 1) {
      till.clock += 3_600_000
      await tick()
    }
    expect(paid()).toEqual([1000])
    confirmed()
    await tick()
    expect(paid()).toHaveLength(2)
    expect(till.held()).toBeLessThan(1200)
    expectWhole(32768)
  })

  it('to another address first a small sum again', async () => {
    fund(till.now.store, till.bank, [65536])
    confirmed()
    till.address = addressOf('new@example.com')
    till.reopen()
    await tick()
    await tick()
    expect(paid()).toEqual([1000])
  })

  it('the first is a tenth of the threshold at most', async () => {
    till.above = 300
    till.reopen()
    fund(till.now.store, till.bank, [512])
    await tick()
    expect(paid()).toEqual([30])
  })

  it('then in chunks, until what is left is below the threshold', async () => {
    confirmed()
    fund(till.now.store, till.bank, [131072, 131072])
    for (let round = 0; round < 6; round += 1) await tick()
    expect(paid().slice(0, 2)).toEqual([100_000, 100_000])
    expect(paid()).toHaveLength(3)
    expect(till.held()).toBeLessThan(2000)
    expectWhole(262144)
  })

  it('within what the address takes', async () => {
    confirmed()
    till.there.maxSat = 5_000
    fund(till.now.store, till.bank, [32768])
    for (let round = 0; round < 9; round += 1) await tick()
    expect(paid()).toEqual([5000, 5000, 5000])
  })

  it('what buyers are owed stays behind', async () => {
    confirmed()
    till.owed = 15_000
    fund(till.now.store, till.bank, [32768])
    for (let round = 0; round < 3; round += 1) await tick()
    expect(paid()).toHaveLength(1)
    expect(till.held()).toBeGreaterThanOrEqual(15_000)
    expect(till.held()).toBeLessThan(16_000)
    till.owed = 40_000
    fund(till.now.store, till.bank, [16384])
    till.clock += 3_600_000
    await tick()
    expect(paid()).toHaveLength(1)
  })

  it('L9 at each mint stays what buyers are owed who came in by it, whatever the others hold', async () => {
    use(new Till(new MintBank('https://a.example'), new MintBank('https://b.example')))
    confirmed()
    const [a, b] = till.banks
    if (a === undefined || b === undefined) throw new Error('two mints')
    fund(till.now.store, a, [32768])
    fund(till.now.store, b, [16384])
    till.owed = 32_000
    till.owedAt = { [a.url]: 32_000 }
    for (let round = 0; round < 4; round += 1) await tick()
    expect(a.paidOut).toEqual([])
    expect(b.paidOut.length).toBeGreaterThan(0)
    expect(b.out()).toBeLessThan(1_000)
    expectWhole(32768 + 16384)
  })

  it('what buyers pay in while it is prepared stays too', async () => {
    confirmed()
    fund(till.now.store, till.bank, [32768])
    till.bank.fault = (call) => {
      if (call === 'meltQuote') till.owed = 32_000
      return null
    }
    await tick()
    expect(paid()).toEqual([])
    expect(newest()).toMatchObject({ state: 'failed', batch: null })
    expect(newest()?.reason).toContain('owed to buyers')
    expectWhole(32768)
  })

  it('I11 from the mint with most, and the small one waits', async () => {
    use(new Till(new MintBank('https://a.example'), new MintBank('https://b.example')))
    confirmed()
    const [a, b] = till.banks
    if (a === undefined || b === undefined) throw new Error('two mints')
    fund(till.now.store, a, [512, 256])
    fund(till.now.store, b, [32768])
    for (let round = 0; round < 4; round += 1) await tick()
    expect(a.paidOut).toEqual([])
    expect(b.paidOut).toHaveLength(1)
    expectWhole(32768 + 768)
  })

  it('a mint that does not answer does not cover what is owed, and stops no other', async () => {
    use(new Till(new MintBank('https://a.example', 100), new MintBank('https://b.example')))
    confirmed()
    const [a, b] = till.banks
    if (a === undefined || b === undefined) throw new Error('two mints')
    fund(till.now.store, a, [65536])
    fund(till.now.store, b, [32768])
    till.owed = 30_000
    a.keysets.clear()
    await tick()
    expect(b.paidOut.map(({ sat }) => sat)).toEqual([2614])
  })

  it('E6 after the input fees of thousands of small proofs', async () => {
    use(new Till(new MintBank('https://mint.example', 100)))
    confirmed()
    for (let n = 0; n < 300; n += 1) fund(till.now.store, till.bank, [...Array(8).fill(8), 4, 4])
    await tick()
    expect(paid()).toHaveLength(1)
    expect(till.bank.mostInputs).toBeLessThanOrEqual(100)
    expect(till.held()).toBeLessThan(1200)
    expectWhole(300 * 72)
  })
})

describe('what prevents a payout', () => {
  it('I11 a typo in the address: nothing leaves, and it is said once', async () => {
    till.there.trouble = 'typo'
    fund(till.now.store, till.bank, [32768])
    for (let minute = 0; minute < 180; minute += 1) {
      till.clock += MINUTE
      await tick()
    }
    expect(said('problem')).toHaveLength(1)
    expect(said('problem')[0]).toMatchObject({ what: 'payout', to: 'you@example.com' })
    expect(said('problem')[0]?.reason).toContain('Is it spelled right?')
    expect(till.now.payouts.trouble('you@example.com')).toContain('HTTP 404')
    expect(till.now.payouts.trouble('other@example.com')).toBeNull()
    expect(gave()).toEqual([])
    till.there.trouble = null
    till.clock += 60 * MINUTE
    await tick()
    expect(said('solved')).toHaveLength(1)
    expect(till.now.payouts.trouble('you@example.com')).toBeNull()
    expect(paid()).toEqual([1000])
  })

  it('I11 a fee reserve of a quarter is not paid; it is tried again with growing pauses', async () => {
    till.bank.reserveOf = (sat) => Math.ceil(sat / 4)
    fund(till.now.store, till.bank, [32768])
    for (let minute = 0; minute < 240; minute += 1) {
      await tick()
      till.clock += MINUTE
    }
    expect(paid()).toEqual([])
    expect(gave()).toHaveLength(9)
    expect(newest()?.reason).toBe('the mint sets 250 sat aside for fees, more than 20')
    expect(said('problem')).toHaveLength(1)
    expectWhole(32768)
  })

  it('C8 a mint that would pay another amount than the invoice asks for', async () => {
    const { mint } = till.now
    const real = mint(till.bank.url)
    if (real === null) throw new Error('a mint')
    const meltQuote = real.meltQuote
    real.meltQuote = async (bolt11) => {
      const quote = await meltQuote(bolt11)
      return { ...quote, sat: quote.sat + 500 }
    }
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()).toMatchObject({ state: 'failed', batch: null })
    expect(newest()?.reason).toContain('would pay 1500 sat where 1000')
  })

  it('I9 an invoice for another kind of money', async () => {
    till.there.money = 'real'
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()?.reason).toContain('real money')
    expect(till.bank.calls).not.toContain('meltQuote')
  })

  it('C8 an address that gives an invoice a second time', async () => {
    till.there.repeats = true
    till.there.maxSat = 1000
    fund(till.now.store, till.bank, [32768])
    await tick()
    confirmed()
    await tick()
    expect(paid()).toEqual([1000])
    expect(newest()?.reason).toContain('paid before')
  })

  it('an address that asks for more than a first payout may be', async () => {
    till.there.minSat = 5_000
    fund(till.now.store, till.bank, [32768])
    await tick()
    await tick()
    expect(said('problem')).toHaveLength(1)
    expect(said('problem')[0]?.reason).toContain('Set wallet.payoutAbove to 50000 or more')
  })

  it('an invoice that has almost expired', async () => {
    till.there.expirySeconds = 20
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()).toMatchObject({ state: 'failed', reason: 'the invoice has expired' })
  })

  it('a freeze: nothing is begun', async () => {
    till.now.freeze.set('Elsewhere', 1)
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(gave()).toEqual([])
  })

  it('coins that a copy of this wallet has spent', async () => {
    fund(till.now.store, till.bank, [32768])
    till.bank.fault = (call) => {
      if (call === 'melt') till.bank.mark(inputsUnderWay(), 'spent')
      return null
    }
    await tick()
    expect(newest()).toMatchObject({ state: 'failed' })
    expect(till.now.freeze.reason).toContain('spent elsewhere')
    expect(till.held()).toBe(till.bank.out())
  })
})

const inputsUnderWay = () => {
  const [sent] = till.now.store.sentBatches(till.bank.url)
  return sent === undefined ? [] : till.now.store.inputsOf(sent.n)
}

describe('a payment whose end is not known', () => {
  it('I11 is waited for, with no second invoice', async () => {
    till.bank.meltsEnd = 'pending'
    fund(till.now.store, till.bank, [32768])
    await tick()
    for (let hour = 0; hour < 5; hour += 1) {
      till.clock += 3_600_000
      await tick()
      till.reopen()
    }
    expect(gave()).toEqual([1000])
    expect(newest()).toMatchObject({ state: 'sent' })
    till.bank.resolve('paid')
    await tick()
    expect(newest()).toMatchObject({ state: 'paid' })
    expectWhole(32768)
  })

  it('I11 that failed in the end frees its coins, and is tried again later', async () => {
    till.bank.meltsEnd = 'pending'
    fund(till.now.store, till.bank, [32768])
    await tick()
    till.bank.resolve('failed')
    till.bank.meltsEnd = 'failed'
    till.clock += MINUTE
    await tick()
    expect(newest()).toMatchObject({ state: 'failed', reason: 'the mint could not pay it' })
    expectWhole(32768)
    await tick()
    expect(gave()).toHaveLength(1)
    till.bank.meltsEnd = 'paid'
    till.clock += 2 * MINUTE
    await tick()
    expect(paid()).toEqual([1000])
    expectWhole(32768)
  })

  it.each(['before', 'after', 'late', 'busy'] as const)(
    'E4 when the mint answers nothing: %s',
    async (fault) => {
      let left = 1
      till.bank.fault = (call) => (call === 'melt' && left-- > 0 ? fault : null)
      fund(till.now.store, till.bank, [32768])
      await tick()
      expect(newest()).toMatchObject({ state: 'sent' })
      till.reopen()
      till.clock += MINUTE
      await tick()
      expect(newest()).toMatchObject({ state: 'paid' })
      expect(paid()).toEqual([1000])
      expectWhole(32768)
    },
  )

  it('E4 a mint that crashed over its change: failed after a minute, and paid another time', async () => {
    fund(till.now.store, till.bank, [32768])
    till.bank.fault = (call) => (call === 'melt' ? 'kept' : null)
    await tick()
    till.clock += 20_000
    await tick()
    expect(newest()).toMatchObject({ n: 1, state: 'sent' })
    till.clock += MINUTE
    await tick()
    expect(newest()).toMatchObject({ n: 1, state: 'failed' })
    till.bank.fault = () => null
    till.clock += 2 * MINUTE
    await tick()
    expect(newest()).toMatchObject({ n: 2, state: 'paid' })
    expectWhole(32768)
  })

  it('a silent mint is asked with growing pauses', async () => {
    fund(till.now.store, till.bank, [32768])
    till.bank.fault = (call) => (call === 'melt' || call === 'meltState' ? 'before' : null)
    for (let second = 0; second < 3600; second += 5) {
      await tick()
      till.clock += 5_000
    }
    expect(till.bank.calls.filter((call) => call === 'meltState').length).toBeLessThan(25)
    till.bank.fault = () => null
    till.clock += 300_000
    await tick()
    expect(paid()).toEqual([1000])
  })

  it('E7 whose change the mint does not repeat is asked for what it signed', async () => {
    const mint = till.now.mint(till.bank.url)
    if (mint === null) throw new Error('a mint')
    const melt = mint.melt
    mint.melt = async (...rest) => {
      const melted = await melt(...rest)
      return melted.is === 'paid' ? { ...melted, change: [] } : melted
    }
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()).toMatchObject({ state: 'paid', fee: 0 })
    expectWhole(32768)
  })

  it('E7 a mint that lies about the change: the payout is over, what it kept is its cost, others go on', async () => {
    const mint = till.now.mint(till.bank.url)
    if (mint === null) throw new Error('a mint')
    const { melt, meltState } = mint
    const lie = () => new ChangeLies('a signature that does not check')
    mint.melt = async (...rest) => {
      await melt(...rest)
      throw lie()
    }
    mint.meltState = async () => Promise.reject(lie())
    till.bank.route = 3
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()).toMatchObject({ state: 'sent' })
    till.clock += 2 * MINUTE
    await tick()
    expect(newest()).toMatchObject({ state: 'paid', fee: 10 })
    expect(till.events.map(({ what }) => what)).toContain('mint_lies')
    expect(paid()).toEqual([1000])

    Object.assign(mint, { melt, meltState })
    confirmed()
    fund(till.now.store, till.bank, [32768])
    till.clock += MINUTE
    await tick()
    expect(newest()).toMatchObject({ n: 2, state: 'paid' })
  })

  it('keeps what was left of the reserve, and knows what it cost', async () => {
    till.bank.route = 3
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(newest()).toMatchObject({ state: 'paid', fee: 3 })
    expect(said('payout')).toMatchObject([
      { state: 'sent', sat: 1000, to: 'you@example.com' },
      { state: 'paid', sat: 1000, fee_sat: 3, to: 'you@example.com' },
    ])
    expectWhole(32768)
  })

  it('H3 no event holds an invoice, a hash or a quote', async () => {
    till.bank.meltsEnd = 'failed'
    fund(till.now.store, till.bank, [32768])
    await tick()
    expect(JSON.stringify(till.events)).not.toMatch(/lnbcrt|[0-9a-f]{32}|"q\d/)
  })
})

describe('I11 a crash', () => {
  const STEPS: readonly [string, Fault][] = [
    ['about', 'crash-before'],
    ['swap', 'crash-before'],
    ['swap', 'crash-after'],
    ['meltQuote', 'crash-before'],
    ['meltQuote', 'crash-after'],
    ['melt', 'crash-before'],
    ['melt', 'crash-after'],
    ['swap', 'crash-late'],
    ['melt', 'crash-late'],
  ]

  it.each(STEPS)('at %s, %s: goes on where it was, pays once', async (at, fault) => {
    let left = 1
    till.bank.fault = (call) => (call === at && left-- > 0 ? fault : null)
    fund(till.now.store, till.bank, [32768])
    await expect(tick()).rejects.toThrow(Crash)
    till.reopen()
    expect(till.now.payouts.open()).not.toBeNull()
    await tick()
    expect(paid()).toEqual([1000])
    expect(newest()).toMatchObject({ n: 1, state: 'paid' })
    expect(gave()).toEqual([1000])
    expectWhole(32768)
  })

  it('while the address is asked: another invoice is used, because none was kept', async () => {
    fund(till.now.store, till.bank, [32768])
    till.there.trouble = 'crash'
    await expect(tick()).rejects.toThrow(Crash)
    till.there.trouble = null
    till.reopen()
    await tick()
    expect(paid()).toEqual([1000])
  })

  it('of a payment that the operator asked for: it is not paid without the operator', async () => {
    const { payouts } = till.now
    fund(till.now.store, till.bank, [32768])
    const asked = payouts.begin(
      { kind: 'asked', destination: 'invoice', mint: till.bank.url, sat: 50, feeLimit: 10 },
      till.clock,
    )
    const bolt11 = invoiceFor(50, { now: till.clock })
    payouts.keepInvoice(asked.n, { bolt11, hash: 'h', expiresAt: till.clock + 600_000 })
    till.reopen()
    await tick()
    expect(till.now.payouts.get(asked.n)).toMatchObject({ state: 'failed' })
    expect(paid()).toEqual([])
  })
})

describe('by itself', () => {
  const parts = () => {
    const { now, address, above } = till
    return { ...now, address, above }
  }

  it('rounds begin soon after the start and after a nudge, and end with a stop', async () => {
    fund(till.now.store, till.bank, [32768])
    const running = startPayout(parts(), unheard)
    await until(() => paid().length === 1)
    confirmed()
    running.nudge()
    await until(() => paid().length === 2)
    await running.stop()
    fund(till.now.store, till.bank, [32768])
    running.nudge()
    await new Promise((then) => setTimeout(then, 120))
    expect(paid()).toHaveLength(2)
  })

  it('a bug of ours ends them, and is reported', async () => {
    fund(till.now.store, till.bank, [32768])
    const owed = () => Promise.reject(new BrokenBelief('what is owed is a number'))
    const payer = new PayoutRunner({ ...parts(), owed })
    const troubles: string[] = []
    const background = new Background(real, ({ work }) => troubles.push(work))
    const running = startPayout({ ...parts(), owed, payer }, background)
    await until(() => troubles.length === 1)
    running.nudge()
    await new Promise((then) => setTimeout(then, 120))
    await running.stop()
    expect(troubles).toEqual(['payout'])
    expect(paid()).toEqual([])
  })

  it('a stop does not wait for a mint that hangs', async () => {
    const mint = till.now.mint(till.bank.url)
    if (mint === null) throw new Error('a mint')
    mint.about = () => new Promise(() => {})
    fund(till.now.store, till.bank, [32768])
    const running = startPayout(parts(), unheard)
    await new Promise((then) => setTimeout(then, 100))
    // The mint never answers, and this resolves nevertheless.
    await running.stop()
  })
})
