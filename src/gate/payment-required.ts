import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import { ceilSat } from '../money/msat.ts'
import { at, ceilingPrice, type Rate } from '../money/price.ts'
import type { Tier, Tiers } from '../money/tiers.ts'
import { type MicroUsd, NO_USD } from '../money/usd.ts'
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
import { type NotOffered, noOffers, noSuchRail } from './no-offer.ts'
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
  readonly #failed: (rail: string, error: unknown) => void

  /** `failed` is told which rail threw, and what: nobody else would notice while others are offered. */
  constructor(
    rails: readonly Rail[],
    bounds: InvoiceBounds,
    { shown }: Pick<Tiers, 'shown'>,
    failed: (rail: string, error: unknown) => void = () => {},
  ) {
    this.#rails = rails
    this.#failed = failed
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
   * Whether a payment of `sat` on a new account admits a request. `usd` are its dollars, if it is in
   * dollars: for a price in dollars they suffice if they do at par. Null if it does, and otherwise the
   * sats that are needed. Counts the prompt only if its bound costs more than that.
   */
  short(
    step: Priced,
    estimate: PromptEstimate,
    { sat, usd = NO_USD }: { readonly sat: number; readonly usd?: MicroUsd | undefined },
  ): Awaitable<number | null> {
    const { rate, asked } = step
    const least = asked.hasOutput ? asked.choices : 0
    const cost = (each: Rate, input: number) =>
      at(ceilingPrice(each, { ...asked.most, input }, 'output'), least)
    const needs = (input: number): number | null => {
      if (step.usd !== null && usd > 0n && cost(step.usd.each, input) <= usd) return null
      const sats = ceilSat(cost(rate, input))
      return sats <= sat ? null : sats
    }
    if (needs(asked.most.input + estimate.template()) === null) return null
    return andThen(estimate.withMargin(), (input) => needs(input + estimate.template()))
  }

  /**
   * Builds a 402 with offers. The holder of a root pass or a spending key is offered a top-up of the
   * account, everybody else a new account. A macaroon of the account is for its root pass alone. A rail that cannot take money now is left out, and so
   * are all but the one that the client names. If no rail can, the refusal has no offer, because nobody
   * should be asked for a payment that cannot be taken.
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
    const rails = railsOf(this.#rails, incoming.rail)
    if (rails.length === 0 && incoming.rail !== null) {
      return noSuchRail(this.#rails.map(({ name }) => name))
    }
    const account = payer !== null && topsUp(payer.scope) ? payer.account : null
    const macaroon = account === null || (payer !== null && ownsAccount(payer.scope))
    const { acceptPayment, method, origin, path } = incoming
    const generation = account === null ? 0 : (payer?.generation ?? 0)
    const where = { quota: quotaOf(payer, incoming), origin, path, method, unpaid }
    const body = requestBody(incoming)
    const want = { sat, least, account, macaroon, generation, ...where, body, acceptPayment }
    const asked = rails.map((rail) => offerOf(rail, want))
    const answered = (answers: readonly Answer[]) =>
      this.#refusal(answers, {
        ...{ reason, state, macaroon, origin, beside: this.beside, kept: this.#kept },
      })
    return asked.some(isPromise) ? Promise.all(asked).then(answered) : answered(asked as Answer[])
  }

  /** If all that were asked have failed, the first error is thrown: then nothing is known of any. */
  #refusal(answers: readonly Answer[], about: About): Refusal {
    const offers: Offer[] = []
    const not: NotOffered[] = []
    for (const one of answers) {
      if (one.is === 'failed') {
        this.#failed(one.rail, one.error)
        not.push({ rail: one.rail, refused: { why: 'failed' } })
      } else if (one.answer.ok) offers.push(one.answer.value)
      else not.push({ rail: one.rail, refused: one.answer.error })
    }
    if (offers.length > 0) return paymentRequired(offers, about)
    const [first] = answers
    if (first?.is === 'failed' && answers.every(({ is }) => is === 'failed')) throw first.error
    return noOffers(not)
  }
}

/** What a rail answers, or the error with which it failed: then the other rails are still offered. */
type Answer = { readonly rail: string } & (
  | { readonly is: 'answer'; readonly answer: Result<Offer, OfferRefused> }
  | { readonly is: 'failed'; readonly error: unknown }
)

function offerOf(asked: Rail, want: Want): Awaitable<Answer> {
  const rail = asked.name
  const failed = (error: unknown): Answer => ({ rail, is: 'failed', error })
  const answered = (answer: Result<Offer, OfferRefused>): Answer => ({ rail, is: 'answer', answer })
  try {
    const offer = asked.offer(want)
    return isPromise(offer) ? offer.then(answered, failed) : answered(offer)
  } catch (error) {
    return failed(error)
  }
}

/** The rail of that name alone, or all. */
const railsOf = (rails: readonly Rail[], name: string | null): readonly Rail[] =>
  name === null ? rails : rails.filter((rail) => rail.name === name)

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

/**
 * A 402 with offers, in the order that all clients accept. Some clients show only `message`: it
 * contains the words that stop them from trying again. If two rails write the same field, the field
 * of the first rail is kept.
 */
function paymentRequired(offers: readonly Offer[], about: About): Refusal {
  const { reason, macaroon, origin, kept } = about
  const llms_txt = `${origin}/llms.txt`
  const how = (of: (offer: Offer) => string) => offers.map(of).join(' ')
  const message = `${reason} ${saying(offers)} How: ${llms_txt}`
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

/** What each rail says. The first has nothing before it to be an alternative to. */
const saying = (offers: readonly Offer[]): string => {
  const said = offers.map(({ say }) => say).join(' ')
  return said.replace(/^Or (.)/, (_, letter: string) => letter.toUpperCase())
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
