import type { Gone, GoneWhy } from '../gate/ports.ts'
import type { NotProbed } from './probe.ts'
import { whyUnreachable } from './unreachable.ts'

/** A backend is gone when it has failed for so many ms. One failed try proves nothing. */
const GONE_AFTER = 15_000

/** Told once when the backend is gone, and once when it is back. */
export interface Absence {
  /**
   * `how` tells how it failed last. It is for the operator only, because it may contain addresses.
   */
  gone(gone: Gone, how: FailedTry): void
  back(since: number): void
}

/** How a try failed. `empty`: the backend lists no model, and no model has a price by its name. */
export type FailedTry = NotProbed | { readonly why: 'empty' }

/**
 * Whether the backend is there. It is gone if for 15 s, and at its last try, it refused the
 * connection, its name was unknown, its certificate was not accepted, it answered 5xx or listed no
 * model (ADR 23). After a 401 or 404 it is there, because that is an answer. If it is only silent,
 * nothing changes.
 */
export class Presence {
  readonly #tell: Absence
  #failing: Gone | null = null
  #how: FailedTry | null = null
  #gone = false
  #told = false

  constructor(tell: Absence) {
    this.#tell = tell
  }

  /** Null while the backend is there, by what the tries showed. */
  get gone(): Gone | null {
    return this.#gone ? this.#failing : null
  }

  /** Whether it failed at the last try. It may not be gone yet. */
  get failing(): boolean {
    return this.#failing !== null
  }

  /** Takes the result of a try at `now` (in ms). `not` is null if the backend listed its models. */
  saw(not: FailedTry | null, now: number): void {
    const seen = not === null ? 'there' : seenOf(not)
    if (not === null || seen === 'there') this.#there()
    else if (seen !== 'silent') this.#failed({ why: seen, how: not }, now)
  }

  /**
   * Reports a failure at once, without waiting whether it lasts. A start does this, so that it
   * shows how it found the backend.
   */
  tell(): void {
    if (this.#failing === null || this.#how === null || this.#told) return
    this.#told = true
    this.#tell.gone(this.#failing, this.#how)
  }

  #failed({ why, how }: { readonly why: GoneWhy; readonly how: FailedTry }, now: number): void {
    const since = this.#failing?.since ?? now
    this.#failing = { why, since }
    this.#how = how
    if (now - since < GONE_AFTER) return
    this.#gone = true
    this.tell()
  }

  #there(): void {
    const was = this.#failing
    const told = this.#told
    this.#failing = null
    this.#gone = false
    this.#told = false
    if (was !== null && told) this.#tell.back(was.since)
  }
}

function seenOf(not: FailedTry): GoneWhy | 'there' | 'silent' {
  if (not.why === 'empty') return 'no_models'
  if (not.why === 'unreachable') return whyUnreachable(not.detail)
  return not.status >= 500 ? 'failing' : 'there'
}

/** Whether a backend that continues to fail in this way counts as gone. */
export const isFailure = (not: FailedTry): boolean => !['there', 'silent'].includes(seenOf(not))
