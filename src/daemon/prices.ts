import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import { ok } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { makePricing, type Pricing } from '../money/pricing.ts'
import { makeRateSource } from '../money/rate.ts'
import { plainTransport } from '../outbound/transport.ts'

/** The prices of a gate. `rateNote` is for the status block; null if no price is in dollars. */
export interface Prices {
  readonly pricing: Pricing
  readonly rateNote: string | null
  stop(): void
}

/**
 * Reads the prices. If one is in dollars, asks for the rate of bitcoin, and asks again from then
 * on.
 */
export async function openPrices(
  config: Pick<Config, 'pricing'>,
  world: World,
  background: Background,
): Promise<Prices> {
  const source = makeRateSource(config.pricing.rate, { transport: plainTransport, world })
  const now = () => {
    const current = source.current()
    return current.ok ? ok(current.value.usdPerBtc) : current
  }
  const pricing = makePricing(config.pricing.list, now)
  if (!pricing.needsRate) return { pricing, rateNote: null, stop: () => {} }
  await source.refresh()
  const stop = source.start(background)
  const current = source.current()
  const rateNote = current.ok
    ? `1 BTC = $${Number(current.value.usdPerBtc / 1_000_000n) / 100} (${current.value.from}, ${Math.round(current.value.ageMs / 1000)} s old)`
    : `no dollar rate: ${current.error}; models priced in dollars answer 503`
  return { pricing, rateNote, stop }
}
