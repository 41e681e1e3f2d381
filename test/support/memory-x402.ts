import type { MicroUsd } from '../../src/money/usd.ts'
import type { Facilitator } from '../../src/rails/x402/facilitator.ts'
import type { X402Payments, X402Reconciler, X402Row } from '../../src/rails/x402/payments.ts'

/** The rows of payments in dollars, in memory. */
export class MemoryX402Payments implements X402Payments {
  readonly rows = new Map<string, X402Row>()
  /** Nothing can be written: an error of a full disk. */
  full: Error | null = null

  get(id: string): X402Row | null {
    return this.rows.get(id) ?? null
  }

  begin(row: X402Row): boolean {
    this.#write()
    const known = this.get(row.id)
    if (known !== null && known.state !== 'refused') return false
    this.rows.set(row.id, row)
    return true
  }

  settled(id: string, transaction: string): void {
    this.#change(id, { state: 'settled', transaction })
  }

  refused(id: string): void {
    this.#change(id, { state: 'refused' })
  }

  lost(id: string): void {
    this.#change(id, { state: 'lost' })
  }

  credited(id: string, { account, given }: { account: string; given: boolean }): void {
    if (this.get(id)?.state === 'given') return
    this.#change(id, given ? { state: 'given', account } : { state: 'credited' })
  }

  unknown(limit: number): readonly X402Row[] {
    return [...this.rows.values()].filter(hasNoEnd).slice(-limit)
  }

  confirm(
    ...[id, transaction, { write }]: Parameters<X402Payments['confirm']>
  ): ReturnType<X402Payments['confirm']> {
    const row = this.rows.get(id)
    if (row === undefined || !hasNoEnd(row)) return 'not_unknown'
    if ([...this.rows.values()].some((one) => one.transaction === transaction)) return 'of_another'
    if (write) this.#change(id, { state: 'settled', transaction })
    return 'confirmed'
  }

  open(limit: number): readonly X402Row[] {
    return [...this.rows.values()].filter(isOpen).slice(0, limit)
  }

  outstanding(): MicroUsd {
    const open = [...this.rows.values()].filter(isOpen)
    return open.reduce((sum, { requirement }) => sum + requirement.amount, 0n) as MicroUsd
  }

  close(): void {}

  #change(id: string, change: Partial<X402Row>): void {
    this.#write()
    const row = this.rows.get(id)
    if (row === undefined) throw new Error('no such payment')
    this.rows.set(id, { ...row, ...change })
  }

  #write(): void {
    if (this.full !== null) throw this.full
  }
}

const isOpen = ({ state }: X402Row): boolean => state === 'settling' || state === 'settled'

const hasNoEnd = ({ state }: X402Row): boolean => state === 'settling' || state === 'lost'

/** Looks after payments only when a test says so. */
export class HandReconciler implements X402Reconciler {
  readonly #parts: { readonly payments: X402Payments; readonly facilitator: Facilitator }
  #of: Parameters<X402Reconciler['start']>[0] | null = null

  constructor(parts: { readonly payments: X402Payments; readonly facilitator: Facilitator }) {
    this.#parts = parts
  }

  start(of: Parameters<X402Reconciler['start']>[0]): { stop(): Promise<void> } {
    this.#of = of
    return { stop: async () => {} }
  }

  /** Asks once what became of each payment, and reports those that are settled. */
  async tend(): Promise<void> {
    const { payments, facilitator } = this.#parts
    const of = this.#of
    if (of === null) throw new Error('the rail was not started')
    for (const row of payments.open(100)) {
      if (of.busy(row.id)) continue
      if (row.state === 'settling') {
        const settled = await facilitator.settle(row.payment, row.requirement, 'again')
        if (settled.is === 'settled') payments.settled(row.id, settled.transaction)
        if (settled.is === 'refused') payments.refused(row.id)
      }
      const now = payments.get(row.id)
      if (now?.state === 'settled') await of.settled(now)
    }
  }
}
