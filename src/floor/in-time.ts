import type { Timer, World } from './world.ts'

/**
 * What `work` resolves with, or `late` if that takes longer than `ms`. The work goes on then, and
 * nobody hears of a failure that comes later.
 */
export async function inTime<T, L>(
  world: World,
  work: Promise<T>,
  { ms, late }: { readonly ms: number; readonly late: L },
): Promise<T | L> {
  let timer: Timer | null = null
  const timeout = new Promise<L>((resolve) => {
    timer = world.after(ms, () => resolve(late))
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    ;(timer as Timer | null)?.cancel()
  }
}
