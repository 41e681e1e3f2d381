import { type Level, takeOne } from '../floor/rate-limit.ts'
import type { Timer, World } from '../floor/world.ts'
import type { Asker } from './wallet.ts'

/**
 * Limits how often the gate calls somebody else's service. A service locks out a gate that calls
 * too often, and then that gate cannot sell (threats I10).
 */

/**
 * Calls a second, spread evenly. After a pause a few may go at once, so that a single buyer never
 * waits.
 */
const QUESTIONS_A_SECOND = 2
const AT_ONCE = 4
/** A call that would wait longer than about 5 s is refused, and its caller comes again. */
const MOST_WAITING = 5 * QUESTIONS_A_SECOND

export interface RateLimit {
  /**
   * Resolves with true when the call may be made. Calls of somebody who waits come before routine
   * ones. Resolves with false if too many calls wait already, or after `end`.
   */
  take(who: 'waiting' | 'routine'): Promise<boolean>
  /** From now on all calls are refused. */
  end(): void
}

/** Lets calls to one service pass, as often as that service accepts them. */
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

/** Invoices in a minute. Public services were seen to accept this many from one address. */
export const INVOICES_A_MINUTE = 60
/** The part of them that is kept for buyers who paid before, so that strangers cannot use it up. */
export const KEPT_FOR_BUYERS = 20

/** A bucket of invoices that fills evenly. `take` returns 0, or the ms that this asker must wait. */
export function makeInvoiceShares(world: Pick<World, 'elapsed'>): {
  take(asker: Asker): number
} {
  let level: Level | undefined
  return {
    take(asker) {
      const keeps = asker === 'buyer' ? 0 : KEPT_FOR_BUYERS
      const taken = takeOne(level, { size: INVOICES_A_MINUTE, keeps, now: world.elapsed() })
      if ('waitMs' in taken) return taken.waitMs
      level = taken
      return 0
    },
  }
}
