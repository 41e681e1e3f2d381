import { err, ok, type Result } from '../../floor/result.ts'
import { fromSat } from '../../money/msat.ts'
import { formatUsdPerBtc, type UsdPerBtc } from '../../money/parse.ts'
import { formatUsd, type MicroUsd, microUsd, msatOf, usdOf } from '../../money/usd.ts'
import { encodeBase64 } from '../../passes/base64.ts'
import type { Offer, OfferRefused, PaidRequest, Want } from '../rail.ts'
import { resourceOf, type X402Terms } from './check.ts'
import type { X402Requirement } from './payment.ts'
import { OFFER_LIFE } from './signed-offer.ts'

/** Seconds for which the signature of a payer is good. The longer, the longer a lost answer can be asked for. */
export const MAX_TIMEOUT_SECONDS = 300

/** The v1 client (x402-fetch 1.2) pays no more, unless it is told to. The v2 client pays ten times that. */
const COMFORTABLE = microUsd(100_000n)

const MIME_TYPE = 'application/json'
const DESCRIPTION = 'Credit for this request and the next'

/**
 * The amount of an offer: what the sats cost now. It is made as small as the request allows if that makes
 * more clients pay it, and where the operator takes no more at once. It is never less than what the
 * facilitator settles, and all of it is credited.
 */
export function amountOf(
  { least, sat }: Pick<Want, 'least' | 'sat'>,
  rate: UsdPerBtc,
  { leastPayment, maxPayment }: { readonly leastPayment: MicroUsd; readonly maxPayment: MicroUsd },
): Result<MicroUsd, OfferRefused> {
  const [wanted, needed] = [sat, least].map((sats) => {
    const usd = usdOf(fromSat(Math.max(sats, 1)), rate)
    return usd < leastPayment ? leastPayment : usd
  })
  if (wanted === undefined || needed === undefined || needed > maxPayment) {
    const most = satsOf(maxPayment, rate)
    return err({ why: 'amount_refused', least: null, most })
  }
  const bound = COMFORTABLE < maxPayment ? COMFORTABLE : maxPayment
  if (wanted <= bound) return ok(wanted)
  return ok(needed > bound ? needed : bound)
}

/** What is asked for, as facilitators and clients of both versions are told it. */
export function requirementOf(
  { network: { asset, domain, network }, payTo }: X402Terms,
  request: Pick<PaidRequest, 'origin' | 'path'>,
  amount: MicroUsd,
): X402Requirement {
  return {
    ...{ network, asset, amount, payTo, maxTimeoutSeconds: MAX_TIMEOUT_SECONDS, domain },
    ...{ resource: resourceOf(request), description: DESCRIPTION, mimeType: MIME_TYPE },
  }
}

/** The part of a 402 that asks for dollars. `offer` is the text that version 2 sends back. */
export function offerOf(
  requirement: X402Requirement,
  about: {
    readonly terms: X402Terms
    readonly rate: UsdPerBtc
    readonly offer: string
    /** ms since the epoch. */
    readonly now: number
  },
): Offer {
  const { amount, asset, payTo } = requirement
  const { now, offer, rate, terms } = about
  const { network, title, v1 } = terms.network
  const dollars = formatUsd(amount)
  const usd_per_btc = formatUsdPerBtc(rate)
  return {
    challenges: [],
    headers: { 'payment-required': encodeBase64(Buffer.from(required(requirement, offer))) },
    body: {
      x402: {
        ...{ amount_usd: dollars, usd_per_btc, credit_sats: satsOf(amount, rate) },
        ...{ amount: `${amount}`, asset, network, pay_to: payTo },
        expires_at: new Date(now + OFFER_LIFE).toISOString(),
      },
    },
    accepts: v1 === null ? [] : [accepted(requirement, v1)],
    say: `Or send the same request with a payment of ${dollars} dollars by x402: USDC on ${title}, at ${usd_per_btc} dollars for a bitcoin.`,
    howToPay: HOW_TO_PAY,
  }
}

/** PAYMENT-REQUIRED (x402 v2, 5.1). */
function required(requirement: X402Requirement, offer: string): string {
  const { amount, asset, description, domain, mimeType, network, payTo, resource } = requirement
  const entry = {
    ...{ scheme: 'exact', network, amount: `${amount}`, asset, payTo },
    maxTimeoutSeconds: requirement.maxTimeoutSeconds,
    extra: { ...domain, offer },
  }
  return JSON.stringify({
    ...{ x402Version: 2, error: 'payment required' },
    resource: { url: resource, description, mimeType },
    accepts: [entry],
  })
}

/** An entry of `accepts` of version 1, whose clients read the field of each name and refuse unknown networks. */
const accepted = (requirement: X402Requirement, v1: string) => ({
  ...{ scheme: 'exact', network: v1, maxAmountRequired: `${requirement.amount}` },
  ...{ resource: requirement.resource, description: requirement.description },
  ...{ mimeType: requirement.mimeType, payTo: requirement.payTo },
  ...{ maxTimeoutSeconds: requirement.maxTimeoutSeconds, asset: requirement.asset },
  extra: requirement.domain,
})

/** Whole sats that an amount credits at that rate. */
export const satsOf = (amount: MicroUsd, rate: UsdPerBtc): number =>
  Number(msatOf(amount, rate) / 1_000n)

const HOW_TO_PAY =
  'With dollars: a client of x402 signs a transfer of exactly x402.amount of the token x402.asset to x402.pay_to, and sends this request again with it, in PAYMENT-SIGNATURE (version 2, which reads the header PAYMENT-REQUIRED) or in X-PAYMENT (version 1, which reads accepts). The offer is good for two minutes. If no answer comes, send the same payment again: it is taken once. The header X-Satgate-Pass of the answer is the pass for the rest. It comes only once, so keep it. If the key of this request can be topped up and is sent too, the payment tops it up.'
