import { copyFileSync, existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Deposit } from '../../src/ledger/deposit.ts'
import type { Limit } from '../../src/ledger/ledger.ts'
import { openDatabase, ownerOf } from '../../src/ledger/sqlite/database.ts'
import type { Group } from '../../src/ledger/sqlite/group.ts'
import type { GroupWriter } from '../../src/ledger/sqlite/group-writer.ts'
import { InlineWriter } from '../../src/ledger/sqlite/inline-writer.ts'
import { Journal } from '../../src/ledger/sqlite/journal.ts'
import { SqliteStore } from '../../src/ledger/sqlite/store.ts'
import { openingOf } from '../../src/ledger/sqlite/writer.ts'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { StoreLedger } from '../../src/ledger/store-ledger.ts'
import { StoreWithdrawals } from '../../src/ledger/store-withdrawals.ts'
import { msat } from '../../src/money/msat.ts'
import { addUsd, microUsd, msatOf } from '../../src/money/usd.ts'
import { ScriptWorld } from '../contract/ledger-script.ts'
import { scratch } from '../unit/ledger/scratch.ts'
import { AT_60000, charge, deposit, dollars, hold } from '../unit/ledger/use.ts'

/**
 * At every moment of a random history: what the file says is what memory says, less the moves of the
 * groups that are not written yet, less the holds that are not posted. And whenever the process dies,
 * the next start has balanced books in which nobody lost more than the journal says was delivered. A
 * failure prints the seed and the shortest history that shows it.
 */

const ACCOUNTS = ['ann', 'bob'] as const
const IDS = Array.from({ length: 10 }, (_, i) => `h${i}`)
const account = fc.constantFrom(...ACCOUNTS)
const id = fc.constantFrom(...IDS)
const amount = fc.integer({ min: 0, max: 150 })
const withdrawal = fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5')

