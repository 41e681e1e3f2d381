import type { Quantities } from '../../money/quantities.ts'
import type { Asked, Counted, Meter, Seen } from '../dialect.ts'

const NOTHING = new Uint8Array(0)

/** What one answer in one piece is. */
export interface WholeAnswer {
  /** What the buyer sees of it. */
  readonly shown: Uint8Array
  readonly used: Quantities
  /** False if it told less than what is charged. */
  readonly reported: boolean
}

/**
 * Watches an answer of an API that never streams. `read` returns null if the body is no answer of that
 * API; then nothing of it is delivered. A buyer who leaves before it has come pays for what was held
 * (threats J14), so that is what an answer which was never read has used.
 */
export class WholeMeter implements Meter {
  readonly #read: (body: Uint8Array) => WholeAnswer | null
  readonly #most: Quantities
  #answer: WholeAnswer | null = null

  constructor({ most }: Pick<Asked, 'most'>, read: (body: Uint8Array) => WholeAnswer | null) {
    this.#most = most
    this.#read = read
  }

  get seen(): Seen {
    const over = this.#answer !== null
    return {
      ...{ output: over, finished: over, done: over, finishes: over ? 1 : 0 },
      ...{ over: false, error: null },
    }
  }

  whole(body: Uint8Array): Uint8Array | null {
    this.#answer = this.#read(body)
    return this.#answer?.shown ?? null
  }

  usage(): Counted {
    if (this.#answer === null) return { ...this.#most, source: 'none', reportedInput: null }
    const { reported, used } = this.#answer
    return { ...used, source: reported ? 'reported' : 'counted', reportedInput: null }
  }

  sofar(): Quantities {
    return this.#answer?.used ?? {}
  }

  stream(): Uint8Array {
    return NOTHING
  }

  rest(): Uint8Array {
    return NOTHING
  }

  asStream(whole: Uint8Array): Uint8Array {
    return whole
  }

  finish(): Uint8Array {
    return NOTHING
  }

  keepAlive(): Uint8Array {
    return NOTHING
  }

  cut(): Uint8Array {
    return NOTHING
  }

  broken(): Uint8Array {
    return NOTHING
  }
}
