import { onLine } from '../../floor/printable.ts'
import { jsonLine } from '../log.ts'
import { done, type Invocation, type Outcome } from './command.ts'

/** What `satgate wallet confirm --withdrawals` is told: the sources that were off, and whether they are on now. */
interface Said {
  readonly sources: readonly string[]
  readonly allowed: boolean
}

/** Lets buyers withdraw again after a restore. Without `--yes` it says what that means, and code 4. */
export async function allowWithdrawals(invocation: Invocation): Promise<Outcome> {
  const { askBooks } = await import('../ask-gate.ts')
  const yes = invocation.flags.yes === true
  const { answer } = await askBooks(invocation, { ask: 'allow_withdrawals', yes })
  const said = answer as Said
  const code = said.sources.length > 0 && !said.allowed ? 4 : 0
  if (invocation.json) return { code, stdout: jsonLine(said), stderr: '' }
  if (said.sources.length === 0) return done('Buyers may withdraw: nothing is off.\n')
  const sources = onLine(said.sources.join(', '))
  if (said.allowed) return done(`Buyers may withdraw again: ${sources}.\n`)
  const means = `Withdrawals are off for ${sources}, because this folder was restored. What buyers withdrew after the backup is on their accounts again, so they could withdraw it twice. Compare the payments of the wallet with: satgate ledger entries. If you take that risk: satgate wallet confirm --withdrawals --yes`
  return { code, stdout: '', stderr: `satgate: ${means}\n` }
}
