import type { Quantities } from '../../money/quantities.ts'
import type { Asked, Counted, Meter, Seen } from '../dialect.ts'

const NOTHING = new Uint8Array(0)

/**
 * Watches a speech: bytes of sound, which leave as they come. Nothing can be written into them, so the cost
 * stands in a trailer and in the usage, and a broken answer breaks the connection.
 */
export class SoundMeter implements Meter {
  readonly #most: Quantities
  readonly #usualBytes: number
  #bytes = 0
  #ended = false
  #done = false
  #over = false

  /** `usualBytes`: of the whole speech, if nobody knows more. */
  constructor({ most }: Pick<Asked, 'most'>, usualBytes: number) {
    this.#most = most
    this.#usualBytes = usualBytes
  }

  get seen(): Seen {
    const done = this.#done
    return {
      ...{ output: this.#bytes > 0, finished: done, finishes: done ? 1 : 0, done },
      ...{ over: this.#over, error: null },
    }
  }

  /** Up to the bytes that were held for (threats J8). */
  stream(chunk: Uint8Array): Uint8Array {
    if (this.#ended || this.#over) return NOTHING
    const left = (this.#most.byte ?? 0) - this.#bytes
    this.#over = chunk.length > left
    const out = this.#over ? chunk.subarray(0, left) : chunk
    this.#bytes += out.length
    return out
  }

  rest(): Uint8Array {
    this.#done = this.#bytes > 0 && !this.#ended
    this.#ended = true
    return NOTHING
  }

  /** What is no stream of sound is an error, whatever its status (threats K8). */
  whole(): null {
    return null
  }

  /**
   * A buyer who leaves has ordered the whole text. If the backend breaks off, the part that was delivered
   * is charged: by bytes, of those that such a speech usually has.
   */
  usage(_promptEstimate: number, left = false): Counted {
    const { character = 0, second = 0 } = this.#most
    if (this.#bytes === 0 && !left) return { source: 'none', reportedInput: null }
    const whole = this.#done || this.#over || left
    const part = whole ? 1 : Math.min(1, this.#bytes / this.#usualBytes)
    return {
      second: Math.ceil(second * part),
      character: Math.ceil(character * part),
      byte: this.#bytes,
      source: this.#done ? 'reported' : 'counted',
      reportedInput: null,
    }
  }

  sofar(): Quantities {
    const { reportedInput, source, ...used } = this.usage(0)
    return used
  }

  finish(): Uint8Array {
    this.#ended = true
    return NOTHING
  }

  cut(): Uint8Array {
    return this.finish()
  }

  broken(): Uint8Array {
    return this.finish()
  }

  asStream(): Uint8Array {
    return NOTHING
  }

  keepAlive(): Uint8Array {
    return NOTHING
  }
}
