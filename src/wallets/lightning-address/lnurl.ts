import { createHash } from 'node:crypto'
import { assert } from '../../floor/assert.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { Transport } from '../../outbound/ask-json.ts'
import { moneyOf, readBolt11 } from '../bolt11.ts'
import { type Invoice, WalletRefused } from '../wallet.ts'
import {
  complaintIn,
  type Json,
  lnurlWeb,
  mayBeAsked,
  mayBePlain,
  NOT_LNURL,
  said,
} from './lnurl-http.ts'

/** An address `you@domain` (LUD-16), parsed. */
export interface LightningAddress {
  /** `you@domain`, in lower case. */
  readonly text: string
  readonly name: string
  /** With its port, if that is not the usual one. */
  readonly host: string
  /** The URL of its pay request. */
  readonly url: string
}

/** The amounts that an address accepts in whole sats, and the URL for invoices (LUD-06). */
export interface PayRequest {
  readonly address: LightningAddress
  readonly callback: string
  readonly minSat: number
  readonly maxSat: number
  /** JSON as a string, exactly as it was received. */
  readonly metadata: string
  /** The most characters of a comment (LUD-12). 0 if it accepts no comment. */
  readonly commentAllowed: number
}

export interface LnurlInvoice extends Invoice {
  readonly money: 'real' | 'test'
  /** The URL that tells whether this invoice was paid (LUD-21). Null if there is none. */
  readonly verify: string | null
}

/** A client for the LNURL-pay service of any provider: LUD-06, LUD-12, LUD-16, LUD-21. */
export interface LnurlClient {
  /** What the address accepts. The answer may be five minutes old, unless `fresh`. */
  payRequest(address: LightningAddress, how?: { readonly fresh: boolean }): Promise<PayRequest>
  /**
   * Requests an invoice for exactly that many sats. A comment is cut to the length that the address
   * accepts. The invoice's `description_hash` is not checked: providers leave it out, and it
   * protects the payer and not the receiver.
   */
  invoice(request: PayRequest, sat: number, comment?: string): Promise<LnurlInvoice>
  /**
   * Whether an invoice was paid. "Not found" counts as not paid, because providers are late and
   * forget. The preimage of an unpaid invoice is never returned, although providers show it before
   * the payment. The preimage of a paid one may be missing.
   */
  verify(url: string, paymentHash: string): Promise<LnurlSettlement>
}

export interface LnurlSettlement {
  readonly settled: boolean
  /** 64 hex digits. Its hash is the payment hash. */
  readonly preimage: string | null
}

const EXAMPLE = 'a Lightning address looks like you@domain'

