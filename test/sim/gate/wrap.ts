import type { Invoices } from '../../../src/ledger/invoices.ts'
import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import type { Revocations } from '../../../src/ledger/revocations.ts'
import type { WithdrawalBook } from '../../../src/ledger/withdrawals.ts'
import type { TokenReceiver } from '../../../src/wallets/receiver.ts'
import type { EcashOut, WithdrawalSource } from '../../../src/withdrawals/source.ts'

/** Wraps the parts of a gate, so that a mistake can be planted in one method. */

let numbers = 0

/** Counts on in all histories, so that no two things get one number. */
export function nextNumber(): number {
  numbers += 1
  return numbers
}

export const withWithdrawals = (
  books: Books,
  change: (book: WithdrawalBook) => Partial<WithdrawalBook>,
): Books => {
  const { withdrawals: book } = books
  const own: WithdrawalBook = {
    withdrawable: (account) => book.withdrawable(account),
    withdraw: (request) => book.withdraw(request),
    closeWithdrawal: (...args) => book.closeWithdrawal(...args),
    withdrawal: (id) => book.withdrawal(id),
    openWithdrawals: () => book.openWithdrawals(),
    recordLost: (lost) => book.recordLost(lost),
    nameSource: (...args) => book.nameSource(...args),
  }
  return { ...books, withdrawals: { ...own, ...change(book) } }
}

export const withRevocations = (
  books: Books,
  change: (revocations: Revocations) => Partial<Revocations>,
): Books => {
  const { revocations } = books
  const own: Revocations = {
    isRevoked: (names) => revocations.isRevoked(names),
    count: (account) => revocations.count(account),
    revoke: (row) => revocations.revoke(row),
    rotation: (account) => revocations.rotation(account),
    rotate: (rotation) => revocations.rotate(rotation),
    confirm: (...args) => revocations.confirm(...args),
  }
  return { ...books, revocations: { ...own, ...change(revocations) } }
}

export const withInvoices = (
  books: Books,
  change: (invoices: Invoices) => Partial<Invoices>,
): Books => {
  const { invoices } = books
  const own: Invoices = {
    put: (row) => invoices.put(row),
    get: (hash) => invoices.get(hash),
    markSettled: (...args) => invoices.markSettled(...args),
    stale: (...args) => invoices.stale(...args),
    forget: (hash) => invoices.forget(hash),
    payable: (after) => invoices.payable(after),
    pending: (...args) => invoices.pending(...args),
    newest: (...args) => invoices.newest(...args),
    remember: (...args) => invoices.remember(...args),
    recall: (key) => invoices.recall(key),
  }
  return { ...books, invoices: { ...own, ...change(invoices) } }
}

/** Wraps the part of a source that gives ecash out. */
export const withEcash = (
  source: WithdrawalSource,
  change: (ecash: EcashOut) => Partial<EcashOut>,
): WithdrawalSource => {
  const { ecash } = source
  if (ecash === null) return source
  const { mint } = ecash
  const own: EcashOut = {
    mint,
    feeFor: (sat) => ecash.feeFor(sat),
    make: (...args) => ecash.make(...args),
    find: (id) => ecash.find(id),
  }
  return { ...source, ecash: { ...own, ...change(ecash) } }
}

export const withLedger = (books: Books, change: (ledger: Ledger) => Partial<Ledger>): Books => {
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
    outstandingUsd: () => ledger.outstandingUsd(),
  }
  return { ...books, ledger: { ...own, ...change(ledger) } }
}

/** Looks a token up, and finds another one each time. */
export const alwaysNew = (ecash: EcashOut): Partial<EcashOut> => ({
  find: async (id) => {
    const found = await ecash.find(id)
    return found === null ? null : { ...found, token: `${found.token}-${nextNumber()}` }
  },
})

/** Takes the whole value of each token as received. */
export const withoutFee = (
  receiver: TokenReceiver,
): Pick<TokenReceiver, 'known' | 'receive' | 'start'> => ({
  known: (text) => {
    const known = receiver.known(text)
    return known === null ? null : { ...known, feeSat: 0 }
  },
  receive: async (text, ask) => {
    const taken = await receiver.receive(text, ask)
    return taken.ok ? { ok: true, value: { ...taken.value, feeSat: 0 } } : taken
  },
  start: (received) => receiver.start((token) => received({ ...token, feeSat: 0 })),
})
