import { ThreadWriter } from '../../src/ledger/sqlite/thread-writer.ts'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { msat } from '../../src/money/msat.ts'
import { microUsd } from '../../src/money/usd.ts'
import { real } from '../support/world.ts'
import { AT_60000, dollars } from '../unit/ledger/use.ts'

/**
 * Does the ledger work of a gate until it is killed: parallel buyers who deposit, hold, journal,
 * settle, release or withdraw, in sats and in dollars. Each deposit and withdrawal is printed when it is acknowledged. Arguments: the file, and a
 * name for this process.
 */

const [path = '', life = ''] = process.argv.slice(2)
const world = { ...real, now: () => Date.now(), random: () => new Uint8Array() }
const books = openSqliteBooks({
  path,
  kind: 'play',
  world,
  writer: (parts) => new ThreadWriter(parts),
})
const { ledger, withdrawals } = books
await ledger.recover(world.now())
process.stdout.write('ready\n')

const BUYERS = 8

async function buyer(account: string): Promise<never> {
  for (let i = 0; ; i++) {
    const id = `${life}-${account}-${i}`
    if (i % 3 === 0) await pay(account, id)
    if (i % 6 === 1) await payDollars(account, `${id}-x`)
    // Two at once: if one costs more than its hold, the difference is owed while the other holds
    // the rest.
    await Promise.all([buy(account, `${id}-a`, i), buy(account, `${id}-b`, i + 1)])
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function pay(account: string, payment: string): Promise<void> {
  const native = { amount: '1', unit: 'sat', rate: '1000' }
  const common = { payment, account, credit: 'paid', rail: 'l402', source: 'lnd', native } as const
  const done = await ledger.deposit({
    ...{ ...common, amount: msat(1_000n), bonus: msat(70n), at: world.now() },
  })
  if (done.ok) process.stdout.write(`${payment} ${account}\n`)
}

async function payDollars(account: string, payment: string): Promise<void> {
  const done = await ledger.deposit(
    dollars({ account, payment, amount: microUsd(100n), at: world.now() }),
  )
  if (done.ok) process.stdout.write(`${payment} ${account}\n`)
}

/** A price in dollars: 0.6 µ$ a token. */
const AT_PAR = { ...AT_60000, price: { base: 1_800_000n, each: 600_000n } }

/** A buyer who withdraws, with a new account each time. */
async function leaver(name: string): Promise<never> {
  for (let i = 0; ; i++) {
    const account = `${life}-${name}-${i}`
    await pay(account, `${account}-p`)
    await buy(account, `${account}-b`, i)
    await leave(account, `${account}-w`, i)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Some are open whenever the process is killed, and the buyer goes on with the rest. */
async function leave(account: string, id: string, i: number): Promise<void> {
  const money = { amount: msat(BigInt(1 + (i % 90))), fee: msat(BigInt(i % 7)) }
  const request = { id, account, source: 'lnd', ...money, kind: 'lightning', at: world.now() }
  const done = await withdrawals.withdraw(request)
  if (!done.ok) return
  process.stdout.write(`${id} withdrawn\n`)
  const at = world.now()
  const ends = [
    { is: 'sent', fee: msat(BigInt(i % 11)), at },
    { is: 'failed', reason: 'no route', at },
  ] as const
  const close = ends[i % 3]
  if (close !== undefined) await withdrawals.closeWithdrawal(id, close)
}

async function buy(account: string, id: string, i: number): Promise<void> {
  const at = world.now()
  const hold = await ledger.hold({
    ...{
      id,
      account,
      quantities: { input: 3 },
      clamped: 'output',
      least: 1,
      most: 400,
      at,
      deadline: at + 60_000,
    },
    price: { base: 3_000_000n, each: 1_000_000n },
    usd: [AT_60000, AT_PAR, undefined][i % 3],
    limits: i % 2 === 0 ? [] : [{ meter: account, unit: 'tokens', window: 'min', max: 100_000n }],
    what: { model: 'llama3', dialect: 'openai-chat', pass: null },
  })
  if (!hold.ok) return
  // Half of them have a meter, and two of three are journalled. The rest is in memory alone.
  if (i % 3 > 0) await ledger.extend(id, at + 60_000, msat(BigInt(i % 50)))
  // So some are under way whenever the process is killed.
  if (i % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  if (i % 5 === 0) await ledger.release(id, 'refused', at)
  else {
    const quantities = { input: 3, cached: 0, output: 97 }
    const flowed = { quantities, usage: 'reported', end: 'complete' } as const
    const amount = (i * 97) % 700
    const usd = i % 3 === 1 ? microUsd(BigInt(Math.ceil(amount * 0.6))) : undefined
    await ledger.settle(id, { ...flowed, amount: msat(BigInt(amount)), usd, at })
  }
}

/** Holds are removed and archived at once here, so the kill may come in the middle of that. */
async function keepTidy(): Promise<never> {
  for (;;) {
    await books.prune(world.now())
    await books.archive(world.now())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

await Promise.all([
  keepTidy(),
  ...Array.from({ length: BUYERS }, (_, i) => buyer(`buyer${i}`)),
  ...Array.from({ length: 2 }, (_, i) => leaver(`leaver${i}`)),
])
