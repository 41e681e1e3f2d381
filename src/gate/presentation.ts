import type { Presentation, Rail } from '../rails/rail.ts'

/**
 * Reads the credentials in the headers of a request. `rawHeaders` are names and values in turn; a pass
 * that stood in the path is one of them (`http/key-path.ts`).
 */
export type ReadCredentials = (rawHeaders: readonly string[]) => Presentation

/**
 * Asks every rail, once, when a request begins. No later code looks at headers for money, so there
 * is no second way in (threats C5). One payment may stand beside one pass (threats L16). Anything
 * else that two rails find, good or malformed, is a conflict, because the wrong one could be charged.
 */
export function readerOf(rails: readonly Rail[]): ReadCredentials {
  return (rawHeaders) => {
    let found: Presentation = ABSENT
    for (const rail of rails) {
      const read = rail.read(rawHeaders)
      if (read.is === 'absent') continue
      const next: Presentation =
        read.is === 'payment' ? { is: 'payment', rail, payment: read.payment, pass: null } : read
      found =
        found.is === 'absent' ? next : (beside(found, next) ?? beside(next, found) ?? CONFLICT)
      if (found.is === 'conflict') return found
    }
    return found
  }
}

/** A payment with the pass beside it. Null if it is not these two. */
function beside(payment: Presentation, pass: Presentation): Presentation | null {
  if (payment.is !== 'payment' || payment.pass !== null || pass.is !== 'credential') return null
  return { ...payment, pass }
}

/** The pass in a request, if there is one, without the payment beside it. */
export const withoutPayment = (presented: Presentation): Presentation =>
  presented.is === 'payment' && presented.pass !== null ? presented.pass : presented

const ABSENT = { is: 'absent' } as const
const CONFLICT = { is: 'conflict' } as const
