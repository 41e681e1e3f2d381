import type { Invoices } from '../../ledger/invoices.ts'

/** The store of the play wallet. `remember` resolves when the value is on the disk. */
export type PlayStore = Pick<Invoices, 'remember' | 'recall'>
