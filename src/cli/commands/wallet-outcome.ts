import type { WalletQuestion } from '../../daemon/control-handlers.ts'
import { exportedJson, keptJson, restoredJson, withdrawnJson } from '../../daemon/control-json.ts'
import { plural } from '../../floor/plural.ts'
import { onLine, onLines } from '../../floor/printable.ts'
import type { Result } from '../../floor/result.ts'
import type { Exported, KeptExport } from '../../wallets/ecash/spend/export.ts'
import type { Restored } from '../../wallets/ecash/spend/restore.ts'
import type { Balance } from '../../wallets/ecash/spend/wallet-admin.ts'
import type { Refused } from '../../wallets/ecash/spend/wallet-admin-parts.ts'
import type { Withdrawn } from '../../wallets/ecash/spend/withdraw.ts'
import { jsonLine } from '../log.ts'
import { table } from '../tables.ts'
import { done, type Outcome } from './command.ts'
import { balanceOutcome, type How, place, sats } from './wallet-balance.ts'

/** What `satgate wallet …` prints. */
export function walletOutcome(question: WalletQuestion, said: unknown, how: How): Outcome {
  const answer = how.json ? said : onLines(said)
  switch (question.do) {
    case 'balance':
      return balanceOutcome(answer as Balance, how)
    case 'exports':
      return keptOutcome(answer as readonly KeptExport[], how)
    case 'restore':
      return restoredOutcome(answer as readonly Restored[], how)
    case 'withdraw':
      return unlessRefused(answer as Result<Withdrawn, Refused>, how, withdrawnOutcome)
    case 'export':
      return unlessRefused(answer as Result<readonly Exported[], Refused>, how, exportedOutcome)
    case 'confirm':
      return unlessRefused(answer as Result<{ readonly to: string }, Refused>, how, confirmed)
  }
}

/**
 * 1 failed, 2 bad usage, 3 mint or address do not answer, 4 money would be lost without `--yes`.
 */
const CODES: Readonly<Record<Refused['why'], number>> = {
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
}

function unlessRefused<T>(
  answer: Result<T, Refused>,
  how: How,
  shown: (value: T, how: How) => Outcome,
): Outcome {
  if (answer.ok) return shown(answer.value, how)
  const { why, says } = answer.error
  return { code: CODES[why], stdout: '', stderr: `satgate: ${onLine(says)}\n` }
}

function withdrawnOutcome(withdrawn: Withdrawn, { json, unit }: How): Outcome {
  const { state, sat, fee, mint, to } = withdrawn
  if (json) return done(jsonLine(withdrawnJson(withdrawn)))
  const where = to === 'invoice' ? '' : ` to ${to}`
  if (state === 'sent') {
    return done(
      `${sats(sat)} ${unit}${where} are on their way. ${place(mint)} has not confirmed yet that they arrived.\n`,
      'The gate asks until it does: satgate wallet balance shows the state.\n',
    )
  }
  return done(
    `Paid ${sats(sat)} ${unit}${where} from ${place(mint)}. Fee: ${sats(fee ?? 0)} ${unit}.\n`,
  )
}

const BEARER =
  'Whoever has a token has its money. Any Cashu wallet takes it. Until then satgate wallet export --again shows it again.'

function exportedOutcome(tokens: readonly Exported[], { json, unit }: How): Outcome {
  if (json) return done(jsonLine(tokens.map(exportedJson)))
  const sum = tokens.reduce((all, { sat }) => all + sat, 0)
  const head = `${sats(sum)} ${unit} in ${plural(tokens.length, 'token')}`
  const from = [...new Set(tokens.map(({ mint }) => place(mint)))].join(', ')
  return done(
    `${tokens.map(({ token }) => token).join('\n')}\n`,
    `${head}, from ${onLine(from)}. ${BEARER}\n`,
  )
}

function keptOutcome(kept: readonly KeptExport[], { json, unit }: How): Outcome {
  if (json) return done(jsonLine(kept.map(keptJson)))
  if (kept.length === 0) return done('', 'There is no exported token that nobody has taken.\n')
  const told = kept.map(({ sat, mint, at, state }) => {
    const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
    return `${sats(sat)} ${unit} from ${onLine(place(mint))}, ${when} UTC${SAID[state]}\n`
  })
  return done(`${kept.map(({ token }) => token).join('\n')}\n`, told.join(''))
}

const SAID: Readonly<Record<KeptExport['state'], string>> = {
  there: '',
  taken: ': taken',
  partly: ': partly taken',
  unknown: ': the mint does not say whether it was taken',
}

const WITHOUT = 'Try again later. If this mint is gone for good, --yes goes on without it.'

function restoredOutcome(all: readonly Restored[], { json, unit }: How): Outcome {
  const code = all.every(({ problem }) => problem === null) ? 0 : CODES.unreachable
  const stderr = all
    .filter(({ problem }) => problem !== null)
    .map(({ mint, problem }) => onLine(`satgate: ${place(mint)}: ${problem}. ${WITHOUT}`))
    .map((line) => `${line}\n`)
    .join('')
  if (json) {
    return { code, stdout: jsonLine(all.map(restoredJson)), stderr }
  }
  const rows = all.map(({ mint, added, gone, holds }) => [
    place(mint),
    sats(added),
    sats(gone),
    sats(holds),
  ])
  return { code, stdout: table(['mint', `found ${unit}`, 'gone', 'holds now'], rows), stderr }
}

function confirmed({ to }: { readonly to: string }, { json }: How): Outcome {
  return done(json ? jsonLine({ to }) : `From now on earnings are sent to ${to} by themselves.\n`)
}
