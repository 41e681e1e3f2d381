import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import { ceilSat } from '../money/msat.ts'
import { at, ceilingPrice } from '../money/price.ts'
import type { Tier, Tiers } from '../money/tiers.ts'
import { ownsAccount, topsUp } from '../passes/scope.ts'
import type {
  InvoiceQuotaKey,
  Offer,
  OfferRefused,
  Presentation,
  Rail,
  UnpaidKey,
  Want,
} from '../rails/rail.ts'
import type { Priced } from './call.ts'
import type { PromptEstimate } from './estimate.ts'
import { KeptBeside } from './kept-beside.ts'
import type { Payer } from './payer.ts'
import type { PaymentState } from './payment-state.ts'
import type { Incoming } from './ports.ts'
import { fitted } from './price.ts'
import { type Refusal, refuse } from './refusal.ts'
import { requestBody } from './request-body.ts'

/** `credit.invoice` of the settings, in sats. */
export interface InvoiceBounds {
  readonly min: number
  readonly max: number
}

/** Sats that an offer asks for, and the fewest that admit the request. */
export interface Asks {
  readonly sat: number
  readonly least: number
}

/** Fields of every 402, with an offer or without. */
export interface BesideError extends Readonly<Record<string, unknown>> {
  readonly x402Version: 1
  readonly accepts: readonly unknown[]
  readonly credit_tiers: readonly Tier[]
}

const PASS_FORMAT = '<macaroon>:<preimage>'
const SAME_KEY = 'the key of this request'

/** Builds the 402 from the offers of all rails. */
export class PaymentRequired {
  readonly beside: BesideError
  readonly #rails: readonly Rail[]
  readonly #bounds: InvoiceBounds
  readonly #kept = new KeptBeside()

  constructor(rails: readonly Rail[], bounds: InvoiceBounds, { shown }: Pick<Tiers, 'shown'>) {
    this.#rails = rails
    this.#bounds = bounds
    this.beside = { x402Version: 1, accepts: [], credit_tiers: shown }
  }

  /**
   * Sats that an offer asks for: the estimated cost of the request, within the operator's bounds,
   * but never less than what admits this very request (threats I8).
   */
  sats(step: Priced | null, estimate: PromptEstimate | null): Awaitable<number> {
    return andThen(this.asks(step, estimate), ({ sat }) => sat)
  }

  /** The same, with the fewest sats that admit the request. */
  asks(step: Priced | null, estimate: PromptEstimate | null): Awaitable<Asks> {
    const { min } = this.#bounds
    if (step === null || estimate === null) return { sat: min, least: min }
    const { rate, asked } = step
    const bound = { ...asked.most, input: asked.most.input + estimate.template() }
    const worst = at(ceilingPrice(rate, bound, 'output'), step.wanted * asked.choices)
    return ceilSat(worst) <= min ? { sat: min, least: min } : this.#counted(step, estimate)
  }

