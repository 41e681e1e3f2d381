import { TransientMap } from '../floor/transient-map.ts'
import type { Timer, World } from '../floor/world.ts'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { PaidRequest } from '../rails/rail.ts'
import type { FlatHeaders, Reply } from './ports.ts'

/** ms for which an answer is kept after its end. */
const KEPT = 10 * 60_000
/** Bytes of one answer, and of all of them (`docs/failure.md`). A larger one is not kept. */
const MOST = 1024 * 1024
const MOST_IN_ALL = 32 * 1024 * 1024
/** Bytes that an answer counts for besides its own, so that empty ones have a bound too. */
const EACH = 1024

/** An answer that was complete, as its buyer got it. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: FlatHeaders
  readonly body: Uint8Array
}

/** What of a request tells whether it is the same one. */
export type Asking = Pick<PaidRequest, 'path' | 'method' | 'body'>

/** The answer to one request while it runs. */
export interface Keeping {
  /** A reply that writes to `reply`, and keeps a copy of what is written. */
  copying(reply: Reply): Reply
  /** Called before the end is written of an answer that is complete. Without it, the answer is lost. */
  endsWell(): void
  /** The request is over. An answer that has no end is lost. */
  over(): void
}

interface Entry {
  readonly account: AccountId
  readonly payment: PaymentId
  /** Method, path and hash of the body of the request. */
  readonly asking: string
  readonly timer: Timer
  /** Set once the answer is complete. */
  answer: StoredAnswer | null
  /** The request is over, and its buyer got no whole answer. */
  isLost: boolean
  bytes: number
}

/**
 * The first answers to payments that everybody may know once they are settled (threats L1). A buyer who
 * lost the answer gets it again with the same payment and the same body, until a pass of its account is
 * used, and for ten minutes. If there was no whole answer, because the buyer left or the request failed,
 * the same request is answered anew. They are in memory alone, because they are what a model said to its
 * buyer.
 */
export class StoredAnswers {
  readonly #world: Pick<World, 'after'>
  /** By account. A payment that is kept here has opened an account of its own. */
  readonly #entries = new TransientMap<Entry>()
  #bytes = 0

  constructor(world: Pick<World, 'after'>) {
    this.#world = world
  }

  /** Bytes that all answers count for. */
  get bytes(): number {
    return this.#bytes
  }

  /** Begins to keep the answer to a request. Null if the request has no body: it proves nothing. */
  begin(account: AccountId, payment: PaymentId, request: Asking): Keeping | null {
    if (request.body.empty) return null
    this.used(account)
    const timer = this.#world.after(KEPT, () => this.#drop(entry), 'unref')
    const asking = askingOf(request)
    const entry: Entry = { account, payment, asking, timer, answer: null, isLost: false, bytes: 0 }
    this.#entries.set(account, entry)
    this.#grow(entry, EACH)
    return new Copy(entry, {
      isKept: () => this.#isKept(entry),
      grow: (bytes) => this.#grow(entry, bytes),
      lose: () => this.#lose(entry),
    })
  }

  /**
   * The answer to the same request with that payment. `running`: it has no end yet. `lost`: it never
   * had one, so the request may be answered anew.
   */
  find(
    account: AccountId,
    payment: PaymentId,
    request: Asking,
  ): StoredAnswer | 'running' | 'lost' | null {
    const entry = this.#entries.get(account)
    if (entry === undefined || entry.payment !== payment || request.body.empty) return null
    if (entry.asking !== askingOf(request)) return null
    if (entry.isLost) return 'lost'
    return entry.answer ?? 'running'
  }

  /** A pass of the account was used, so its buyer has the answer. */
  used(account: AccountId): void {
    if (this.#entries.size === 0) return
    const entry = this.#entries.get(account)
    if (entry !== undefined) this.#drop(entry)
  }

  #isKept(entry: Entry): boolean {
    return this.#entries.get(entry.account) === entry
  }

