import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { shortName } from '../gate/account-name.ts'
import type { Authenticator } from '../gate/authenticate.ts'
import type { Say } from '../gate/ports.ts'
import { Withdrawing } from '../gate/withdraw.ts'
import type { Books } from '../ledger/open-ledger.ts'
import type { Withdrawal } from '../ledger/withdrawals.ts'
import type { RootKeys } from '../passes/write.ts'
import type { Wallet } from '../wallets/wallet.ts'
import { ChangeMaker } from '../withdrawals/change.ts'
import { RestoreCheck, type RestoredCoins } from '../withdrawals/restore-check.ts'
import type { WithdrawalSource } from '../withdrawals/source.ts'
import { Withdrawals } from '../withdrawals/withdrawals.ts'

/** What money leaves from, besides wallets that pay invoices themselves. */
export interface EcashSources {
  readonly sources: readonly WithdrawalSource[]
  readonly restored: RestoredCoins
}

interface Parts {
  readonly books: Books
  readonly keys: RootKeys
  readonly config: Pick<Config, 'mode'>
  readonly authenticator: Authenticator
  readonly wallets: readonly { readonly names: readonly string[]; readonly wallet: Wallet }[]
  readonly ecash: EcashSources | null
  /** The data folder is a copy or a restored backup. */
  readonly copied: boolean
  readonly healthy: () => boolean
  readonly world: World
  readonly background: Background
  readonly say: Say
}

/** Makes and starts what pays buyers back. */
export function composeWithdrawals(parts: Parts) {
  const { authenticator, background, books, config, copied, ecash, healthy, keys, world } = parts
  const { facts, say } = { facts: books.invoices, say: parts.say }
  const gate = keys.current.id
  const sources = [...parts.wallets.flatMap(walletSources), ...(ecash?.sources ?? [])]
  const gates = keys.all.map(({ id }) => id)
  const shared = { book: books.withdrawals, sources, facts, gate, gates, world, background }
  const restored = new RestoreCheck({
    ...{ ...shared, copied, ecash: ecash?.restored ?? null },
    told: {
      lost: (account, amount, source) =>
        say({
          ...{ event: 'problem', what: 'withdrawal_recovered', source },
          ...{ account: shortName(account), amount_msat: Number(amount) },
        }),
      paused: (source) =>
        say({
          ...{ event: 'problem', what: 'withdrawals_paused', source },
          fix: 'satgate wallet confirm --withdrawals',
        }),
      allowed: (source) => say({ event: 'solved', what: 'withdrawals_paused', source }),
    },
  })
  const withdrawals = new Withdrawals({
    ...{ ...shared, restored, healthy, money: books.kind },
    isOurs: async (hash) => (await books.invoices.get(hash)) !== null,
    told: {
      closed(withdrawal, late) {
        if (late) say({ event: 'solved', what: 'withdrawal_open', ...named(withdrawal) })
        say(withdrawn(withdrawal))
      },
      late: (withdrawal) =>
        say({ event: 'problem', what: 'withdrawal_open', ...named(withdrawal) }),
    },
  })
  const open = () => healthy() && !withdrawals.stopping
  const { sending } = withdrawals
  const change = new ChangeMaker({ ...shared, restored, sending, open })
  const pays = config.mode !== 'observe'
  const withdrawing = new Withdrawing({ withdrawals, authenticator, ledger: books.ledger, pays })
  restored.start()
  withdrawals.start()
  return { change, restored, withdrawals, withdrawing }
}

/** A wallet is a source by each of its names: the rows of its invoices keep the one that it had. */
function walletSources(one: {
  readonly names: readonly string[]
  readonly wallet: Wallet
}): readonly WithdrawalSource[] {
  const { names, wallet } = one
  return names.map((source) => ({
    source,
    // A node tells whether its key may pay when it answers, which may be later.
    get lightning() {
      return wallet.outgoing ?? null
    },
    ecash: null,
    made: async (hash) => (await wallet.lookup(hash)).is !== 'unknown',
    held: async () => null,
  }))
}

const named = ({ account, at, source }: Withdrawal) => ({
  account: shortName(account),
  source,
  since: new Date(at).toISOString(),
})

function withdrawn({ account, amount, kind, paidFee, source, state }: Withdrawal) {
  return {
    event: 'withdrawn',
    account: shortName(account),
    state: state === 'sent' ? 'paid' : 'failed',
    ...{ kind, source },
    amount_msat: Number(amount),
    fee_msat: Number(paidFee ?? 0n),
  } as const
}
