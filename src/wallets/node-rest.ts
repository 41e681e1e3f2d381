import { X509Certificate } from 'node:crypto'
import { isLoopback } from '../floor/address.ts'
import type { Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type Answer, askJson } from '../outbound/ask-json.ts'
import { explain, type Failure, type Why } from '../outbound/failure.ts'
import { ownTransport, type SocketTold } from '../outbound/transport.ts'
import { WalletRefused, WalletUnreachable } from './wallet.ts'

/** The address of a node's HTTP API and the access to it. */
export interface NodeAccess {
  readonly url: string
  /** PEM. Null: the certificates that this machine trusts. */
  readonly tlsCertPem: string | null
  /** They hold the secret. */
  readonly headers: Readonly<Record<string, string>>
  /** ms. No call takes longer, unless it says so. */
  readonly deadlineMs: number
  readonly world: World
}

/** What is particular about the API of one kind of node. */
export interface NodeHabits {
  /**
   * Hosts to which the secret may go without TLS. On other connections somebody could read it. The
   * default is this machine alone.
   */
  readonly plainHttp?: (host: string) => boolean
  /** Follows "its url must be https, or http". */
  readonly plainHttpIs: string
  /** Which file the certificate is. */
  readonly tlsCertIs: string
  /** What the operator can do about some failures of the connection. */
  readonly advice: Partial<Readonly<Record<Why, string>>>
}

export interface NodeCall {
  readonly path: string
  /** A POST of JSON. */
  readonly body?: object
  /** A POST of a form. */
  readonly form?: Readonly<Record<string, string>>
  /** Instead of the usual one. */
  readonly deadlineMs?: number
  /** Ends this call. */
  readonly over?: AbortSignal
  /** It must not be sent a second time, because it pays. */
  readonly once?: true
}

/** Asks a node over HTTP. Whatever happens to a call is a value, because a payment must know it. */
export interface NodeRest {
  ask(call: NodeCall): Promise<Result<Answer, Failure>>
  /** The error that a failure of the connection means, for the operator. */
  explained(failure: Failure): WalletUnreachable | WalletRefused
  /** Opens a websocket that only listens. */
  socket(path: string, told: SocketTold): { close(): void }
  readonly closed: AbortSignal
  close(): void
}

const LONGEST_ANSWER = 4 * 1024 * 1024
/**
 * ms to connect, less than a call may take. A call that got no answer in time was therefore sent, or
 * may have been.
 */
const CONNECT_MS = 4_000

/** Makes no call. Throws `WalletRefused` if the URL or the certificate cannot be right. */
export function nodeRest(access: NodeAccess, habits: NodeHabits): NodeRest {
  const { headers, world } = access
  const base = baseOf(access.url, habits)
  const ca = access.tlsCertPem === null ? null : pem(access.tlsCertPem, habits)
  const own = ownTransport({ ca, connectMs: Math.min(CONNECT_MS, access.deadlineMs) })
  const closed = new AbortController()
  const urlOf = (path: string) => new URL(`${base}${path}`)

  async function ask(call: NodeCall): Promise<Result<Answer, Failure>> {
    const { path, once, over, deadlineMs = access.deadlineMs, ...sent } = call
    const ended = over === undefined ? closed.signal : AbortSignal.any([over, closed.signal])
    const asking = { url: urlOf(path), headers, deadlineMs, over: ended, most: LONGEST_ANSWER }
    const out = { transport: own.transport, world }
    const first = await askJson(out, { ...asking, ...sent })
    // The node closed a kept connection before it got the call.
    const stale = !first.ok && first.error.why === 'hung_up' && once !== true
    return stale ? await askJson(out, { ...asking, ...sent }) : first
  }

  return {
    ask,
    explained: (failure) => explained(failure, habits),
    socket: (path, told) => own.socket(urlOf(path), headers, told),
    closed: closed.signal,
    close() {
      closed.abort()
      own.close().catch(() => undefined)
    },
  }
}

/** Whether a call that failed like this may have reached the node all the same. */
export const mayHaveArrived = ({ why }: Failure): boolean => !NOT_SENT.has(why)

const NOT_SENT: ReadonlySet<Why> = new Set<Why>([
  ...(['refused', 'unknown_host', 'no_lookup', 'no_connection', 'no_way'] as const),
  ...(['untrusted', 'expired', 'not_yet_valid', 'another_name', 'no_tls'] as const),
])

function baseOf(text: string, { plainHttp = isLoopback, plainHttpIs }: NodeHabits): string {
  const url = URL.parse(text)
  const plain = url?.protocol === 'http:' && plainHttp(url.hostname)
  if (url?.protocol !== 'https:' && !plain) {
    throw new WalletRefused(`its url must be https, or http ${plainHttpIs}`)
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function pem(text: string, { tlsCertIs }: NodeHabits): string {
  try {
    new X509Certificate(text)
    return text
  } catch {
    throw new WalletRefused(`its tlsCert must be a certificate in PEM form: ${tlsCertIs}`)
  }
}

/** Failures that trying again does not mend. */
const LASTING: ReadonlySet<Why> = new Set<Why>(['untrusted', 'expired', 'another_name'])

function explained(failure: Failure, { advice }: NodeHabits): WalletUnreachable | WalletRefused {
  const { why } = failure
  const help = advice[why]
  if (LASTING.has(why)) return new WalletRefused(help ?? explain(failure))
  const text = explain(failure)
  return new WalletUnreachable(help === undefined ? text : `${text}: ${help}`)
}
