import type { Awaitable } from '../../floor/awaitable.ts'
import type { Timer, World } from '../../floor/world.ts'
import { emptyGroup, type Group } from './group.ts'
import { groupText } from './group-text.ts'
import type { GroupWriter } from './group-writer.ts'

/** Called when a commit fails, and when a commit succeeds again after that. */
export type OnTrouble = (trouble: {
  readonly what: 'ledger_commit'
  readonly solved: boolean
  readonly detail: string
}) => void

/** ms that a group takes rows if nobody waits for one of them. */
const GROUP_MS = 25
/** ms until a group that could not be written is sent again. */
const RETRY_MS = 250
/** ms. If a row waits longer than this for the disk, no request is admitted. */
const LATE_MS = 2_000
/** How long `close` tries to write the rest, in ms, and how often a commit may fail meanwhile. */
const CLOSING = { ms: 10_000, failures: 3 }

interface Waiter {
  /** With false if the row is not on disk, which is told only to those who give up. */
  readonly resolve: (onDisk: boolean) => void
  readonly reject: (error: unknown) => void
  /** It waits no longer than until the first commit that fails. */
  readonly givesUp: boolean
}

/** A group that takes no more rows and is not on disk for all we know. */
interface Sealed {
  readonly group: Group
  readonly n: number
  readonly text: string
  waiters: Waiter[]
}

/**
 * Writes rows soon after they were decided, in groups. One group grows while at most one other is
 * with the writer. A group for which somebody waits is sealed as soon as the work that is ready has
 * run, any other after a few ms, and both not before the earlier group is on disk. A sealed group
 * that cannot be written is sent again, unchanged, until it is, so groups reach the disk in order.
 */
export class Journal {
  /** The group that grows: rows are added to it. After that, `touch` must be called. */
  group = emptyGroup()
  readonly #world: World
  readonly #writer: GroupWriter
  readonly #onTrouble: OnTrouble
  /** Those who wait for the group that grows. */
  #waiters: Waiter[] = []
  #inFlight: Sealed | null = null
  #sealed = 0
  #failing = false
  #gone = false
  /** How many reads want the disk to stand still. */
  #stills = 0
  /** While it closes, rows are written whatever reads. */
  #closing = false
  #closed = false
  /** Seals the group that grows, or sends the one in flight again: never both. */
  #timer: Timer | null = null

  constructor(parts: {
    readonly world: World
    readonly writer: GroupWriter
    readonly onTrouble: OnTrouble
  }) {
    this.#world = parts.world
    this.#writer = parts.writer
    this.#onTrouble = parts.onTrouble
  }

  /** Must be called after each row that is added to the group. */
  touch(): void {
    if (this.group.since !== null) return
    this.group.since = this.#world.elapsed()
    this.#schedule()
  }

  /**
   * The newest row that is not on disk yet, or undefined. `read` looks for it in one group; it is
   * asked about the group that grows, and then about the one in flight. What it does not find is on
   * disk, or nowhere.
   */
  find<T>(read: (group: Group) => T | undefined): T | undefined {
    const found = read(this.group)
    return found !== undefined || this.#inFlight === null ? found : read(this.#inFlight.group)
  }

  /**
   * Resolves when everything so far is on disk, however long that takes. Rejects if the ledger is
   * closed before.
   */
  async durable(): Promise<void> {
    await this.#wait(false)
  }

  /**
   * Writes what waits. Resolves with true when everything so far is on disk, with false when a
   * commit fails, and with false at once while the journal is not healthy.
   */
  flush(): Promise<boolean> {
    return this.healthy() ? this.#wait(true) : Promise.resolve(false)
  }

