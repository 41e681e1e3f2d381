import type { Msat } from '../../money/msat.ts'

/**
 * The comment that tells the cost. It never tells the balance: streams are piped to third parties.
 */
export const noteOf = (cost: Msat | null): string | null =>
  cost === null ? null : `satgate cost_msat=${cost}`
