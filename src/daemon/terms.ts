import { envelopeOf } from '../dialects/envelopes.ts'
import { MOST_SATS } from '../gate/invoice-ask.ts'
import type { Terms } from '../http/selling.ts'
import type { Tiers } from '../money/tiers.ts'
import type { Rail } from '../rails/rail.ts'
import type { GateParts } from './gate-parts.ts'
import { version } from './version.ts'

/** What the documents of the gate say, as far as it does not change while the gate runs. */
export const termsOf = (
  { config, tiers, books }: Pick<GateParts, 'config' | 'books'> & { readonly tiers: Tiers },
  {
    routes,
    rails,
    mints,
  }: Pick<Terms, 'routes'> & {
    readonly rails: readonly Pick<Rail, 'name'>[]
    /** Whose tokens are taken. */
    readonly mints: readonly string[] | null
  },
): Terms => ({
  version: version(),
  operator: { ...config.operator, name: config.operator.name ?? 'satgate' },
  money: books.kind,
  routes,
  errors: envelopeOf(''),
  sells: config.mode === 'charge',
  methods: config.mode === 'charge' ? rails.map(({ name }) => name) : [],
  cashuMints: config.mode === 'charge' ? mints : null,
  invoice: config.credit.invoice,
  mostSats: MOST_SATS,
  tiers: tiers.shown,
  limits: {
    body: config.limits.bodyBytes,
    outputTokens: config.limits.outputTokens,
    usualOutputTokens: Math.min(config.pricing.maxOutputTokens, config.limits.outputTokens),
  },
})
