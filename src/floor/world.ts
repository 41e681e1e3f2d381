/** Time and chance are handed in, so that a test can choose them. */
export interface World {
  /** Wall time in ms since the epoch. Never runs backwards inside a process. */
  now(): number
  /** That many cryptographically random bytes. */
  random(bytes: number): Uint8Array<ArrayBuffer>
}

/** Wraps a clock so that it never runs backwards, whatever the machine's does. */
export function steady(clock: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    last = Math.max(last, clock())
    return last
  }
}
