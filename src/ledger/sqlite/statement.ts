import type { Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { Drawer } from '../entry.ts'
import type { AccountId, HoldId, PaymentId } from '../ledger.ts'
import type { Proof, Statement } from '../open-ledger.ts'
import type { Reader, StartReader } from './reader.ts'
import type { Told } from './verify.ts'

export interface StatementParts {
  readonly world: World
  readonly start: StartReader
  /** Tries to write all waiting rows to disk. If it cannot, the rows on disk are shown. */
  readonly flush: () => Promise<boolean>
  /** Posts the open holds that are in memory alone, so that they are seen. */
  readonly postAll: () => void
  /** Runs `read` while nothing is committed. */
  readonly still: <T>(read: () => Promise<T>) => Promise<T>
  /** What the drawers of accounts in memory must say on disk now. Valid inside `still`. */
  readonly onDisk: () => ReadonlyMap<Drawer, bigint>
}

/** Drawers that are handed to the reader in one turn of the event loop. */
const PART = 2_000
/** Accounts that `find` looks at in one turn of the event loop. It hashes each, in about 1 ms. */
const LOOKED_AT = 250
/** ms after which a reader that nobody asks anything is ended. */
const IDLE = 60_000

/**
 * The read-only views of a ledger file. Short questions share one reader, which ends when nobody has
 * asked for a minute. A long one gets a reader of its own, so that the others do not wait for it.
 */
export class SqliteStatement implements Statement {
  readonly #parts: StatementParts
  readonly #long = new Set<Reader>()
  #reader: Reader | null = null
  #idle: { refresh(): void; cancel(): void } | null = null

  constructor(parts: StatementParts) {
    this.#parts = parts
  }

  async accounts(limit: number, of: AccountId | null = null, before?: AccountId) {
    this.#parts.postAll()
    return (await this.#fresh()).call('accounts', [limit, of, before ?? null])
  }

  async holds(limit: number, of: AccountId | null = null, before?: HoldId) {
    this.#parts.postAll()
    return (await this.#fresh()).call('holds', [limit, of, before ?? null])
  }

  async passes(limit: number, of: AccountId | null = null, before?: string) {
    return (await this.#fresh()).call('passes', [limit, of, before ?? null])
  }

  async entries(limit: number, of: AccountId | null = null, before?: number) {
    this.#parts.postAll()
    return (await this.#fresh()).call('entries', [limit, of, before ?? null])
  }

  async find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]> {
    const found: AccountId[] = []
    const reader = await this.#fresh()
    let after: AccountId | null = null
    for (;;) {
      const ids: readonly AccountId[] = await reader.call('ids', [LOOKED_AT, after])
      found.push(...ids.filter(fits))
      if (ids.length < LOOKED_AT) return found
      after = ids.at(-1) ?? null
    }
  }

  async earnings() {
    return (await this.#fresh()).call('earnings', [])
  }

  async earnedBy(models: number) {
    return (await this.#fresh()).call('earnedBy', [models])
  }

  async income() {
    return (await this.#fresh()).call('income', [])
  }

  async outgo() {
    return (await this.#fresh()).call('outgo', [])
  }

  async owedBySource() {
    return (await this.#fresh()).call('owedBySource', [])
  }

  async paymentsOf(source: string, limit: number, before?: PaymentId) {
    return (await this.#fresh()).call('paymentsOf', [source, limit, before ?? null])
  }

  async owed() {
    return (await this.#fresh()).call('owed', [])
  }

  verify(told: Told = () => {}): Promise<Result<Proof, readonly string[]>> {
    return this.#alone(async (reader) => {
      // The reader is there before anything waits for it.
      await reader.call('expect', [[]])
      await this.#parts.flush()
      const drawers = await this.#parts.still(async () => {
        await reader.call('open', [])
        return this.#parts.onDisk()
      })
      let part: [Drawer, bigint][] = []
      for (const one of drawers) {
        if (part.push(one) < PART) continue
        await reader.call('expect', [part])
        part = []
      }
      await reader.call('expect', [part])
      return reader.call('verify', [], told)
    })
  }

  /** Checks the totals and the structure of the file. Returns what is wrong, or null. */
  check(): Promise<string | null> {
    return this.#alone((reader) => reader.call('check', []))
  }

  /** Ends all readers. Questions that wait are rejected. */
  async close(): Promise<void> {
    const readers = [...this.#long, ...(this.#reader === null ? [] : [this.#reader])]
    this.#reader = null
    this.#idle?.cancel()
    await Promise.all(readers.map((reader) => reader.close()))
  }

  /** The reader of short questions. What was decided before is on disk then. */
  async #fresh(): Promise<Reader> {
    await this.#parts.flush()
    if (this.#reader === null || this.#reader.ended) this.#reader = this.#parts.start()
    if (this.#idle === null) this.#idle = this.#parts.world.after(IDLE, this.#end, 'unref')
    else this.#idle.refresh()
    return this.#reader
  }

  readonly #end = (): void => {
    this.#reader?.close().catch(() => {})
    this.#reader = null
  }

  async #alone<T>(work: (reader: Reader) => Promise<T>): Promise<T> {
    const reader = this.#parts.start()
    this.#long.add(reader)
    try {
      return await work(reader)
    } finally {
      this.#long.delete(reader)
      await reader.close()
    }
  }
}
