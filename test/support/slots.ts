import type { Refusal } from '../../src/gate/refusal.ts'
import { type Target, Targets } from '../../src/gate/targets.ts'

/** A backend with that many slots. It is never sent a request. */
export const slotsOf = (slots: number | null, gone: Refusal | null = null): Targets =>
  new Targets({ slots, gone: () => gone } as Partial<Target> as Target)

/** A backend with any number of slots. */
export const everySlot = slotsOf(null)
