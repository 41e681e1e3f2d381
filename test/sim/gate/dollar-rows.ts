import { type MicroUsd, microUsd } from '../../../src/money/usd.ts'
import type { X402Payments, X402Row } from '../../../src/rails/x402/payments.ts'
import type { VirtualProcess } from '../../support/virtual-world.ts'

/** The file with the rows of the x402 rail, which lives longer than every gate. A write is on disk at once. */
export class SimRows {
  readonly rows = new Map<string, X402Row>()
  /** Whether something is not known to be over. */
  get isOpen(): boolean {
    return [...this.rows.values()].some(isOpen)
  }

  /** What is at the facilitator now, in micro-dollars. */
  settling(): bigint {
    return sumOf([...this.rows.values()].filter(({ state }) => state === 'settling'))
  }

  /** As one process sees it. A killed process writes nothing. */
  seenBy(process: VirtualProcess): X402Payments {
    const { rows } = this
    const change = (id: string, change: Partial<X402Row>): void => {
      const row = rows.get(id)
      if (process.alive && row !== undefined) rows.set(id, { ...row, ...change })
    }
    return {
      get: (id) => rows.get(id) ?? null,
      begin: (row) => {
        const before = rows.get(row.id)
        if (!process.alive || (before !== undefined && before.state !== 'refused')) return false
        rows.set(row.id, row)
        return true
      },
      settled: (id, transaction) => change(id, { state: 'settled', transaction }),
      refused: (id) => change(id, { state: 'refused' }),
      credited: (id, { account, given }) => {
        const isGiven = given || rows.get(id)?.state === 'given'
        change(id, { state: isGiven ? 'given' : 'credited', ...(isGiven ? { account } : {}) })
      },
      lost: (id) => change(id, { state: 'lost' }),
      unknown: (limit) => [...rows.values()].filter(hasNoEnd).slice(-limit),
      confirm: (id, transaction, { write }) => {
        const row = rows.get(id)
        if (row === undefined || !hasNoEnd(row)) return 'not_unknown'
        if (write) change(id, { state: 'settled', transaction })
        return 'confirmed'
      },
      open: (limit) => [...rows.values()].filter(isOpen).slice(0, limit),
      outstanding: () => sumOf([...rows.values()].filter(isOpen)),
      close: () => {},
    }
  }
}

const sumOf = (rows: readonly X402Row[]): MicroUsd =>
  microUsd(rows.reduce((sum, { requirement }) => sum + requirement.amount, 0n))

const hasNoEnd = ({ state }: X402Row): boolean => state === 'settling' || state === 'lost'

const isOpen = ({ state }: X402Row): boolean => state === 'settling' || state === 'settled'
