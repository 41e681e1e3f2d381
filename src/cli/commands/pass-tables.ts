import type { ListedPassJson, PassJson } from '../../daemon/control-passes.ts'
import { onLine } from '../../floor/printable.ts'
import { table } from '../tables.ts'
import { clock, inSats } from './ledger-tables.ts'

/** The tables of `satgate pass list` and `show`. */
export const passesTable = (rows: readonly ListedPassJson[], unit: string): string =>
  table(
    ['account', 'pass', 'kind', 'label', 'rail', unit, 'created (UTC)', 'used (UTC)', 'state'],
    rows.map((row) => [
      ...[row.account, row.pass?.slice(0, 8) ?? '-', row.kind ?? '-', row.label ?? ''],
      ...[row.rail ?? '-', inSats(row.balance_msat), clock(row.created_at)],
      ...[row.used_at === null ? '-' : clock(row.used_at), row.state],
    ]),
  )

export function passTable(shown: PassJson, unit: string): string {
  const lines = [
    `account  ${shown.account}`,
    `balance  ${inSats(shown.balance_msat)} ${unit}, ${inSats(shown.paid_msat)} of it paid, ${inSats(shown.held_msat)} held`,
  ]
  for (const { amount_msat, source } of shown.withdrawable) {
    lines.push(`may leave ${inSats(amount_msat)} ${unit}, by ${onLine(source)}`)
  }
  if ('passes' in shown) return `${lines.join('\n')}\n\n${passesTable(shown.passes, unit)}`
  lines.push(`kind     ${shown.kind}`, `state    ${shown.state}`)
  const prefixes = table(
    ['caveat', 'name of the prefix', ''],
    shown.prefixes.map(({ caveat, name, revoked }) => [
      ...[caveat === null ? 'root' : onLine(caveat), name, revoked ? 'revoked' : ''],
    ]),
  )
  const limits = shown.limits.map((one) => [
    ...[one.limit, one.unit === 'msat' ? `${inSats(one.left)} ${unit}` : `${one.left} ${one.unit}`],
  ])
  const left = limits.length === 0 ? '' : `\n${table(['limit', 'left'], limits)}`
  return `${lines.join('\n')}\n\n${prefixes}${left}`
}
