import { onLine, onLines } from '../floor/printable.ts'
import type { Result } from '../floor/result.ts'
import type { Balance, PayoutStatus } from '../wallets/ecash/out/desk.ts'
import type { Refused } from '../wallets/ecash/out/desk-parts.ts'
import type { Exported, KeptExport } from '../wallets/ecash/out/export.ts'
import type { Restored } from '../wallets/ecash/out/restock.ts'
import type { Withdrawn } from '../wallets/ecash/out/withdraw.ts'
import type { Outcome } from './config-command.ts'
import { jsonLine } from './lines.ts'
import type { WalletQuestion } from './office.ts'
import { table } from './tables.ts'

/** What `satgate wallet --help` begins with. */
export const WALLET_EXAMPLES = `
Examples:
  satgate wallet                                 what is held, what buyers are owed, where payouts stand
  satgate wallet withdraw you@domain             all that may leave, to a Lightning address
  satgate wallet withdraw you@domain --sats 500
  satgate wallet withdraw lnbc…                  pay an invoice
  satgate wallet confirm                         the first payout has arrived: from now on by itself
  satgate wallet export --sats 1000              ecash as a token; without --sats all that may leave
  satgate wallet export --again                  tokens that left and that nobody has taken
  satgate wallet restore                         take stock at the mints, from the seed
`

/** What `satgate wallet …` prints of the desk's answer. Sats. */
export function walletOutcome(question: WalletQuestion, said: unknown, json: boolean): Outcome {
  const answer = json ? said : onLines(said)
  switch (question.do) {
    case 'balance':
      return balanceOutcome(answer as Balance, json)
    case 'exports':
      return keptOutcome(answer as readonly KeptExport[], json)
    case 'restore':
      return restoredOutcome(answer as readonly Restored[], json)
    case 'withdraw':
      return unlessRefused(answer as Result<Withdrawn, Refused>, json, withdrawnOutcome)
    case 'export':
      return unlessRefused(answer as Result<readonly Exported[], Refused>, json, exportedOutcome)
    case 'confirm':
      return unlessRefused(answer as Result<{ readonly to: string }, Refused>, json, confirmed)
  }
}

/** 1 it failed, 2 bad usage, 3 mint or address do not answer, 4 money would be lost without `--yes`. */
const CODES: Readonly<Record<Refused['why'], number>> = {
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
}

function unlessRefused<T>(
  answer: Result<T, Refused>,
  json: boolean,
  shown: (value: T, json: boolean) => Outcome,
): Outcome {
  if (answer.ok) return shown(answer.value, json)
  const { why, says } = answer.error
  return { code: CODES[why], stdout: '', stderr: `satgate: ${onLine(says)}\n` }
}

