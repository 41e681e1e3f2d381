import { X509Certificate } from 'node:crypto'
import { isLoopback } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn, type Response } from '../../outbound/ask-json.ts'
import { explain, type Failure, failureIn, type Why } from '../../outbound/failure.ts'
import { ownTransport } from '../../outbound/transport.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from '../wallet.ts'

/** The address of an lnd and the access to it. */
export interface LndAccess {
  /**
   * `https://host:8080`. `http:` is allowed only on loopback (`no-rest-tls`), because others could
   * read the macaroon.
   */
  readonly url: string
  /** invoice.macaroon is enough, and no stronger one should be used. */
  readonly macaroonHex: string
  /** The tls.cert of lnd. Null if a public authority signed its certificate. */
  readonly tlsCertPem: string | null
  /** ms. No call takes longer. An lnd that is not synced never answers `POST /v1/invoices`. */
  readonly deadlineMs: number
  readonly world: World
}

/** The REST gateway of lnd: JSON over HTTPS. lnd writes refusals in several ways. */
export interface LndRest {
  /** Sends a GET, or a POST if there is a body. Throws `WalletUnreachable` if no answer comes in time. */
  ask(path: string, body?: Json): Promise<LndAnswer>
  /**
   * Sends a GET whose answer goes on, with one JSON message on each line, until `over`. Resolves
   * with the reason why it ended. If `onMessage` throws, it rejects with that.
   */
  follow(path: string, over: AbortSignal, onMessage: (message: Json) => void): Promise<Error>
  /** Ends all calls and all streams. */
  close(): void
  readonly closed: AbortSignal
}

export type Json = { readonly [name: string]: unknown }
export interface LndAnswer {
  readonly status: number
  readonly body: Json
}

const LONGEST_ANSWER = 4 * 1024 * 1024

/**
 * Makes the gateway without a call. Throws `WalletRefused` if URL, macaroon or certificate cannot
 * be right.
 */
export function lndRest(access: LndAccess): LndRest {
  const { deadlineMs, world } = access
  const { base, ca, headers } = checked(access)
  const own = ownTransport({ ca, connectMs: deadlineMs })
  const closed = new AbortController()

  /** `POST /v1/invoices` may be repeated too, because an invoice that nobody has seen only expires. */
  async function ask(path: string, body?: Json): Promise<LndAnswer> {
    const url = new URL(`${base}${path}`)
    const call = { url, body, headers, deadlineMs, over: closed.signal, most: LONGEST_ANSWER }
    const out = { transport: own.transport, world }
    const first = await askJson(out, call)
    // lnd closed a kept connection before it got the call.
    const stale = !first.ok && first.error.why === 'hung_up'
    const answer = stale ? await askJson(out, call) : first
    if (!answer.ok) throw explained(answer.error)
    return { status: answer.value.status, body: jsonIn(answer.value.json) }
  }

  return {
    ask,
    async follow(path, signal, onMessage) {
      const over = AbortSignal.any([signal, closed.signal])
      try {
        // The deadline is only for connecting, because the answer goes on.
        const url = new URL(`${base}${path}`)
        const request = { method: 'GET', headers, body: null, redirect: 'manual' } as const
        return await messagesOf(await own.transport(url, { ...request, signal: over }), onMessage)
      } catch (error) {
        if (over.aborted) return explained({ why: 'closed', code: '' })
        if (error instanceof WalletUnreachable) return error
        const failure = failureIn(error)
        // All errors of connections have a code. An error without one is a bug of ours.
        if (failure === null) throw error
        return explained(failure)
      }
    },
    close() {
      closed.abort()
      own.close().catch(() => undefined)
    },
    closed: closed.signal,
  }
}

function checked(access: LndAccess) {
  const url = URL.parse(access.url)
  const loopback = isLoopback(url?.hostname ?? '')
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && loopback)) {
    throw new WalletRefused('its url must be https, or http on this very machine')
  }
  if (!/^([0-9a-f]{2})+$/i.test(access.macaroonHex)) {
    throw new WalletRefused('its macaroon must be hex: xxd -p -c 9999 invoice.macaroon')
  }
  return {
    base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    ca: access.tlsCertPem === null ? null : pem(access.tlsCertPem),
    headers: { 'grpc-metadata-macaroon': access.macaroonHex },
  }
}