  /** Makes room by dropping the oldest. An answer that grows too large is dropped itself. */
  #grow(entry: Entry, bytes: number): void {
    if (!this.#isKept(entry)) return
    entry.bytes += bytes
    this.#bytes += bytes
    if (entry.bytes > MOST + EACH) this.#drop(entry)
    while (this.#bytes > MOST_IN_ALL) {
      const [oldest] = this.#entries.values()
      if (oldest === undefined) return
      this.#drop(oldest)
    }
  }

  #lose(entry: Entry): void {
    if (!this.#isKept(entry)) return
    this.#bytes -= entry.bytes - EACH
    entry.bytes = EACH
    entry.answer = null
    entry.isLost = true
  }

  #drop(entry: Entry): void {
    if (!this.#isKept(entry)) return
    entry.timer.cancel()
    entry.answer = null
    this.#entries.delete(entry.account)
    this.#bytes -= entry.bytes
  }
}

interface Shelf {
  isKept(): boolean
  grow(bytes: number): void
  lose(): void
}

class Copy implements Keeping {
  readonly #entry: Entry
  readonly #shelf: Shelf
  #head: Pick<StoredAnswer, 'status' | 'headers'> | null = null
  #chunks: Uint8Array[] = []
  #isWell = false

  constructor(entry: Entry, shelf: Shelf) {
    this.#entry = entry
    this.#shelf = shelf
  }

  copying(reply: Reply): Reply {
    return {
      head: (status, headers) => {
        this.#begins(status, headers)
        reply.head(status, headers)
      },
      write: (bytes) => {
        this.#add(bytes)
        return reply.write(bytes)
      },
      end: (bytes, trailers) => {
        if (bytes !== undefined) this.#add(bytes)
        this.#ends()
        reply.end(bytes, trailers)
      },
      breakOff: () => reply.breakOff(),
      onDrain: (then) => reply.onDrain(then),
      onGone: (then) => reply.onGone(then),
      get headSent() {
        return reply.headSent
      },
      get backlog() {
        return reply.backlog
      },
    }
  }

  endsWell(): void {
    this.#isWell = true
  }

  over(): void {
    if (this.#entry.answer === null) this.#lose()
  }

  #begins(status: number, headers: FlatHeaders): void {
    if (status >= 400) {
      this.#lose()
      return
    }
    const kept = headers.filter((_, at) => !isOfOne(headers[at - (at % 2)] ?? ''))
    this.#head = { status, headers: kept }
    this.#shelf.grow(kept.reduce((sum, text) => sum + text.length, 0))
  }

  /** The bytes may stand in a buffer that is used again, so they are copied. */
  #add(bytes: Uint8Array): void {
    if (this.#entry.isLost || !this.#shelf.isKept()) {
      this.#chunks = []
      return
    }
    this.#shelf.grow(bytes.length)
    if (this.#shelf.isKept()) this.#chunks.push(Uint8Array.from(bytes))
  }

  #ends(): void {
    const head = this.#head
    if (head === null || !this.#isWell || !this.#shelf.isKept()) {
      this.#lose()
      return
    }
    this.#entry.answer = { ...head, body: Buffer.concat(this.#chunks) }
    this.#entry.timer.refresh()
    this.#chunks = []
  }

  #lose(): void {
    this.#chunks = []
    this.#shelf.lose()
  }
}

/**
 * What is for the holder of the pass alone, or for one exchange: a repeat gets neither the pass nor the
 * balance, has its own id, and announces no trailer.
 */
const OF_ONE: ReadonlySet<string> = new Set([
  ...['x-satgate-pass', 'x-credit-balance', 'x-credit-balance-msat'],
  ...['x-request-id', 'trailer'],
])

const isOfOne = (name: string): boolean => OF_ONE.has(name.toLowerCase())

const askingOf = ({ body, method, path }: Asking): string => `${method} ${path} ${body.hash()}`
