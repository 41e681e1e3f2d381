import type { Facilitator, Settlement } from '../rails/x402/facilitator.ts'

/** How often a facilitator gave each answer since the start. For the metrics: no money depends on them. */
export type SettlementCounts = ReadonlyMap<Settlement['is'], number>

/** The same facilitator, whose settlements are counted. */
export function countSettlements(facilitator: Facilitator): {
  readonly facilitator: Facilitator
  readonly settlements: SettlementCounts
} {
  const settlements = new Map<Settlement['is'], number>()
  return {
    settlements,
    facilitator: {
      name: facilitator.name,
      get up() {
        return facilitator.up
      },
      get least() {
        return facilitator.least
      },
      verify: (payment, requirement) => facilitator.verify(payment, requirement),
      async settle(...asked) {
        const settled = await facilitator.settle(...asked)
        settlements.set(settled.is, (settlements.get(settled.is) ?? 0) + 1)
        return settled
      },
      start: () => facilitator.start(),
    },
  }
}
