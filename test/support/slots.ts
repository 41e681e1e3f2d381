import { type Target, Targets } from '../../src/gate/targets.ts'

/** A backend that takes so many requests at a time, and is never asked anything. */
const slotsOf = (slots: number | null): Targets =>
  new Targets({ slots, gone: () => null } as unknown as Target)

/** A backend that takes any number of requests. */
export const everySlot = slotsOf(null)