  /** Counts the prompt, because its bound could cost more than the smallest invoice. */
  async #counted(step: Priced, estimate: PromptEstimate): Promise<Asks> {
    const { min, max } = this.#bounds
    const { rate, asked } = step
    const wanted = await fitted(step, estimate)
    const most = wanted * asked.choices
    const likely = { ...asked.most, input: (await estimate.withMargin()) + estimate.template() }
    const ceiling = ceilingPrice(rate, likely, 'output')
    const admits = ceilSat(at(ceiling, asked.hasOutput ? asked.choices : 0))
    const sat = Math.max(Math.min(Math.max(ceilSat(at(ceiling, most)), min), max), admits)
    return { sat, least: Math.max(admits, min) }
  }

  /**
   * Whether credit of `sat` on a new account admits a request. Null if it does, and otherwise the
   * sats that are needed. Counts the prompt only if its bound costs more than that.
   */
  short(step: Priced, estimate: PromptEstimate, sat: number): Awaitable<number | null> {
    const { rate, asked } = step
    const least = asked.hasOutput ? asked.choices : 0
    const sats = (input: number) =>
      ceilSat(at(ceilingPrice(rate, { ...asked.most, input }, 'output'), least))
    if (sats(asked.most.input + estimate.template()) <= sat) return null
    return andThen(estimate.withMargin(), (input) => {
      const needs = sats(input + estimate.template())
      return needs <= sat ? null : needs
    })
  }

  /**
   * Builds a 402 with offers. The holder of a root pass or a spending key is offered a top-up of the
   * account, everybody else a new account. A macaroon of the account is for its root pass alone. A rail that cannot take money now is left out. If no rail can,
   * the refusal has no offer, because nobody should be asked for a payment that cannot be taken.
   */
  offer(
    incoming: Incoming,
    about: Asks & {
      readonly payer: Payer | null
      readonly reason: string
      readonly state: PaymentState
      /** The key of the request, if its invoice is not paid. */
      readonly unpaid: UnpaidKey | null
    },
  ): Awaitable<Refusal> {
    const { payer, reason, sat, least, state, unpaid } = about
    const account = payer !== null && topsUp(payer.scope) ? payer.account : null
    const macaroon = account === null || (payer !== null && ownsAccount(payer.scope))
    const { method, origin, path } = incoming
    const generation = account === null ? 0 : (payer?.generation ?? 0)
    const where = { quota: quotaOf(payer, incoming), origin, path, method, unpaid }
    const body = requestBody(incoming)
    const want = { sat, least, account, macaroon, generation, ...where, body, acceptPayment: null }
    const asked = this.#rails.map((rail) => offerOf(rail, want))
    const answered = (offers: readonly Answer[]) =>
      refusalOf(offers, {
        ...{ reason, state, macaroon, origin, beside: this.beside, kept: this.#kept },
      })
    return asked.some(isPromise) ? Promise.all(asked).then(answered) : answered(asked as Answer[])
  }
}

/** What a rail answers, or the error with which it failed: then the other rails are still offered. */
type Answer = Result<Offer, OfferRefused> | { readonly ok: 'failed'; readonly error: unknown }

function offerOf(rail: Rail, want: Want): Awaitable<Answer> {
  const failed = (error: unknown): Answer => ({ ok: 'failed', error })
  try {
    const offer = rail.offer(want)
    return isPromise(offer) ? offer.catch(failed) : offer
  } catch (error) {
    return failed(error)
  }
}

function refusalOf(answers: readonly Answer[], about: About): Refusal {
  const offers: Offer[] = []
  const refused: OfferRefused[] = []
  const failed: unknown[] = []
  for (const answer of answers) {
    if (answer.ok === 'failed') failed.push(answer.error)
    else if (answer.ok) offers.push(answer.value)
    else if (answer.error.why !== 'nothing') refused.push(answer.error)
  }
  if (offers.length > 0) return paymentRequired(offers, about)
  if (failed.length > 0) throw failed[0]
  return noOffer(refused[0] ?? { why: 'wallet_unreachable' })
}

/** In whose quota the open invoices of this request are counted (threats J17). */
export function quotaOf(
  payer: Payer | null,
  { client, site }: Pick<Incoming, 'client' | 'site'>,
): InvoiceQuotaKey {
  if (payer === null) return { is: 'stranger', client, site }
  const { account, scope } = payer
  if (ownsAccount(scope)) return { is: 'owner', account }
  return { is: topsUp(scope) ? 'spender' : 'holder', account }
}

/** No offer can be made, because the wallet does not answer. Buyers with credit are served. */
const WALLET_DOWN: Refusal = refuse(
  503,
  'wallet_unreachable',
  'No payment can be taken at the moment: the wallet does not answer. Passes with credit are served. Try again in some seconds.',
  { retryAfterSeconds: 5 },
)

/**
 * The refusal if no invoice can be made: the wallet is down, the quota is full, or the wallet makes
 * only so many a minute (I10).
 */
