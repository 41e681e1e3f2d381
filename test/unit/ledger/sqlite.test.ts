import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { runLedgerContract, WAITING } from '../../contract/ledger.ts'
import { OWNERS } from '../../contract/ledger-cases.ts'
import { scratch } from './scratch.ts'

runLedgerContract({
  name: 'sqlite',
  open: async (world) => {
    const folder = scratch()
    const open = () => openSqliteBooks({ path: folder.path('ledger.db'), kind: 'play', world })
    let books = open()
    return {
      books,
      beside: null,
      async reopen() {
        await books.close()
        books = open()
        return books
      },
      async dispose() {
        await books.close()
        folder.remove()
      },
    }
  },
  skip: [
    {
      reason: 'a file has one gate',
      tests: [...Object.keys(OWNERS), WAITING],
    },
  ],
})
