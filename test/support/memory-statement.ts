import { err, ok, type Result } from '../../src/floor/result.ts'
import type { Drawer, Entry, Why } from '../../src/ledger/entry.ts'
import type { AccountId, HoldId, PaymentId } from '../../src/ledger/ledger.ts'
import type { MemoryStore } from '../../src/ledger/memory-store.ts'
import { inBook } from '../../src/ledger/open-hold.ts'
import type { Earning, Income, Outgo, Proof, Statement } from '../../src/ledger/open-ledger.ts'
import * as proof from '../../src/ledger/proof.ts'
import { type HoldState, type Meter, openHoldOf } from '../../src/ledger/state.ts'
import { balanceOf } from '../../src/ledger/store-ledger.ts'
import { dayOf } from '../../src/ledger/window.ts'
import { unspent } from '../../src/ledger/withdrawable.ts'
import type { Withdrawable } from '../../src/ledger/withdrawals.ts'
import { type Msat, msat, ZERO } from '../../src/money/msat.ts'
import { sum } from '../../src/money/quantities.ts'
import { MemoryPasses } from './memory-passes.ts'

/** The read-only views of a ledger in memory. */
export class MemoryStatement implements Statement {
  readonly #store: MemoryStore
  readonly #postAll: () => void
  readonly #passes: MemoryPasses

  /** `postAll` posts the open holds that are in memory alone, so that they are seen. */
  constructor(store: MemoryStore, postAll: () => void, passes = new MemoryPasses()) {
    this.#store = store
    this.#postAll = postAll
    this.#passes = passes
  }

  async passes(limit: number, of: AccountId | null = null, before?: string) {
    const accounts = await this.accounts(Number.POSITIVE_INFINITY, of)
    const all = accounts.flatMap(({ account, available }) =>
      this.#passes.all
        .filter((row) => row.account === account)
        .sort((a, b) => b.createdAt - a.createdAt || (a.hash < b.hash ? 1 : -1))
        .map((row) => {
          const rail = this.#store.deposits.get(row.payment)?.rail ?? null
          return { row, rail, available }
        }),
    )
    return older(all, ({ row }) => row.hash === before, limit)
  }

