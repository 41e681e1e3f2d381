import type { Say } from '../gate/ports.ts'
import type { Watcher } from '../http/models.ts'
import type { NamedWallet, Outages } from '../wallets/wallet-list.ts'
import type { FoundBackend } from './backend.ts'

/** Tells the operator when a wallet cannot be used, and when it can again. */
export function walletOutages(say: Say): Outages {
  const about = ({ name, wallet }: NamedWallet, since: number) => ({
    ...{ what: 'wallet_unreachable', wallet: name, since: iso(since), label: wallet.label },
  })
  return {
    gone: (named, { reason, since, instead }) =>
      say({ event: 'problem', ...about(named, since), reason, ...(instead && { instead }) }),
    back: (named, since) => say({ event: 'solved', ...about(named, since) }),
  }
}

/** Tells the operator when the backend does not answer or lists no models, and when that is over. */
export function backendOutage(
  { url, explain }: Pick<FoundBackend, 'url' | 'explain'>,
  say: Say,
): Watcher {
  return {
    gone: ({ why, since }, how) =>
      say({
        ...{ event: 'problem', what: 'upstream_unreachable', reason: why, since: iso(since) },
        ...{ url, detail: explain(how) },
      }),
    back: (since) => say({ event: 'solved', what: 'upstream_unreachable', since: iso(since) }),
    unlisted: (how) =>
      say({ event: 'problem', what: 'models_unlisted', url, detail: explain(how) }),
    listed: () => say({ event: 'solved', what: 'models_unlisted' }),
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
