import type { HoldRefused } from '../ledger/ledger.ts'
import { ceilSat, formatSat, type Msat } from '../money/msat.ts'
import { at, ceilingLine } from '../money/price.ts'
import type { Presented } from '../passes/pass.ts'
import type { L402 } from '../rails/l402.ts'
import type { InvoiceQuotaKey, Offer, OfferRefused } from '../rails/rail.ts'
import type { Priced } from './call.ts'
import type { PromptEstimate } from './estimate.ts'
import { fitted } from './judge.ts'
import type { Payer } from './payer.ts'
import type { Incoming } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'

/** `credit.invoice` of the settings, in sats. */
export interface InvoiceBounds {
  readonly min: number
  readonly max: number
}

/** Sats that an offer is to ask for, and the least that buys the answer. */
export interface Asks {
  readonly sat: number
  readonly least: number
}

/** Credit at par, where no tiers are configured. */
export const TIERS = [10, 100, 1000].map((sats) => ({ amountSats: sats, creditSats: sats }))

/** What stands in every 402, with an offer or without. Only entries that x402 v1 accepts. */
const BESIDE = { x402Version: 1, accepts: [], credit_tiers: TIERS }

/** What an offer says of itself besides. The same objects for all 402s: thousands are made a second. */
const OWN_OFFER = {
  pass_format: '<macaroon>:<preimage>',
  how_to_pay:
    'Pay l402.invoice: that gives you its preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. If your wallet shows no preimage, GET payment_url until it says paid: its preimage or token_suffix is the second half of the pass.',
  ...BESIDE,
}
const SHARED_OFFER = {
  pass_format: OWN_OFFER.pass_format,
  how_to_pay:
    'Pay l402.invoice with a wallet that shows the preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. This invoice has no payment page, because too many unpaid invoices are open. If your wallet shows no preimage, do not pay it: send this request again in a minute.',
  ...BESIDE,
}

/** Asks for money: builds the 402 that every client accepts. */
export class Demand {
  readonly #l402: L402
  readonly #bounds: InvoiceBounds

  constructor(l402: L402, bounds: InvoiceBounds) {
    this.#l402 = l402
    this.#bounds = bounds
  }

  /**
   * Sats that an offer asks for: the request's estimate, between the operator's bounds, and never
   * less than what admits this very request (threats I8).
   */
  async sats(step: Priced | null, estimate: PromptEstimate | null): Promise<number> {
    return (await this.asks(step, estimate)).sat
  }

  /** The same, and the least that does. */
  async asks(step: Priced | null, estimate: PromptEstimate | null): Promise<Asks> {
    const { min, max } = this.#bounds
    if (step === null || estimate === null) return { sat: min, least: min }
    const { rate, asked } = step
    const template = estimate.template()
    const bound = { input: asked.most.input + template }
    const worst = at(ceilingLine(rate, bound, 'output'), step.wanted * asked.choices)
    if (ceilSat(worst) <= min) return { sat: min, least: min }
    const wanted = await fitted(step, estimate)
    const most = wanted * asked.choices
    const likely = { input: (await estimate.withMargin()) + template }
    const line = ceilingLine(rate, likely, 'output')
    const admits = ceilSat(at(line, asked.hasOutput ? asked.choices : 0))
    const sat = Math.max(Math.min(Math.max(ceilSat(at(line, most)), min), max), admits)
    return { sat, least: Math.max(admits, min) }
  }

  /**
   * A 402 with an offer. A root pass is offered a top-up of its account; a narrowed one, or none, a
   * new account. Where the wallet is down it is a 503: nobody is asked to pay what cannot be taken.
   */
  async offer(
    incoming: Incoming,
    about: Asks & { readonly payer: Payer | null; readonly reason: string },
  ): Promise<Refusal> {
    const { payer, sat, least } = about
    const account = payer?.scope === 'account' ? payer.account : null
    const quota = quotaOf(payer, incoming)
    const made = await this.#l402.offer({ sat, least, account, caveats: [], quota })
    if (!made.ok) return noOffer(made.error)
    return paymentRequired(about.reason, made.value, incoming.origin)
  }
}

/** Whose open invoices those of this request are counted among (threats J17). */
export const quotaOf = (
  payer: Payer | null,
  { client, site }: Pick<Incoming, 'client' | 'site'>,
): InvoiceQuotaKey =>
  payer === null
    ? { is: 'stranger', client, site }
    : { is: payer.scope === 'account' ? 'owner' : 'holder', account: payer.account }

/** No offer can be made: who has credit is served all the same. */
const WALLET_DOWN: Refusal = refuse(
  503,
  'wallet_unreachable',
  'No payment can be taken at the moment: the wallet does not answer. Passes with credit are served. Try again in some seconds.',
  { retryAfterSeconds: 5 },
)

