import type { MoneyKind, OwnerId } from '../../src/ledger/ledger.ts'
import { MemoryStore } from '../../src/ledger/memory-store.ts'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { StoreLedger } from '../../src/ledger/store-ledger.ts'
import { StoreWithdrawals } from '../../src/ledger/store-withdrawals.ts'
import { MemoryInvoices } from './memory-invoices.ts'
import { MemoryPasses } from './memory-passes.ts'
import { MemoryRevocations } from './memory-revocations.ts'
import { MemoryStatement } from './memory-statement.ts'

/** Books that live as long as their process. They pass the same contract as all others. */
export function openMemoryBooks(
  kind: MoneyKind,
  { owner = 'memory', store = new MemoryStore() }: { owner?: OwnerId; store?: MemoryStore } = {},
): Books {
  const passes = new MemoryPasses()
  const ledger = new StoreLedger(store, owner)
  return {
    kind,
    ledger,
    passes,
    revocations: new MemoryRevocations(),
    invoices: new MemoryInvoices(passes),
    withdrawals: new StoreWithdrawals(store),
    statement: new MemoryStatement(store, () => ledger.postAll(), passes),
    healthy: () => true,
    check: async () => null,
    damaged: () => false,
    hasAccounts: () => store.accounts.size > 0,
    flush: store.durable,
    archive: async () => 0,
    archivedUpTo: async () => null,
    prune: async (before) => store.prune(before),
    close: store.durable,
  }
}
