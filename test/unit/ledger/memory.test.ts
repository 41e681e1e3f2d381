import { MemoryStore } from '../../../src/ledger/memory-store.ts'
import { runLedgerContract } from '../../contract/ledger.ts'
import { REOPENED } from '../../contract/ledger-closing-cases.ts'
import { DOLLARS_REOPENED } from '../../contract/ledger-dollar-cases.ts'
import { RESTARTED } from '../../contract/withdrawals.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'

runLedgerContract({
  name: 'memory',
  open: async () => {
    const store = new MemoryStore()
    const beside = (owner: string) => openMemoryBooks('play', { owner, store })
    const books = beside('a')
    const reopen = () => Promise.reject(new Error('nothing is left'))
    return { books, beside, reopen, dispose: () => books.close() }
  },
  skip: [
    {
      reason: 'it ends with its process',
      tests: [
        ...Object.keys(REOPENED),
        ...Object.keys(DOLLARS_REOPENED),
        ...Object.keys(RESTARTED),
        'invoices and facts are there after a restart',
        'passes are there after a restart',
        'revocations are there after a restart, and so is the generation of a pass',
      ],
    },
  ],
})
