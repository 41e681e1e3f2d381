import { inTime } from '../floor/in-time.ts'
import type { World } from '../floor/world.ts'
import type { Invoices, Payable } from '../ledger/invoices.ts'
import type { Wallet } from '../wallets/wallet.ts'
import { Failed } from './failed.ts'

/** ms that a wallet is given to say whether it knows an invoice. */
const PATIENCE = 3_000

export interface UnwatchedParts {
  readonly invoices: Pick<Invoices, 'payable' | 'pending'>
  readonly wallet: Pick<Wallet, 'kind' | 'asksItself' | 'lookup'>
  /** Kinds of wallets whose invoices this gate sees paid. */
  readonly answers: readonly string[]
  readonly world: World
  readonly say: (event: object) => void
  /** Go on without them. */
  readonly yes: boolean
}

/**
 * Tells of invoices that may still be paid and that no wallet of this gate answers for: another
 * one is configured since they were made, and a buyer who pays one gets nothing (threats J24). Throws
 * `Failed` (4) unless that was agreed to.
 */
export async function tellUnwatched(parts: UnwatchedParts): Promise<void> {
  for (const one of await parts.invoices.payable(parts.world.now())) {
    if (await isAnswered(one, parts)) continue
    if (!parts.yes) throw new Failed(`${sentence(one)} ${ADVICE}`, 4)
    parts.say({
      ...{ event: 'problem', what: 'invoices_unanswered', wallet: one.wallet },
      ...{ invoices: one.invoices, until: new Date(one.until).toISOString() },
    })
  }
}

async function isAnswered({ wallet: kind }: Payable, parts: UnwatchedParts): Promise<boolean> {
  const { answers, invoices, wallet, world } = parts
  if (!answers.includes(kind)) return false
  // A wallet that keeps no list of its own is asked: a node may have become another node.
  if (kind !== wallet.kind || wallet.asksItself === true) return true
  const [newest] = await invoices.pending(kind, world.now(), 1)
  return newest === undefined || (await knows(world, wallet, newest.hash))
}

/** A wallet that does not answer now may well know it. */
async function knows(world: World, wallet: Pick<Wallet, 'lookup'>, hash: string): Promise<boolean> {
  const answer = wallet.lookup(hash).then(
    ({ is }) => is !== 'unknown',
    () => true,
  )
  return inTime(world, answer, { ms: PATIENCE, late: true })
}

function sentence({ wallet, invoices, until }: Payable): string {
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return invoices === 1
    ? `1 unpaid invoice was made by another wallet (${wallet}) and can be paid until ${time}; this gate would not see it paid.`
    : `${invoices} unpaid invoices were made by another wallet (${wallet}) and can be paid until ${time}; this gate would not see them paid.`
}

const ADVICE =
  'Start with that wallet until then, or with --yes to go on without: who pays one of them gets nothing for it.'
