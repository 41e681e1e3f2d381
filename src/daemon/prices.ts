import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import { ok } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import { makePricing, type Pricing } from '../money/pricing.ts'
import { makeRateSource, type RateSource } from '../money/rate.ts'
import { plainTransport } from '../outbound/transport.ts'

type Say = (event: object) => void

/** The prices of a gate. `rateNote` is for the status block; null if nothing needs a rate. */
export interface Prices {
  readonly pricing: Pricing
  readonly rateNote: string | null
  /** What a bitcoin costs now. Null if nobody can say, or nothing needs it. Makes no call. */
  usdPerBtc(): UsdPerBtc | null
  stop(): void
}

/**
 * Reads the prices. If one is in dollars, or buyers pay in dollars, asks for the rate of bitcoin, and
 * asks again from then on.
 */
export async function openPrices(
  config: Pick<Config, 'pricing' | 'rails'>,
  parts: { readonly world: World; readonly background: Background; readonly say: Say },
): Promise<Prices> {
  const { background, say, world } = parts
  const source = makeRateSource(config.pricing.rate, { transport: plainTransport, world })
  const now = () => {
    const current = source.current()
    return current.ok ? ok(current.value.usdPerBtc) : current
  }
  const pricing = makePricing(config.pricing.list, now)
  const takesDollars = config.rails.x402 !== null
  if (!pricing.needsRate && !takesDollars) {
    return { pricing, rateNote: null, usdPerBtc: () => null, stop: () => {} }
  }
  await source.refresh()
  const look = rateOutage(source, say)
  look()
  const stop = source.start(background, look)
  const current = source.current()
  const rateNote = current.ok
    ? `1 BTC = $${Number(current.value.usdPerBtc / 1_000_000n) / 100} (${current.value.from}, ${Math.round(current.value.ageMs / 1000)} s old)`
    : takesDollars
      ? `no dollar rate: ${current.error}; no dollars are asked for, and models priced in dollars answer 503`
      : `no dollar rate: ${current.error}; models priced in dollars answer 503`
  return {
    ...{ pricing, rateNote, stop },
    usdPerBtc() {
      const now = source.current()
      return now.ok ? now.value.usdPerBtc : null
    },
  }
}

/** Returns a function that looks whether there is a rate, and tells the operator when that changed. */
function rateOutage(source: Pick<RateSource, 'current'>, say: Say): () => void {
  let missing = false
  return () => {
    const current = source.current()
    if (current.ok === !missing) return
    missing = !current.ok
    const what = 'rate_unavailable'
    say(current.ok ? { event: 'solved', what } : { event: 'problem', what, reason: current.error })
  }
}
