import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'

/** One mistake, as somebody could make it in the gate: it wraps the books, or it is the writer's. */
export type Plant = ((books: Books) => Books) | { readonly tooEarly: true }

const withLedger = (books: Books, change: (ledger: Ledger) => Partial<Ledger>): Books => {
  const { ledger } = books
  const own: Ledger = {
    deposit: (deposit) => ledger.deposit(deposit),
    hold: (request) => ledger.hold(request),
    extend: (...args) => ledger.extend(...args),
    settle: (...args) => ledger.settle(...args),
    release: (...args) => ledger.release(...args),
    expire: (at) => ledger.expire(at),
    recover: (at) => ledger.recover(at),
    balance: (account) => ledger.balance(account),
    left: (limit, at) => ledger.left(limit, at),
    usage: (...args) => ledger.usage(...args),
  }
  return { ...books, ledger: { ...own, ...change(ledger) } }
}

/** The mistakes, each with the words by which the simulation reports it. */
export const PLANTS: readonly {
  readonly what: string
  readonly found: RegExp
  readonly plant: Plant
}[] = [
  {
    what: 'a buyer who leaves pays nothing',
    found: /words for \d+ msat/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        settle: (id, charge) =>
          charge.end === 'client_left'
            ? ledger.release(id, charge.end, charge.at)
            : ledger.settle(id, charge),
      })),
  },
  {
    what: 'a payment that is told twice is credited twice',
    found: /was credited 2 times/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit: async (deposit) => {
          await ledger.deposit({ ...deposit, payment: `${deposit.payment}:again` })
          return ledger.deposit(deposit)
        },
      })),
  },
  {
    what: 'a top-up goes to another account',
    found: /was credited to paid:\w+ instead of/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit: async (deposit) => {
          const isTopUp = (await ledger.balance(deposit.account)) !== null
          return ledger.deposit(isTopUp ? { ...deposit, account: 'another' } : deposit)
        },
      })),
  },
  {
    what: 'a deposit is said to be on disk and is not made',
    found: /is lost/,
    plant: (books) => {
      let times = 0
      return withLedger(books, (ledger) => ({
        deposit: async (deposit) => {
          times += 1
          const balance = await ledger.balance(deposit.account)
          if (times % 3 !== 0 || balance === null) return ledger.deposit(deposit)
          return { ok: true, value: balance }
        },
      }))
    },
  },
  {
    what: 'rows are said to be on disk before they are',
    found: /is served before payment \w+ is on disk/,
    plant: { tooEarly: true },
  },
  {
    what: 'a hold is forgotten if the upstream fails',
    found: /is open and nothing runs/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        release: async (id, end, at) =>
          end === 'upstream_failed'
            ? { ok: false, error: 'hold_not_found' }
            : ledger.release(id, end, at),
      })),
  },
  {
    what: 'a request is charged twice its price',
    found: /it costs \d+ msat/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        settle: (id, charge) =>
          ledger.settle(id, { ...charge, amount: (charge.amount * 2n) as typeof charge.amount }),
      })),
  },
  {
    what: 'a limit of tokens forgets the output',
    found: /tokens\/\w+ leaves \d+, its charges leave/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        settle: (id, { quantities, ...charge }) =>
          ledger.settle(id, { ...charge, quantities: { ...quantities, output: 0 } }),
      })),
  },
]
