import { assert } from '../floor/assert.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, HoldId } from '../ledger/ledger.ts'
import type { Books, Statement } from '../ledger/open-ledger.ts'
import { canonicalCaveats } from '../passes/caveat.ts'
import type { RootKeys } from '../passes/write.ts'
import type { Gifts } from '../rails/gifts.ts'
import type { ExportAsk } from '../wallets/ecash/spend/export.ts'
import type { WalletAdmin } from '../wallets/ecash/spend/wallet-admin.ts'
import type { WithdrawAsk } from '../wallets/ecash/spend/withdraw.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import type { RestoreCheck } from '../withdrawals/restore-check.ts'
import { NO_WALLET } from './configured-wallets.ts'
import type { Asker } from './control.ts'
import {
  accountJson,
  archivedJson,
  earningsJson,
  entryJson,
  holdJson,
  mintedJson,
  proofJson,
  withdrawalJson,
} from './control-json.ts'
import { answerPasses, type PassQuestion } from './control-passes.ts'
import { answerPayments, type OpenPayments, type PaymentQuestion } from './control-payments.ts'
import { accountNamed } from './named-account.ts'
import { archivedBefore } from './upkeep.ts'
import { testRunning } from './wallet-tests.ts'

/** What the command line may ask of the books, of a running gate or of a folder at rest. */
export type Question =
  | { readonly ask: 'about' }
  | {
      readonly ask: 'accounts' | 'holds' | 'entries'
      readonly limit: number
      /** The name of an account, or its beginning; null: all accounts. */
      readonly account: string | null
    }
  | { readonly ask: 'withdrawals' }
  | { readonly ask: 'allow_withdrawals'; readonly yes: boolean }
  | { readonly ask: 'payments'; readonly what: PaymentQuestion }
  | { readonly ask: 'verify' }
  | { readonly ask: 'archive'; readonly keepDays: number }
  | { readonly ask: 'earnings' }
  | { readonly ask: 'passes'; readonly what: PassQuestion }
  | { readonly ask: 'mint'; readonly sats: number; readonly caveats: readonly string[] }
  | { readonly ask: 'wallet'; readonly what: WalletQuestion }
  | { readonly ask: 'wallet_test' }

/** What `satgate wallet` asks of the ecash wallet's admin. Sats. */
export type WalletQuestion =
  | { readonly do: 'balance' | 'confirm' | 'exports' }
  | { readonly do: 'restore'; readonly yes: boolean }
  | ({ readonly do: 'withdraw' } & WithdrawAsk)
  | ({ readonly do: 'export' } & ExportAsk)

export interface WalletParts {
  /** Null if the wallet is not an ecash wallet. */
  readonly admin: WalletAdmin | null
  /** The kind of the wallet, for the message in that case. */
  readonly wallet: string
}

export interface HandlerParts extends Partial<WalletParts> {
  /** The wallets of a running gate. */
  readonly wallets?: readonly NamedWallet[]
  readonly books: Books
  readonly gifts: Gifts
  readonly keys: RootKeys
  readonly world: World
  /** The payments in dollars of the folder. */
  readonly payments?: OpenPayments
  /** Null if no gate runs. */
  readonly restored?: Pick<RestoreCheck, 'allow' | 'waiting'> | null
}

/**
 * Answers questions about the books, in the JSON of `control-json.ts`. Throws an error whose
 * message is for a person.
 */
export function controlHandlers(
  parts: HandlerParts,
): (question: unknown, asker: Asker) => Promise<unknown> {
  const { statement } = parts.books
  const { admin = null, wallet = 'another' } = parts
  return async (asked, asker) => {
    const question = asked as Question
    switch (question.ask) {
      case 'about':
        return { money: parts.books.kind }
      case 'accounts':
      case 'holds':
      case 'entries': {
        const { ask, limit, account } = question
        const of = account === null ? null : await accountNamed(account, statement)
        return rowsOf(statement, ask, { limit, of, asker })
      }
      case 'withdrawals':
        return (await parts.books.withdrawals.openWithdrawals()).map(withdrawalJson)
      case 'allow_withdrawals':
        return allowWithdrawals(parts, question.yes)
      case 'payments':
        return answerPayments(parts.payments ?? null, question.what, parts.world)
      case 'verify':
        return proofJson(await statement.verify(asker.told))
      case 'archive':
        return archive(parts, question, asker.told)
      case 'earnings': {
        return earningsJson(
          ...(await Promise.all([statement.earnings(), statement.income(), statement.outgo()])),
        )
      }
      case 'mint':
        return mint(parts, question)
      case 'passes':
        return answerPasses(parts, question.what, asker)
      case 'wallet':
        return answerWallet({ admin, wallet }, question.what, asker.told)
      case 'wallet_test':
        if (wallet === '') throw new Error(NO_WALLET)
        return testRunning(parts.wallets ?? [], parts.world)
      default:
        throw new Error('this gate does not know that question: is it of another version?')
    }
  }
}

