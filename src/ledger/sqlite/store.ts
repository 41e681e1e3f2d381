import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { Cache } from '../../floor/cache.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import { msat } from '../../money/msat.ts'
import { type MicroUsd, microUsd } from '../../money/usd.ts'
import type { Drawer, Entry } from '../entry.ts'
import type { AccountId, HoldId, Page, PaymentId } from '../ledger.ts'
import { inBook, inMemory } from '../open-hold.ts'
import {
  type Account,
  credited,
  type DepositState,
  dollarsHeld,
  drawersOf,
  type HoldState,
  type Meter,
  outstanding,
  type Step,
} from '../state.ts'
import { type Store, usageOf } from '../store-ledger.ts'
import type { WithdrawalId } from '../withdrawals.ts'
import { DrawerNumbers } from './drawer-numbers.ts'
import type { HoldRow, Numbered } from './group.ts'
import type { Journal } from './journal.ts'
import { holdRowOf, prepareLookups } from './lookups.ts'
import { holdOf, jsonCell, nextNumber, number, reading, text, whole } from './rows.ts'
import { UsedIds } from './used-ids.ts'
import { WithdrawalStore } from './withdrawal-store.ts'

/** Rows kept in each cache. A hold is small, so all caches together take a few megabytes. */
const CACHED = 10_000

/**
 * The state over a file. A step looks for a row in the cache, then among the rows that are not on
 * disk yet, then on disk. Open holds are always in memory, and those that are not posted nowhere
 * else: what memory says of an account is what the file will say after the groups on their way, less
 * what such holds set aside.
 */
export class SqliteStore implements Store {
  readonly #journal: Journal
  readonly #read: ReturnType<typeof prepareLookups>
  readonly #accounts = new Cache<Numbered<Account>>(CACHED)
  readonly #meters = new Cache<Meter>(CACHED)
  readonly #drawers: DrawerNumbers
  readonly #open = new TransientMap<HoldRow>()
  readonly #owing = new TransientMap<HoldRow>()
  readonly #used: UsedIds
  readonly #leaves: WithdrawalStore
  #outstanding: MicroUsd
  readonly #next: Record<'accounts' | 'holds' | 'postings' | 'entry', number>

  constructor(db: DatabaseSync, journal: Journal) {
    this.#journal = journal
    this.#read = prepareLookups(db)
    this.#leaves = new WithdrawalStore(db, journal)
    const next = (table: string, column?: string) => nextNumber(db, table, column)
    const read = this.#read.drawer
    this.#drawers = new DrawerNumbers({ journal, read, cached: CACHED, next: next('drawers') })
    const posted = ['postings', 'withdrawal_postings']
    this.#next = {
      accounts: next('accounts'),
      holds: next('holds'),
      postings: Math.max(...posted.map((table) => next(table))),
      entry: Math.max(...posted.map((table) => next(table, 'entry'))),
    }
    const greatest = reading(db, "SELECT coalesce(max(id), '') AS id FROM holds").get()
    this.#used = new UsedIds(text(greatest ?? {}, 'id'))
    const known = [...this.#read.open.all(), ...this.#read.owing.all()]
    for (const row of known.map(holdRowOf)) this.#remember(row)
    const unspent = this.#read.unspentUsd.get()
    const { usdHeld } = dollarsHeld(this.openHolds())
    this.#outstanding = microUsd(usdHeld + whole(unspent ?? {}, 'unspent'))
  }

  account(id: AccountId): Account | null {
    return this.#account(id)?.value ?? null
  }

  meter(key: string): Meter {
    const known = this.#meters.get(key) ?? this.#journal.find(({ meters }) => meters.get(key))
    if (known !== undefined) return known
    const row = this.#read.meter.get(key)
    const used = row === undefined ? 0n : whole(row, 'used')
    const meter = { key, used, held: row === undefined ? 0n : whole(row, 'held') }
    this.#meters.set(key, meter)
    return meter
  }

  hasAccounts(): boolean {
    return this.#next.accounts > 1
  }

