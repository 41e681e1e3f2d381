import { backOff } from '../../floor/back-off.ts'
import type { Background, Repeated } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { TokenMinter } from './mint-tokens.ts'
import type { KnownMint, Mints } from './mints.ts'
import type { Quote } from './store/rows.ts'
import type { EcashStore } from './store/store.ts'

export interface WorkerParts {
  readonly store: EcashStore
  readonly mints: Mints
  readonly minter: TokenMinter
  readonly world: Pick<World, 'now'>
  readonly background: Background
}

const TICK = 1_000
/**
 * The longest time in ms between two rounds while they fail. On a full disk no coins can be taken.
 */
const LONGEST_TICK = 15_000
/**
 * An unpaid invoice is looked up for so many ms. If it is paid later, its coins are taken when its
 * buyer comes.
 */
const LATEST = 24 * 60 * 60_000
const MOST = 500
/** The invoices that are looked up in one round, for each mint. */
const AT_ONCE = 8
/** A mint that tells of payments is asked all the same after so many ms. */
const TOLD_GAP = 60_000
/**
 * A connection that breaks within so many ms is not opened again at once. The other values are the
 * shortest and the longest pause.
 */
const SHORT = 30_000
const PAUSE = 5_000
const LONGEST_PAUSE = 300_000
/**
 * An invoice counts as watched for so many ms after its page asked. At most so many are remembered.
 */
const AWAKE = 15_000
const MOST_AWAKE = 200
/** A watched invoice counts as having waited so many ms longer, so it is usually the next one. */
const AHEAD = 60_000
/** If there are more connections to one mint, they are joined into one. */
const MOST_WATCHES = 8

/** The ms between two look-ups of an invoice of this age. */
function gapAt(age: number, limited: boolean): number {
  if (age < 60_000) return limited ? 5_000 : 1_000
  if (age < 600_000) return 15_000
  if (age < 3_600_000) return 60_000
  return 30 * 60_000
}

/**
 * Looks after unpaid invoices, because a buyer may pay and never come back. It listens to mints
 * that tell of payments (NUT-17). It asks the other mints, first about the newest invoices, and
 * less often the older an invoice is.
 */
export class QuotePoller {
  readonly #parts: WorkerParts
  readonly #watched = new Map<string, Set<string>>()
  readonly #watches = new Map<string, Set<{ stop(): void }>>()
  readonly #pauses = new Map<string, { readonly until: number; readonly times: number }>()
  readonly #awake = new Map<string, number>()
  #rounds: Repeated | null = null
  #stopped = false

  constructor(parts: WorkerParts) {
    this.#parts = parts
  }

  start(): void {
    const pace = { every: TICK, longest: LONGEST_TICK }
    this.#rounds = this.#parts.background.repeat('invoices', pace, () => this.tick())
  }

