import { realWorld } from '../../src/floor/real-world.ts'
import type { World } from '../../src/floor/world.ts'

/** The machine's own time, timers and randomness. Its clock follows a test that sets time back. */
export const real: World = { ...realWorld(), now: () => Date.now() }

/** The same with another clock. */
export const worldAt = (now: () => number): World => ({ ...real, now })
