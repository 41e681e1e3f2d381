import type { Timer, World } from '../../floor/world.ts'
import { emptyGroup, type Group } from './group.ts'

/** Told to the operator: a commit failed, or, after that, one succeeded again. */
export type OnTrouble = (trouble: {
  readonly what: 'ledger_commit'
  readonly solved: boolean
  readonly detail: string
}) => void

/** Under load commits come this often, in ms: the cost of one is shared by all that came meanwhile. */
const GROUP_MS = 10
const RETRY_MS = 250
/** A row that waits longer than this for its commit stops admission, in ms. */
const LATE_MS = 2_000

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes behind, in groups: rows of one turn of the event loop, or of a few ms under load, share a
 * transaction. A group that cannot be committed is kept, grows, and is tried again until it is.
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
    /** One transaction: all of the group or, by throwing, nothing. */
    readonly write: (group: Group) => void
    readonly onTrouble: OnTrouble
  }) {
    this.#world = parts.world
    this.#write = parts.write
    this.#onTrouble = parts.onTrouble
  }

  /** Call it with every row added to the group. */
  touch(): void {
    if (this.group.since !== null) return
    this.group.since = this.#world.now()
    this.#schedule(this.group.since)
  }

  /** Resolves when everything so far is on disk; never before, however long that takes. */
  durable(): Promise<void> {
    if (this.group.since === null) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  healthy(): boolean {
    const { since } = this.group
    return !this.#failing && (since === null || this.#world.now() - since <= LATE_MS)
  }

  /** Commits now. False if it failed: the rows are kept and a retry is on its way. */
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

  /** Commits what is left. Throws if that fails: those rows are lost with the process. */
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
