/**
 * Caches the result of `ask` for `ms`. Concurrent callers share one pending call. A rejection is
 * not cached.
 */
export function kept<T>(now: () => number, ms: number, ask: () => Promise<T>): Kept<T> {
  let last: { readonly until: number; readonly value: Promise<T> } | null = null
  return {
    get() {
      if (last !== null && now() < last.until) return last.value
      const value = ask()
      const mine = { until: now() + ms, value }
      last = mine
      value.catch(() => {
        if (last === mine) last = null
      })
      return value
    },
    forget() {
      last = null
    },
  }
}

export interface Kept<T> {
  get(): Promise<T>
  forget(): void
}
