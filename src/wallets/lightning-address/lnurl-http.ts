import { isLocalName, isOnion, isPrivate } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn, type Transport } from '../../outbound/ask-json.ts'
import { explain } from '../../outbound/failure.ts'
import { plainTransport } from '../../outbound/transport.ts'
import { WalletBusy, WalletRefused, WalletUnreachable } from '../wallet.ts'

/**
 * How an LNURL service is asked: GET, JSON back. It is a stranger's machine that names the next URL
 * to ask, so where a question may go is checked each time (threats C8; LUD-06, LUD-16).
 */
export interface LnurlWeb {
  /**
   * GETs `url`, which a service behind `trusted` has named. Two redirects are followed. Throws
   * `WalletRefused` where the URL must not be asked, `WalletUnreachable` where nobody answers in time.
   */
  get(url: string, trusted: string): Promise<LnurlAnswer>
}

export type Json = { readonly [name: string]: unknown }
export interface LnurlAnswer {
  readonly status: number
  /** Null where it is no JSON object. */
  readonly body: Json | null
  /** What its `Retry-After` says, as it stands. */
  readonly retryAfter: string | null
}

const MOST_REDIRECTS = 2
const LONGEST_ANSWER = 64 * 1024
const LONGEST_URL = 2048

/** Opens the way out; talks to nobody yet. `deadlineMs` is for a whole exchange, its body too. */
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

/** What a service said yes with. Throws what its no, its failure or its nonsense means. */
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

/** The reason of `{"status":"ERROR"}`, cleaned; null where it is none. */
export function complaintIn(body: Json | null): string | null {
  if (typeof body?.status !== 'string' || body.status.toUpperCase() !== 'ERROR') return null
  return cleaned(typeof body.reason === 'string' ? body.reason : '') || 'no reason given'
}

/** What answers there is no LNURL service, or a broken one. */
export const NOT_LNURL = () =>
  new WalletUnreachable('what answers there does not answer as a Lightning address does')

/** Whether plain http is as good as https there: this machine, or a Tor service. */
export function mayBePlain(hostname: string): boolean {
  return isLocalName(hostname) || isOnion(hostname)
}

/**
 * A URL that a service behind `trusted` has named, where it may be asked; throws `WalletRefused`
 * where not. A private network may be named only from within: by that very host. Names are not
 * resolved: who points one inwards is answered only by what speaks LNURL there.
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

/** A service's own words for the operator: one short line without a URL, an invoice, a hash, a key. */
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

/** `Retry-After` in ms, in seconds or as a date (RFC 9110 10.2.3), within reason. */
function pauseOf(retryAfter: string | null, now: number): number {
  const text = retryAfter?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  if (Number.isNaN(ms)) return USUAL_PAUSE_MS
  return Math.min(Math.max(ms, LEAST_PAUSE_MS), LONGEST_PAUSE_MS)
}
