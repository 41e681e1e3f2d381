import type { Presentation, Rail } from '../rails/rail.ts'

/** Reads the credentials in the headers of a request. `rawHeaders` are names and values in turn. */
export type ReadCredentials = (rawHeaders: readonly string[]) => Presentation

/**
 * Asks every rail, once, when a request begins. No later code looks at headers for money, so there
 * is no second way in (threats C5). If two rails find something, good or malformed, it is a
 * conflict, because the wrong one could be charged.
 */
export function readerOf(rails: readonly Rail[]): ReadCredentials {
  return (rawHeaders) => {
    let found: Presentation = ABSENT
    for (const rail of rails) {
      const read = rail.read(rawHeaders)
      if (read.is === 'absent') continue
      if (found.is !== 'absent') return CONFLICT
      found = read.is === 'payment' ? { is: 'payment', rail, payment: read.payment } : read
    }
    return found
  }
}

const ABSENT = { is: 'absent' } as const
const CONFLICT = { is: 'conflict' } as const
