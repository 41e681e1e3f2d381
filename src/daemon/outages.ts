import type { Say } from '../gate/ports.ts'
import type { Watcher } from '../http/models.ts'
import type { Outage } from '../wallets/breaker.ts'
import type { Wallet } from '../wallets/wallet.ts'
import type { FoundBackend } from './backend.ts'

/** Tells the operator when the wallet cannot be used, and when it can again. */
export function walletOutage({ label }: Pick<Wallet, 'label'>, say: Say): Outage {
  const about = (wallet: string, since: number) => ({
    ...{ what: 'wallet_unreachable', wallet, since: iso(since), label },
  })
  return {
    gone: (wallet, reason, since) => say({ event: 'problem', ...about(wallet, since), reason }),
    back: (wallet, since) => say({ event: 'solved', ...about(wallet, since) }),
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
