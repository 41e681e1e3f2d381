import type { ArchivedJson, ProofJson, WithdrawalJson } from '../../daemon/control-json.ts'
import { plural } from '../../floor/plural.ts'
import { onLines } from '../../floor/printable.ts'
import { formatSat } from '../../money/msat.ts'
import { jsonLine } from '../log.ts'
import { table } from '../tables.ts'
import { wholeAboveZero } from '../whole-number.ts'
import { type Command, done, FOLDER_OF_BOOKS, type Invocation, type Outcome } from './command.ts'
import { inDollars, inSats, VIEWS } from './ledger-tables.ts'

const ROWS_FLAGS = [
  {
    typed: '--account <name>',
    does: 'only this account: its name as events and /v1/balance show it, or 4 or more digits of it',
  },
  { typed: '--limit <rows>', does: 'rows at most, the newest first (default: 50)' },
] as const

type Rows = Exclude<keyof typeof VIEWS, 'withdrawals'>

const rowsOf = (name: Rows, does: string, more: string): Command => ({
  name,
  does,
  more,
  examples: [
    [`satgate ledger ${name}`, 'the newest 50'],
    [`satgate ledger ${name} --account a1b2c3d4`, 'of one account'],
  ],
  flags: ROWS_FLAGS,
  settings: FOLDER_OF_BOOKS,
  run: (invocation) => showRows(invocation, name),
})

export const ledger: Command = {
  name: 'ledger',
  does: 'Look into the books: accounts, holds, entries, and whether they balance.',
  more: 'A running gate is asked; without one the files of the data folder are read.',
  examples: [
    ['satgate ledger', 'the accounts of your buyers'],
    ['satgate ledger entries --account a1b2c3d4', 'every movement of one account'],
    ['satgate ledger holds', 'what running requests have set aside'],
    ['satgate ledger verify', 'prove that the books balance'],
    ['satgate ledger archive --keep 7', 'roll up what is older than 7 days'],
  ],
  standard: 'accounts',
  settings: FOLDER_OF_BOOKS,
  commands: [
    rowsOf(
      'accounts',
      'List the accounts: what is left on each, of what was paid and of what was given.',
      'An account belongs to one payment, and to every pass that was made from it.',
    ),
    rowsOf(
      'holds',
      'List the holds: what running requests have set aside.',
      'A hold is the most that a running request can cost. When the request ends, the rest goes back.',
    ),
    rowsOf(
      'entries',
      'List the entries: every movement of money.',
      'An entry is one or more postings. Each posting takes an amount from one drawer and puts it into another.',
    ),
    {
      name: 'withdrawals',
      does: 'List the withdrawals of buyers that are not over.',
      more: 'Each stays set aside until its wallet or mint says how it ended. Nothing is given back because time has passed.',
      examples: [['satgate ledger withdrawals', 'which are under way, and since when']],
      settings: FOLDER_OF_BOOKS,
      async run(invocation) {
        const { askBooks } = await import('../ask-gate.ts')
        const { answer, unit } = await askBooks(invocation, { ask: 'withdrawals' })
        if (invocation.json) return done(jsonLine(answer))
        const rows = onLines(answer) as readonly WithdrawalJson[]
        if (rows.length > 0) return done(VIEWS.withdrawals(rows, unit))
        return done('', 'No withdrawal is under way.\n')
      },
    },
    {
      name: 'verify',
      does: 'Prove from the entries that the books balance.',
      more: 'The exit code is 0 if they balance, 4 if they do not. The gate goes on meanwhile.',
      settings: FOLDER_OF_BOOKS,
      async run(invocation) {
        const { askBooks } = await import('../ask-gate.ts')
        const { answer, unit } = await askBooks(invocation, { ask: 'verify' })
        return proofOutcome(answer as ProofJson, { json: invocation.json, unit })
      },
    },
    {
      name: 'archive',
      does: 'Roll up the details of old requests into one row for each day, account and model.',
      more: 'Balances, earnings and limits stay as they are, and the books go on proving themselves. The usage pages of buyers then begin later. A gate does this by itself with details of more than 31 days.',
      examples: [['satgate ledger archive --keep 7', 'keep the last 7 days']],
      flags: [
        { typed: '--keep <days>', does: 'whole UTC days before today that stay (default: 31)' },
      ],
      settings: FOLDER_OF_BOOKS,
      async run(invocation) {
        const { askBooks } = await import('../ask-gate.ts')
        const keepDays = wholeAboveZero('--keep', invocation.flags.keep ?? 31)
        const { answer } = await askBooks(invocation, { ask: 'archive', keepDays })
        const said = answer as ArchivedJson
        if (invocation.json) return done(jsonLine(said))
        const requests = plural(said.archived_requests, 'request')
        const verb = said.archived_requests === 1 ? 'was' : 'were'
        return done(`${requests} from before ${said.before.slice(0, 10)} ${verb} rolled up.\n`)
      },
    },
  ],
}

async function showRows(invocation: Invocation, view: Rows): Promise<Outcome> {
  const { askBooks } = await import('../ask-gate.ts')
  const { limit = 50, account = null } = invocation.flags
  const { answer, unit } = await askBooks(invocation, {
    ask: view,
    limit: wholeAboveZero('--limit', limit),
    account: account === null ? null : String(account),
  })
  if (invocation.json) return done(jsonLine(answer))
  const rows = answer as readonly unknown[]
  if (rows.length > 0) return done(VIEWS[view](rows as never, unit))
  return done('', `There are no ${view}${account === null ? ' yet' : ' of this account'}.\n`)
}

/** 0 if the books balance, 4 if they do not. */
function proofOutcome(
  said: ProofJson,
  { json, unit }: { readonly json: boolean; readonly unit: string },
): Outcome {
  const code = said.balanced ? 0 : 4
  if (json) return { code, stdout: jsonLine(said), stderr: '' }
  const shown = onLines(said)
  if (!shown.balanced) {
    const problems = shown.problems.map((line) => `  ${line}\n`).join('')
    return { code, stdout: `The books do NOT balance:\n${problems}`, stderr: '' }
  }
  const { usd_micros: usd, ...sats } = shown.buyers
  const owed = Object.values(sats).reduce((sum: bigint, one) => sum + BigInt(one), 0n)
  const counts = [
    plural(shown.postings, 'posting'),
    plural(shown.accounts, 'account'),
    plural(shown.open_holds, 'open hold'),
  ]
  return done(
    [
      `The books balance: ${counts.join(', ')}.\n\n`,
      table(
        ['drawer', unit],
        [
          ...shown.drawers.map((one) => [
            one.drawer,
            'balance_msat' in one ? inSats(one.balance_msat) : inDollars(one.balance_usd_micros),
          ]),
          ['owed to buyers', formatSat(owed)],
          ...(BigInt(usd) > 0n ? [['dollars of buyers', inDollars(usd)]] : []),
        ],
      ),
    ].join(''),
  )
}
