import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Say } from '../gate/ports.ts'
import type { Books } from '../ledger/open-ledger.ts'
import { dayStart } from '../ledger/window.ts'

/** ms until a hold may be lost, on top of the longest silence that a stream may have. */
export const HOLD_LIFE = 60_000
/** ms that a request which cost nothing stays in the books (threats J20). */
const FREE_IS_KEPT = 86_400_000
const PRUNING = { every: 3_600_000, longest: 3_600_000 }
/** Days that the details of a request stay in the books by themselves. */
const DETAILS_ARE_KEPT = 31
const ARCHIVING = { every: 3_600_000, longest: 3_600_000 }
const CHECKING = { every: 10_000, longest: 600_000 }
const SWEEPING = { first: HOLD_LIFE, every: HOLD_LIFE, longest: HOLD_LIFE }

/** The beginning of the UTC day that is `days` days before that of `now`, not before 1970. */
export const archivedBefore = (now: number, days: number): number =>
  Math.max(0, dayStart(now) - days * 86_400_000)

/** Work on the books that no request waits for. */
export function startUpkeep(parts: {
  readonly books: Books
  readonly world: World
  readonly background: Background
  readonly say: Say
}): { stop(): Promise<void> } {
  const { books, world, background, say } = parts
  /** If the owner of a hold is lost, what was journalled is charged, and the rest goes back. */
  const sweep = background.repeat('lost holds', SWEEPING, async () => {
    const lost = await books.ledger.expire(world.now())
    if (lost.length > 0) say({ event: 'problem', what: 'holds_expired', holds: lost.length })
  })
  const checking = background.until('check of the ledger', CHECKING, async () => {
    const wrong = await books.check()
    if (wrong !== null) say({ event: 'problem', what: 'ledger_damaged', detail: wrong })
  })
  const pruning = background.repeat('upkeep of the ledger', PRUNING, () =>
    books.prune(world.now() - FREE_IS_KEPT),
  )
  const archiving = background.repeat('archive of the ledger', ARCHIVING, () =>
    books.archive(archivedBefore(world.now(), DETAILS_ARE_KEPT)),
  )
  return {
    async stop() {
      checking.end()
      await Promise.all([sweep.stop(), pruning.stop(), archiving.stop()])
    },
  }
}
