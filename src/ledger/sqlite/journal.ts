import type { Timer, World } from '../../floor/world.ts'
import { emptyGroup, type Group } from './group.ts'

/** Called when a commit fails, and when a commit succeeds again after that. */
export type OnTrouble = (trouble: {
  readonly what: 'ledger_commit'
  readonly solved: boolean
  readonly detail: string
}) => void

/** ms between two commits under load. All rows that come meanwhile share one commit. */
const GROUP_MS = 10
const RETRY_MS = 250
/** ms. If a row waits longer than this for its commit, no request is admitted. */
const LATE_MS = 2_000

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes rows soon after they were decided, in groups. All rows of one turn of the event loop share
 * a transaction, under load all rows of a few ms. A group that cannot be committed is kept, takes
 * further rows, and is tried again until it is.
 */
export class Journal {
  group = emptyGroup()
  readonly #world: World
  readonly #write: (group: Group) => void
  readonly #onTrouble: OnTrouble
  #waiters: Waiter[] = []
  #lastCommit = Number.NEGATIVE_INFINITY
  #failing = false
  #timer: Timer | null = null

  constructor(parts: {
    readonly world: World
    /** Writes all of the group in one transaction, or throws and writes nothing. */
    readonly write: (group: Group) => void
    readonly onTrouble: OnTrouble
  }) {
    this.#world = parts.world
    this.#write = parts.write
    this.#onTrouble = parts.onTrouble
  }

  /** Must be called after each row that is added to the group. */
  touch(): void {
    if (this.group.since !== null) return
    this.group.since = this.#world.now()
    this.#schedule(this.group.since)
  }

  /** Resolves when everything so far is on disk, however long that takes. */
  durable(): Promise<void> {
    if (this.group.since === null) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  healthy(): boolean {
    const { since } = this.group
    return !this.#failing && (since === null || this.#world.now() - since <= LATE_MS)
  }

  /** Commits now. Returns false if that failed: the rows are kept and tried again. */
  commit(): boolean {
    this.#unschedule()
    if (this.group.since === null) return true
    try {
      this.#write(this.group)
    } catch (error) {
      this.#failed(error)
      return false
    }
    this.#succeeded()
    return true
  }

  /** Commits the rest. Throws if that fails: those rows are lost. */
  close(): void {
    const done = this.commit()
    this.#unschedule()
    if (done) return
    const error = new Error('the ledger was closed with rows that could not be written')
    for (const { reject } of this.#waiters.splice(0)) reject(error)
    throw error
  }

  readonly #commit = (): void => {
    this.commit()
  }

  #schedule(now: number): void {
    const wait = this.#failing ? RETRY_MS : Math.min(this.#lastCommit + GROUP_MS - now, GROUP_MS)
    this.#timer = this.#world.after(wait, this.#commit)
  }

  #unschedule(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #failed(error: unknown): void {
    const first = !this.#failing
    this.#failing = true
    this.#schedule(this.#world.now())
    const detail = error instanceof Error ? error.message : String(error)
    if (first) this.#onTrouble({ what: 'ledger_commit', solved: false, detail })
  }

  #succeeded(): void {
    const solved = this.#failing
    this.group = emptyGroup()
    this.#failing = false
    this.#lastCommit = this.#world.now()
    for (const { resolve } of this.#waiters.splice(0)) resolve()
    if (solved) this.#onTrouble({ what: 'ledger_commit', solved: true, detail: 'committed again' })
  }
}
