import type { Counted, Meter, Problem, Seen } from '../dialects/dialect.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import { hideCached } from './cached-figures.ts'

/**
 * A meter of any dialect whose figures of a prompt cache are not above what the payer's own requests can
 * have left there, in the answer and in the charge (threats L21).
 */
export class PrivateMeter implements Meter {
  readonly #meter: Meter
  readonly #most: () => number
  #known: number | null = null

  /** @param most is asked once, and only if there is a figure to be judged */
  constructor(meter: Meter, most: () => number) {
    this.#meter = meter
    this.#most = () => {
      this.#known ??= most()
      return this.#known
    }
  }

  get seen(): Seen {
    return this.#meter.seen
  }

  stream(chunk: Uint8Array): Uint8Array {
    return hideCached(this.#meter.stream(chunk), this.#most)
  }

  rest(): Uint8Array {
    return hideCached(this.#meter.rest(), this.#most)
  }

  whole(body: Uint8Array): Uint8Array | null {
    const answer = this.#meter.whole(body)
    return answer === null ? null : hideCached(answer, this.#most)
  }

  asStream(whole: Uint8Array, cost?: Msat | null): Uint8Array {
    return hideCached(this.#meter.asStream(whole, cost), this.#most)
  }

  finish(cost?: Msat | null): Uint8Array {
    return hideCached(this.#meter.finish(cost), this.#most)
  }

  keepAlive(): Uint8Array {
    return this.#meter.keepAlive()
  }

  cut(cost?: Msat | null): Uint8Array {
    return hideCached(this.#meter.cut(cost), this.#most)
  }

  broken(problem: Pick<Problem, 'code' | 'message'>, cost?: Msat | null): Uint8Array {
    return hideCached(this.#meter.broken(problem, cost), this.#most)
  }

  sofar(prompt: number): Quantities {
    return this.#meter.sofar(prompt)
  }

  usage(promptEstimate: number, left?: boolean): Counted {
    const { cacheWrite, ...counted } = this.#meter.usage(promptEstimate, left)
    const { cached = 0 } = counted
    const own = cached === 0 ? 0 : Math.min(cached, this.#most())
    // Where writing into the cache is reported, a miss would have been written.
    const written = cacheWrite === undefined ? 0 : cacheWrite + cached - own
    const shown = own === cached ? counted : { ...counted, cached: own }
    return written === 0 ? shown : { ...shown, cacheWrite: written }
  }
}
