import { balanceJson } from '../../daemon/control-json.ts'
import type { Balance, PayoutStatus } from '../../wallets/ecash/spend/wallet-admin.ts'
import { jsonLine } from '../log.ts'
import { table } from '../tables.ts'
import { hang } from '../terminal.ts'
import { done, type Outcome } from './command.ts'

/** How it is shown. `unit` is sat or test sat. If `width` is null, sentences are not wrapped. */
export interface How {
  readonly json: boolean
  readonly unit: string
  readonly width: number | null
}

/** Whole sats for people: `12,000`. */
export const sats = (sat: number): string => sat.toString().replace(/\B(?=(\d{3})+$)/g, ',')
/** A mint's address for people. */
export const place = (mint: string): string => mint.replace(/^https?:\/\//, '')

/** What `satgate wallet` prints. */
export function balanceOutcome(balance: Balance, { json, unit, width }: How): Outcome {
  const { sat, owed, withdrawable, mints, payout, frozen, restored } = balance
  if (json) return done(jsonLine(balanceJson(balance)))
  const rows = mints.map((one) => [
    place(one.mint),
    sats(one.free),
    sats(one.held),
    one.net === null ? '?' : sats(one.net),
    sats(one.owed),
    one.coins,
  ])
  const lines = [
    ...(frozen === null ? [] : [hang('', `STOPPED: ${frozen}`, width), '']),
    ...(restored === null ? [] : [hang('', withdrawalsOff(restored), width), '']),
    `held               ${sats(sat)} ${unit}`,
    `owed to buyers     ${sats(owed)} ${unit}`,
    `may leave          ${sats(withdrawable)} ${unit}`,
    '',
    ...(rows.length === 0
      ? ['No coins yet: nothing has been paid in.']
      : [table(['mint', `free ${unit}`, 'in use', 'after fees', 'owed', 'coins'], rows).trimEnd()]),
    ...mints
      .flatMap(({ mint, awaited, problem }) => [
        ...(awaited === 0
          ? []
          : [
              `${place(mint)} was paid ${sats(awaited)} ${unit} and has not issued the coins yet. The gate asks it again.`,
            ]),
        ...(problem === null ? [] : [`${place(mint)}: ${problem}`]),
      ])
      .map((line) => hang('', line, width)),
    '',
    ...payoutLines(payout, unit).map((line) =>
      line.startsWith(' ') ? line : hang('', line, width),
    ),
  ]
  return done(`${lines.join('\n')}\n`)
}

const withdrawalsOff = (since: number): string =>
  `Buyers cannot withdraw what they paid in before ${new Date(since).toISOString()}, because an older backup was restored. To let them: satgate wallet restore --yes`

function payoutLines({ state, to, above, sat, problem }: PayoutStatus, unit: string): string[] {
  const failed =
    problem === null
      ? []
      : [`The last payout failed: ${problem.replace(/\.$/, '')}. The gate tries again.`]
  switch (state) {
    case 'off':
      return [
        'Payout: off. Start the gate with --payout you@domain to have earnings sent there. To take them out now:',
        '  satgate wallet withdraw you@domain',
        '  satgate wallet export',
      ]
    case 'first':
      return [
        `Payout to ${to}: when the wallet holds more than ${sats(above)} ${unit}, a first ${sats(sat ?? 0)} ${unit} are sent. A running gate looks every 30 seconds. You then confirm that they arrived.`,
        ...failed,
      ]
    case 'confirm':
      return [
        `Payout to ${to}: a first ${sats(sat ?? 0)} ${unit} were sent. If they arrived:  satgate wallet confirm`,
      ]
    case 'on':
      return [`Payout to ${to}: on. What is above ${sats(above)} ${unit} is sent.`, ...failed]
    case 'under_way':
      return [`Payout to ${to}: ${sats(sat ?? 0)} ${unit} are on their way.`]
  }
}
