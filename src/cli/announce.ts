import type { Config } from '../config/config.ts'
import { dollarsLine, settledBy } from '../daemon/dollars.ts'
import type { Host } from '../daemon/host.ts'
import type { Ready } from '../daemon/operator.ts'
import { version } from '../daemon/version.ts'
import { isLoopback } from '../floor/address.ts'
import { onLine } from '../floor/printable.ts'
import { priceOf } from '../gate/price.ts'
import { unitOf } from '../money/unit.ts'
import { banner } from './banner.ts'
import type { EventLog } from './log.ts'
import { priceLines } from './prices.ts'

/** Prints that the gate is ready: a block for a person, or the `ready` event. */
export function announce(
  host: Pick<Host, 'stdout' | 'stderr'>,
  about: Ready,
  { log, json }: { readonly log: EventLog; readonly json: boolean },
): void {
  const { config, backend, url, money, notes } = about
  const wallets = about.wallets.filter(({ makes }) => makes)
  if (json) {
    for (const note of notes) host.stderr.write(`satgate: ${onLine(note)}\n`)
    log.say({
      event: 'ready',
      url,
      public_url: about.publicUrl,
      tunnel: about.tunnel.state,
      tunnel_why: about.tunnel.why,
      upstream: { kind: backend.kind, url: backend.url, models: backend.first.length },
      wallet: wallets[0]?.name ?? null,
      wallets: wallets.map(({ name }) => name),
      x402: x402Of(config),
      money,
      mode: config.mode,
      data_dir: config.dataDir,
    })
    log.open({ money })
    return
  }
  const { pricing } = about
  const models = backend.first.map(({ id }) => ({
    id,
    priced: priceOf(id, { pricing, models: backend.models }),
  }))
  const everywhere = ['0.0.0.0', '::'].includes(config.host)
  host.stdout.write(
    banner(
      {
        version: version(),
        money,
        ...{ url: everywhere ? `http://localhost:${new URL(url).port}` : url, everywhere },
        publicUrl: about.publicUrl,
        publicHint: money === 'play' ? null : publicHint(config, about.tunnel),
        upstream: backend.label,
        ...priceLines(config.pricing.list, models, unitOf(money)),
        wallet: wallets.map(({ wallet }) => wallet.label).join(', then ') || null,
        dollars: dollarsLine(config),
        invoices: config.rails.l402 || config.rails.payment,
        walletHint: wallets.some(({ wallet }) => wallet.kind === 'ecash')
          ? 'the mint holds it: satgate wallet withdraw'
          : '',
        folder: config.dataDir,
        troubles: log.open({ money }),
        notes,
      },
      host.stdout,
    ),
  )
}

/** Where dollars go, for programs. Null if none are taken. */
const x402Of = ({ rails: { x402 } }: Config) =>
  x402 === null ? null : { network: x402.network, pay_to: x402.payTo, facilitator: settledBy(x402) }

/** Null if there is no advice, or a note gives it. */
function publicHint({ host }: Config, { state, why }: Ready['tunnel']): string | null {
  if (state !== 'off' || ['answered_no', 'not_answered'].includes(why)) return null
  return isLoopback(host)
    ? 'only this machine reaches it: --tunnel, or --public-url URL'
    : 'no address from outside is known: --public-url URL'
}
