import { backOff } from '../../floor/back-off.ts'
import type { Background, Repeated } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'

/** Told once when a facilitator cannot be used, and once when it can again. `since`: ms since the epoch. */
export interface FacilitatorOutage {
  gone(facilitator: string, reason: string, since: number): void
  back(facilitator: string, since: number): void
}

/** Why it cannot be used. Null: it can. `waitMs`: not asked again before. */
export type Trouble = { readonly reason: string; readonly waitMs?: number } | null

/** ms between two checks while it works, and after the first failure. */
const EVERY = 60_000
const FIRST = 5_000
const TICK = 1_000

/** Whether a facilitator can be used, as of its last check. It is checked from time to time. */
export class FacilitatorHealth {
  readonly #parts: HealthParts
  #up = false
  #downSince: number | null = null
  #failures = 0
  /** In `elapsed` time. */
  #due = 0
  #repeated: Repeated | null = null

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  /** False until it was checked for the first time. */
  get up(): boolean {
    return this.#up
  }

  /** Something failed: checks it now, and not only when its time has come. */
  suspect(): void {
    if (!this.#up) return
    this.#due = 0
    this.#repeated?.soon()
  }

  /** What was found out without a check. */
  found(trouble: Trouble): void {
    const { world, name, outage } = this.#parts
    this.#up = trouble === null
    this.#failures = trouble === null ? 0 : this.#failures + 1
    const wait = trouble === null ? EVERY : backOff(FIRST, this.#failures - 1, EVERY)
    this.#due = world.elapsed() + Math.max(wait, trouble?.waitMs ?? 0)
    if (trouble !== null && this.#downSince === null) {
      this.#downSince = world.now()
      outage.gone(name, trouble.reason, this.#downSince)
    }
    if (trouble === null && this.#downSince !== null) {
      outage.back(name, this.#downSince)
      this.#downSince = null
    }
  }

  start(): { stop(): Promise<void> } {
    const { background, check, world } = this.#parts
    const repeated = background.repeat('facilitator', { every: TICK, longest: TICK }, async () => {
      if (world.elapsed() >= this.#due) this.found(await check())
    })
    this.#repeated = repeated
    return { stop: () => repeated.stop() }
  }
}

export interface HealthParts {
  readonly name: string
  readonly world: World
  readonly background: Background
  readonly outage: FacilitatorOutage
  readonly check: () => Promise<Trouble>
}
