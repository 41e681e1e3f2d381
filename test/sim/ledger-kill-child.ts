import { ThreadWriter } from '../../src/ledger/sqlite/thread-writer.ts'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { msat } from '../../src/money/msat.ts'
import { PLANTED, type Plant, plant } from '../support/planted-writer.ts'
import { real } from '../support/world.ts'
import { AT_60000, deposit, dollars, hold } from '../unit/ledger/use.ts'

/**
 * Writes one group of rows and stands still at one moment of its way to the disk, so that it can be
 * killed there. Says `here` at that moment, and `acknowledged` for its deposit and for each step of a
 * withdrawal in it, if that is acknowledged before. Arguments: the file and the moment.
 */

const [path = '', at = ''] = process.argv.slice(2)
const books = openSqliteBooks({
  path,
  kind: 'play',
  world: { ...real, now: () => 1_000 },
  writer: (parts) => new ThreadWriter(parts, PLANTED),
})
const { ledger, withdrawals } = books
const ACCOUNTS = ['open', 'metered', 'journalled', 'settled', 'whole', 'leaving', 'sent', 'failed']
for (const account of ACCOUNTS) {
  await ledger.deposit(deposit({ account, payment: `of ${account}`, source: 'lnd' }))
}
const leave = (account: string) =>
  withdrawals.withdraw({
    ...{ id: `from ${account}`, account, source: 'lnd', amount: msat(500n), fee: msat(50n) },
    ...{ kind: 'lightning', at: 1_000 },
  })
for (const account of ['sent', 'failed']) await leave(account)
await ledger.deposit(dollars({ account: 'dollars' }))
for (const account of ['journalled', 'settled', 'dollars']) {
  await ledger.hold(hold({ id: account, account, usd: AT_60000 }))
  await ledger.extend(account, 61_000, msat(40n))
}
await ledger.hold(hold({ id: 'whole', account: 'whole' }))
await books.flush()

const moment = at as Plant['at'] | 'growing'
if (moment !== 'growing' && moment !== 'answered') plant(path, { at: moment, does: 'stand' })
await ledger.hold(hold({ id: 'open', account: 'open' }))
const limits = [{ meter: 'metered', unit: 'spend', window: 'day', max: 500n }] as const
await ledger.hold(hold({ id: 'metered', account: 'metered', limits }))
await ledger.extend('journalled', 61_000, msat(70n))
const quantities = { input: 1, cached: 0, output: 2 }
const charge = { quantities, usage: 'reported', end: 'complete', at: 2_000 } as const
for (const id of ['settled', 'whole', 'dollars'])
  await ledger.settle(id, { ...charge, amount: msat(60n) })
const leaves = [
  leave('leaving'),
  withdrawals.closeWithdrawal('from sent', { is: 'sent', fee: msat(3n), at: 2_000 }),
  withdrawals.closeWithdrawal('from failed', { is: 'failed', reason: 'no route', at: 2_000 }),
]
for (const one of leaves) one.then(() => process.stdout.write('acknowledged\n'))
const waits = ledger.deposit(deposit({ account: 'waiting', payment: 'waits' })).then(() => {
  process.stdout.write('acknowledged\n')
})
// No timer has fired and no input was read since the first of these rows.
if (moment === 'growing') stand()
await waits
stand()

function stand(): void {
  process.stdout.write('here\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
