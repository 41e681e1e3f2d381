import { inTime } from '../floor/in-time.ts'
import type { World } from '../floor/world.ts'
import type { Invoices, Payable } from '../ledger/invoices.ts'
import type { Wallet } from '../wallets/wallet.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import { Failed } from './failed.ts'
import { namesGiven } from './wallet-names.ts'

/** ms that a wallet has to say whether it knows an invoice. */
const LOOKUP_WITHIN = 3_000

export interface UnwatchedParts {
  readonly invoices: Pick<Invoices, 'payable' | 'pending' | 'recall'>
  /** The wallets whose invoices this gate sees paid. */
  readonly wallets: readonly (Pick<NamedWallet, 'name' | 'also'> & {
    readonly wallet: Pick<Wallet, 'asksItself' | 'lookup'>
  })[]
  readonly world: World
  readonly say: (event: object) => void
  /** Start although there are such invoices. */
  readonly yes: boolean
}

/**
 * Looks for unpaid invoices of a wallet that is no longer configured. Nobody would see their
 * payment, so a buyer who pays one gets nothing (threats J24). If there are any, it throws `Failed`
 * (4), or it reports them as a problem if the operator said `--yes`.
 */
export async function tellUnwatched(parts: UnwatchedParts): Promise<void> {
  for (const one of await parts.invoices.payable(parts.world.now())) {
    if (await isAnswered(one, parts)) continue
    const given = await namesGiven(parts.invoices)
    const label = given.find(({ name }) => name === one.wallet)?.label ?? one.wallet
    if (!parts.yes) throw new Failed(`${sentence(one, label)} ${ADVICE}`, 4)
    parts.say({
      ...{ event: 'problem', what: 'invoices_unanswered', wallet: one.wallet },
      ...{ invoices: one.invoices, until: new Date(one.until).toISOString() },
    })
  }
}

async function isAnswered({ wallet: name }: Payable, parts: UnwatchedParts): Promise<boolean> {
  const { wallets, invoices, world } = parts
  const own = wallets.find((one) => one.name === name || one.also.includes(name))
  if (own === undefined) return false
  // Only a wallet without a list of its own can tell whether the node is another one now.
  if (own.wallet.asksItself === true) return true
  const [newest] = await invoices.pending(name, world.now(), 1)
  return newest === undefined || (await knows(world, own.wallet, newest.hash))
}

/** If the wallet does not answer now, it is assumed to know the invoice. */
async function knows(world: World, wallet: Pick<Wallet, 'lookup'>, hash: string): Promise<boolean> {
  const answer = wallet.lookup(hash).then(
    ({ is }) => is !== 'unknown',
    () => true,
  )
  return inTime(world, answer, { ms: LOOKUP_WITHIN, late: true })
}

function sentence({ invoices, until }: Payable, wallet: string): string {
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return invoices === 1
    ? `1 unpaid invoice was made by another wallet (${wallet}) and can be paid until ${time}; this gate would not see it paid.`
    : `${invoices} unpaid invoices were made by another wallet (${wallet}) and can be paid until ${time}; this gate would not see them paid.`
}

const ADVICE =
  'Keep that wallet until then, as the last one of a list (wallet: […]), or start with --yes to go on without it: who pays one of them gets nothing for it.'
