import type { WriterParts } from '../../../src/ledger/sqlite/group-writer.ts'
import { InlineWriter } from '../../../src/ledger/sqlite/inline-writer.ts'
import { ThreadWriter } from '../../../src/ledger/sqlite/thread-writer.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { runLedgerContract, WAITING } from '../../contract/ledger.ts'
import { OWNERS } from '../../contract/ledger-cases.ts'
import { scratch } from './scratch.ts'

const WRITERS = {
  'sqlite, written by a thread': (parts: WriterParts) => new ThreadWriter(parts),
  'sqlite, written on the same thread': (parts: WriterParts) => new InlineWriter(parts),
}

for (const [name, writer] of Object.entries(WRITERS)) {
  runLedgerContract({
    name,
    open: async (world) => {
      const folder = scratch()
      const path = folder.path('ledger.db')
      const open = () => openSqliteBooks({ path, kind: 'play', world, writer })
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
}
