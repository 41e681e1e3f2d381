import type { Refusal } from '../../src/gate/refusal.ts'
import { type Target, Targets } from '../../src/gate/targets.ts'

/** A backend that takes so many requests at a time, and is never asked anything. */
export const slotsOf = (slots: number | null, gone: Refusal | null = null): Targets =>
  new Targets({ slots, gone: () => gone } as Partial<Target> as Target)

/** A backend that takes any number of requests. */
export const everySlot = slotsOf(null)