export function noOffer(refused: OfferRefused): Refusal {
  if (refused.why === 'wallet_unreachable' || refused.why === 'nothing') return WALLET_DOWN
  if (refused.why === 'amount_refused') return amountRefused(refused)
  const { retryAfterSeconds } = refused
  if (refused.why === 'too_many_open') {
    const message = 'Too many unpaid invoices are open. Pay one of them, or wait until they expire.'
    return refuse(429, 'too_many_invoices', message, { retryAfterSeconds })
  }
  const message = 'Too many invoices are being asked for. Try again in some seconds.'
  return refuse(503, 'invoices_busy', message, { retryAfterSeconds })
}

/** The wallet makes invoices, but not of that amount. */
function amountRefused({ least, most }: { least: number | null; most: number | null }): Refusal {
  const bounds = [
    ...(least === null ? [] : [`from ${least} sat`]),
    ...(most === null ? [] : [`up to ${most} sat`]),
  ]
  const said = bounds.length === 0 ? 'of other amounts' : bounds.join(' ')
  return refuse(400, 'amount_refused', `No invoice of that amount: this gate makes them ${said}.`)
}

/**
 * A 402 with offers, in the order that all clients accept. Some clients show only `message`: it
 * contains the words that stop them from trying again. If two rails write the same field, the field
 * of the first rail is kept.
 */
function paymentRequired(offers: readonly Offer[], about: About): Refusal {
  const { reason, macaroon, origin, kept } = about
  const llms_txt = `${origin}/llms.txt`
  const how = (of: (offer: Offer) => string) => offers.map(of).join(' ')
  const message = `${reason} ${how(({ say }) => say)} How: ${llms_txt}`
  const beside = () => ({
    ...firstOf(offers.map(({ body }) => body)),
    llms_txt,
    pass_format: macaroon ? PASS_FORMAT : SAME_KEY,
    how_to_pay: how(({ howToPay }) => howToPay),
    ...about.beside,
    accepts: offers.flatMap(({ accepts }) => accepts),
  })
  const shared = offers.find((offer) => offer.copy !== undefined)
  const others = offers.filter((offer) => offer !== shared)
  const copy = others.every((offer) => offer.copy === undefined) ? shared?.copy : undefined
  const offer = {
    challenges: offers.flatMap(({ challenges }) => challenges).sort((a, b) => rank(a) - rank(b)),
    headers: firstOf(offers.map(({ headers }) => headers)),
    beside:
      copy === undefined ? JSON.stringify(beside()) : kept.of(copy, { origin, others }, beside),
  }
  const extra = { payment_state: about.state }
  return refuse(402, 'insufficient_quota', message, { offer, extra })
}

interface About {
  /** The first sentence of the message. */
  readonly reason: string
  readonly state: PaymentState
  /** Whether the payer gets a new pass, and not only credit on the key that is here. */
  readonly macaroon: boolean
  readonly origin: string
  readonly beside: BesideError
  readonly kept: KeptBeside
}

function firstOf<T>(records: readonly Readonly<Record<string, T>>[]): Readonly<Record<string, T>> {
  return records.length === 1 ? (records[0] ?? {}) : Object.assign({}, ...[...records].reverse())
}

/**
 * lnget reads only the first value of WWW-Authenticate, and it must be L402. Some clients of the
 * `Payment` scheme read only its first challenge, and it must be a charge over Lightning.
 */
function rank(challenge: string): number {
  if (/^(?:L402|LSAT) /.test(challenge)) return 0
  if (!challenge.startsWith('Payment ')) return 3
  const lightning = challenge.includes('method="lightning"')
  return lightning && challenge.includes('intent="charge"') ? 1 : 2
}

/** The first sentence of a 402 without a balance: the price, or what is wrong with the key. */
export function unpaid(sat: number, presented: Presentation): string {
  if (presented.is !== 'malformed' && presented.is !== 'damaged') {
    return `Insufficient credits: this needs up to ${sat} sat, and nothing was paid yet.`
  }
  return `Insufficient credits: the key of this request is damaged: ${presented.detail}. This needs up to ${sat} sat.`
}