/** Reads `you@domain` or `you@domain:port`. The error is one line for the person who typed it. */
export function parseLightningAddress(text: string): Result<LightningAddress, string> {
  const plain = text
    .trim()
    .replace(/^lightning:/i, '')
    .toLowerCase()
  if (plain.startsWith('lnurl1')) {
    return err(`an LNURL is not taken: ${EXAMPLE}, ask the same wallet for it`)
  }
  const [name = '', host, ...rest] = plain.split('@')
  if (host === undefined || rest.length > 0) return err(EXAMPLE)
  if (!/^(?=.*[a-z0-9])[a-z0-9._+-]{1,64}$/.test(name)) {
    return err(`the name before the @ may have a-z 0-9 - _ . + only: ${EXAMPLE}`)
  }
  const url = /^(\[[0-9a-f:.]+\]|[^\s/?#\\:[\]]+)(:\d+)?$/.test(host) ? urlOf(host) : null
  if (url === null) return err(`the part behind the @ is no domain: ${EXAMPLE}`)
  return ok({
    text: `${name}@${url.host}`,
    name,
    host: url.host,
    url: `${url.origin}/.well-known/lnurlp/${name}`,
  })
}

function urlOf(host: string): URL | null {
  const secure = URL.parse(`https://${host}`)
  if (secure === null || !/[.\]]|^localhost$/.test(secure.hostname)) return null
  return mayBePlain(secure.hostname) ? URL.parse(`http://${host}`) : secure
}

const CACHED_MS = 300_000
const DEADLINE_MS = 10_000

/**
 * Makes the client without a call. Every method throws `WalletUnreachable` if there is no useful
 * answer in time, `WalletRefused` if the service refuses or sends something else than it was asked
 * for, and `WalletBusy` on HTTP 429.
 */
export function makeLnurl(options: {
  readonly world: World
  /** ms for one whole exchange. */
  readonly deadlineMs?: number
  readonly transport?: Transport
}): LnurlClient {
  const { world, deadlineMs = DEADLINE_MS, transport } = options
  const web = lnurlWeb(world, deadlineMs, transport)
  const known = new Map<string, { readonly request: PayRequest; readonly at: number }>()
  return {
    async payRequest(address, how) {
      const kept = known.get(address.url)
      if (kept && !how?.fresh && world.now() - kept.at < CACHED_MS) return kept.request
      const body = said(await web.get(address.url, address.url), world.now())
      const request = payRequestIn(body, address)
      known.set(address.url, { request, at: world.now() })
      return request
    },
    async invoice(request, sat, comment = '') {
      try {
        const url = questionFor(request, sat, comment)
        const body = said(await web.get(url, request.address.url), world.now())
        return invoiceIn(body, { request, sat, now: world.now() })
      } catch (error) {
        // The bounds or the URL of the address may have changed, so they are asked for again.
        known.delete(request.address.url)
        throw error
      }
    },
    async verify(url, paymentHash) {
      const answer = await web.get(url, url)
      const no = answer.status === 404 || complaintIn(answer.body) !== null
      if (no && answer.status < 429) return { settled: false, preimage: null }
      return settlementIn(said(answer, world.now()), paymentHash)
    },
  }
}

function payRequestIn(body: Json, address: LightningAddress): PayRequest {
  const { tag, callback, minSendable, maxSendable, metadata, commentAllowed } = body
  if (tag !== 'payRequest') throw new WalletRefused('it is no address to pay to')
  if (typeof callback !== 'string' || typeof metadata !== 'string') throw NOT_LNURL()
  if (!Number.isFinite(minSendable) || !Number.isFinite(maxSendable)) throw NOT_LNURL()
  // Whole sats inside the bounds in msat: 1500 msat as the lower bound is 2 sats, as the upper
  // bound 1 sat.
  const minSat = Math.max(1, Math.ceil(Number(minSendable) / 1000))
  const maxSat = Math.min(MOST_SAT, Math.floor(Number(maxSendable) / 1000))
  if (minSat > maxSat) throw new WalletRefused('it takes no whole number of sats')
  const length = Number.isSafeInteger(commentAllowed) ? Math.max(0, Number(commentAllowed)) : 0
  return { address, callback, minSat, maxSat, metadata, commentAllowed: length }
}

/** All sats that there will ever be. In msat they no longer fit into a safe integer. */
const MOST_SAT = 2_100_000_000_000_000

function questionFor(request: PayRequest, sat: number, comment: string): string {
  assert(Number.isSafeInteger(sat) && sat > 0, `an invoice of ${sat} sat`)
  const { callback, minSat, maxSat, commentAllowed } = request
  if (sat < minSat || sat > maxSat) {
    throw new WalletRefused(`it takes from ${minSat} to ${maxSat} sat, not ${sat}`)
  }
  const [base = ''] = callback.split('#')
  const fitted = [...comment].slice(0, commentAllowed).join('')
  const words = fitted === '' ? '' : `&comment=${encodeURIComponent(fitted.toWellFormed())}`
  return `${base}${base.includes('?') ? '&' : '?'}amount=${BigInt(sat) * 1000n}${words}`
}

function invoiceIn(
  body: Json,
  asked: { readonly request: PayRequest; readonly sat: number; readonly now: number },
): LnurlInvoice {
  const { pr, verify } = body
  if (typeof pr !== 'string') throw NOT_LNURL()
  const bolt11 = pr.trim().toLowerCase()
  const read = readBolt11(bolt11)
  const money = moneyOf(bolt11)
  if (read === null || money === null) throw new WalletRefused('what it answered is no invoice')
  if (read.amountMsat !== BigInt(asked.sat) * 1000n) {
    throw new WalletRefused('its invoice is for another amount than it was asked for')
  }
  if (read.expiresAt <= asked.now) throw new WalletRefused('its invoice has expired already')
  return {
    bolt11,
    paymentHash: read.paymentHash,
    expiresAt: read.expiresAt,
    money,
    verify: verifyIn(verify, asked.request),
  }
}

/**
 * The URL is checked now, because the address that named it is not known any more when the URL is
 * used.
 */
function verifyIn(verify: unknown, { address }: PayRequest): string | null {
  if (typeof verify !== 'string' || verify === '') return null
  return mayBeAsked(verify, address.url).href
}

function settlementIn(body: Json, paymentHash: string): LnurlSettlement {
  const { settled, preimage, pr } = body
  if (typeof settled !== 'boolean') throw NOT_LNURL()
  const shown = typeof pr === 'string' ? readBolt11(pr.trim()) : null
  if (shown !== null && shown.paymentHash !== paymentHash) throw ANOTHER()
  if (!settled) return { settled, preimage: null }
  if (typeof preimage !== 'string' || preimage === '') return { settled, preimage: null }
  const hash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')
  if (!/^[0-9a-f]{64}$/i.test(preimage) || hash !== paymentHash) throw ANOTHER()
  return { settled, preimage: preimage.toLowerCase() }
}

const ANOTHER = () => new WalletRefused('it tells of another payment than it was asked for')
