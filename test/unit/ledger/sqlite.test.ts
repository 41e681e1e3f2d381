import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { runLedgerContract } from '../../contract/ledger.ts'
import { scratch } from './scratch.ts'

runLedgerContract({
  name: 'sqlite',
  open: async (world) => {
    const folder = scratch()
    const open = () => openSqliteBooks({ path: folder.path('ledger.db'), kind: 'play', world })
    let books = open()
    return {
      books,
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
  skip: [],
})
