/** Runs of each size. The shortest one shows what the machine can do if it does nothing else. */
const RUNS = 5
const ROUNDS = 60
/**
 * The length of a run in ms. It is long enough for the clock to measure, and so short that many
 * runs end before the machine gives the processor to another process.
 */
const ENOUGH = 0.3
const MOST = 2 ** 18

/**
 * How many times longer a reader takes for twice as much of the same input, over three doublings: 2
 * if the time grows with the length, 4 if it grows with the square of the length. Other work on the
 * machine makes single runs longer and never shorter. So the shortest times are compared, and
 * measured again while they are too far apart. Garbage collection costs the longer runs more, but
 * far less than a square would.
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
    // One long run is enough: only a reader with quadratic time takes a second here.
    if (ms > 1_000) break
  }
  return ms
}
