import type { Background, Repeated } from '../../floor/background.ts'
import { sleep, type World } from '../../floor/world.ts'
import type { InvoiceState, Settlement, Watch } from '../wallet.ts'
import type { AddressBook, OpenInvoice } from './book.ts'

/** The ms between two look-ups of one invoice. It doubles each time, up to the longest. */
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000
/**
 * The ms between two look-ups while the provider fails, so that a payment is learned soon
 * afterwards.
 */
const FAILED_WAIT = 5_000
/**
 * The ms between two look-ups of an invoice whose page is open, and the most old ones of these at a
 * time.
 */
const AWAKE_WAIT = 2_000
const MOST_AWAKE = 50
/** An invoice is looked up for so many ms after its expiry. Later only when its buyer comes. */
const GIVEN_UP = 3_600_000
/** Only so many of the newest are looked up. An older one is looked up when its buyer comes. */
const MOST_OPEN = 500
/** The longest pause in ms. */
const NAP = 1_000

interface Asked extends OpenInvoice {
  readonly wait: number
  readonly dueAt: number
}

export interface Poll {
  /** Adds an invoice that may be paid. */
  add(open: OpenInvoice): void
  /**
   * Called when somebody looks at its page. It is looked up earlier, without further calls (threats
   * J5).
   */
  wake(hash: string): void
  /** Removes an invoice, because it was paid. */
  done(hash: string): void
  /** Looks invoices up until it is stopped, also those of earlier processes. */
  run(stop: AbortSignal): Promise<void>
}

/**
 * Looks open invoices up one after the other, each less often with time, because no Lightning
 * address tells of payments by itself. `ask` resolves when this invoice was looked up.
 */
export function pollOpen(
  book: AddressBook,
  world: World,
  ask: (hash: string) => Promise<InvoiceState>,
): Poll {
  const open = new Map<string, Asked>()
  /** Invoices whose page is open and that are too old for the regular look-ups. */
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

  /** Forgets invoices that are given up, so that the next process need not look them up. */
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
    // If it was paid meanwhile, it is no longer in the list.
    if (open.has(one.hash)) open.set(one.hash, { ...one, wait, dueAt: world.now() + wait })
  }

  return {
    add,
    wake,
    done(hash) {
      open.delete(hash)
    },
    async run(stop) {
      // Invoices of an earlier process may have been paid long ago, most likely the newest.
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
 * Chooses the next of the invoices that are due. New ones come soon, because most are paid in their
 * first minute. An old one comes in the end too, however many new ones strangers request.
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

/** The ms between two tries to read the store, at first and at most. */
const PACE = { every: 1_000, longest: 60_000 }

/** The listeners for settlements. While there is one, open invoices are looked up. */
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
    /** Called when an invoice was paid. */
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

/** Each payment wakes it. Without a payment it looks once an hour. In ms. */
const LOOK = { every: 3_600_000, longest: 60_000 }

/** Tells one listener of every settlement after its cursor, in order, each at least once. */
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
