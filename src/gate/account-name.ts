import { createHash } from 'node:crypto'
import type { AccountId } from '../ledger/ledger.ts'

/** The whole name of an account, which people see the beginning of. Nobody can spend with it. */
export const wholeName = (account: AccountId): string =>
  createHash('sha256').update(account).digest('hex')

/** The name of an account wherever it is shown: in events, commands and `/v1/balance`. */
export const shortName = (account: AccountId): string => wholeName(account).slice(0, 8)
