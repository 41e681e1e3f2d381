/**
 * Time and chance are handed in as a value, so that a test can choose them. `real-world.ts` makes
 * the one of this process; no other file under `src` sets a timer, reads a clock or draws a number.
 */
export interface World {
  /** Wall time in ms since the epoch. Never runs backwards inside a process. */
  now(): number
  /**
   * ms since some moment, on a clock that nobody can set: for how long something lasts. While the wall
   * clock is set back, `now` stands still, for an hour if need be.
   */
  elapsed(): number
  /** That many cryptographically random bytes. */
  random(bytes: number): Uint8Array<ArrayBuffer>
  /**
   * Calls `then` once, after `ms` have passed. With 0, as soon as the work that is ready now has
   * run. The process does not end while it waits, unless `unref` is given.
   */
  after(ms: number, then: () => void, unref?: 'unref'): Timer
  /** Resolves once other work that is ready has had its turn. */
  turn(): Promise<void>
}

export interface Timer {
  /** Does nothing if it has fired or was cancelled. */
  cancel(): void
  /** Starts the same time anew, also after it has fired. */
  refresh(): void
}

/** Calls `run` every `ms` until it is cancelled. */
export function every(world: World, ms: number, run: () => void, unref?: 'unref'): Timer {
  const timer = world.after(
    ms,
    () => {
      timer.refresh()
      run()
    },
    unref,
  )
  return timer
}

/** Resolves after `ms`, or at once when `signal` is aborted. It never rejects. */
export function sleep(
  world: World,
  ms: number,
  how: { readonly signal?: AbortSignal; readonly unref?: 'unref' } = {},
): Promise<void> {
  const { signal, unref } = how
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = world.after(
      ms,
      () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      },
      unref,
    )
    const aborted = (): void => {
      timer.cancel()
      resolve()
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** A signal that is aborted after `ms`, with a `TimeoutError`. The process may end before. */
export function deadline(world: World, ms: number): AbortSignal {
  const over = new AbortController()
  const late = () => over.abort(new DOMException('it took too long', 'TimeoutError'))
  world.after(ms, late, 'unref')
  return over.signal
}

/** Wraps a clock so that it never runs backwards, even if the clock of the machine is set back. */
export function steady(clock: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    last = Math.max(last, clock())
    return last
  }
}
