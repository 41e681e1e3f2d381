import type { Gone, GoneWhy } from '../gate/ports.ts'
import type { NotProbed } from './probe.ts'
import { whyUnreachable } from './unreachable.ts'

/** ms for which a backend must fail before it is gone. One try that failed proves nothing. */
const GONE_AFTER = 15_000

/** Told once when the backend is gone, and once when it is back. */
export interface Absence {
  /** `how` it failed last, for the operator alone: it may hold addresses. */
  gone(gone: Gone, how: Failed): void
  back(since: number): void
}

/** How a try failed. `empty`: it lists no model, and nothing else can be asked for. */
export type Failed = NotProbed | { readonly why: 'empty' }

/**
 * Whether the backend is there. It is gone when it was refused, unknown, without an accepted
 * certificate, answering 5xx or listing no model for 15 s, at its last try too. A 401 or 404 is an
 * answer: it is there. Silence is none: it proves neither.
 */
export class Presence {
  readonly #tell: Absence
  #failing: Gone | null = null
  #how: Failed | null = null
  #gone = false
  #told = false

  constructor(tell: Absence) {
    this.#tell = tell
  }

  /** Null while the backend is there, as far as its tries say. */
  get gone(): Gone | null {
    return this.#gone ? this.#failing : null
  }

  /** It failed at its last try, whether or not it is gone yet. */
  get failing(): boolean {
    return this.#failing !== null
  }

  /** A try came out, at `now` in ms: null where the backend listed its models. */
  saw(not: Failed | null, now: number): void {
    const seen = not === null ? 'there' : seenOf(not)
    if (not === null || seen === 'there') this.#there()
    else if (seen !== 'silent') this.#failed({ why: seen, how: not }, now)
  }

  /** Tells of a failure now, and not first when it has lasted: a start shows how it found the backend. */
  tell(): void {
    if (this.#failing === null || this.#how === null || this.#told) return
    this.#told = true
    this.#tell.gone(this.#failing, this.#how)
  }

  #failed({ why, how }: { readonly why: GoneWhy; readonly how: Failed }, now: number): void {
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

function seenOf(not: Failed): GoneWhy | 'there' | 'silent' {
  if (not.why === 'empty') return 'no_models'
  if (not.why === 'unreachable') return whyUnreachable(not.detail)
  return not.status >= 500 ? 'failing' : 'there'
}

/** A backend that goes on so is gone, and is told of. */
export const isFailure = (not: Failed): boolean => !['there', 'silent'].includes(seenOf(not))
