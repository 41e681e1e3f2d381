import type { Background, Repeated } from '../floor/background.ts'
import { sleep, type World } from '../floor/world.ts'
import type { AddressBook, OpenInvoice } from './lightning-address-book.ts'
import type { InvoiceState, Settlement, Watch } from './wallet.ts'

/** ms between two questions for one invoice: first, doubled each time, at most. */
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000
/** ms between two questions while the provider fails: a payment is learned soon after. */
const FAILED_WAIT = 5_000
/** ms between two questions for an invoice whose page is open, and for how many old ones at a time. */
const AWAKE_WAIT = 2_000
const MOST_AWAKE = 50
/** ms past its expiry that an invoice is still asked for; later it is when its buyer comes. */
const GIVEN_UP = 3_600_000
/** The newest are asked for; an older one when its buyer comes. */
const MOST_OPEN = 500
/** ms that nothing is looked at, at most. */
const NAP = 1_000

interface Asked extends OpenInvoice {
  readonly wait: number
  readonly dueAt: number
}

export interface Poll {
  /** One more that may be paid. */
  add(open: OpenInvoice): void
  /** Somebody looks at its page: it comes sooner, in the same turns (threats J5). */
  wake(hash: string): void
  /** It was paid. */
  done(hash: string): void
  /** Asks until it is stopped: for those of earlier processes too. */
  run(stop: AbortSignal): Promise<void>
}

/**
 * Asks for open invoices one after the other, each ever more rarely: no Lightning address tells of
 * payments by itself. `ask` resolves when this invoice was asked for, in its turn.
 */
export function pollOpen(
  book: AddressBook,
  world: World,
  ask: (hash: string) => Promise<InvoiceState>,
): Poll {
  const open = new Map<string, Asked>()
  /** Those whose page is open and that are asked for no longer. */
  const old = new Set<string>()
  let newest = 0
  let over = 0

  function add(one: OpenInvoice): void {
    newest = Math.max(newest, one.number)
    if (open.has(one.hash)) return
    open.set(one.hash, { ...one, wait: FIRST_WAIT, dueAt: world.now() + FIRST_WAIT })
    if (open.size > MOST_OPEN) open.delete(lowest(open)?.hash ?? '')
  }

  function wake(hash: string): void {
    const one = open.get(hash)
    if (one === undefined) {
      if (old.size < MOST_AWAKE) old.add(hash)
    } else if (one.wait > AWAKE_WAIT) {
      const dueAt = one.dueAt - one.wait + AWAKE_WAIT
      open.set(hash, { ...one, wait: AWAKE_WAIT, dueAt })
    }
  }

  async function askForOld(): Promise<void> {
    const [hash] = old
    if (hash === undefined) return
    old.delete(hash)
    await ask(hash).catch(() => undefined)
  }

  /** Forgets what is given up; the next process need not look at it again. */
  async function sweep(): Promise<void> {
    for (const { hash, expiresAt } of open.values()) {
      if (world.now() > expiresAt + GIVEN_UP) open.delete(hash)
    }
    const first = lowest(open)
    const upTo = first === null ? newest : first.number - 1
    if (upTo <= over) return
    await book.over(upTo)
    over = upTo
  }

  async function askFor(one: Asked): Promise<void> {
    const wait = await ask(one.hash).then(
      () => Math.min(one.wait * 2, LONGEST_WAIT),
      () => Math.min(one.wait, FAILED_WAIT),
    )
    // Paid meanwhile it is gone from the list.
    if (open.has(one.hash)) open.set(one.hash, { ...one, wait, dueAt: world.now() + wait })
  }

  return {
    add,
    wake,
    done(hash) {
      open.delete(hash)
    },
    async run(stop) {
      // What a former process left may long be paid, the newest most likely.
      const left = await book.open(world.now() - GIVEN_UP)
      for (const one of left.slice(-MOST_OPEN).reverse()) {
        newest = Math.max(newest, one.number)
        if (open.has(one.hash)) continue
        open.set(one.hash, { ...one, wait: LONGEST_WAIT, dueAt: world.now() })
      }
      while (!stop.aborted) {
        await sweep()
        const next = nextOf(open, world.now())
        const rest = next === null ? NAP : Math.min(next.dueAt - world.now(), NAP)
        if (next !== null && rest <= 0) await askFor(next)
        else await sleep(world, rest, { signal: stop, unref: 'unref' })
        await askForOld()
      }
    },
  }
}

/**
 * Of those that are due the one that waits worst: a new one soon, for most are paid in their first
 * minute, and an old one in the end, however many new ones strangers ask for.
 */
function nextOf(open: ReadonlyMap<string, Asked>, now: number): Asked | null {
  const all = [...open.values()]
  const due = all.filter((one) => one.dueAt <= now)
  return due.length > 0 ? least(due, (one) => one.dueAt + one.wait) : least(all, (one) => one.dueAt)
}

const lowest = (open: ReadonlyMap<string, Asked>) => least(open.values(), (one) => one.number)

function least(list: Iterable<Asked>, by: (one: Asked) => number): Asked | null {
  let first: Asked | null = null
  for (const one of list) if (first === null || by(one) < by(first)) first = one
  return first
}

interface WatchParts {
  readonly book: AddressBook
  readonly poll: Poll
  readonly background: Background
}

/** ms between two tries to read the store, at first and at most. */
const PACE = { every: 1_000, longest: 60_000 }

/** Who is told of settlements. While there is somebody, open invoices are asked for. */
export function watchersOf(parts: WatchParts) {
  const { poll, background } = parts
  const tellers = new Set<ReturnType<typeof tellerOf>>()
  let polling: { readonly stop: AbortController; readonly work: Repeated } | null = null

  function rest(): void {
    if (tellers.size > 0) return
    polling?.work.end()
    polling?.stop.abort()
    polling = null
  }
  return {
    watch(cursor: string | null, onSettled: (settled: Settlement) => void): Watch {
      const teller = tellerOf(parts, cursor, onSettled)
      tellers.add(teller)
      teller.wake()
      if (polling === null) {
        const stop = new AbortController()
        const work = background.until('payments', PACE, () => poll.run(stop.signal))
        polling = { stop, work }
      }
      return {
        stop() {
          teller.stop()
          tellers.delete(teller)
          rest()
        },
      }
    },
    /** One more was paid. */
    wake() {
      for (const teller of tellers) teller.wake()
    },
    end() {
      for (const teller of tellers) teller.stop()
      tellers.clear()
      rest()
    },
  }
}

/** Woken by each payment; without one it looks once an hour. ms. */
const LOOK = { every: 3_600_000, longest: 60_000 }

/** Tells one listener of every settlement behind its cursor, in order, each at least once. */
function tellerOf(
  { book, background }: WatchParts,
  cursor: string | null,
  onSettled: (settled: Settlement) => void,
): { wake(): void; stop(): void } {
  let next = /^\d+$/.test(cursor ?? '') ? Number(cursor) + 1 : 1
  let stopped = false
  let telling: Repeated | null = null
  async function tell(): Promise<void> {
    while (!stopped) {
      const paymentHash = await book.paidAt(next)
      if (paymentHash === null || stopped) return
      onSettled({ paymentHash, cursor: String(next) })
      next += 1
    }
  }
  return {
    wake() {
      if (telling === null) telling = background.repeat('settlements', LOOK, tell)
      else telling.soon()
    },
    stop() {
      stopped = true
      telling?.end()
    },
  }
}
