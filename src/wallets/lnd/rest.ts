import { X509Certificate } from 'node:crypto'
import { isLoopback } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn, type Response } from '../../outbound/ask-json.ts'
import { explain, type Failure, failureIn, type Why } from '../../outbound/failure.ts'
import { ownTransport } from '../../outbound/transport.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from '../wallet.ts'

/** Where an lnd is and how to be let in. */
export interface LndAccess {
  /** `https://host:8080`; `http:` only on loopback (`no-rest-tls`), or the macaroon would be seen. */
  readonly url: string
  /** invoice.macaroon is enough, and all that should be given. */
  readonly macaroonHex: string
  /** lnd's own tls.cert; null where a public authority signed it. */
  readonly tlsCertPem: string | null
  /** No call takes longer, in ms: an lnd that is not synced never answers `POST /v1/invoices`. */
  readonly deadlineMs: number
  readonly world: World
}

/** lnd's REST gateway: JSON over HTTPS, with its ways of saying no. */
export interface LndRest {
  /** GET, or POST where there is a body. Throws `WalletUnreachable` where nobody answers in time. */
  ask(path: string, body?: Json): Promise<LndAnswer>
  /**
   * A GET that goes on, one JSON message a line, until `over`. Resolves why it ended, without a
   * throw of its own; what `onMessage` throws goes through.
   */
  follow(path: string, over: AbortSignal, onMessage: (message: Json) => void): Promise<Error>
  /** Ends every call and whatever is followed. */
  close(): void
  readonly closed: AbortSignal
}

export type Json = { readonly [name: string]: unknown }
export interface LndAnswer {
  readonly status: number
  readonly body: Json
}

const LONGEST_ANSWER = 4 * 1024 * 1024

/** Opens the gateway; talks to nobody yet. Throws `WalletRefused` where the access cannot be right. */
export function lndRest(access: LndAccess): LndRest {
  const { deadlineMs, world } = access
  const { base, ca, headers } = checked(access)
  const own = ownTransport({ ca, connectMs: deadlineMs })
  const closed = new AbortController()

  /** `POST /v1/invoices` may be repeated too: an invoice that nobody has seen only expires. */
  async function ask(path: string, body?: Json): Promise<LndAnswer> {
    const url = new URL(`${base}${path}`)
    const call = { url, body, headers, deadlineMs, over: closed.signal, most: LONGEST_ANSWER }
    const out = { transport: own.transport, world }
    const first = await askJson(out, call)
    // lnd may have closed a connection that was kept: it never saw the call.
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
        // There is no deadline on the answer, only on being connected.
        const url = new URL(`${base}${path}`)
        const request = { method: 'GET', headers, body: null, redirect: 'manual' } as const
        return await messagesOf(await own.transport(url, { ...request, signal: over }), onMessage)
      } catch (error) {
        if (over.aborted) return explained({ why: 'closed', code: '' })
        if (error instanceof WalletUnreachable) return error
        const failure = failureIn(error)
        // All that a connection throws has a code: what has none is a mistake of ours.
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

/** Messages may be cut anywhere, inside a character too. */
async function messagesOf(response: Response, onMessage: (message: Json) => void): Promise<Error> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk, { stream: true })
    // A no is one message, however many lines it has.
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
    // A proxy's page, or half an answer.
    throw NOT_LND()
  }
}

function jsonIn(json: unknown): Json {
  const object = objectIn(json)
  if (object === null) throw NOT_LND()
  return object
}

/** What answers there is not an lnd, or a broken one. */
export const NOT_LND = () => new WalletUnreachable('what answers there does not answer as lnd does')

/** Everything lnd complains of is HTTP 500, so only its words tell (0.18). They are not repeated. */
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

/** "invoice amount … is too large, max is 100000 BTC", in sats. */
function mostIn(words: string): number | null {
  const btc = /max is (\d+) BTC/.exec(words)?.[1]
  return btc === undefined ? null : Number(btc) * 100_000_000
}

/** What an answer other than 200 means. Text for the operator, without the body of the answer. */
export function complaint(answer: LndAnswer): Error {
  const words = messageOf(answer)
  const known = COMPLAINTS.find(([pattern]) => pattern.test(words))
  return known?.[1](words) ?? new WalletUnreachable(`it answered with HTTP ${answer.status}`)
}

/** lnd's own words; on a stream they are one level down. */
export function messageOf(answer: LndAnswer): string {
  const { error, message } = answer.body
  const nested = typeof error === 'object' && error !== null && 'message' in error && error.message
  return String(nested || message || '')
}

/** What lnd's operator does about failures that have a cure of their own there. */
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