  async accounts(limit: number, of: AccountId | null = null, before?: AccountId) {
    this.#postAll()
    const all = [...this.#store.accounts.values()].reverse()
    const accounts = all.filter(({ id }) => of === null || id === of)
    return older(accounts, ({ id }) => id === before, limit).map((account) => ({
      ...balanceOf(account),
      createdAt: account.createdAt,
    }))
  }

  async holds(limit: number, of: AccountId | null = null, before?: HoldId) {
    this.#postAll()
    const all = [...this.#store.openHolds()].reverse()
    const holds = all.filter(({ account }) => of === null || account === of)
    return older(holds, ({ id }) => id === before, limit).map(openHoldOf)
  }

  async entries(limit: number, of: AccountId | null = null, before?: number) {
    this.#postAll()
    const all = this.#store.entries.map((entry, i) => ({ ...entry, n: i + 1 })).reverse()
    const isOf = (drawer: Drawer) => of === null || OWN.some((kind) => drawer === `${kind}:${of}`)
    const entries = all.filter(({ postings }) =>
      postings.some(({ debit, credit }) => isOf(debit) || isOf(credit)),
    )
    return entries.filter(({ n }) => before === undefined || n < before).slice(0, limit)
  }

  async find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]> {
    return [...this.#store.accounts.keys()].filter(fits)
  }

  async earnings(): Promise<readonly Earning[]> {
    const rows = new Map<string, Earning>()
    for (const { close, model, status } of this.#store.holds.values()) {
      if (close === null || status === 'released') continue
      const day = dayOf(close.at)
      const old = rows.get(`${day} ${model}`) ?? { ...NO_EARNING, day, model }
      rows.set(`${day} ${model}`, {
        ...old,
        requests: old.requests + 1,
        quantities: sum(old.quantities, close.quantities),
        earned: msat(old.earned + close.paid + close.bonus + close.bought),
        overrun: msat(old.overrun + close.overrun),
      })
    }
    return [...rows.values()].sort((a, b) => newestDay(a, b) || order(a.model, b.model))
  }

  async earnedBy(models: number) {
    const sums = new Map<string, bigint>()
    for (const { earned, model } of await this.earnings()) {
      sums.set(model, (sums.get(model) ?? 0n) + earned)
    }
    const sorted = [...sums].sort(([, a], [, b]) => Number(b - a))
    const rest = sorted.slice(models).reduce((sum, [, earned]) => sum + earned, 0n)
    const rows = [
      ...sorted.slice(0, models),
      ...(sorted.length > models ? [['', rest] as const] : []),
    ]
    return rows.map(([model, earned]) => ({ model, earned: msat(earned) }))
  }

  async income(): Promise<readonly Income[]> {
    const rows = new Map<string, Income>()
    const come = (at: number, rail: string, credit: Income['credit'], amount: bigint) => {
      const day = dayOf(at)
      const key = `${day} ${rail} ${credit}`
      const old = rows.get(key) ?? { payments: 0, amount: 0n }
      const row = { day, rail, credit, payments: old.payments + 1, amount: old.amount + amount }
      rows.set(key, row as Income)
    }
    for (const deposit of this.#store.deposits.values()) {
      const { amount, at, credit, rail } = deposit
      come(at, rail, credit, amount)
      if (credit !== 'usd' && (deposit.bonus ?? 0n) > 0n) {
        come(at, 'tier', 'bonus', deposit.bonus ?? 0n)
      }
    }
    return [...rows.values()].sort(
      (a, b) => newestDay(a, b) || order(a.rail, b.rail) || order(b.credit, a.credit),
    )
  }

  async owed(): Promise<Msat> {
    let sum = 0n
    for (const { paid } of this.#store.accounts.values()) sum += paid
    for (const { paid } of this.#store.openHolds()) sum += paid
    for (const { amount, fee } of this.#store.openWithdrawals()) sum += amount + fee
    return msat(sum)
  }

  async paymentsOf(source: string, limit: number, before?: PaymentId) {
    const all = [...this.#store.deposits.values()].reverse()
    const own = all.filter(
      (one) => one.credit !== 'usd' && one.source === source && one.withdrawn < one.amount,
    )
    const payments = own.map(({ payment }) => payment)
    return older(payments, (payment) => payment === before, limit)
  }

  async outgo(): Promise<readonly Outgo[]> {
    const rows = new Map<string, Outgo>()
    for (const { amount, closedAt, paidFee, source, state } of this.#store.withdrawals.values()) {
      if (state !== 'sent' || closedAt === null || paidFee === null) continue
      const day = dayOf(closedAt)
      const key = `${day} ${source}`
      const old = rows.get(key) ?? { day, source, withdrawals: 0, amount: ZERO, fees: ZERO }
      rows.set(key, {
        ...old,
        withdrawals: old.withdrawals + 1,
        amount: msat(old.amount + amount + paidFee),
        fees: msat(old.fees + paidFee),
      })
    }
    return [...rows.values()].sort((a, b) => newestDay(a, b) || order(a.source, b.source))
  }

  async owedBySource(): Promise<readonly Withdrawable[]> {
    const sums = new Map<string, Msat>()
    const owe = (source: string, amount: bigint) =>
      sums.set(source, msat((sums.get(source) ?? 0n) + amount))
    for (const { id, paid } of this.#store.accounts.values()) {
      const own = [...this.#store.openHolds()].filter(({ account }) => account === id)
      const all = own.reduce((sum, hold) => sum + hold.paid, paid as bigint)
      for (const { amount, deposit } of unspent(msat(all), this.#store.paidIn(id))) {
        owe(deposit.source ?? '', amount)
      }
    }
    for (const { amount, fee, source } of this.#store.openWithdrawals()) owe(source, amount + fee)
    return [...sums].map(([source, amount]) => ({ source, amount }))
  }

  async verify(): Promise<Result<Proof, readonly string[]>> {
    const sums = this.#sums()
    const doubts = [...this.#doubts(sums)]
    if (doubts.length > 0) return err(doubts)
    return ok({
      accounts: this.#store.accounts.size,
      openHolds: [...this.#store.openHolds()].length,
      postings: this.#store.entries.reduce((sum, { postings }) => sum + postings.length, 0),
      drawers: [...sums]
        .filter(([drawer]) => !OWN.includes(kindOf(drawer)))
        .map(([drawer, balance]) => ({ drawer, balance })),
      buyers: {
        paid: ofKind(sums, 'paid'),
        bonus: ofKind(sums, 'bonus'),
        held: ofKind(sums, 'held'),
        owed: ofKind(sums, 'owed'),
        leaving: ofKind(sums, 'leaving'),
        usd: ofKind(sums, 'usd'),
      },
    })
  }

  #sums(): Map<Drawer, bigint> {
    const sums = new Map<Drawer, bigint>()
    const move = (drawer: Drawer, by: bigint) => sums.set(drawer, (sums.get(drawer) ?? 0n) + by)
    for (const { postings } of this.#store.entries) {
      for (const { amount, credit, debit } of postings) {
        move(debit, -amount)
        move(credit, amount)
      }
    }
    return sums
  }

  *#doubts(sums: ReadonlyMap<Drawer, bigint>): Iterable<string> {
    for (const { postings, ref } of this.#store.entries) {
      for (const posting of postings) yield* proof.doubtPosting(ref, posting)
    }
    const open = new Map<string, bigint>()
    const all = [...this.#store.openHolds()]
    for (const { account, amount } of all.filter(({ posted }) => posted)) {
      open.set(account, (open.get(account) ?? 0n) + amount)
    }
    const unposted = Map.groupBy(
      all.filter(({ posted }) => !posted),
      ({ account }) => account,
    )
    const owing = new Map<string, bigint>()
    for (const { account, close } of this.#store.holds.values()) {
      owing.set(account, (owing.get(account) ?? 0n) + (close?.owed ?? 0n))
    }
    for (const known of this.#store.accounts.values()) {
      const account = inBook(known, unposted.get(known.id) ?? [])
      for (const drawer of ['paid', 'bonus', 'held', 'leaving', 'usd'] as const) {
        const name: Drawer = `${drawer}:${account.id}`
        yield* proof.doubtDrawer(name, account[drawer], sums.get(name) ?? 0n)
      }
      const debt: Drawer = `owed:${account.id}`
      yield* proof.doubtDrawer(debt, -account.owed, sums.get(debt) ?? 0n)
      yield* proof.doubtOwed(debt, -account.owed, -(owing.get(account.id) ?? 0n))
      yield* proof.doubtHeld(`held:${account.id}`, account.held, open.get(account.id) ?? 0n)
    }
    yield* this.#leavingDoubts()
    const posted = postedByHold(this.#store.entries)
    for (const hold of this.#store.holds.values()) {
      if (!hold.posted && posted.has(hold.id))
        yield `hold ${hold.id} is not posted and has postings`
      if (!hold.posted) continue
      yield* proof.doubtHold(hold, posted.get(hold.id) ?? proof.NOTHING_POSTED)
    }
    const counted = countedByMeter(this.#store.holds.values())
    for (const meter of this.#store.meters.values()) {
      yield* proof.doubtMeter(meter, counted.get(meter.key) ?? { ...meter, used: 0n, held: 0n })
    }
  }

  *#leavingDoubts(): Iterable<string> {
    const posted = postedByWithdrawal(this.#store.entries)
    const taken = new Map<string, bigint>()
    const took = new Map<string, bigint>()
    const leaving = new Map<string, bigint>()
    const count = (sums: Map<string, bigint>, of: string, by: bigint) =>
      sums.set(of, (sums.get(of) ?? 0n) + by)
    for (const withdrawal of this.#store.withdrawals.values()) {
      const { account, amount, bonus, fee, id, instead, parts, state } = withdrawal
      yield* proof.doubtWithdrawal(withdrawal, posted.get(id) ?? proof.NOTHING_LEAVING)
      for (const part of parts) count(taken, part.payment, part.amount)
      count(took, account, bonus + instead)
      if (state === 'open') count(leaving, account, amount + fee)
    }
    const right = new Map<string, bigint>()
    for (const deposit of this.#store.deposits.values()) {
      if (deposit.credit === 'usd') continue
      yield* proof.doubtDeposit(deposit, taken.get(deposit.payment) ?? 0n)
      count(right, deposit.account, proof.tookBack(deposit))
    }
    for (const { id, leaving: stored } of this.#store.accounts.values()) {
      yield* proof.doubtVesting(id, took.get(id) ?? 0n, right.get(id) ?? 0n)
      yield* proof.doubtLeaving(`leaving:${id}`, stored, leaving.get(id) ?? 0n)
    }
  }
}

/** The kinds of drawers that an account has. */
const OWN = ['paid', 'bonus', 'held', 'owed', 'leaving', 'usd']

const kindOf = (drawer: Drawer): string => drawer.slice(0, drawer.indexOf(':'))

const ofKind = (sums: ReadonlyMap<Drawer, bigint>, kind: string): bigint =>
  [...sums].reduce((sum, [drawer, by]) => (kindOf(drawer) === kind ? sum + by : sum), 0n)

/** The rows after the one that `isBefore`, or all if none is. */
const older = <T>(rows: readonly T[], isBefore: (row: T) => boolean, limit: number): T[] => {
  const from = rows.findIndex(isBefore) + 1
  return rows.slice(from, from + limit)
}

const NO_EARNING = { requests: 0, quantities: {}, earned: ZERO as Msat, overrun: ZERO as Msat }

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const newestDay = (a: { day: string }, b: { day: string }): number => order(b.day, a.day)

const LEAVING: ReadonlySet<Why> = new Set(['withdraw', 'send', 'return'])

function postedByWithdrawal(entries: readonly Entry[]): Map<string, proof.PostedLeaving> {
  const posted = new Map<string, { -readonly [Part in keyof proof.PostedLeaving]: bigint }>()
  for (const { postings, ref, why } of entries) {
    if (!LEAVING.has(why)) continue
    const sum = posted.get(ref) ?? { ...proof.NOTHING_LEAVING }
    posted.set(ref, sum)
    for (const { amount, credit, debit } of postings) {
      proof.moveLeaving(sum, kindOf(debit), -amount)
      proof.moveLeaving(sum, kindOf(credit), amount)
    }
  }
  return posted
}

function postedByHold(entries: readonly Entry[]): Map<HoldId, proof.Posted> {
  const posted = new Map<HoldId, { -readonly [Part in keyof proof.Posted]: bigint }>()
  for (const { postings, ref, why } of entries) {
    if (why === 'deposit' || LEAVING.has(why)) continue
    const sum = posted.get(ref) ?? { ...proof.NOTHING_POSTED }
    posted.set(ref, sum)
    for (const { amount, credit, debit } of postings) {
      proof.moveHold(sum, kindOf(debit), -amount)
      proof.moveHold(sum, kindOf(credit), amount)
    }
  }
  return posted
}

function countedByMeter(holds: Iterable<HoldState>): Map<string, Meter> {
  const meters = new Map<string, Meter>()
  for (const { counts, status } of holds) {
    for (const { counted, key } of counts) {
      if (key === null) continue
      const { held, used } = meters.get(key) ?? { used: 0n, held: 0n }
      const open = status === 'open'
      meters.set(key, {
        key,
        used: used + (open ? 0n : counted),
        held: held + (open ? counted : 0n),
      })
    }
  }
  return meters
}
