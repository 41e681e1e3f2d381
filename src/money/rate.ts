import type { Background } from '../floor/background.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { askJson, type Transport } from '../outbound/ask-json.ts'
import { formatUsdPerBtc, parseUsdPerBtc, type UsdPerBtc } from './parse.ts'

/** Where dollars per bitcoin come from: a figure of the operator's, or a source that is asked. */
export type RateSettings =
  | { readonly usdPerBtc: UsdPerBtc }
  | {
      readonly source: 'coinbase'
      /** Asked instead of Coinbase; may answer in any of the shapes of `SHAPES`. */
      readonly url: string | null
      /** A second source. A large jump of the rate must be confirmed by it. */
      readonly second: string | null
      readonly maxAgeMs: number
    }

export interface RateQuote {
  /** Dollars for one bitcoin × 10^8. */
  readonly usdPerBtc: UsdPerBtc
  readonly ageMs: number
  /** Host that said so, or `config`. */
  readonly from: string
}

export interface RateSource {
  /** What to price by now, or why there is nothing to price by, for the operator. Never waits. */
  current(): Result<RateQuote, string>
  /** Asks the source once. Never throws: what went wrong is said by `current`. */
  refresh(): Promise<void>
  /** Keeps it fresh until the function that it returns is called. `asked` is called after each time. */
  start(background: Background, asked?: () => void): () => void
}

export interface RateNeeds {
  readonly transport: Transport
  readonly world: World
  /** ms; how long a source may take. */
  readonly deadlineMs?: number
}

const COINBASE = 'https://api.coinbase.com/v2/prices/BTC-USD/spot'
const DEADLINE_MS = 5_000
const MOST_BYTES = 64 * 1024
/** After a day without a rate, the last one says nothing about the next. */
const YARDSTICK_MS = 24 * 3_600_000

/**
 * A rate that moved by more than a tenth since the last one needs a second source that agrees to a
 * tenth. Without one it is held back: dollar prices answer 503, prices in sats go on.
 */
export function makeRateSource(settings: RateSettings, needs: RateNeeds): RateSource {
  if ('usdPerBtc' in settings) {
    const fixed = ok({ usdPerBtc: settings.usdPerBtc, ageMs: 0, from: 'config' })
    return { current: () => fixed, refresh: async () => {}, start: () => () => {} }
  }
  return askedRate(settings, needs)
}

type Asked = Extract<RateSettings, { source: 'coinbase' }>

function askedRate(settings: Asked, needs: RateNeeds): RateSource {
  const first = settings.url ?? COINBASE
  let last: { readonly usdPerBtc: UsdPerBtc; readonly at: number } | null = null
  let trouble: string | null = null
  let heldBack = false
  let running: Promise<void> | null = null

  async function ask(): Promise<void> {
    const answer = await askSource(first, needs)
    if (!answer.ok) {
      trouble = answer.error
      return
    }
    const now = needs.world.now()
    const yardstick = last !== null && now - last.at <= YARDSTICK_MS ? last.usdPerBtc : null
    const doubt = await doubtful(answer.value, yardstick, { second: settings.second, needs })
    heldBack = doubt !== null
    trouble = doubt
    if (doubt === null) last = { usdPerBtc: answer.value, at: now }
  }

  function current(): Result<RateQuote, string> {
    if (last === null) return err(trouble ?? 'no rate has been asked for yet')
    if (heldBack) return err(trouble ?? 'the rate is held back')
    const ageMs = needs.world.now() - last.at
    if (ageMs <= settings.maxAgeMs) {
      return ok({ usdPerBtc: last.usdPerBtc, ageMs, from: hostOf(first) })
    }
    const old = `the last rate is ${Math.round(ageMs / 1000)} s old`
    return err(trouble === null ? old : `${old}: ${trouble}`)
  }

  function refresh(): Promise<void> {
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }

  function start(background: Background, asked = () => {}): () => void {
    const every = Math.max(1_000, Math.floor(settings.maxAgeMs / 3))
    return background.repeat('dollar rate', { every, longest: every }, async () => {
      await refresh()
      asked()
    }).end
  }

  return { current, refresh, start }
}

/** Null if the rate can be believed, otherwise why not. */
async function doubtful(
  rate: UsdPerBtc,
  yardstick: UsdPerBtc | null,
  { second, needs }: { second: string | null; needs: RateNeeds },
): Promise<string | null> {
  if (yardstick !== null && near(rate, yardstick)) return null
  if (yardstick === null && second === null) return null
  const said = formatUsdPerBtc(rate)
  const since = yardstick === null ? said : `${said} after ${formatUsdPerBtc(yardstick)}`
  if (second === null) return `${since} dollars: a jump, and no second source (pricing.rate.second)`
  const other = await askSource(second, needs)
  if (!other.ok) return `${since} dollars, not confirmed: ${other.error}`
  if (near(rate, other.value)) return null
  return `${since} dollars, but ${hostOf(second)} says ${formatUsdPerBtc(other.value)}`
}

/** Within a tenth of the reference. */
function near(rate: UsdPerBtc, reference: UsdPerBtc): boolean {
  const apart = rate > reference ? rate - reference : reference - rate
  return apart * 10n <= reference
}

/** Where sources keep the figure: Coinbase, most others, mempool.space, CoinGecko. */
const SHAPES = [['data', 'amount'], ['price'], ['USD'], ['bitcoin', 'usd']]

async function askSource(url: string, needs: RateNeeds): Promise<Result<UsdPerBtc, string>> {
  const host = hostOf(url)
  const answer = await askJson(needs, {
    url: new URL(url),
    deadlineMs: needs.deadlineMs ?? DEADLINE_MS,
    most: MOST_BYTES,
    reads: isSuccess,
  })
  if (!answer.ok) {
    if (answer.error.why === 'too_large') return err(`${host} answered too much`)
    const late = answer.error.why === 'silent'
    return err(late ? `${host} did not answer in time` : `${host} cannot be reached`)
  }
  const { status, json } = answer.value
  if (!isSuccess(status)) return err(`${host} answered ${status}`)
  return readRate(json, host)
}

const isSuccess = (status: number): boolean => status >= 200 && status <= 299

/** The figure in an answer. Another currency or anything that is no plain number is refused. */
function readRate(body: unknown, host: string): Result<UsdPerBtc, string> {
  const unreadable = err(`${host} answered no rate that can be read`)
  const currency = at(body, ['data', 'currency'])
  const base = at(body, ['data', 'base'])
  if ((currency ?? 'USD') !== 'USD' || (base ?? 'BTC') !== 'BTC') return unreadable
  const figure = SHAPES.map((path) => at(body, path)).find((value) => value !== undefined)
  if (typeof figure !== 'string' && typeof figure !== 'number') return unreadable
  const rate = parseUsdPerBtc(String(figure))
  return rate.ok ? rate : unreadable
}

function at(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const name of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined
    here = (here as Record<string, unknown>)[name]
  }
  return here
}

const hostOf = (url: string): string => URL.parse(url)?.host ?? 'the source'