  /**
   * Calls `read` at a moment at which no group is in flight: the disk has everything but the group
   * that grows. No group is sent until `read` is done, so it must be quick. Rejects if the group
   * that is in flight cannot be written.
   */
  async still<T>(read: () => Awaitable<T>): Promise<T> {
    this.#stills += 1
    try {
      if (!(await this.#answered())) throw new Error('the ledger cannot be written now')
      return await read()
    } finally {
      this.#stills -= 1
      this.#schedule()
    }
  }

  /** False while a commit has failed or is late, or nobody is there who could write. */
  healthy(): boolean {
    const oldest = this.#inFlight?.group.since ?? this.group.since
    const late = oldest !== null && this.#world.elapsed() - oldest > LATE_MS
    return !this.#failing && !this.#gone && !late
  }

  /** Nobody is there who could write, for that reason; null: somebody is there again. */
  writerGone(why: Error | null): void {
    const was = this.#inTrouble()
    this.#gone = why !== null
    this.#report(was, why)
  }

  /**
   * Writes the rest. If that fails several times or takes 10 seconds, throws: those rows are lost.
   * The writer may be closed afterwards.
   */
  async close(): Promise<void> {
    this.#closing = true
    const over = Promise.withResolvers<void>()
    const bound = this.#world.after(CLOSING.ms, over.resolve)
    await Promise.race([this.#drain(), over.promise])
    bound.cancel()
    this.#closed = true
    this.#timer?.cancel()
    const lost = [...(this.#inFlight?.waiters ?? []), ...this.#waiters.splice(0)]
    if (this.#inFlight === null && this.group.since === null) return
    const error = new Error('the ledger was closed with rows that could not be written')
    for (const { reject } of lost) reject(error)
    throw error
  }

  /** Seals without a timer, because the clock of a simulation may stand. */
  async #drain(): Promise<void> {
    let failures = 0
    for (this.#seal(); this.#inFlight !== null; this.#seal()) {
      if (!(await this.#answered())) failures += 1
      if (failures === CLOSING.failures) return
    }
  }

  /** Resolves with true when the newest row is on disk. */
  #wait(givesUp: boolean): Promise<boolean> {
    if (this.group.since === null) return this.#answered(givesUp)
    if (this.#closed) return Promise.reject(new Error('the ledger is closed'))
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject, givesUp })
      if (this.#waiters.length === 1) this.#schedule()
    })
  }

  /** Resolves with true when no group is in flight any more. */
  #answered(givesUp = true): Promise<boolean> {
    const sealed = this.#inFlight
    if (sealed === null) return Promise.resolve(true)
    return new Promise((resolve, reject) => sealed.waiters.push({ resolve, reject, givesUp }))
  }

  /** Chooses when the group that grows is sealed. */
  #schedule(): void {
    const { since } = this.group
    if (since === null || this.#inFlight !== null || this.#isHeld() || this.#closed) return
    const isWanted = this.#waiters.length > 0
    const wait = isWanted ? 0 : Math.max(0, since + GROUP_MS - this.#world.elapsed())
    this.#timer?.cancel()
    this.#timer = this.#world.after(wait, this.#seal)
  }

  #isHeld(): boolean {
    return this.#stills > 0 && !this.#closing
  }

  readonly #seal = (): void => {
    const { group } = this
    if (group.since === null || this.#inFlight !== null || this.#isHeld()) return
    this.#timer?.cancel()
    const text = groupText(group)
    this.#inFlight = { group, text, n: ++this.#sealed, waiters: this.#waiters }
    this.#waiters = []
    this.group = emptyGroup()
    this.#send()
  }

  readonly #send = (): void => {
    const sealed = this.#inFlight
    if (sealed === null) return
    this.#writer.write(sealed.text, sealed.n).then(this.#succeeded, this.#failed)
  }

  readonly #succeeded = (): void => {
    const was = this.#inTrouble()
    const waiters = this.#inFlight?.waiters ?? []
    this.#inFlight = null
    this.#failing = false
    for (const { resolve } of waiters) resolve(true)
    this.#schedule()
    this.#report(was, null)
  }

  readonly #failed = (error: unknown): void => {
    const was = this.#inTrouble()
    this.#failing = true
    const sealed = this.#inFlight
    if (sealed !== null) sealed.waiters = patientOf(sealed.waiters)
    this.#waiters = patientOf(this.#waiters)
    if (!this.#closed) this.#timer = this.#world.after(RETRY_MS, this.#send)
    this.#report(was, error)
  }

  #inTrouble(): boolean {
    return this.#failing || this.#gone
  }

  /** Reports the first failure of many, and the end of the last one. */
  #report(was: boolean, error: unknown): void {
    const is = this.#inTrouble()
    if (was === is) return
    const why = error instanceof Error ? error.message : String(error)
    this.#onTrouble({
      what: 'ledger_commit',
      solved: !is,
      detail: is ? why : 'committed again',
    })
  }
}

/** Tells those who give up that their rows are not on disk. Returns the others. */
function patientOf(waiters: readonly Waiter[]): Waiter[] {
  for (const { givesUp, resolve } of waiters) if (givesUp) resolve(false)
  return waiters.filter(({ givesUp }) => !givesUp)
}