const plain = (stdout: string, stderr = ''): Outcome => ({ code: 0, stdout, stderr })
const sats = (sat: number): string => sat.toString().replace(/\B(?=(\d{3})+$)/g, ',')
const place = (mint: string): string => mint.replace(/^https?:\/\//, '')

function balanceOutcome(balance: Balance, json: boolean): Outcome {
  const { sat, owed, withdrawable, mints, payout, alarm } = balance
  if (json) return plain(jsonLine(balanceJson(balance)))
  const rows = mints.map((one) => [
    place(one.mint),
    sats(one.free),
    sats(one.held),
    one.net === null ? '?' : sats(one.net),
    one.coins,
  ])
  const lines = [
    ...(alarm === null ? [] : [`STOPPED: ${alarm}`, '']),
    `held               ${sats(sat)} sat`,
    `owed to buyers     ${sats(owed)} sat`,
    `can be withdrawn   ${sats(withdrawable)} sat`,
    '',
    ...(rows.length === 0
      ? ['Nothing has been paid in yet.']
      : [table(['mint', 'free', 'under way', 'after fees', 'coins'], rows).trimEnd()]),
    ...mints.flatMap(({ mint, awaited }) =>
      awaited === 0
        ? []
        : [
            `${place(mint)} was paid ${sats(awaited)} sat and has not given the coins yet; it is asked again.`,
          ],
    ),
    ...mints.flatMap(({ mint, problem }) =>
      problem === null ? [] : [`${place(mint)}: ${problem}`],
    ),
    '',
    ...payoutLines(payout),
  ]
  return plain(`${lines.join('\n')}\n`)
}

function balanceJson({ sat, owed, withdrawable, mints, payout, alarm }: Balance): object {
  return {
    balance_sat: sat,
    owed_sat: owed,
    withdrawable_sat: withdrawable,
    mints: mints.map(({ mint, free, held, net, coins, awaited, problem }) => ({
      ...{ mint, free_sat: free, held_sat: held, net_sat: net, awaited_sat: awaited },
      ...{ coins, problem },
    })),
    payout: {
      ...{ state: payout.state, to: payout.to, above_sat: payout.above },
      ...{ sat: payout.sat, problem: payout.problem },
    },
    alarm,
  }
}

function payoutLines({ state, to, above, sat, problem }: PayoutStatus): string[] {
  const failed =
    problem === null
      ? []
      : [`It does not go through: ${problem.replace(/\.$/, '')}. It is tried again.`]
  switch (state) {
    case 'off':
      return [
        'Payout: off. With --payout you@domain earnings go there by themselves; or take them out:',
        '  satgate wallet withdraw you@domain      satgate wallet export',
      ]
    case 'first':
      return [
        `Payout to ${to}: above ${sats(above)} sat a first ${sats(sat ?? 0)} sat go there, for you to confirm.`,
        ...failed,
      ]
    case 'confirm':
      return [
        `Payout to ${to}: a first ${sats(sat ?? 0)} sat were sent. Did they arrive? Then:  satgate wallet confirm`,
      ]
    case 'on':
      return [`Payout to ${to}: on, above ${sats(above)} sat.`, ...failed]
    case 'under_way':
      return [`Payout of ${sats(sat ?? 0)} sat (${to}): under way.`]
  }
}

function withdrawnOutcome({ state, sat, fee, mint, to }: Withdrawn, json: boolean): Outcome {
  if (json) return plain(jsonLine({ state, sat, fee_sat: fee, mint, to }))
  const where = to === 'invoice' ? '' : ` to ${to}`
  if (state === 'sent') {
    return plain(
      `${sats(sat)} sat${where} are on their way; ${place(mint)} has not said yet that they arrived.\n`,
      'It is asked again until it does: see satgate wallet balance\n',
    )
  }
  return plain(`Paid ${sats(sat)} sat${where} from ${place(mint)}, for ${sats(fee ?? 0)} sat.\n`)
}

const BEARER =
  'Whoever has a token has its money. Any Cashu wallet takes it; satgate wallet export --again shows it again until it is taken.'

function exportedOutcome(tokens: readonly Exported[], json: boolean): Outcome {
  if (json) return plain(jsonLine(tokens))
  const sum = tokens.reduce((all, { sat }) => all + sat, 0)
  const head = `${sats(sum)} sat in ${tokens.length === 1 ? 'one token' : `${tokens.length} tokens`}`
  const from = [...new Set(tokens.map(({ mint }) => place(mint)))].join(', ')
  return plain(
    `${tokens.map(({ token }) => token).join('\n')}\n`,
    `${head}, from ${onLine(from)}. ${BEARER}\n`,
  )
}

function keptOutcome(kept: readonly KeptExport[], json: boolean): Outcome {
  if (json) return plain(jsonLine(kept))
  if (kept.length === 0) return plain('', 'Every token that was exported has been taken.\n')
  const told = kept.map(({ sat, mint, at, state }) => {
    const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
    return `${sats(sat)} sat from ${onLine(place(mint))}, ${when} UTC${SAID[state]}\n`
  })
  return plain(`${kept.map(({ token }) => token).join('\n')}\n`, told.join(''))
}

const SAID: Readonly<Record<KeptExport['state'], string>> = {
  there: '',
  taken: ': taken',
  partly: ': a part of it was taken',
  unknown: ': its mint does not say whether it was taken',
}

const WITHOUT =
  'Try again later; where the seed was seen elsewhere and that mint is gone for good, --yes goes on without it.'

function restoredOutcome(all: readonly Restored[], json: boolean): Outcome {
  const code = all.every(({ problem }) => problem === null) ? 0 : CODES.unreachable
  const stderr = all
    .filter(({ problem }) => problem !== null)
    .map(({ mint, problem }) => onLine(`satgate: ${place(mint)}: ${problem}. ${WITHOUT}`))
    .map((line) => `${line}\n`)
    .join('')
  if (json) {
    const rows = all.map(({ mint, added, gone, holds, problem }) => ({
      ...{ mint, added_sat: added, gone_sat: gone, holds_sat: holds, problem },
    }))
    return { code, stdout: jsonLine(rows), stderr }
  }
  const rows = all.map(({ mint, added, gone, holds }) => [
    place(mint),
    sats(added),
    sats(gone),
    sats(holds),
  ])
  return { code, stdout: table(['mint', 'found', 'gone', 'holds now'], rows), stderr }
}

function confirmed({ to }: { readonly to: string }, json: boolean): Outcome {
  return plain(json ? jsonLine({ to }) : `From now on earnings go to ${to} by themselves.\n`)
}
