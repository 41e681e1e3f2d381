import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import { BuyerPayments } from '../../src/wallets/ecash/spend/buyer-payments.ts'
import { BuyerTokens } from '../../src/wallets/ecash/spend/buyer-tokens.ts'
import { SeedCheck } from '../../src/wallets/ecash/spend/seed-check.ts'
import { openWalletAdmin, type WalletAdmin } from '../../src/wallets/ecash/spend/wallet-admin.ts'
import type { PaymentOrder, PaymentState } from '../../src/wallets/outgoing.ts'
import { WalletUnreachable } from '../../src/wallets/wallet.ts'
import { Till } from '../unit/wallets/ecash-till.ts'
import {
  type Call,
  Crash,
  type Fault,
  fund,
  invoiceFor,
  MintBank,
} from '../unit/wallets/mint-double.ts'

/**
 * Random histories of an ecash wallet whose mints fail, and whose process is killed at any call.
 * After each step, every sat is a coin of ours, or in an exported token, or was paid out, or was a
 * fee. At most one payout of the operator is open, and the credit of buyers is covered. A withdrawal
 * of a buyer is one token or one payment, however often it is asked for. At the end all sats can be
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
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('token' as const),
      mint: fc.nat(1),
      id: fc.nat(4),
      sat: fc.integer({ min: 1, max: 5000 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('pay' as const),
      mint: fc.nat(1),
      id: fc.nat(4),
      sat: fc.integer({ min: 1, max: 5000 }),
      feeSat: fc.constantFrom(0, 5, 500),
      beside: fc.constantFrom('nothing' as const, 'tick' as const, 'token' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('find' as const), id: fc.nat(4) }) },
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
  buyers: ReturnType<History['openBuyers']>
  /** What buyers asked for, by the number of their withdrawal, and the last that they heard. */
  readonly orders = new Map<number, PaymentOrder & { readonly mint: number }>()
  readonly #ends = new Map<number, PaymentState>()
  readonly #tokens = new Map<string, string>()
  readonly #faults: { bank: MintBank; call: Call; fault: Fault; after: number }[] = []

  constructor() {
    this.admin = this.#open()
    this.buyers = this.openBuyers()
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

  openBuyers() {
    const { now, banks } = this.till
    const shared = {
      ...{ ...now, seedCheck: new SeedCheck(now), running: new Map(), money: 'test' as const },
      writeToken: async (mint: string, coins: readonly { readonly secret: string }[]) =>
        `${mint} ${coins.map(({ secret }) => secret).join(' ')}`,
    }
    return banks.map(({ url }) => {
      const mint = now.mint(url)
      if (mint === null) throw new Error('a mint')
      return { tokens: new BuyerTokens(shared, mint), payments: new BuyerPayments(shared, mint) }
    })
  }

  async #token({ mint, id, sat }: { mint: number; id: number; sat: number }): Promise<void> {
    const { token } = (await this.buyers[mint]?.tokens.make(`${id}`, sat)) ?? { token: '' }
    expect(this.#tokens.get(`${id}`) ?? token, 'one token for each id').toBe(token)
    this.#tokens.set(`${id}`, token)
  }

  orderOf({ mint, id, sat, feeSat }: { mint: number; id: number; sat: number; feeSat: number }) {
    const known = this.orders.get(id)
    if (known !== undefined) return known
    const bolt11 = invoiceFor(sat, { now: this.till.clock })
    const paymentHash = readBolt11(bolt11)?.paymentHash ?? ''
    const amounts = { amountMsat: BigInt(sat) * 1000n, maxFeeMsat: BigInt(feeSat) * 1000n }
    const order = { mint, id: `satgate:ann:${id}`, bolt11, paymentHash, ...amounts }
    this.orders.set(id, order)
    return order
  }

  heard(id: number, state: PaymentState): void {
    const before = this.#ends.get(id)
    const final = before?.is === 'paid' || before?.is === 'failed'
    if (final) expect(state, 'what is final stays').toEqual(before)
    if (before?.is === 'pending') expect(state.is, 'what was sent is known').not.toBe('unknown')
    const { paymentHash = '', maxFeeMsat = 0n } = this.orders.get(id) ?? {}
    const row = this.till.now.payouts.ofBuyer({ id: '', hash: paymentHash })
    if (state.is === 'pending' && row === null) return
    if (state.is === 'paid') expect(state.feeMsat <= maxFeeMsat, 'the fee limit').toBe(true)
    this.#ends.set(id, state)
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
      if (error instanceof WalletUnreachable) return this.expectWhole()
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
    this.buyers = this.openBuyers()
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
      case 'token':
        return this.#token(one)
      case 'pay': {
        const paying = async () => {
          const order = this.orderOf(one)
          const state = await this.buyers[order.mint]?.payments.pay(order)
          if (state !== undefined) this.heard(one.id, state)
        }
        const beside = {
          nothing: async () => {},
          tick: () => till.now.payout.tick(),
          token: () => this.#token({ ...one, id: one.id + 10 }),
        }
        const ended = await Promise.allSettled([paying(), beside[one.beside]()])
        const errors = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
        const worst = errors.find((error) => !(error instanceof WalletUnreachable))
        if (worst !== undefined) throw worst
        return
      }
      case 'find': {
        const order = this.orders.get(one.id)
        const state = order && (await this.buyers[order.mint]?.payments.find(order))
        if (state) this.heard(one.id, state)
        return
      }
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
      .filter(({ state, bolt11 }) => {
        const ofBuyer = [...this.orders.values()].some((order) => order.bolt11 === bolt11)
        return state === 'pending' && !ofBuyer
      })
    expect(underWay.length, 'one payout is under way').toBeLessThanOrEqual(1)
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
    for (const [id, order] of this.orders) {
      const state = await this.buyers[order.mint]?.payments.find(order)
      if (state === undefined) continue
      this.heard(id, state)
      expect(state.is, 'it is known how each payment ended').not.toBe('pending')
      const arrived = till.banks.flatMap(({ paidOut }) => paidOut)
      const times = arrived.filter(({ bolt11 }) => bolt11 === order.bolt11).length
      expect(times, 'what is paid arrived once').toBe(state.is === 'paid' ? 1 : 0)
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
