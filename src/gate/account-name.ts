import { createHash } from 'node:crypto'
import type { AccountId } from '../ledger/ledger.ts'

/**
 * The full name of an account. People are shown only its first 8 digits. It is a hash, so nobody
 * can spend with it.
 */
export const wholeName = (account: AccountId): string =>
  createHash('sha256').update(account).digest('hex')

/** The name of an account wherever it is shown: in events, commands and `/v1/balance`. */
export const shortName = (account: AccountId): string => wholeName(account).slice(0, 8)
