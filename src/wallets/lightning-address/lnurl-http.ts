import { isLocalName, isOnion, isPrivate } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn, type Transport } from '../../outbound/ask-json.ts'
import { explain } from '../../outbound/failure.ts'
import { plainTransport } from '../../outbound/transport.ts'
import { WalletBusy, WalletRefused, WalletUnreachable } from '../wallet.ts'

/**
 * Sends requests to an LNURL service: GET, with JSON as the answer. The service is not ours, and it
 * names the URLs of further requests. So every URL is checked before it is used (threats C8;
 * LUD-06, LUD-16).
 */
export interface LnurlWeb {
  /**
   * GETs `url`, which was named by a service at `trusted`. Follows up to two redirects. Throws
   * `WalletRefused` if this URL must not be used, `WalletUnreachable` if no answer comes in time.
   */
  get(url: string, trusted: string): Promise<LnurlAnswer>
}

export type Json = { readonly [name: string]: unknown }
export interface LnurlAnswer {
  readonly status: number
  /** Null if it is no JSON object. */
  readonly body: Json | null
  /** The value of `Retry-After`, unchanged. */
  readonly retryAfter: string | null
}

const MOST_REDIRECTS = 2
const LONGEST_ANSWER = 64 * 1024
const LONGEST_URL = 2048

/** Makes the client without a call. `deadlineMs` is for a whole exchange, with its body. */
export function lnurlWeb(
  world: World,
  deadlineMs: number,
  transport: Transport = plainTransport,
): LnurlWeb {
  return {
    async get(url, trusted) {
      const answer = await askJson(
        { transport, world },
        {
          url: mayBeAsked(url, trusted),
          ...{ deadlineMs, most: LONGEST_ANSWER },
          redirects: {
            times: MOST_REDIRECTS,
            follow: (location, from) => redirected(location, from, trusted),
          },
        },
      )
      if (!answer.ok) {
        if (answer.error.why === 'too_large') throw NOT_LNURL()
        throw new WalletUnreachable(explain(answer.error))
      }
      const { status, headers, json } = answer.value
      if (status >= 300 && status <= 399 && headers.get('location') !== null) {
        throw new WalletRefused('it redirects too often')
      }
      return { status, body: objectIn(json), retryAfter: headers.get('retry-after') }
    },
  }
}

/** Returns the body of a successful answer. For any other answer, throws the error that it means. */
export function said(answer: LnurlAnswer, now: number): Json {
  const { status, body } = answer
  if (status === 429) throw new WalletBusy(pauseOf(answer.retryAfter, now))
  const no = complaintIn(body)
  if (status >= 500) {
    throw new WalletUnreachable(`it answered with HTTP ${status}${no === null ? '' : `: ${no}`}`)
  }
  if (no !== null) throw new WalletRefused(`it says no: ${no}`)
  if (status >= 400) throw new WalletRefused(`it answered with HTTP ${status}`)
  if (status !== 200 || body === null) throw NOT_LNURL()
  return body
}

/** The reason of `{"status":"ERROR"}`, with secrets removed. Null if the answer is no error. */
export function complaintIn(body: Json | null): string | null {
  if (typeof body?.status !== 'string' || body.status.toUpperCase() !== 'ERROR') return null
  return cleaned(typeof body.reason === 'string' ? body.reason : '') || 'no reason given'
}

/** The server there is no LNURL service, or a broken one. */
export const NOT_LNURL = () =>
  new WalletUnreachable('what answers there does not answer as a Lightning address does')

/** Whether plain http is as safe as https there: on this machine, or at a Tor service. */
export function mayBePlain(hostname: string): boolean {
  return isLocalName(hostname) || isOnion(hostname)
}

/**
 * Returns a URL that a service at `trusted` named, if it may be used; otherwise throws
 * `WalletRefused`. Only a host in a private network may name a URL in it, and only its own host.
 * Names are not resolved: a public name may point into a private network, but then only an LNURL
 * service there would give an answer that is used.
 */
export function mayBeAsked(named: string, trusted: string): URL {
  const url = named.length > LONGEST_URL ? null : URL.parse(named)
  const web = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === null || !web) throw new WalletRefused('it names a URL that is none')
  const { hostname } = url
  const home = new URL(trusted).hostname
  if (url.username !== '' || url.password !== '') {
    throw new WalletRefused('it names a URL with a password in it')
  }
  if (url.protocol === 'http:' && !mayBePlain(hostname)) {
    throw new WalletRefused('it names a URL without TLS')
  }
  const sameMachine = isLocalName(hostname) && isLocalName(home)
  if (isPrivate(hostname) && hostname !== home && !sameMachine) {
    throw new WalletRefused('it names a URL inside a private network')
  }
  return url
}

function redirected(location: string, from: URL, trusted: string): URL {
  const url = mayBeAsked(URL.parse(location, from.href)?.href ?? '', trusted)
  const plain = url.protocol === 'http:' || from.protocol === 'http:'
  if (plain && (url.protocol !== from.protocol || url.hostname !== from.hostname)) {
    throw new WalletRefused('it redirects to or from a URL without TLS')
  }
  return url
}

/**
 * The words of a service, made safe for the operator: one short line without URLs, invoices, hashes
 * and keys.
 */
function cleaned(words: string): string {
  const plain = words
    .slice(0, 1000)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .replace(/\S*:\/\/\S*|[\w+/=-]{32,}/g, '…')
  return plain.trim().slice(0, 120)
}

const LEAST_PAUSE_MS = 1_000
const USUAL_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 600_000

/** `Retry-After` in ms. It may be seconds or a date (RFC 9110 10.2.3); extreme values are limited. */
function pauseOf(retryAfter: string | null, now: number): number {
  const text = retryAfter?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  if (Number.isNaN(ms)) return USUAL_PAUSE_MS
  return Math.min(Math.max(ms, LEAST_PAUSE_MS), LONGEST_PAUSE_MS)
}
