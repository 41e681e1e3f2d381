import { X509Certificate } from 'node:crypto'
import { isLoopback } from '../../floor/address.ts'
import { deadline, type World } from '../../floor/world.ts'
import { askJson, type Response } from '../../outbound/ask-json.ts'
import { failureIn } from '../../outbound/failure.ts'
import { ownTransport } from '../../outbound/transport.ts'
import { WalletRefused, WalletUnreachable } from '../wallet.ts'
import {
  complaint,
  explained,
  type Json,
  jsonIn,
  type LndAnswer,
  NOT_LND,
  parsed,
} from './answers.ts'

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
  ask(path: string, body?: Json, how?: How): Promise<LndAnswer>
  /** The first message of an answer that goes on. Throws `WalletUnreachable` if none comes in time. */
  first(path: string): Promise<LndAnswer>
  /**
   * Sends a GET whose answer goes on, with one JSON message on each line, until `over`. Resolves
   * with the reason why it ended. If `onMessage` throws, it rejects with that.
   */
  follow(path: string, over: AbortSignal, onMessage: (message: Json) => void): Promise<Error>
  /** Ends all calls and all streams. */
  close(): void
  readonly closed: AbortSignal
}

/** How a call is made. */
export interface How {
  /** ms to wait for the answer, if less than the deadline of all calls. */
  readonly waitMs?: number
  /** False for a call that must not be sent a second time if its connection was closed. */
  readonly again?: boolean
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
  async function ask(path: string, body?: Json, how: How = {}): Promise<LndAnswer> {
    const url = new URL(`${base}${path}`)
    const waitMs = Math.min(how.waitMs ?? deadlineMs, deadlineMs)
    const over = closed.signal
    const call = { url, body, headers, deadlineMs: waitMs, over, most: LONGEST_ANSWER }
    const out = { transport: own.transport, world }
    const first = await askJson(out, call)
    // lnd closed a kept connection before it got the call.
    const stale = !first.ok && first.error.why === 'hung_up'
    const answer = stale && how.again !== false ? await askJson(out, call) : first
    if (!answer.ok) throw explained(answer.error)
    return { status: answer.value.status, body: jsonIn(answer.value.json) }
  }

  async function first(path: string): Promise<LndAnswer> {
    const late = deadline(world, deadlineMs)
    try {
      const url = new URL(`${base}${path}`)
      const signal = AbortSignal.any([late, closed.signal])
      const request = { method: 'GET', headers, body: null, redirect: 'manual', signal } as const
      const response = await own.transport(url, request)
      return { status: response.status, body: await firstMessage(response) }
    } catch (error) {
      if (error instanceof WalletUnreachable) throw error
      if (closed.signal.aborted) throw explained({ why: 'closed', code: '' })
      if (late.aborted) throw explained({ why: 'silent', code: `${deadlineMs} ms` })
      const failure = failureIn(error)
      throw failure === null ? error : explained(failure)
    }
  }

  return {
    ask,
    first,
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

/** Of an answer that goes on, only its first line is read. Leaving the loop closes the connection. */
async function firstMessage(response: Response): Promise<Json> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > LONGEST_ANSWER) throw NOT_LND()
    if (response.status === 200 && text.includes('\n')) break
  }
  return parsed(response.status === 200 ? (text.split('\n')[0] ?? '') : text)
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
