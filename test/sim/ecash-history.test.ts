import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openWalletAdmin, type WalletAdmin } from '../../src/wallets/ecash/spend/wallet-admin.ts'
import { Till } from '../unit/wallets/ecash-till.ts'
import { type Call, Crash, type Fault, fund, MintBank } from '../unit/wallets/mint-double.ts'

/**
 * Random histories of an ecash wallet whose mints fail, and whose process is killed at any call.
 * After each step, every sat is a coin of ours, or in an exported token, or was paid out, or was a
 * fee. At most one payment is open, and the credit of buyers is covered. At the end all sats can be
 * used. A failure prints the seed and the shortest history that shows it.
 */

const FAULTS: readonly Fault[] = [
  ...(['before', 'after', 'late', 'busy', 'kept'] as const),
  ...(['crash-before', 'crash-after', 'crash-late'] as const),
]
const CALLS: readonly Call[] = [
  'swap',
  'restore',
  'states',
  'meltQuote',
  'melt',
  'meltState',
  'about',
]

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fund' as const),
      mint: fc.nat(1),
      amounts: fc.array(
        fc.integer({ min: 0, max: 13 }).map((bit) => 2 ** bit),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('dust' as const),
      coins: fc.integer({ min: 50, max: 260 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('tick' as const),
      minutes: fc.constantFrom(0, 1, 5, 90),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('withdraw' as const),
      sat: fc.integer({ min: 1, max: 9000 }),
      yes: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('export' as const),
      sat: fc.option(fc.integer({ min: 1, max: 5000 })),
      yes: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('confirm' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('owe' as const),
      sat: fc.integer({ min: 0, max: 30_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('melts' as const),
      end: fc.constantFrom('paid' as const, 'failed' as const, 'pending' as const),
      route: fc.nat(3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      how: fc.constantFrom('paid' as const, 'failed' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rotate' as const),
      mint: fc.nat(1),
      ppk: fc.constantFrom(0, 100, 1000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      mint: fc.nat(1),
      call: fc.constantFrom(...CALLS),
      fault: fc.constantFrom(...FAULTS),
      after: fc.nat(2),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class History {
  readonly till = new Till(
    new MintBank('https://a.example', 100),
    new MintBank('https://b.example'),
  )
  admin: WalletAdmin
  funded = 0
  #insisting = false
  readonly #faults: { bank: MintBank; call: Call; fault: Fault; after: number }[] = []

  constructor() {
    this.admin = this.#open()
    for (const bank of this.till.banks) bank.fault = (call) => this.#faultAt(bank, call)
    this.till.there.onInvoice = () => {
      expect(this.till.now.payouts.open()?.state, 'no second invoice').toBe('open')
    }
  }

  #open(): WalletAdmin {
    const { till } = this
    const sent = till.events.push.bind(till.events)
    till.events.push = (...events) => {
      if (events.some(({ state }) => state === 'sent')) this.#expectOwedStays()
      return sent(...events)
    }
    return openWalletAdmin({
      ...till.now,
      ...{ address: till.address, above: till.above, mints: till.banks.map(({ url }) => url) },
      writeToken: async (mint, coins) => `${mint} ${coins.map(({ secret }) => secret).join(' ')}`,
      polling: { everyMs: 1, mostMs: 2 },
      nudge: () => {},
    })
  }

  #faultAt(bank: MintBank, call: Call): Fault | null {
    const due = this.#faults.find((one) => one.bank === bank && one.call === call)
    if (due === undefined) return null
    due.after -= 1
    if (due.after >= 0) return null
    this.#faults.splice(this.#faults.indexOf(due), 1)
    return due.fault
  }

  /** When money leaves, the rest must cover what buyers are owed. */
  #expectOwedStays(): void {
    if (this.#insisting) return
    let net = 0
    for (const bank of this.till.banks) {
      const coins = this.till.now.store.freeProofs(bank.url)
      const good = coins.filter(
        ({ keyset, amount }) => amount * 1000 > bank.feeOf(Array(1000).fill({ keyset })),
      )
      net += good.reduce((sum, { amount }) => sum + amount, 0) - bank.feeOf(good)
    }
    expect(net, 'what is owed stays').toBeGreaterThanOrEqual(this.till.owed)
  }

  async run(one: Step): Promise<void> {
    try {
      await this.#do(one)
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      this.reopen()
    } finally {
      this.#insisting = false
    }
    this.expectWhole()
  }

  reopen(): void {
    this.till.reopen()
    this.admin = this.#open()
  }

  async #do(one: Step): Promise<void> {
    const { till } = this
    const bank = till.banks['mint' in one ? one.mint : 0] ?? till.bank
    switch (one.do) {
      case 'fund':
        return this.#fund(bank, one.amounts)
      case 'dust':
        return this.#fund(
          bank,
          Array.from({ length: one.coins }, (_, n) => 1 + (n % 2)),
        )
      case 'tick':
        till.clock += one.minutes * 60_000
        return till.now.payout.tick()
      case 'withdraw':
        this.#insisting = one.yes
        await this.admin.withdraw({ to: 'you@example.com', sat: one.sat, yes: one.yes })
        return
      case 'export':
        await this.admin.export({ sat: one.sat, yes: one.yes })
        return
      case 'restore':
        await this.admin.restore(false, () => {})
        return
      case 'reopen':
        return this.reopen()
      case 'confirm':
        await this.admin.confirm()
        return
      case 'owe':
        till.owed = one.sat
        return
      case 'melts':
        for (const each of till.banks) {
          each.meltsEnd = one.end
          each.route = one.route
        }
        return
      case 'resolve':
        for (const each of till.banks) each.resolve(one.how)
        return
      case 'rotate':
        bank.rotate(one.ppk)
        return
      case 'fault':
        this.#faults.push({ bank, call: one.call, fault: one.fault, after: one.after })
    }
  }

  #fund(bank: MintBank, amounts: readonly number[]): void {
    fund(this.till.now.store, bank, amounts)
    this.funded += amounts.reduce((sum, amount) => sum + amount, 0)
  }

  /** Sats in exported tokens. */
  exported(): number {
    const row = this.till.now.store.get('SELECT coalesce(sum(sat), 0) AS sat FROM exports')
    return Number(row?.sat)
  }

  expectWhole(): void {
    const { till, funded } = this
    const out = till.banks.reduce((sum, bank) => sum + bank.out(), 0)
    const kept = till.banks.reduce((sum, bank) => sum + bank.kept, 0)
    expect(out + kept + till.paidOut(), 'the mints add up').toBe(funded)
    expect(till.now.freeze.reason, 'nobody else is here').toBeNull()
    const bolts = till.banks.flatMap(({ paidOut }) => paidOut.map(({ bolt11 }) => bolt11))
    expect(new Set(bolts).size, 'an invoice is paid once').toBe(bolts.length)
    const underWay = till.banks
      .flatMap(({ payments }) => [...payments.values()])
      .filter(({ state }) => state === 'pending')
    expect(underWay.length, 'one payment is under way').toBeLessThanOrEqual(1)
  }

  /** Everything works again, and time passes. All coins must be usable. */
  async end(): Promise<void> {
    const { till } = this
    this.#faults.length = 0
    till.owed = 1_000_000_000
    for (const bank of till.banks) {
      bank.meltsEnd = 'paid'
      bank.arrive()
      bank.resolve('paid')
    }
    for (let hour = 0; hour < 3; hour += 1) {
      till.clock += 3_600_000
      await till.now.payout.tick()
    }
    this.expectWhole()
    const out = till.banks.reduce((sum, bank) => sum + bank.out(), 0)
    expect(till.held() + this.exported(), 'every coin is known').toBe(out)
    expect(till.now.payouts.open()).toBeNull()
    const paid = till.now.store.get(
      `SELECT coalesce(sum(sat), 0) AS sat, coalesce(sum(fee), 0) AS fee FROM payouts WHERE state = 'paid'`,
    )
    expect(Number(paid?.sat), 'the table says what left').toBe(till.paidOut())
    for (const { mint, held } of till.now.store.holdings()) expect([mint, held]).toEqual([mint, 0])
  }
}

describe('I11 the money that leaves', () => {
  it('E4 E7 is neither lost nor sent twice, whatever fails and whenever the process dies', async () => {
    const runs = Number(process.env.ECASH_RUNS ?? 60)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 45 }), async (steps) => {
        const history = new History()
        try {
          for (const one of steps) await history.run(one)
          await history.end()
        } finally {
          history.till.close()
        }
      }),
      { numRuns: runs, endOnFailure: false },
    )
  }, 600_000)
})
