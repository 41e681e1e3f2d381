/**
 * What a wallet keeps in the ledger's facts, in memory. It answers a turn later, like a disk, and
 * refuses to write while `fail` is true.
 */
export function memoryFacts() {
  const kept = new Map<string, string>()
  return {
    kept,
    fail: false,
    async remember(key: string, value: string): Promise<void> {
      await new Promise((done) => setImmediate(done))
      if (this.fail) throw new Error('disk full')
      kept.set(key, value)
    },
    async recall(key: string): Promise<string | null> {
      return kept.get(key) ?? null
    },
    async forget(key: string): Promise<void> {
      kept.delete(key)
    },
  }
}
