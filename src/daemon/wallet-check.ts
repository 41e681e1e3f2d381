import type { Background } from '../floor/background.ts'
import { inTime } from '../floor/in-time.ts'
import { onLine } from '../floor/printable.ts'
import { sentence } from '../floor/sentence.ts'
import type { World } from '../floor/world.ts'
import type { Wallet } from '../wallets/wallet.ts'
import type { Composed } from './compose.ts'
import type { Host } from './host.ts'

/** ms that a start waits to hear whether the wallet works. It goes on to be asked. */
const PATIENCE = 6_000

type Say = (event: object) => void

/** Asks the wallet once, and tells of one that is only slow: what comes later is told as well. */
export async function checkWallet(
  { line }: Pick<Composed, 'line'>,
  parts: {
    readonly world: World
    readonly wallet: Wallet
    readonly say: Say
    readonly background: Background
  },
): Promise<void> {
  const { world, wallet, say, background } = parts
  const probe = line.probe()
  const answered = await inTime(world, probe, { ms: PATIENCE, late: false })
  // One that said why it cannot be used was told of by its line.
  if (answered || !line.up) return
  const about = { what: 'wallet_unreachable', wallet: wallet.kind, label: wallet.label }
  say({ event: 'problem', ...about, reason: `no answer in ${PATIENCE / 1_000} s` })
  background.once('wallet', async () => {
    if (await probe) say({ event: 'solved', ...about })
  })
}

/** A gate that has never seen its wallet waits for it, and does not stand before. Told once. */
export function tellWaiting(parts: {
  readonly host: Host
  readonly say: Say
  readonly wallet: string
}): (name: string, reason: string) => () => void {
  const { host, say, wallet } = parts
  return (label, reason) => {
    const about = { what: 'wallet_unreachable', wallet, label }
    say({ event: 'problem', ...about, reason })
    host.stderr.write(
      `satgate: waiting for the wallet (${label}): ${sentence(onLine(reason))} The gate starts when it answers; it is asked every 4 s\n`,
    )
    return () => say({ event: 'solved', ...about })
  }
}