  /** Stops, and resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const watches of this.#watches.values()) for (const watch of watches) watch.stop()
    await this.#rounds?.stop()
  }

  /**
   * Called when somebody looks at the page of an invoice. It comes earlier in the rounds, and there
   * are no more rounds for that.
   */
  wake(hash: string): void {
    this.#awake.delete(hash)
    this.#awake.set(hash, this.#parts.world.now())
    const [oldest] = this.#awake.keys()
    if (this.#awake.size > MOST_AWAKE && oldest !== undefined) this.#awake.delete(oldest)
  }

  /** Starts a round now, because there is a new invoice. */
  soon(): void {
    this.#rounds?.soon()
  }

  /** Runs one round. A failure of one mint does not stop the others. */
  async tick(): Promise<void> {
    const rounds = this.#parts.mints.all.map((known) => this.#serve(known))
    const failed = (await Promise.allSettled(rounds)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  async #serve(known: KnownMint): Promise<void> {
    const { store, mints, minter, world } = this.#parts
    const { url } = known.mint
    if (!mints.answers(url)) return
    const now = world.now()
    const sent = new Set(
      store
        .sentBatches(url)
        .flatMap(({ kind, quote }) => (kind === 'mint' && quote ? [quote] : [])),
    )
    const open = store.openQuotes(url, now - LATEST, MOST)
    this.#watch(known, open, now)
    const order = ({ hash }: Quote) =>
      minter.lookedAt(hash) - (this.#isAwake(hash, now) ? AHEAD : 0)
    const due = [...open, ...this.#oldAwake(url, now)]
      .filter((quote) => !sent.has(quote.hash) && this.#isDue(known, quote, now))
      // The newest first, and each once before any of them a second time.
      .sort((a, b) => order(a) - order(b))
    for (const hash of [...sent, ...due.slice(0, AT_ONCE).map((quote) => quote.hash)]) {
      if (this.#stopped || !mints.answers(url)) return
      await minter.collect(hash, 'poll')
    }
  }

  #isAwake(hash: string, now: number): boolean {
    return now - (this.#awake.get(hash) ?? 0) < AWAKE
  }

  /** Invoices whose page is open and that are too old for the rounds. */
  #oldAwake(url: string, now: number): readonly Quote[] {
    return [...this.#awake.keys()].flatMap((hash) => {
      const quote = this.#isAwake(hash, now) ? this.#parts.store.quote(hash) : null
      const old = quote?.state === 'open' && quote.mint === url && now - quote.createdAt >= LATEST
      return old ? [quote] : []
    })
  }

  #isDue({ rateLimit }: KnownMint, quote: Quote, now: number): boolean {
    const age = this.#isAwake(quote.hash, now) ? 0 : now - quote.createdAt
    const gap = gapAt(age, rateLimit.limited)
    const told = this.#watched.get(quote.mint)?.has(quote.hash) === true
    const last = Math.max(this.#parts.minter.lookedAt(quote.hash), quote.createdAt)
    return now - last >= (told ? Math.max(gap, TOLD_GAP) : gap)
  }

  /** Opens a connection for the invoices that no connection watches yet. */
  #watch(known: KnownMint, open: readonly Quote[], now: number): void {
    const { url } = known.mint
    const watched = this.#watched.get(url) ?? new Set<string>()
    this.#watched.set(url, watched)
    const watches = this.#watches.get(url) ?? new Set()
    this.#watches.set(url, watches)
    const fresh = open.filter((quote) => now - quote.createdAt < 3_600_000)
    if (fresh.every(({ hash }) => watched.has(hash))) return
    if (now < (this.#pauses.get(url)?.until ?? 0)) return
    if (watches.size >= MOST_WATCHES) {
      for (const watch of watches) watch.stop()
      watches.clear()
      watched.clear()
    }
    const wanted = fresh.filter(({ hash }) => !watched.has(hash))
    const hashes = new Map(wanted.map(({ hash, quote }) => [quote, hash]))
    const watch = known.mint.watchQuotes([...hashes.keys()], {
      onState: (quote, state) => {
        const hash = hashes.get(quote)
        if (hash === undefined || state === 'unpaid') return
        const { background, minter } = this.#parts
        const asking = state === 'paid' ? 'told' : 'poll'
        background.once('payments', () => minter.collect(hash, asking))
      },
      onEnd: () => {
        if (watch !== null) watches.delete(watch)
        for (const hash of hashes.values()) watched.delete(hash)
        this.#pause(url, this.#parts.world.now() - now < SHORT)
      },
    })
    if (watch === null) return
    watches.add(watch)
    for (const hash of hashes.values()) watched.add(hash)
  }

  /**
   * If the connections to a mint break at once, it is left alone for a while. Its invoices are
   * polled meanwhile.
   */
  #pause(url: string, broke: boolean): void {
    const now = this.#parts.world.now()
    const before = this.#pauses.get(url) ?? { until: 0, times: 0 }
    // All connections to a mint break together.
    if (now < before.until) return
    const times = broke ? before.times + 1 : 0
    const length = broke ? backOff(PAUSE, times - 1, LONGEST_PAUSE) : 0
    this.#pauses.set(url, { until: now + length, times })
  }
}