  hold(id: HoldId): HoldState | null {
    return this.#hold(id)?.value ?? null
  }

  *openHolds(): Iterable<HoldState> {
    for (const { value } of this.#open.values()) yield value
  }

  owing(account: AccountId): readonly HoldState[] {
    const own = [...this.#owing.values()].filter(({ value }) => value.account === account)
    return own.sort((a, b) => a.n - b.n).map(({ value }) => value)
  }

  *debtors(): Iterable<AccountId> {
    for (const { value } of this.#owing.values()) yield value.account
  }

  write({ account, deposit, deposits, entries, hold, meters, owing, withdrawal }: Step): void {
    const { n } = this.#writeAccount(account)
    const own = deposit === null ? null : this.#leaves.addDeposit(credited(deposit), n)
    if (deposits !== undefined) for (const one of deposits) this.#leaves.changeDeposit(one, n)
    const left = withdrawal === undefined ? null : this.#leaves.writeWithdrawal(withdrawal, n)
    const written = hold === null ? null : this.#writeHold(hold, n)
    for (const one of owing) this.#writeHold(one, n)
    for (const meter of meters) {
      this.#meters.set(meter.key, meter)
      this.#journal.group.meters.set(meter.key, meter)
    }
    for (const entry of entries) {
      if (entry.why === 'deposit') this.#writeEntry(entry, { deposit: own, hold: null })
      else if (left !== null && entry.why !== 'collect') this.#writeEntry(entry, left)
      else {
        const known = entry.ref === hold?.id ? written : null
        this.#writeEntry(entry, { deposit: null, hold: known ?? this.#numberOf(entry.ref) })
      }
    }
    // A hold that is not posted comes alone, and leaves nothing to write.
    if (hold === null || hold.posted) this.#journal.touch()
  }

  outstandingUsd = () => this.#outstanding
  creditedTo = (payment: PaymentId) => this.#leaves.deposit(payment)?.account ?? null
  depositOf(payment: PaymentId): DepositState | null {
    const known = this.#leaves.deposit(payment)
    return known === null || known.credit === 'usd' ? null : known
  }
  withdrawal = (id: WithdrawalId) => this.#leaves.withdrawal(id)
  openWithdrawals = () => this.#leaves.open()
  paidIn(account: AccountId): Iterable<DepositState> {
    const known = this.#account(account)
    return known === null ? [] : this.#leaves.paidIn(account, known.n)
  }

  durable(): Promise<void> {
    return this.#journal.durable()
  }

  async usage(account: AccountId, pass: string | null, { before, limit }: Page) {
    // Waiting rows are written first. If the disk refuses them, the rows on disk are shown.
    await this.#journal.flush()
    const read = pass === null ? this.#read.usage : this.#read.usageOfPass
    const cells = pass === null ? [account] : [pass, account]
    return read.all(...cells, before, before, limit).map((row) => usageOf(holdOf(row)))
  }

  /**
   * What the file must say about the drawers of the accounts in memory, while no group is in flight:
   * what memory says, less what the group that grows moves, and less what holds that are not posted
   * set aside.
   */
  onDisk(): ReadonlyMap<Drawer, bigint> {
    const drawers = new Map<Drawer, bigint>()
    const { accounts, moves } = this.#journal.group
    const unposted = Map.groupBy(this.#holdsOf(null, false), ({ account }) => account)
    for (const { value } of this.#accounts.values()) {
      const { id } = value
      for (const [drawer, balance] of drawersOf(inBook(value, unposted.get(id) ?? []))) {
        const moved = accounts.has(id) ? (moves.get(this.#drawers.known(drawer) ?? 0) ?? 0n) : 0n
        drawers.set(drawer, balance - moved)
      }
    }
    return drawers
  }

  #account(id: AccountId): Numbered<Account> | null {
    const known = this.#accounts.get(id) ?? this.#journal.find(({ accounts }) => accounts.get(id))
    if (known !== undefined) return known
    const row = this.#read.account.get(id)
    if (row === undefined) return null
    const balance = (drawer: Drawer) => {
      const found = this.#read.drawer.get(drawer)
      return found === undefined ? 0n : whole(found, 'balance')
    }
    const written = {
      id,
      paid: msat(balance(`paid:${id}`)),
      bonus: msat(balance(`bonus:${id}`)),
      held: msat(balance(`held:${id}`)),
      leaving: this.#leaves.leaving(id),
      owed: msat(-balance(`owed:${id}`)),
      usd: microUsd(balance(`usd:${id}`)),
      ...dollarsHeld(this.#holdsOf(id, true)),
      createdAt: number(row, 'created_at'),
    }
    const account = { n: number(row, 'n'), value: inMemory(written, this.#holdsOf(id, false)) }
    this.#accounts.set(id, account)
    return account
  }

  /** The open holds of an account, or of all, that are posted or not. */
  #holdsOf(of: AccountId | null, posted: boolean): readonly HoldState[] {
    const found: HoldState[] = []
    for (const { value } of this.#open.values()) {
      if (value.posted === posted && (of === null || value.account === of)) found.push(value)
    }
    return found
  }

  #hold(id: HoldId): HoldRow | null {
    const known =
      this.#open.get(id) ?? this.#owing.get(id) ?? this.#journal.find(({ holds }) => holds.get(id))
    if (known !== undefined) return known
    if (this.#used.lacks(id)) return null
    const row = this.#read.hold.get(id)
    return row === undefined ? null : holdRowOf(row)
  }

  #writeAccount(value: Account): Numbered<Account> {
    const { group } = this.#journal
    const old = this.#account(value.id)
    const account = { n: old?.n ?? this.#next.accounts++, value }
    if (old === null) group.newAccounts.push(account)
    this.#outstanding = outstanding(this.#outstanding, old?.value, value)
    group.accounts.set(value.id, account)
    this.#accounts.set(value.id, account)
    return account
  }

  /** A hold that is not known is new. It has its number, which is returned, from then on, posted or not. */
  #writeHold(value: HoldState, account: number): number {
    const { id, posted, status } = value
    const old = (status === 'open' ? this.#open.get(id) : this.#hold(id)) ?? null
    const row = { n: old?.n ?? this.#next.holds++, account, value }
    if (old === null) this.#used.add(id)
    this.#remember(row)
    if (posted) this.#journal.group.holds.set(id, row)
    return row.n
  }

  /** Holds that can still change are always in memory. */
  #remember(row: HoldRow): void {
    const { close, id } = row.value
    if (close === null) this.#open.set(id, row)
    else this.#open.delete(id)
    if (close !== null && close.owed > 0n) this.#owing.set(id, row)
    else this.#owing.delete(id)
  }

  #numberOf(id: HoldId): number {
    const row = this.#hold(id)
    assert(row !== null, `hold ${id} is unknown`)
    return row.n
  }

  /** `ref` is the number of a withdrawal, or what else the entry belongs to. */
  #writeEntry(
    { at, postings, why }: Entry,
    ref: number | { readonly deposit: number | null; readonly hold: number | null },
  ): void {
    const { group } = this.#journal
    const entry = this.#next.entry++
    for (const posting of postings) {
      const { amount } = posting
      const debit = this.#drawers.of(posting.debit)
      const credit = this.#drawers.of(posting.credit)
      this.#move(debit, credit, amount)
      const n = this.#next.postings++
      if (typeof ref === 'number') {
        group.withdrawalPostings.push(n, entry, at, why, ref, debit, credit, jsonCell(amount))
      } else {
        const { deposit, hold } = ref
        group.postings.push(n, entry, at, why, deposit, hold, debit, credit, jsonCell(amount))
      }
    }
  }

  #move(debit: number, credit: number, amount: bigint): void {
    const { moves } = this.#journal.group
    moves.set(debit, (moves.get(debit) ?? 0n) - amount)
    moves.set(credit, (moves.get(credit) ?? 0n) + amount)
  }
}
