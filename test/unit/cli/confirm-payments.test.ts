import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenForCommands } from '../../../src/daemon/control.ts'
import { controlHandlers } from '../../../src/daemon/control-handlers.ts'
import { openPayments } from '../../../src/daemon/control-payments.ts'
import { rootKeys, socketIn } from '../../../src/daemon/folder.ts'
import { shortPayment } from '../../../src/daemon/short-payment.ts'
import type { AccountId } from '../../../src/ledger/ledger.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { Gifts } from '../../../src/rails/gifts.ts'
import { x402PaymentId } from '../../../src/rails/x402/payment.ts'
import type { X402Row } from '../../../src/rails/x402/payments.ts'
import { SqliteX402Payments } from '../../../src/rails/x402/sqlite-payments.ts'
import { satgateAt } from '../../support/command-line.ts'
import { real } from '../../support/world.ts'
import { aPayment, aRequirement, PAYER } from '../../support/x402-payment.ts'

/** `satgate wallet confirm --payments`, with a running gate that takes dollars, with one that does not, and with none. */

let home: string
let folder: string
const clean: (() => unknown)[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'satgate-confirm-'))
  folder = join(home, '.satgate')
  mkdirSync(folder)
})
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
  rmSync(home, { recursive: true })
})

const HOUR = 3_600_000
const SEEN = `0x${'ef'.repeat(32)}`
const OF_DONE = `0x${'ab'.repeat(32)}`
const ACCOUNT = 'aa'.repeat(16) as AccountId

const rowOf = (n: number, age: number): X402Row => {
  const requirement = aRequirement()
  const payment = aPayment({ nonce: `0x${n.toString(16).padStart(64, '0')}` })
  return {
    ...{ id: x402PaymentId(requirement, payment.authorization), payment, requirement },
    ...{ account: null, rate: 10n ** 13n, offer: 'ab'.repeat(32), body: 'cd'.repeat(32) },
    ...{ state: 'settling', transaction: null, at: real.now() - age },
  }
}
const [OPEN, LOST, YOUNG, DONE] = [
  rowOf(1, 3 * HOUR),
  rowOf(2, 90 * HOUR),
  rowOf(3, 0),
  rowOf(4, HOUR),
]

const satgate = (...argv: readonly string[]) =>
  satgateAt({ cwd: home }, 'wallet', 'confirm', ...argv)
const confirming = ({ id }: X402Row, transaction = SEEN) =>
  ['--payments', shortPayment(id), '--transaction', transaction] as const

function openBooks() {
  const keys = rootKeys(folder, false, real)
  if (!keys.ok) throw new Error('no keys')
  const books = openSqliteBooks({ path: join(folder, 'ledger.db'), kind: 'test', world: real })
  return { books, keys: keys.value }
}

/** With a payment in every state. */
function paid(): SqliteX402Payments {
  const payments = new SqliteX402Payments(join(folder, 'x402.db'))
  for (const row of [OPEN, LOST, YOUNG, DONE]) payments.begin(row)
  payments.lost(LOST.id)
  payments.settled(DONE.id, OF_DONE)
  payments.credited(DONE.id, { account: ACCOUNT, given: true })
  return payments
}

type Gate = 'a gate that takes dollars' | 'a gate that takes none' | 'no gate'

/** Returns a look into the rows. */
async function lived(gate: Gate): Promise<(row: X402Row) => X402Row | null> {
  const { books, keys } = openBooks()
  const payments = paid()
  const takes = gate === 'a gate that takes dollars'
  if (gate === 'no gate') await books.close()
  else {
    const rail = { confirm: payments.confirm.bind(payments) }
    const running = takes ? { opened: { payments }, rail } : { opened: null, rail: null }
    const gifts = new Gifts(real.random)
    const parts = { books, gifts, keys, world: real, payments: openPayments(folder, running) }
    const control = await listenForCommands(real, socketIn(folder), controlHandlers(parts))
    clean.push(
      () => books.close(),
      () => control.close(),
    )
  }
  if (takes) clean.push(() => payments.close())
  else payments.close()
  return ({ id }) => {
    const look = new SqliteX402Payments(join(folder, 'x402.db'))
    const row = look.get(id)
    look.close()
    return row
  }
}

