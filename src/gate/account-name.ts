import { createHash } from 'node:crypto'
import { Cache } from '../floor/cache.ts'
import type { AccountId } from '../ledger/ledger.ts'

/**
 * The full name of an account. People are shown only its first 8 digits. It is a hash, so nobody
 * can spend with it.
 */
export const wholeName = (account: AccountId): string =>
  createHash('sha256').update(account).digest('hex')

/** The name of an account wherever it is shown: in events, commands and `/v1/balance`. */
export function shortName(account: AccountId): string {
  const known = NAMES.get(account)
  if (known !== undefined) return known
  const name = wholeName(account).slice(0, 8)
  NAMES.set(account, name)
  return name
}

/** The last names that were made: each request of an account asks for its name. */
const NAMES = new Cache<string>(1_000)
