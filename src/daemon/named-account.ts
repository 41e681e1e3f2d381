import { plural } from '../floor/plural.ts'
import { wholeName } from '../gate/account-name.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Statement } from '../ledger/open-ledger.ts'
import { Failed } from './failed.ts'

/** Digits of a name that are enough to look for an account. */
const FEWEST = 4

/** Finds an account by its name or the beginning of it. Throws an error for a person to read. */
export async function accountNamed(
  name: string,
  statement: Pick<Statement, 'find'>,
): Promise<AccountId> {
  const wanted = name.toLowerCase()
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) {
    throw new Failed(
      `${JSON.stringify(name.slice(0, 80))} is not the name of an account: a name is 8 hex digits, and ${FEWEST} or more of them are enough. satgate ledger lists the accounts`,
    )
  }
  const [found, ...more] = await statement.find((id) => wholeName(id).startsWith(wanted))
  if (found === undefined) {
    throw new Failed(
      `there is no account ${wanted} in these books. satgate ledger lists the accounts`,
    )
  }
  if (more.length === 0) return found
  const names = [found, ...more]
    .slice(0, 5)
    .map((id) => wholeName(id).slice(0, Math.max(12, wanted.length + 2)))
  throw new Failed(
    `${plural(more.length + 1, 'account')} begin with ${wanted}. Give more digits: ${names.join(', ')}${more.length > 4 ? ', …' : ''}`,
  )
}