describe.each(['a gate that takes dollars', 'a gate that takes none', 'no gate'] as const)(
  'with %s',
  (gate) => {
    it('lists the payments that have no end for some time, the oldest first', async () => {
      await lived(gate)
      const { code, stdout, stderr } = await satgate('--payments')
      expect(code).toBe(0)
      expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
        ['payment', 'age', 'dollars', 'network', 'state'],
        [shortPayment(LOST.id), '3 d', '$0.01', 'base-sepolia', 'given up'],
        [shortPayment(OPEN.id), '3 h', '$0.01', 'base-sepolia', 'asked about'],
        [''],
      ])
      expect(stderr).toContain('believes only a transaction that its own settlement returned')
      const json = (await satgate('--payments', '--json')).json()
      expect(json).toMatchObject([
        { payment: shortPayment(LOST.id), amount_usd_micros: 10_000, state: 'lost' },
        { payment: shortPayment(OPEN.id), network: 'eip155:84532', state: 'settling' },
      ])
      const one = await satgate('--payments', shortPayment(OPEN.id))
      expect(one.stdout).toContain(`from   ${PAYER.address}\n`)
      expect(one.stdout).toContain(`nonce  ${OPEN.payment.authorization.nonce}\n`)
      expect(one.stdout).not.toContain(shortPayment(LOST.id))
    })

    it.each([
      ['settling', OPEN],
      ['lost', LOST],
    ])('L15 books one that is %s with --yes alone, once', async (state, row) => {
      const look = await lived(gate)
      const asked = await satgate(...confirming(row))
      expect(asked.code).toBe(4)
      expect(asked.stderr).toContain('Nothing was changed')
      expect(look(row)?.state).toBe(state)
      const upper = `0x${'EF'.repeat(32)}`
      const { code, stdout } = await satgate(...confirming(row, upper), '--yes')
      expect([code, stdout]).toEqual([0, expect.stringContaining('$0.01 is confirmed')])
      const when = gate === 'a gate that takes dollars' ? 'within seconds' : 'is started again'
      expect(stdout).toContain(when)
      expect(look(row)).toMatchObject({ state: 'settled', transaction: SEEN })
      expect((await satgate(...confirming(row), '--yes')).code).toBe(1)
    })

    it.each([
      ['a name that no payment has', ['--payments', 'ffffffffffffffff', '--transaction', SEEN], 1],
      [
        'a name that is too short',
        ['--payments', shortPayment(OPEN.id).slice(0, 7), '--transaction', SEEN],
        1,
      ],
      ['one that has an end', confirming(DONE), 1],
      ['one that was only just sent', confirming(YOUNG), 1],
      ['a transaction of another payment', confirming(OPEN, OF_DONE), 1],
      ['the same in capitals', confirming(OPEN, `0x${'AB'.repeat(32)}`), 1],
      ['a short transaction', confirming(OPEN, '0x12'), 2],
      ['one without 0x', confirming(OPEN, '5'.repeat(64)), 2],
      ['a transaction of zeros', confirming(OPEN, `0x${'0'.repeat(64)}`), 2],
      ['no name', ['--payments', '--transaction', SEEN], 2],
      ['a transaction alone', ['--transaction', SEEN], 2],
    ] as const)('L15 refuses %s, with and without --yes', async (_, words, code) => {
      const look = await lived(gate)
      const rows = () => [OPEN, LOST, YOUNG, DONE].map(look)
      const before = rows()
      for (const yes of [[], ['--yes']]) {
        const refused = await satgate(...words, ...yes)
        expect([refused.code, refused.stdout], refused.stderr).toEqual([code, ''])
        expect(refused.stderr).not.toContain(' at ')
      }
      expect(rows()).toEqual(before)
    })
  },
)

it('a folder that never took dollars has none', async () => {
  await openBooks().books.close()
  const { code, stdout } = await satgate('--payments')
  expect([code, stdout]).toEqual([0, 'There is no payment in dollars whose end nobody knows.\n'])
  expect((await satgate('--payments', '--json')).json()).toEqual([])
  expect((await satgate(...confirming(OPEN), '--yes')).code).toBe(1)
})
