import type { Presentation, Rail } from '../rails/rail.ts'

/** Reads what the headers of a request present, name and value in turn. */
export type ReadCredentials = (rawHeaders: readonly string[]) => Presentation

/**
 * Asks every rail, once at the beginning of a request. Later code does not look at headers for money,
 * so nobody gets in through a second door (threats C5). What two rails find, right or malformed, is a
 * conflict: one of the two could be charged by mistake.
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
