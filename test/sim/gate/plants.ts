import type { Books } from '../../../src/ledger/open-ledger.ts'
import { msat } from '../../../src/money/msat.ts'
import type { Facilitator } from '../../../src/rails/x402/facilitator.ts'
import type { X402Payments } from '../../../src/rails/x402/payments.ts'
import type { TokenReceiver } from '../../../src/wallets/receiver.ts'
import type { WithdrawalSource } from '../../../src/withdrawals/source.ts'
import {
  alwaysNew,
  nextNumber,
  withEcash,
  withLedger,
  withoutFee,
  withRevocations,
  withWithdrawals,
} from './wrap.ts'

/**
 * One mistake, as somebody could make it in the gate: it wraps the books, the wallet that pays, or what
 * takes tokens, or it is the writer's. Each start of a gate wraps them anew.
 */
export type Plant =
  | ((books: Books) => Books)
  | { readonly tooEarly: true }
  | { readonly receiver: (receiver: TokenReceiver) => TokenReceiver }
  | { readonly source: (source: WithdrawalSource) => WithdrawalSource }
  | {
      readonly dollars: (own: Dollars) => Partial<Dollars>
      readonly books?: (books: Books) => Books
    }

/** What a gate has of the chain. */
interface Dollars {
  readonly facilitator: Facilitator
  readonly payments: X402Payments
}

export interface Planted {
  readonly what: string
  /** The words by which the simulation reports it. */
  readonly found: RegExp
  readonly plant: Plant
}

export const PLANTS: readonly Planted[] = [
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
    found: /was credited to \w+ instead of/,
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
      let deposits = 0
      return withLedger(books, (ledger) => ({
        deposit: async (deposit) => {
          deposits += 1
          const balance = await ledger.balance(deposit.account)
          if (deposits % 3 !== 0 || balance === null) return ledger.deposit(deposit)
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
    what: 'a token of a mint is credited each time that it comes',
    found: /token \w+ was credited [2-9] times/,
    plant: {
      receiver: (receiver) => ({
        mints: receiver.mints,
        request: (sat) => receiver.request(sat),
        known: () => null,
        credited: (...args) => receiver.credited(...args),
        start: (received) => receiver.start(received),
        receive: async (token, ask) => {
          const taken = await receiver.receive(token, ask)
          if (!taken.ok) return taken
          const payment = `${taken.value.payment}:${nextNumber()}`
          const value = { ...taken.value, payment, account: ask.account, given: false }
          return { ok: true, value }
        },
      }),
    },
  },
  {
    what: 'a pass is given again when its token comes again',
    found: /the pass of \w+ was given [2-9] times/,
    plant: (books) => ({
      ...books,
      passes: {
        put: (row) => books.passes.put({ ...row, usedAt: null }),
        get: (hash) => books.passes.get(hash),
        markUsed: async () => {},
        claim: (...args) => books.passes.claim(...args),
      },
    }),
  },
  {
    what: 'the mint forgets at a restart which tokens it has made',
    found: /left ecash \S+ for \S+, and no book says so/,
    plant: {
      source: (source) => {
        const since = nextNumber()
        return withEcash(source, (ecash) => ({
          make: (id, sat) => ecash.make(`${id}:${since}`, sat),
          find: (id) => ecash.find(`${id}:${since}`),
        }))
      },
    },
  },
  {
    what: 'a payment that is pending is closed as failed',
    found: /left \S+( \S+)? for ln:\w+, and no book says so/,
    plant: (books) =>
      withWithdrawals(books, (book) => ({
        closeWithdrawal: (id, close) =>
          book.closeWithdrawal(
            id,
            close.is === 'sent' && id.startsWith('ln:')
              ? { is: 'failed', reason: 'it took long', at: close.at }
              : close,
          ),
      })),
  },
  {
    what: 'the fee of a withdrawal is forgotten',
    found: /\d+ left for \S+, and the books say \d+/,
    plant: (books) =>
      withWithdrawals(books, (book) => ({
        closeWithdrawal: (id, close) =>
          book.closeWithdrawal(id, close.is === 'sent' ? { ...close, fee: msat(0n) } : close),
      })),
  },
  {
    what: 'a withdrawal is left open when it is over',
    found: /is open, and it is over/,
    plant: (books) => withWithdrawals(books, () => ({ openWithdrawals: async () => [] })),
  },
  {
    what: 'the bonus of a tier may leave',
    found: /left of \S+ \S+( \S+)?, which paid in \d+/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit(deposit) {
          if (deposit.credit === 'usd') return ledger.deposit(deposit)
          const { bonus = msat(0n), ...paid } = deposit
          return ledger.deposit({ ...paid, amount: msat(paid.amount + bonus) })
        },
      })),
  },
  {
    what: 'revoked passes are good again after a restart',
    found: /it was served with a pass that has ended/,
    plant: (books) => {
      const since = new Set<string>()
      return withRevocations(books, (revocations) => ({
        isRevoked: (names) => names.some((name) => since.has(name)),
        revoke: (row) => {
          since.add(row.name)
          return revocations.revoke(row)
        },
        rotation: (account) => (since.has(account) ? revocations.rotation(account) : null),
        rotate: (rotation) => {
          since.add(rotation.account)
          return revocations.rotate(rotation)
        },
      }))
    },
  },
  {
    what: 'a rotation leaves the tokens good that pay as a key',
    found: /it was served with a pass that has ended/,
    plant: (books) =>
      withRevocations(books, () => ({ isRevoked: () => false, rotation: () => null })),
  },
  {
    what: 'what a tier has added does not leave with its deposit',
    found: /used \d+, and what it left here is \d+/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit: async (deposit) => {
          if (deposit.credit === 'usd') return ledger.deposit(deposit)
          const { bonus = msat(0n), ...paid } = deposit
          const given = { ...paid, payment: `gift:${paid.payment}`, amount: bonus }
          const done = await ledger.deposit(paid)
          if (bonus > 0n) await ledger.deposit({ ...given, credit: 'bonus' })
          return done
        },
      })),
  },
  {
    what: 'the fee of a mint is credited',
    found: /buyers are owed \d+ of the mint, which holds \d+/,
    plant: {
      receiver: (receiver) => ({
        ...withoutFee(receiver),
        mints: receiver.mints,
        request: (sat) => receiver.request(sat),
        credited: (...args) => receiver.credited(...args),
      }),
    },
  },
  {
    what: 'a withdrawal that is asked for again is another token',
    found: /got [2-9] tokens/,
    plant: { source: (source) => withEcash(source, alwaysNew) },
  },
  {
    what: 'a payment that is presented again has another change',
    found: /has [2-9] changes/,
    plant: { source: (source) => withEcash(source, alwaysNew) },
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
