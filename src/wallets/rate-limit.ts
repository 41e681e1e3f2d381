import { type Level, takeOne } from '../floor/rate-limit.ts'
import type { Timer, World } from '../floor/world.ts'
import type { Asker } from './wallet.ts'

/**
 * How often somebody else's service is asked. A gate that asks too much is locked out, and then it
 * sells to nobody (threats I10).
 */

/** Questions a second, evenly; a few at once after a pause, so that one buyer never waits. */
const QUESTIONS_A_SECOND = 2
const AT_ONCE = 4
/** A question that would wait longer than some 5 s is not asked: its asker comes again. */
const MOST_WAITING = 5 * QUESTIONS_A_SECOND

export interface RateLimit {
  /**
   * Resolves true when it is one's turn: somebody who waits comes before a routine. False where too
   * many wait already, or where all is over.
   */
  take(who: 'waiting' | 'routine'): Promise<boolean>
  /** Nobody gets a turn any more. */
  end(): void
}

/** Lets questions to one service through as often as that service bears them. */
export function makeRateLimit(world: World): RateLimit {
  const waiting: Array<(mine: boolean) => void> = []
  const routine: Array<(mine: boolean) => void> = []
  let free = AT_ONCE
  let timer: Timer | null = null
  let over = false

  function next(): void {
    const first = waiting.shift() ?? routine.shift()
    if (first === undefined) free += 1
    else first(true)
    timer = null
    wind()
  }
  function wind(): void {
    if (over || timer !== null || free >= AT_ONCE) return
    timer = world.after(1000 / QUESTIONS_A_SECOND, next, 'unref')
  }
  return {
    async take(who) {
      if (over) return false
      if (free > 0) {
        free -= 1
        wind()
        return true
      }
      const queue = who === 'waiting' ? waiting : routine
      if (queue.length >= MOST_WAITING) return false
      return new Promise<boolean>((then) => queue.push(then))
    },
    end() {
      over = true
      timer?.cancel()
      for (const then of [...waiting.splice(0), ...routine.splice(0)]) then(false)
    },
  }
}

/** Invoices asked for in a minute: what public services were seen to bear from one address. */
export const INVOICES_A_MINUTE = 60
/** Of these, for buyers who paid before: strangers cannot use them up. */
export const KEPT_FOR_BUYERS = 20

/** A bucket of invoices, filled evenly. `take` answers 0, or how many ms this asker has to wait. */
export function makeInvoiceShares(world: Pick<World, 'now'>): {
  take(asker: Asker): number
} {
  let level: Level | undefined
  return {
    take(asker) {
      const keeps = asker === 'buyer' ? 0 : KEPT_FOR_BUYERS
      const taken = takeOne(level, { size: INVOICES_A_MINUTE, keeps, now: world.now() })
      if ('waitMs' in taken) return taken.waitMs
      level = taken
      return 0
    },
  }
}
