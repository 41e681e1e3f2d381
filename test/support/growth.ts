/** Runs of each size: the least of them is what the machine can do when it is left alone. */
const RUNS = 5
const ROUNDS = 60
/**
 * ms that a run is to take: long enough for the clock, and so short that many of them are over
 * before the machine gives the processor to somebody else.
 */
const ENOUGH = 0.3
const MOST = 2 ** 18

/**
 * How many times longer a reader takes for twice as much of the same, over three doublings: 2 where
 * time grows with the length, 4 where it grows with its square. Other work on the machine makes
 * single runs longer and never shorter: the least times are compared, and taken anew while they look
 * too far apart. What the collector of garbage takes for the longer ones is far from a square.
 */
export function growth(read: (times: number) => () => unknown, enough = 3): number {
  let times = 1_024
  while (times < MOST && least(read(times)) < ENOUGH) times *= 2
  const once = read(times)
  const eightfold = read(8 * times)
  let [short, long] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  let factor = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS && factor > enough; round += 1) {
    short = Math.min(short, least(once))
    long = Math.min(long, least(eightfold))
    factor = Math.cbrt(long / Math.max(short, 0.05))
  }
  return factor
}

function least(run: () => unknown): number {
  let ms = Number.POSITIVE_INFINITY
  for (let i = 0; i < RUNS; i += 1) {
    const from = performance.now()
    run()
    ms = Math.min(ms, performance.now() - from)
    // A long run says enough by itself: nothing here takes a second but by its square.
    if (ms > 1_000) break
  }
  return ms
}
