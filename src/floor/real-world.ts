import { randomFillSync } from 'node:crypto'
import { steady, type Timer, type World } from './world.ts'

/** The clock, the timers and the random numbers of this process. The only file that may take them. */
export const realWorld = (): World => ({
  now: steady(() => Date.now()),
  elapsed: () => Math.floor(performance.now()),
  random: pooledRandom(),
  after: (ms, then, unref) =>
    ms > 0 ? new Later(setTimeout(then, ms), unref) : new Soon(then, unref),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
})

class Later implements Timer {
  readonly #timeout: NodeJS.Timeout

  constructor(timeout: NodeJS.Timeout, unref: 'unref' | undefined) {
    this.#timeout = timeout
    if (unref !== undefined) timeout.unref()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  refresh(): void {
    this.#timeout.refresh()
  }
}

/** Runs after the input and output that is ready, and so sooner than a timeout of 0, which is 1 ms. */
class Soon implements Timer {
  readonly #then: () => void
  readonly #unref: 'unref' | undefined
  #immediate: NodeJS.Immediate

  constructor(then: () => void, unref: 'unref' | undefined) {
    this.#then = then
    this.#unref = unref
    this.#immediate = this.#start()
  }

  cancel(): void {
    clearImmediate(this.#immediate)
  }

  refresh(): void {
    this.cancel()
    this.#immediate = this.#start()
  }

  #start(): NodeJS.Immediate {
    const immediate = setImmediate(this.#then)
    if (this.#unref !== undefined) immediate.unref()
    return immediate
  }
}

const POOL = 8_192

/** Asks the kernel for a pool of bytes at a time: a request needs 12 bytes, and asking costs more. */
function pooledRandom(): World['random'] {
  const pool = new Uint8Array(POOL)
  let used = POOL
  return (bytes) => {
    if (bytes > POOL) return randomFillSync(new Uint8Array(bytes))
    if (used + bytes > POOL) {
      randomFillSync(pool)
      used = 0
    }
    const taken = pool.slice(used, used + bytes)
    pool.fill(0, used, used + bytes)
    used += bytes
    return taken
  }
}