const command = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deposit' as const), account, amount }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      ...{ id, account, most: fc.integer({ min: 0, max: 90 }) },
      limit: fc.constantFrom('none', 'none', 'day', 'req'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), id, amount }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), id }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('extend' as const), id, part: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('withdraw' as const), id: withdrawal, account },
      ...{ amount: fc.integer({ min: 1, max: 150 }), fee: fc.constantFrom(0, 9) },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('left' as const), id: withdrawal },
      fee: fc.constantFrom(null, 0, 5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('post' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('seal' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

/** A world whose timers run when the history says so. */
class SlowWorld extends ScriptWorld {
  #due: (() => void) | null = null

  override after = (_ms: number, then: () => void) => {
    this.#due = then
    return {
      refresh() {},
      cancel: () => {
        if (this.#due === then) this.#due = null
      },
    }
  }

  /** Runs the one timer of the journal. */
  async seal(): Promise<void> {
    const due = this.#due
    this.#due = null
    due?.()
    await turn()
  }
}

/** A writer that writes and answers when the history says so. */
class SlowWriter implements GroupWriter {
  readonly #inner: InlineWriter
  #given: { text: string; n: number; written: boolean; answer: () => void } | null = null

  constructor(inner: InlineWriter) {
    this.#inner = inner
  }

  get isWritten(): boolean {
    return this.#given?.written === true
  }

  write(text: string, n: number): Promise<void> {
    return new Promise((answer) => {
      this.#given = { text, n, written: false, answer }
    })
  }

  async commit(): Promise<void> {
    if (this.#given === null || this.#given.written) return
    await this.#inner.write(this.#given.text, this.#given.n)
    this.#given.written = true
  }

  async answer(): Promise<void> {
    await this.commit()
    this.#given?.answer()
    this.#given = null
    await turn()
  }

  run = (): never => {
    throw new Error('this history prunes nothing')
  }

  async close(): Promise<void> {}
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

it('L5 the file is memory, less what is on its way, less what is not posted; a crash costs no buyer more than its journal', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 10, maxLength: 50, size: 'max' }),
      fc.nat(49),
      async (commands, crashAt) => {
        const folder = scratch()
        const path = folder.path('ledger.db')
        const db = openDatabase({ path, kind: 'play', now: 0 })
        try {
          const world = new SlowWorld()
          const opening = openingOf(db, (bytes) => new Uint8Array(bytes))
          const writer = new SlowWriter(new InlineWriter({ db, opening }))
          const journal = new Journal({ world, writer, onTrouble: () => {} })
          const store = new SqliteStore(db, journal)
          const ledger = new StoreLedger(store, ownerOf(db, world.random))
          const withdrawals = new StoreWithdrawals(store)
          const played: Play = { db, world, writer, journal, store, ledger, withdrawals }
          for (const one of ACCOUNTS) {
            await pay(played, one, 200)
            await payDollars(played, one)
          }
          for (const [i, command] of commands.entries()) {
            await perform(played, command)
            expect(balances(db), `command ${i}`).toEqual(wanted(played))
            if (i === crashAt) await crash(played, folder)
          }
        } finally {
          db.close()
          folder.remove()
        }
      },
    ),
    { numRuns: 40 },
  ))

interface Play {
  readonly db: DatabaseSync
  readonly world: SlowWorld
  readonly writer: SlowWriter
  readonly journal: Journal
  readonly store: SqliteStore
  readonly ledger: StoreLedger
  readonly withdrawals: StoreWithdrawals
}

let payments = 0

const pay = (played: Play, account: string, amount: number) =>
  credit(played, deposit({ account, amount: msat(BigInt(amount)), source: 'lnd' }))

const payDollars = (played: Play, account: string) =>
  credit(played, dollars({ account, amount: microUsd(60n) }))

/** A deposit, which waits for its commit. */
async function credit({ ledger, writer, world }: Play, paid: Deposit) {
  payments += 1
  const done = ledger.deposit({ ...paid, payment: `p${payments}` })
  // The group before it is written first, then its own.
  for (let i = 0; i < 2; i += 1) {
    await writer.answer()
    await world.seal()
    await writer.answer()
  }
  await done
}

async function perform(played: Play, command: Command): Promise<void> {
  const { ledger, store, withdrawals, world, writer } = played
  switch (command.do) {
    case 'deposit':
      return pay(played, command.account, command.amount)
    case 'hold': {
      const limits = command.limit === 'none' ? [] : [limitOf(command.account, command.limit)]
      const { account, id, most } = command
      const usd = most % 2 === 0 ? AT_60000 : undefined
      ledger.hold(hold({ id, account, least: 0, most, limits, usd, deadline: world.now() + 60 }))
      return
    }
    case 'settle':
      ledger.settle(command.id, charge(BigInt(command.amount)))
      return
    case 'release':
      ledger.release(command.id, 'refused', world.now())
      return
    case 'extend': {
      const held = store.hold(command.id)?.amount ?? 0n
      ledger.extend(command.id, world.now() + 60, msat((held * BigInt(command.part)) / 9n))
      return
    }
    case 'withdraw': {
      const { account, amount, fee, id } = command
      const money = { amount: msat(BigInt(amount)), fee: msat(BigInt(fee)) }
      const request = { id, account, source: 'lnd', ...money, kind: 'lightning', at: 1 }
      // It resolves when it is on disk, and the history decides when that is.
      withdrawals.withdraw(request).catch(() => {})
      return
    }
    case 'left': {
      const { fee, id } = command
      const at = world.now()
      const close =
        fee === null
          ? ({ is: 'failed', reason: 'no route', at } as const)
          : ({ is: 'sent', fee: msat(BigInt(fee)), at } as const)
      withdrawals.closeWithdrawal(id, close).catch(() => {})
      return
    }
    case 'expire':
      await ledger.expire(world.now())
      return
    case 'post':
      return ledger.postAll()
    case 'seal':
      return world.seal()
    case 'write':
      return writer.commit()
    case 'answer':
      return writer.answer()
  }
}

const limitOf = (account: string, window: string): Limit => ({
  ...{ meter: account, unit: 'spend', max: 1_000n },
  window: window === 'day' ? 'day' : 'req',
})

type Balances = Record<string, bigint>

/** The drawers of buyers in the file. */
function balances(db: DatabaseSync): Balances {
  const all = db.prepare('SELECT name, balance FROM drawers').all()
  const found = new Map(all.map(({ name, balance }) => [`${name}`, BigInt(Number(balance))]))
  return Object.fromEntries(NAMES.map((name) => [name, found.get(name) ?? 0n]))
}

const NAMES = ACCOUNTS.flatMap((account) =>
  ['paid', 'bonus', 'held', 'owed', 'leaving', 'usd'].map((drawer) => `${drawer}:${account}`),
)

/** What they must say, added up without a look at the file. */
function wanted({ db, journal, store, writer }: Play): Balances {
  const groups: Group[] = []
  journal.find((group) => {
    groups.push(group)
    return undefined
  })
  const unwritten = writer.isWritten ? groups.slice(0, 1) : groups
  const numbers = new Map<string, number>(groups.flatMap(({ newDrawers }) => [...newDrawers]))
  for (const { n, name } of db.prepare('SELECT n, name FROM drawers').all()) {
    numbers.set(`${name}`, Number(n))
  }
  const entries = ACCOUNTS.flatMap((id) => {
    const account = store.account(id)
    if (account === null) return []
    const open = [...store.openHolds()].filter((one) => one.account === id && !one.posted)
    const of = (part: 'paid' | 'bonus' | 'amount') => open.reduce((sum, one) => sum + one[part], 0n)
    return [
      [`paid:${id}`, account.paid + of('paid')],
      [`bonus:${id}`, account.bonus + of('bonus')],
      [`held:${id}`, account.held - of('amount')],
      [`owed:${id}`, -account.owed],
      [`leaving:${id}`, account.leaving],
      [`usd:${id}`, account.usd + open.reduce((sum, one) => sum + (one.dollars?.usd ?? 0n), 0n)],
    ] as const
  })
  return Object.fromEntries(
    entries.map(([name, says]) => {
      const moves = unwritten.map((group) => group.moves.get(numbers.get(name) ?? 0) ?? 0n)
      return [name, says - moves.reduce((sum, by) => sum + by, 0n)]
    }),
  )
}

/** Msat. A part of a µ$ is lost by each hold that dollars pay for. */
const ROUNDED = BigInt(2 * IDS.length)

/** Kills the process: what is on the disk is opened by another one. */
async function crash({ store }: Play, folder: ReturnType<typeof scratch>): Promise<void> {
  for (const end of ['', '-wal']) {
    const from = `${folder.path('ledger.db')}${end}`
    if (existsSync(from)) copyFileSync(from, `${folder.path('crashed.db')}${end}`)
  }
  const path = folder.path('crashed.db')
  const books = openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })
  try {
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    // The other process charges these, also if this one had settled them for less.
    const journalled = new Map<string, bigint>()
    for (const { account, sofar } of await books.statement.holds(99)) {
      journalled.set(account, (journalled.get(account) ?? 0n) + sofar)
    }
    await books.ledger.recover(9_000)
    expect(await books.statement.verify()).toMatchObject({ ok: true, value: { openHolds: 0 } })
    for (const id of ACCOUNTS) {
      const after = await books.ledger.balance(id)
      expect(after).toMatchObject({ held: 0n })
      // No start gives a withdrawal back, and a debt may wait for it.
      if (after?.leaving === 0n) expect(after.owed).toBe(0n)
      const was = store.account(id)
      if (was === null || after === null) throw new Error('deposits are on disk')
      const delivered = journalled.get(id) ?? 0n
      const own = was.paid + was.bonus + was.held - was.bought + was.leaving - was.owed
      const had = own + msatOf(addUsd(was.usd, was.usdHeld), AT_60000.rate)
      const left = after.available + after.leaving - after.owed + msatOf(after.usd, AT_60000.rate)
      const least = had - delivered - ROUNDED
      expect(left >= least, `${id} has ${left}, had ${had}`).toBe(true)
    }
  } finally {
    await books.close()
  }
}
