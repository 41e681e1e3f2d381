/** ms to wait after so many failures: `base`, then twice as long each time, `longest` at most. */
export const backOff = (base: number, times: number, longest: number): number =>
  Math.min(base * 2 ** times, longest)
