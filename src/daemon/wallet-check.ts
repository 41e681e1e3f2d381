import type { Background } from '../floor/background.ts'
import { inTime } from '../floor/in-time.ts'
import { onLine } from '../floor/printable.ts'
import { sentence } from '../floor/sentence.ts'
import { sleep, type World } from '../floor/world.ts'
import type { Facilitator } from '../rails/x402/facilitator.ts'
import type { Member, WalletList } from '../wallets/wallet-list.ts'
import type { Host } from './host.ts'

/** ms that a start waits for the first answer of the wallet. The question stays open afterwards. */
const ANSWER_WITHIN = 6_000

type Say = (event: object) => void

interface Checking {
  readonly world: World
  readonly say: Say
  readonly background: Background
}

/** Asks each wallet once. If it is slow, that is a problem event, and its answer solves it. */
export async function checkWallets(list: WalletList, checking: Checking): Promise<void> {
  await Promise.all(list.members.map((member) => checkWallet(member, checking)))
}

async function checkWallet(
  { breaker, name, wallet }: Member,
  { world, say, background }: Checking,
): Promise<void> {
  const probe = breaker.probe()
  const answered = await inTime(world, probe, { ms: ANSWER_WITHIN, late: false })
  // If the wallet said why it cannot be used, its own event has told it.
  if (answered || !breaker.up) return
  const about = { what: 'wallet_unreachable', wallet: name, label: wallet.label }
  say({ event: 'problem', ...about, reason: `no answer in ${ANSWER_WITHIN / 1_000} s` })
  background.once('wallet', async () => {
    if (await probe) say({ event: 'solved', ...about })
  })
}

/** ms that a start waits for the first answer of the facilitator. */
const FACILITATOR_WITHIN = 3_000
const LOOK = 50

/**
 * Resolves when the facilitator has answered for the first time, or after three seconds: a gate that
 * says that it is ready offers what it can take. If it stays away, its own event tells it.
 */
export async function checkFacilitator(
  facilitator: Pick<Facilitator, 'up'> | null,
  world: World,
): Promise<void> {
  const until = world.elapsed() + FACILITATOR_WITHIN
  while (facilitator?.up === false && world.elapsed() < until) await sleep(world, LOOK)
}

/** Tells the operator, once, that the gate does not start until its wallet answers. */
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
