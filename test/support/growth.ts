/** Runs of each size: the least of them is what the machine can do when it is left alone. */
const RUNS = 3
const ROUNDS = 25
/** ms that a run is to take, so that a clock can tell two of them apart. */
const ENOUGH = 3
const MOST = 2 ** 18

/**
 * How many times longer a reader takes for twice as much of the same. About 2 where time grows with
 * the length, 4 where it grows with its square. Other work on the machine makes single runs longer
 * and never shorter: the least times are compared, and taken anew while they look too far apart.
 */
export function growth(read: (times: number) => () => unknown, enough = 3): number {
  let times = 4_096
  while (times < MOST && least(read(times)) < ENOUGH) times *= 2
  const once = read(times)
  const twice = read(2 * times)
  let [short, long] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < ROUNDS; round += 1) {
    short = Math.min(short, least(once))
    long = Math.min(long, least(twice))
    if (long <= enough * short) break
  }
  return long / Math.max(short, 0.1)
}

function least(run: () => unknown): number {
  let ms = Number.POSITIVE_INFINITY
  for (let i = 0; i < RUNS && ms > 0.01; i += 1) {
    const from = performance.now()
    run()
    ms = Math.min(ms, performance.now() - from)
    // A long run says enough by itself: nothing here takes a second but by its square.
    if (ms > 1_000) break
  }
  return ms
}
