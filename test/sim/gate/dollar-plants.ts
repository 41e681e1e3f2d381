import { msat } from '../../../src/money/msat.ts'
import { microUsd, NO_USD } from '../../../src/money/usd.ts'
import type { Facilitator } from '../../../src/rails/x402/facilitator.ts'
import type { X402Row } from '../../../src/rails/x402/payments.ts'
import type { Planted } from './plants.ts'
import { withInvoices, withLedger } from './wrap.ts'

/** Mistakes with dollars and charges, each with the words by which the simulation reports it. */
export const DOLLAR_PLANTS: readonly Planted[] = [
  {
    what: 'a settlement that nobody answered is taken for refused',
    found: /x402:\S+ is lost/,
    plant: {
      dollars: ({ facilitator }) => ({
        facilitator: answering(facilitator, { unknown: 'refused' }),
      }),
    },
  },
  {
    what: 'a settlement that nobody answered is taken for settled',
    found: /a credit for x402:\S+, which nobody has sent/,
    plant: {
      dollars: ({ facilitator }) => ({
        facilitator: answering(facilitator, { unknown: 'settled' }),
      }),
    },
  },
  {
    what: 'a transfer that its payer sent to the chain is credited (threats L15)',
    found: /was credited, and the gate has not settled it/,
    plant: { dollars: ({ facilitator }) => ({ facilitator: believing(facilitator) }) },
  },
  {
    what: 'the facilitator is asked only whether the payment is good',
    found: /which is not settled|which nobody has sent/,
    plant: {
      dollars: ({ facilitator }) => ({
        facilitator: {
          ...delegating(facilitator),
          settle: async ({ authorization }) => ({
            is: 'settled',
            transaction: authorization.nonce,
          }),
        },
      }),
    },
  },
  {
    what: 'payments in dollars that are open are forgotten at a restart',
    found: /x402:\S+ is lost/,
    plant: {
      dollars: ({ payments }) => {
        const own = new Map<string, X402Row>()
        return {
          payments: {
            ...payments,
            begin: (row) => {
              own.set(row.id, row)
              return payments.begin(row)
            },
            open: (limit) => payments.open(limit).filter(({ id }) => own.has(id)),
          },
        }
      },
    },
  },
  {
    what: 'the fee of a facilitator is taken off the credit',
    found: /x402:\S+ is \d+, credited \d+/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit: (deposit) =>
          ledger.deposit(
            deposit.credit === 'usd'
              ? { ...deposit, amount: microUsd(deposit.amount - 1_000n) }
              : deposit,
          ),
      })),
  },
  {
    what: 'dollars are credited as sats, which may leave (threats L5)',
    found: /x402:\S+ is lost/,
    plant: (books) =>
      withLedger(books, (ledger) => ({
        deposit: (deposit) => {
          if (deposit.credit !== 'usd') return ledger.deposit(deposit)
          const { amount, ...rest } = deposit
          const source = 'scripted'
          return ledger.deposit({ ...rest, credit: 'paid', source, amount: msat(amount) })
        },
      })),
  },
  {
    what: 'what buyers have in dollars has no maximum',
    found: /dollars were outstanding at once/,
    plant: {
      dollars: ({ payments }) => ({ payments: { ...payments, outstanding: () => NO_USD } }),
      books: (books) => withLedger(books, () => ({ outstandingUsd: () => NO_USD })),
    },
  },
  {
    what: 'a charge buys each time that it comes (threats C6)',
    found: /charge \w+ bought [2-9]/,
    plant: (books) =>
      withInvoices(books, (invoices) => ({
        recall: async (key) => (key.startsWith('charged:') ? null : invoices.recall(key)),
      })),
  },
]

const delegating = (facilitator: Facilitator): Facilitator => ({
  name: facilitator.name,
  least: facilitator.least,
  get up() {
    return facilitator.up
  },
  verify: (...args) => facilitator.verify(...args),
  settle: (...args) => facilitator.settle(...args),
  start: () => facilitator.start(),
})

const answering = (
  facilitator: Facilitator,
  as: { readonly unknown: 'refused' | 'settled' },
): Facilitator => ({
  ...delegating(facilitator),
  settle: async (payment, ...rest) => {
    const settled = await facilitator.settle(payment, ...rest)
    if (settled.is !== 'unknown') return settled
    if (as.unknown === 'refused') return { is: 'refused', reason: settled.reason }
    return { is: 'settled', transaction: payment.authorization.nonce }
  },
})

/** Takes a used nonce for a settlement of its own. */
const believing = (facilitator: Facilitator): Facilitator => ({
  ...delegating(facilitator),
  verify: async () => ({ is: 'valid' }),
  settle: async (payment, ...rest) => {
    const settled = await facilitator.settle(payment, ...rest)
    if (settled.is === 'settled' || !/nonce_already_used/.test(settled.reason)) return settled
    return { is: 'settled', transaction: payment.authorization.nonce }
  },
})
