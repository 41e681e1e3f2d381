import { testedJson } from '../../daemon/control-json.ts'
import type { NamedTest } from '../../daemon/wallet-tests.ts'
import { onLine } from '../../floor/printable.ts'
import { sentence } from '../../floor/sentence.ts'
import { unitOf } from '../../money/unit.ts'
import type { Inbound } from '../../wallets/about.ts'
import { jsonLine } from '../log.ts'
import { hang } from '../terminal.ts'
import type { Outcome } from './command.ts'
import { type How, sats } from './wallet-balance.ts'

/** The exit code if a wallet does not work. */
const UNREACHABLE = 3

/** What `satgate wallet test` prints. */
export function testedOutcome(all: readonly NamedTest[], how: How): Outcome {
  const code = all.every(({ problem }) => problem === null) ? 0 : UNREACHABLE
  const stdout = how.json
    ? jsonLine(all.map(testedJson))
    : all.map((one) => block(one, how.width)).join('\n')
  return { code, stdout, stderr: '' }
}

function block(tested: NamedTest, width: number | null): string {
  const { label, problem, tookMs, about, money, network, sat } = tested
  const unit = money === null ? 'sat' : unitOf(money)
  const rows: (readonly [string, string])[] =
    problem === null
      ? [['works', `an invoice of ${sat} ${unit} was made and looked up in ${tookMs} ms`]]
      : [['does not work', sentence(problem)]]
  if (money !== null) rows.push(['money', `${money} (${network ?? 'unknown network'})`])
  if (about !== null) {
    rows.push(
      ['held by', about.holder],
      ['can receive', received(about.inbound, unit)],
      ['preimage', PREIMAGES[about.preimage]],
      ['payments', LEARNS[about.learns]],
      ['pays buyers', about.paysOut ? 'yes' : 'no: its key may not pay, or it cannot'],
      ...about.warnings.map((warning) => ['warning', sentence(warning)] as const),
    )
  }
  const name = tested.name === tested.kind ? '' : ` (${tested.name})`
  const lines = rows.map(([key, value]) => hang(`  ${key.padEnd(15)}`, onLine(value), width))
  return `${onLine(label)}${name}\n${lines.join('\n')}\n`
}

function received({ sat, says }: Inbound, unit: string): string {
  const amount = sat === null ? null : `${sats(sat)} ${unit}`
  return [amount, says].filter((part) => part !== null).join(', ') || 'not known'
}

const PREIMAGES = {
  payer: 'shown to this gate alone',
  public: 'everybody who has the payment hash can read it, so no invoice is shown to two buyers',
  nobody: 'not shown; buyers use the settlement secret',
} as const

const LEARNS = {
  subscription: 'told by a subscription, and looked up besides',
  polling: 'looked up again and again',
} as const
