import { X509Certificate } from 'node:crypto'
import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { isLoopback } from '../floor/address.ts'
import { deadline, type World } from '../floor/world.ts'
import { connectionTrouble } from './connection.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from './wallet.ts'

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
  const to = checked(access)
  const agent = new to.library.Agent({ keepAlive: true, ...to.tls })
  const closed = new AbortController()

  async function ask(path: string, body?: Json): Promise<LndAnswer> {
    const late = deadline(access.world, access.deadlineMs)
    const signal = AbortSignal.any([late, closed.signal])
    try {
      const response = await send(to, { agent, signal }, { path, body })
      return { status: response.statusCode ?? 0, body: parsed(await textOf(response)) }
    } catch (error) {
      // What an abort looks like depends on when it struck.
      if (late.aborted) throw new WalletUnreachable(`no answer in ${access.deadlineMs} ms`)
      throw explained(error)
    }
  }

  return {
    ask,
    async follow(path, signal, onMessage) {
      // A connection of its own: there is no deadline on the answer, only on being connected.
      const { request, response } = start(to, { agent: false, signal }, { path })
      const connecting = access.world.after(access.deadlineMs, () => request.destroy())
      request.once('socket', (socket) => {
        socket.setKeepAlive(true, 30_000)
        socket.once(to.library === https ? 'secureConnect' : 'connect', () => connecting.cancel())
      })
      try {
        return await messagesOf(await response, onMessage)
      } catch (error) {
        return explained(error)
      } finally {
        connecting.cancel()
        request.destroy()
      }
    },
    close() {
      closed.abort()
      agent.destroy()
    },
    closed: closed.signal,
  }
}

interface Call {
  readonly path: string
  readonly body?: Json | undefined
}

/** Tries once more where lnd had hung up on a connection that was kept: it never saw the call. */
async function send(to: Target, options: RequestOptions, call: Call): Promise<IncomingMessage> {
  const { request, response } = start(to, options, call)
  try {
    return await response
  } catch (error) {
    const stale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error))
    if (!stale) throw error
    return start(to, { ...options, agent: false }, call).response
  }
}

function start(to: Target, options: RequestOptions, { path, body }: Call) {
  const method = body === undefined ? 'GET' : 'POST'
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const headers = { 'grpc-metadata-macaroon': to.macaroonHex, ...type }
  const request = to.library.request(`${to.base}${path}`, {
    method,
    headers,
    ...to.tls,
    ...options,
  })
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).on('error', reject)
  })
  request.end(body === undefined ? undefined : JSON.stringify(body))
  return { request, response }
}

type Target = ReturnType<typeof checked>

function checked(access: LndAccess) {
  const url = URL.parse(access.url)
  const loopback = isLoopback(url?.hostname ?? '')
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && loopback)) {
    throw new WalletRefused('its url must be https, or http on this very machine')
  }
  if (!/^([0-9a-f]{2})+$/i.test(access.macaroonHex)) {
    throw new WalletRefused('its macaroon must be hex: xxd -p -c 9999 invoice.macaroon')
  }
  const library = url.protocol === 'https:' ? https : http
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  const tls = access.tlsCertPem === null ? {} : { ca: pem(access.tlsCertPem) }
  return { base, library, tls, macaroonHex: access.macaroonHex }
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
async function messagesOf(
  response: IncomingMessage,
  onMessage: (message: Json) => void,
): Promise<Error> {
  if (response.statusCode !== 200) {
    const body = parsed(await textOf(response))
    return complaint({ status: response.statusCode ?? 0, body })
  }
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_ANSWER) throw NOT_LND()
    for (const line of lines.filter((text) => text.trim() !== '')) {
      const message = parsed(line)
      if (message.error !== undefined) return complaint({ status: 500, body: message })
      onMessage(message)
    }
  }
  return new WalletUnreachable('it hung up')
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > LONGEST_ANSWER) throw NOT_LND()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Said below: a proxy's page, half an answer.
  }
  throw NOT_LND()
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

const NO_TRUST =
  'its TLS certificate is not the one given: set tlsCert to the tls.cert of this node'
const TROUBLES: Readonly<Record<string, () => Error>> = {
  ECONNREFUSED: () =>
    new WalletUnreachable('nothing listens there: is lnd running, and is that its restlisten?'),
  DEPTH_ZERO_SELF_SIGNED_CERT: () => new WalletRefused(NO_TRUST),
  SELF_SIGNED_CERT_IN_CHAIN: () => new WalletRefused(NO_TRUST),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => new WalletRefused(NO_TRUST),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: () => new WalletRefused(NO_TRUST),
  CERT_SIGNATURE_FAILURE: () => new WalletRefused(NO_TRUST),
  CERT_HAS_EXPIRED: () =>
    new WalletRefused(
      'its TLS certificate has expired: delete tls.cert and tls.key and restart lnd',
    ),
  ERR_TLS_CERT_ALTNAME_INVALID: () =>
    new WalletRefused('its TLS certificate is for another name: set tlsextradomain or tlsextraip'),
}

function explained(error: unknown): Error {
  if (error instanceof WalletUnreachable || error instanceof WalletRefused) return error
  const code = codeOf(error)
  // All that a connection throws has a code: what has none is a mistake of ours.
  if (code === '') throw error
  return TROUBLES[code]?.() ?? new WalletUnreachable(connectionTrouble(code))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