/** What is off since a restore. With `yes` it is on again. */
async function allowWithdrawals(
  { restored = null }: HandlerParts,
  yes: boolean,
): Promise<{ readonly sources: readonly string[]; readonly allowed: boolean }> {
  if (restored === null) throw new Error('no gate runs here. Start it: it says what is off')
  const sources = restored.waiting
  if (yes) await restored.allow()
  return { sources, allowed: yes }
}

/** Rolls up the details of requests that ended before the last `keepDays` days, and before today. */
async function archive(
  { books, world }: HandlerParts,
  { keepDays }: Extract<Question, { ask: 'archive' }>,
  told: Asker['told'],
): Promise<unknown> {
  if (!Number.isSafeInteger(keepDays) || keepDays < 1) throw new Error('keep at least 1 day')
  const before = archivedBefore(world.now(), keepDays)
  const archived = await books.archive(before, told)
  return archivedJson({ archived, before, keepDays })
}

/** Rows in one part of an answer. They are turned into JSON in a few ms. */
const PART = 500

/** Sends all parts but the last, which it returns. */
async function rowsOf(
  statement: Statement,
  ask: 'accounts' | 'holds' | 'entries',
  asked: { readonly limit: number; readonly of: AccountId | null; readonly asker: Asker },
): Promise<readonly unknown[]> {
  const { asker, limit, of } = asked
  const next = pages(statement, ask, of)
  for (let left = limit; ; left -= PART) {
    const size = Math.min(left, PART)
    const rows = await next(size)
    if (size === left || rows.length < size) return rows
    await asker.part(rows)
  }
}

/** Reads a list in pages, each after the one before. */
function pages(
  statement: Statement,
  ask: 'accounts' | 'holds' | 'entries',
  of: AccountId | null,
): (size: number) => Promise<readonly unknown[]> {
  let account: AccountId | undefined
  let hold: HoldId | undefined
  let entry: number | undefined
  const views = {
    async accounts(size: number) {
      const rows = await statement.accounts(size, of, account)
      account = rows.at(-1)?.account
      return rows.map(accountJson)
    },
    async holds(size: number) {
      const rows = await statement.holds(size, of, hold)
      hold = rows.at(-1)?.id
      return rows.map(holdJson)
    },
    async entries(size: number) {
      const rows = await statement.entries(size, of, entry)
      entry = rows.at(-1)?.n
      return rows.map(entryJson)
    },
  }
  return views[ask]
}

/**
 * The answer of the ecash wallet's commands, with amounts in sats. Throws if this gate has no ecash
 * wallet.
 */
export async function answerWallet(
  { admin, wallet }: WalletParts,
  question: WalletQuestion,
  told: (progress: string) => void,
): Promise<unknown> {
  if (admin === null) throw new Error(elsewhere(wallet))
  switch (question.do) {
    case 'withdraw':
      return admin.withdraw(question)
    case 'export':
      return admin.export(question)
    case 'restore':
      return admin.restore(question.yes, told)
    default:
      return admin[question.do]()
  }
}

/** Says where the money of the other wallets is. `wallet` is empty if there is none. */
export const elsewhere = (wallet: string): string => {
  if (wallet === '') return NO_WALLET
  return wallet === 'play'
    ? 'the wallet of this gate is play money, which is worth nothing and cannot be taken out. Its books: satgate ledger'
    : `the money of this gate is in ${wallet}, and satgate takes out ecash alone: take it out there. What each wallet can do: satgate wallet test`
}

/** A pass that is given away, with an account of its own. */
async function mint(
  { books, gifts, world }: HandlerParts,
  { sats, caveats }: Extract<Question, { ask: 'mint' }>,
): Promise<unknown> {
  const canonical = canonicalCaveats(caveats, world.now())
  if (!canonical.ok) throw new Error(`no pass was made: ${canonical.error.detail}`)
  const { account, pass } = await gifts.give(sats, canonical.value)
  assert(pass !== null, 'every gift is a payment of its own')
  return mintedJson({ pass, account, sats, caveats: canonical.value, money: books.kind })
}