/** Why there is no invoice now: an outage, or a wallet that makes only so many a minute (I10). */
export function noOffer(refused: OfferRefused): Refusal {
  if (refused.why === 'wallet_unreachable') return WALLET_DOWN
  if (refused.why === 'amount_refused') return amountRefused(refused)
  const { retryAfterSeconds } = refused
  if (refused.why === 'too_many_open') {
    const message = 'Too many unpaid invoices are open. Pay one of them, or wait until they expire.'
    return refuse(429, 'too_many_invoices', message, { retryAfterSeconds })
  }
  const message = 'Too many invoices are being asked for. Try again in some seconds.'
  return refuse(503, 'invoices_busy', message, { retryAfterSeconds })
}

/** The wallet makes invoices, and none of that amount. */
function amountRefused({ least, most }: { least: number | null; most: number | null }): Refusal {
  const bounds = [
    ...(least === null ? [] : [`from ${least} sat`]),
    ...(most === null ? [] : [`up to ${most} sat`]),
  ]
  const said = bounds.length === 0 ? 'of other amounts' : bounds.join(' ')
  return refuse(400, 'amount_refused', `No invoice of that amount: this gate makes them ${said}.`)
}

/** The secret is right and its payment not seen: never a challenge, never a 402 (threats C10, I8). */
export const PENDING: Refusal = refuse(
  503,
  'payment_pending',
  'Your payment is not seen yet. Do not pay again: send the same request in some seconds.',
  { retryAfterSeconds: 3 },
)

/** A commit has failed or is late: what is not on disk can neither be sold nor asked for. */
export const LEDGER: Refusal = refuse(
  503,
  'ledger_unavailable',
  'The ledger cannot write at the moment; nothing was charged. Try again.',
  { retryAfterSeconds: 5 },
)

/**
 * A 402 with an offer. `message` is what people see, and all that some clients show of it: it holds
 * the words that stop them from trying again. `payment_url` is a path and `pay_at` the whole link.
 */
function paymentRequired(reason: string, offer: Offer, origin: string): Refusal {
  const { paymentUrl } = offer
  const llms_txt = `${origin}/llms.txt`
  if (paymentUrl === null) {
    const message = `${reason} Pay the invoice in this answer with a wallet that shows the preimage, then send the same request with <macaroon>:<preimage> as the key. How: ${llms_txt}`
    const extra = { llms_txt, ...SHARED_OFFER }
    return refuse(402, 'insufficient_quota', message, { offer, extra })
  }
  const pay_at = `${origin}${paymentUrl}`
  const message = `${reason} Pay at ${pay_at} or the invoice in this answer, then send the same request with the pass that it buys, <macaroon>:<preimage>, as the key. How: ${llms_txt}`
  const extra = { pay_at, llms_txt, ...OWN_OFFER }
  return refuse(402, 'insufficient_quota', message, { offer, extra })
}

/** The first sentence of a 402 without a balance: what this costs, or what is wrong with the key. */
export function unpaid(sat: number, presented: Presented): string {
  if (presented.is !== 'malformed' && presented.is !== 'damaged') {
    return `Insufficient credits: this needs up to ${sat} sat, and nothing was paid yet.`
  }
  return `Insufficient credits: the key of this request is damaged: ${presented.detail}. This needs up to ${sat} sat.`
}

/** Its payment is safe: an offer would sell it a second time (threats K12). */
export const DAMAGED: Refusal = refuse(
  400,
  'damaged_key',
  'This key was paid for, and it arrives here damaged: its first part is right, its secret is not. Copy the whole key again, <macaroon>:<64 hex digits>, without quotes or spaces. Do not pay again.',
)

/** What a hold's refusal becomes. Null: a 402 with an offer is to be made. */
export function holdRefusal(refused: HoldRefused, now: number): Refusal | null {
  if (refused.why === 'held') {
    const message = `Your own running requests hold the credit: this needs ${formatSat(refused.needed)} sat, ${formatSat(refused.available)} are free. Try again when one has finished.`
    return refuse(429, 'rate_limit_exceeded', message, { retryAfterSeconds: 5 })
  }
  if (refused.why !== 'limit_reached') return null
  const { limit, left, resetsAt } = refused
  const { unit, window } = limit
  const amount = unit === 'spend' ? `${formatSat(left)} sat` : `${left} ${unit}`
  const where = window === 'total' ? 'in total' : `of its limit per ${window}`
  const said =
    window === 'req'
      ? `pass allows ${amount} for each request, and this one may need more. Send a shorter prompt, or use a pass that allows more.`
      : `pass has ${amount} left ${where}, and this request may need more.`
  const message = `This ${said}`
  if (resetsAt !== null) {
    const resets_at = new Date(resetsAt).toISOString()
    const extra = { resets_at }
    const retryAfterSeconds = Math.max(1, Math.ceil((resetsAt - now) / 1000))
    const text = `${message} It resets at ${resets_at}.`
    return refuse(429, 'rate_limit_exceeded', text, { extra, retryAfterSeconds })
  }
  return unit === 'spend'
    ? refuse(402, 'insufficient_quota', `Insufficient credits: this ${said}`, { extra: BESIDE })
    : refuse(403, 'limit_reached', message)
}

/** "this needs 12 sat, the pass has 3." */
export const short = (needed: Msat, balance: Msat): string =>
  `Insufficient credits: this needs ${formatSat(needed)} sat, the pass has ${formatSat(balance)}.`
