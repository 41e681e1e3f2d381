import type { Settlement } from './wallet.ts'

/** One settlement in the list of a wallet. */
export interface Listed {
  readonly paymentHash: string
  /** When it was settled, in ms since the epoch by the clock of the wallet. */
  readonly at: number
}

/** What a listener has been told of, for wallets whose list of payments is their only cursor. */
export interface SettledSince {
  /**
   * Settlements from this time on have to be listed, in ms since the epoch. Null if nothing is known
   * yet: no cursor, and nothing reported.
   */
  readonly from: number | null
  /** Reports those of the list that were not reported yet, in the order in which they were settled. */
  tell(list: readonly Listed[], onSettled: (settled: Settlement) => void): void
}

/** So many settlements of the newest moment are named in a cursor, and so many are remembered. */
const NAMED = 20
const REMEMBERED = 5_000

/**
 * Begins at a cursor: the time of the newest reported settlement, and the hashes of those that were
 * settled at that very time. A text that is no cursor is as good as none.
 *
 * A settlement may be entered a little later than one that says a later time. So the list is read
 * again from `overlapMs` before the newest on; each settlement is reported once.
 */
export function settledSince(cursor: string | null, overlapMs: number): SettledSince {
  const read = /^(\d{1,15})((?: [0-9a-f]{64})*)$/.exec(cursor ?? '')
  const begin = read === null ? null : Number(read[1])
  const told = new Set(read?.[2]?.split(' ').filter((hash) => hash !== ''))
  let newest = begin
  let named = [...told]

  function cursorWith({ paymentHash, at }: Listed): string {
    if (newest === null || at > newest) {
      newest = at
      named = []
    }
    if (at === newest) named = [...named, paymentHash].slice(-NAMED)
    return [newest, ...named].join(' ')
  }

  return {
    get from() {
      return newest === null ? null : Math.max(begin ?? 0, newest - overlapMs)
    },
    tell(list, onSettled) {
      for (const one of [...list].sort((a, b) => a.at - b.at)) {
        if (one.at < (begin ?? 0) || told.has(one.paymentHash)) continue
        onSettled({ paymentHash: one.paymentHash, cursor: cursorWith(one) })
        told.add(one.paymentHash)
        const [oldest] = told
        if (told.size > REMEMBERED && oldest !== undefined) told.delete(oldest)
      }
    },
  }
}
