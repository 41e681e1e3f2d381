import type { Config } from '../config/config.ts'
import { onLine } from '../floor/printable.ts'
import { priceOf } from '../gate/judge.ts'
import type { Pricing } from '../money/pricing.ts'
import type { Wallet } from '../wallets/wallet.ts'
import type { FoundBackend } from './backend.ts'
import { banner } from './banner.ts'
import type { Host } from './host.ts'
import { priceLines } from './prices.ts'
import type { TunnelChoice } from './tunnel-choice.ts'
import { version } from './version.ts'

/** How a run shows itself. */
export interface RunOptions {
  readonly json: boolean
  readonly portChosen: boolean
  /** Go on although invoices may be paid that no wallet of this gate answers for. */
  readonly yes: boolean
  /** Printed instead of the status block, for the demo. */
  readonly quiet?: boolean
}

/** Says that the gate is ready: a block for a person, or the `ready` event. */
export function announce(
  host: Host,
  config: Config,
  about: {
    readonly backend: FoundBackend
    readonly pricing: Pricing
    readonly url: string
    /** As configured, or the tunnel's; null: nobody said one. */
    readonly publicUrl: string | null
    readonly tunnel: { readonly state: 'open' | 'down' | 'off'; readonly why: TunnelChoice['why'] }
    readonly say: (event: object) => void
    readonly options: RunOptions
    readonly wallet: Pick<Wallet, 'kind' | 'label'>
    readonly play: boolean
    readonly notes: readonly string[]
  },
): void {
  const { backend, url, options, play } = about
  if (options.json) {
    for (const note of about.notes) host.stderr.write(`satgate: ${onLine(note)}\n`)
    about.say({
      event: 'ready',
      url,
      public_url: about.publicUrl,
      tunnel: about.tunnel.state,
      tunnel_why: about.tunnel.why,
      upstream: { kind: backend.kind, url: backend.url, models: backend.first.length },
      wallet: about.wallet.kind,
      mode: config.mode,
      data_dir: config.dataDir,
    })
    return
  }
  if (options.quiet === true) return
  const { pricing } = about
  const models = backend.first.map(({ id }) => ({
    id,
    priced: priceOf(id, { pricing, models: backend.models }),
  }))
  const { defaultPrice, prices } = priceLines(config.pricing.list, models)
  host.stdout.write(
    banner(
      {
        version: version(),
        play,
        upstream: backend.label,
        prices,
        defaultPrice,
        wallet: walletLine(about.wallet),
        ledger: config.dataDir,
        url,
        publicUrl: about.publicUrl,
        notes: about.notes,
      },
      host.stdout,
    ),
  )
}

/** Who holds the money, and how to move it (DESIGN 5.3). */
const walletLine = ({ kind, label }: Pick<Wallet, 'kind' | 'label'>): string =>
  kind === 'ecash' ? `${label}   the mint holds it: satgate wallet withdraw` : label
