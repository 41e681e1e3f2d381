import type { Settlement, Wallet } from './wallet.ts'

/**
 * Joins the wallet that makes invoices with an older one whose invoices may still be paid. Each is
 * asked for its own invoices. Their settlements are reported together, with one cursor for both.
 */
export function withPrevious(
  current: Wallet,
  older: Wallet,
  isOlder: (paymentHash: string) => boolean,
): Wallet {
  return {
    ...current,
    get label() {
      return current.label
    },
    lookup: (hash, who) => (isOlder(hash) ? older : current).lookup(hash, who),
    forget: async (hash) => (isOlder(hash) ? older : current).forget?.(hash),
    wake: (hash) => (isOlder(hash) ? older : current).wake?.(hash),
    watch(cursor, onSettled) {
      const seen = cursorsOf(cursor)
      const tell = (whose: keyof Cursors) => (settled: Settlement) => {
        if (settled.cursor !== null) seen[whose] = settled.cursor
        onSettled({ ...settled, cursor: JSON.stringify(seen) })
      }
      const watches = [
        current.watch(seen.current, tell('current')),
        older.watch(seen.older, tell('older')),
      ]
      return {
        stop() {
          for (const watch of watches) watch.stop()
        },
      }
    },
    async close() {
      await Promise.all([current.close(), older.close()])
    },
  }
}

interface Cursors {
  current: string | null
  older: string | null
}

/** A cursor without the names of two wallets is from the time before, and belongs to the current one. */
function cursorsOf(cursor: string | null): Cursors {
  if (cursor === null || !cursor.startsWith('{')) return { current: cursor, older: null }
  const { current, older }: Cursors = JSON.parse(cursor)
  return { current, older }
}
