import type { EarningsJson } from '../../daemon/control-json.ts'
import { SHOWN_NAMES } from '../../money/quantities.ts'
import { jsonLine } from '../log.ts'
import { table } from '../tables.ts'
import { type Command, done, FOLDER_OF_BOOKS } from './command.ts'
import { inItsUnit, inSats } from './ledger-tables.ts'

export const earnings: Command = {
  name: 'earnings',
  does: 'Show what was earned by day and model, paid in by rail, and paid back to buyers.',
  more: 'Days are UTC. "lost" is what answers cost beyond what their buyers had.',
  examples: [
    ['satgate earnings', 'tables, newest day first'],
    ['satgate earnings --json', 'the same for programs, in msat and micro-dollars'],
  ],
  settings: FOLDER_OF_BOOKS,
  async run(invocation) {
    const { askBooks } = await import('../ask-gate.ts')
    const { answer, unit } = await askBooks(invocation, { ask: 'earnings' })
    const rows = answer as EarningsJson
    return done(invocation.json ? jsonLine(rows) : earningsTable(rows, unit))
  },
}

const UNPAID = 'Nothing was earned and nothing was paid in yet.\n'

function earningsTable(rows: EarningsJson, unit: string): string {
  const { charges, deposits, withdrawals } = rows
  if (charges.length === 0 && deposits.length === 0) return UNPAID
  // A column for images, seconds and so on is there only if a request used any.
  const others = SHOWN_NAMES.filter((name) => charges.some((row) => row[name] !== undefined))
  const earned = table(
    [
      ...['day', 'model', 'requests', 'prompt tokens', 'completion tokens', ...others],
      ...[unit, `lost ${unit}`],
    ],
    charges.map((row) => [
      ...[row.day, row.model, row.requests, row.prompt_tokens, row.completion_tokens],
      ...others.map((name) => row[name] ?? 0),
      ...[inSats(row.earned_msat), inSats(row.overrun_msat)],
    ]),
  )
  const paidIn = table(
    ['day', 'rail', 'kind', 'payments', unit],
    deposits.map((row) => [row.day, row.rail, row.credit, row.payments, inItsUnit(row)]),
  )
  const paidOut = table(
    ['day', 'from', 'withdrawals', unit, `of it fees ${unit}`],
    withdrawals.map((row) => [
      ...[row.day, row.source, row.withdrawals, inSats(row.amount_msat), inSats(row.fees_msat)],
    ]),
  )
  return [
    'Earned, by UTC day and model\n',
    charges.length === 0 ? 'Nothing yet.\n' : earned,
    '\nPaid in, by UTC day and rail\n',
    deposits.length === 0 ? 'Nothing yet.\n' : paidIn,
    withdrawals.length === 0 ? '' : `\nPaid back to buyers, by UTC day and source\n${paidOut}`,
  ].join('')
}
