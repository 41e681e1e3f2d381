import { isLoopback } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn } from '../../outbound/ask-json.ts'
import { explain, type Failure } from '../../outbound/failure.ts'
import { ownTransport } from '../../outbound/transport.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from '../wallet.ts'

/** The address of an LNbits server and the access to one wallet on it. */
export interface LnbitsAccess {
  /** `https://host`. `http:` is allowed only on loopback, because others could read the key. */
  readonly url: string
  /** The invoice key of the wallet, or its admin key, which may also pay. */
  readonly key: string
  /** ms. No call takes longer. */
  readonly deadlineMs: number
  readonly world: World
}

/** The HTTP API of LNbits (1.0 and later). */
export interface LnbitsRest {
  /**
   * Sends a GET, or a POST if there is a body. Throws `WalletUnreachable` if no answer comes in time.
   * A call with a body may have had its effect then, unless `NotSent` is thrown.
   */
  ask(path: string, body?: object): Promise<LnbitsAnswer>
  /** The address of the notifications of this wallet. It contains the key. */
  readonly socketUrl: string
  close(): void
  readonly closed: AbortSignal
}

export type Json = { readonly [name: string]: unknown }
export interface LnbitsAnswer {
  readonly status: number
  readonly body: Json
}

/** Nothing of the call can have reached the server. */
export class NotSent extends WalletUnreachable {}

/** A list of payments has about 2 KB for each, so this is enough for 1,000 of them. */
const LONGEST_ANSWER = 4 * 1024 * 1024

/** Makes the client without a call. Throws `WalletRefused` if URL or key cannot be right. */
export function lnbitsRest(access: LnbitsAccess): LnbitsRest {
  const { deadlineMs, world, key } = access
  const base = checked(access)
  const own = ownTransport({ ca: null, connectMs: deadlineMs })
  const closed = new AbortController()
  const headers = { 'x-api-key': key }

  return {
    async ask(path, body) {
      const url = new URL(`${base}/api/v1/${path}`)
      const call = { url, body, headers, deadlineMs, over: closed.signal, most: LONGEST_ANSWER }
      const out = { transport: own.transport, world }
      const first = await askJson(out, call)
      // The server closed a kept connection before it got the call. A POST is not repeated, because
      // that could pay twice.
      const stale = !first.ok && first.error.why === 'hung_up' && body === undefined
      const answer = stale ? await askJson(out, call) : first
      if (!answer.ok) throw explained(answer.error)
      return { status: answer.value.status, body: objectIn(answer.value.json) ?? {} }
    },
    socketUrl: `${base.replace(/^http/, 'ws')}/api/v1/ws/${encodeURIComponent(key)}`,
    close() {
      closed.abort()
      own.close().catch(() => undefined)
    },
    closed: closed.signal,
  }
}

function checked({ url: text, key }: LnbitsAccess): string {
  const url = URL.parse(text)
  const loopback = isLoopback(url?.hostname ?? '')
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && loopback)) {
    throw new WalletRefused('its url must be https, or http on this very machine')
  }
  if (!/^[0-9a-zA-Z_-]{16,128}$/.test(key)) throw WRONG_KEY()
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

const WRONG_KEY = () =>
  new WalletRefused(
    'it does not take this key: copy the "Invoice/read key" of the wallet from its page in LNbits (API keys and API docs)',
  )

/** The server there is no LNbits, or a broken one. */
export const NOT_LNBITS = () =>
  new WalletUnreachable('what answers there does not answer as LNbits does')

/**
 * What LNbits complains about, with the words that tell it apart (1.6). They are not repeated to
 * anybody, because an error may name an invoice.
 */
const COMPLAINTS: readonly (readonly [RegExp, (words: string) => Error])[] = [
  [/^Wallet not found|key required/i, WRONG_KEY],
  [/sats is too high/, (words) => new AmountRefused(null, satsIn(words))],
  [
    /balance cannot exceed/,
    (words) =>
      new WalletRefused(
        `the wallet is full, because this LNbits allows at most ${satsIn(words)} sat in one: send some away`,
      ),
  ],
  [
    /permission to create invoices/,
    () => new WalletRefused('this wallet may not make invoices: its owner shares it without that'),
  ],
]

const satsIn = (words: string): number | null => {
  const sats = /(?:allowed: |exceed )(\d{1,15}) sats/.exec(words)?.[1]
  return sats === undefined ? null : Number(sats)
}

/** The error that an answer means. Its text is for the operator and contains nothing of the body. */
export function complaint({ status, body }: LnbitsAnswer): Error {
  const words = detailOf(body)
  const known = COMPLAINTS.find(([pattern]) => pattern.test(words))
  if (known !== undefined) return known[1](words)
  if (status === 401 || status === 403) return WRONG_KEY()
  if (status === 429) return new WalletUnreachable('it was asked more often than it allows')
  // LNbits has a status of its own for what its Lightning backend could not do.
  if (status === 520) return new WalletUnreachable('its Lightning backend makes no invoice now')
  if (status === 404 || status < 400) return NOT_LNBITS()
  return new WalletUnreachable(`it answered with HTTP ${status}`)
}

/** The words of a refusal. Empty if there are none. */
export const detailOf = (body: Json): string => (typeof body.detail === 'string' ? body.detail : '')

function explained(failure: Failure): WalletUnreachable | WalletRefused {
  switch (failure.why) {
    case 'untrusted':
    case 'expired':
    case 'not_yet_valid':
    case 'another_name':
      return new WalletRefused(explain(failure))
    case 'refused':
    case 'unknown_host':
    case 'no_lookup':
    case 'no_connection':
    case 'no_way':
    case 'no_tls':
      return new NotSent(explain(failure))
    default:
      return new WalletUnreachable(explain(failure))
  }
}