function pem(text: string): string {
  try {
    new X509Certificate(text)
    return text
  } catch {
    throw new WalletRefused(
      'its tlsCert must be a certificate in PEM form: tls.cert as lnd made it',
    )
  }
}

/** A piece may end anywhere, also inside a character. */
async function messagesOf(response: Response, onMessage: (message: Json) => void): Promise<Error> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk, { stream: true })
    // A refusal is one message, even if it has several lines.
    const lines = response.status === 200 ? rest.split('\n') : [rest]
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_ANSWER) throw NOT_LND()
    for (const line of lines.filter((text) => text.trim() !== '')) {
      const message = parsed(line)
      if (message.error !== undefined) return complaint({ status: 500, body: message })
      onMessage(message)
    }
  }
  if (response.status === 200) return new WalletUnreachable('it hung up')
  return complaint({ status: response.status, body: parsed(rest) })
}

function parsed(text: string): Json {
  try {
    return jsonIn(JSON.parse(text))
  } catch {
    // The page of a proxy, or an incomplete answer.
    throw NOT_LND()
  }
}

function jsonIn(json: unknown): Json {
  const object = objectIn(json)
  if (object === null) throw NOT_LND()
  return object
}

/** The server there is no lnd, or a broken one. */
export const NOT_LND = () => new WalletUnreachable('what answers there does not answer as lnd does')

/**
 * lnd sends every complaint as HTTP 500, so only its words tell the reason (0.18). They are not
 * repeated to anybody.
 */
const COMPLAINTS: readonly (readonly [RegExp, (words: string) => Error])[] = [
  [/wallet locked/, () => new WalletUnreachable('its wallet is locked: run lncli unlock')],
  [/starting up|not yet ready|not yet active/, () => new WalletUnreachable('it is starting')],
  [
    /permission denied|macaroon|verification failed|cannot get macaroon/,
    () =>
      new WalletRefused(
        'it does not take this macaroon: give the invoice.macaroon of this very node (it may make and read invoices, and nothing else)',
      ),
  ],
  [/too large/, (words) => new AmountRefused(null, mostIn(words))],
]

/** The bound in sats, from "invoice amount … is too large, max is 100000 BTC". */
function mostIn(words: string): number | null {
  const btc = /max is (\d+) BTC/.exec(words)?.[1]
  return btc === undefined ? null : Number(btc) * 100_000_000
}

/**
 * The error that an answer other than 200 means. Its text is for the operator and contains nothing
 * of the body.
 */
export function complaint(answer: LndAnswer): Error {
  const words = messageOf(answer)
  const known = COMPLAINTS.find(([pattern]) => pattern.test(words))
  return known?.[1](words) ?? new WalletUnreachable(`it answered with HTTP ${answer.status}`)
}

/** The message of lnd. In a stream it is one level deeper. */
export function messageOf(answer: LndAnswer): string {
  const { error, message } = answer.body
  const nested = typeof error === 'object' && error !== null && 'message' in error && error.message
  return String(nested || message || '')
}

/** What the operator of lnd can do about some failures. */
const REFUSALS: Partial<Readonly<Record<Why, string>>> = {
  untrusted: 'its TLS certificate is not the one given: set tlsCert to the tls.cert of this node',
  expired: 'its TLS certificate has expired: delete tls.cert and tls.key and restart lnd',
  another_name: 'its TLS certificate is for another name: set tlsextradomain or tlsextraip',
}

function explained(failure: Failure): Error {
  const { why } = failure
  const refusal = REFUSALS[why]
  if (refusal !== undefined) return new WalletRefused(refusal)
  if (why === 'too_large') return NOT_LND()
  const help = why === 'refused' ? ': is lnd running, and is that its restlisten?' : ''
  return new WalletUnreachable(`${explain(failure)}${help}`)
}
