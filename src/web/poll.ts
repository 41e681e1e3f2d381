/** Asks again and again, one question at a time. */
export interface Poll {
  /** Asks at once instead of waiting. */
  poke(): void
  stop(): void
}

/** `ask` resolves with the ms until the next question, or null when it is done. */
export function poll(ask: () => Promise<number | null>): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let asking = false
  let poked = false
  const turn = async (): Promise<void> => {
    clearTimeout(timer)
    if (asking) poked = true
    if (stopped || asking) return
    asking = true
    const wait = await ask()
    asking = false
    // The answer may be older than the call of `poke`.
    if (wait !== null && !stopped) timer = setTimeout(() => void turn(), poked ? 0 : wait)
    poked = false
  }
  const seen = () => {
    if (!document.hidden) void turn()
  }
  document.addEventListener('visibilitychange', seen)
  void turn()
  return {
    poke: () => void turn(),
    stop() {
      stopped = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    },
  }
}
