import { isPrivate } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import type { Answer } from '../../outbound/ask-json.ts'
import { type NodeRest, nodeRest } from '../node-rest.ts'
import { WalletRefused, WalletUnreachable } from '../wallet.ts'

/** The address of a phoenixd and the access to it. */
export interface PhoenixdAccess {
  /** `http://localhost:9740`. phoenixd itself speaks no TLS. */
  readonly url: string
  /**
   * `http-password-limited-access` or `http-password` of its `phoenix.conf`. The limited one makes
   * and reads invoices. Only the other one pays.
   */
  readonly password: string
  /** PEM. Only for a proxy in front of phoenixd, whose certificate no public authority signed. */
  readonly tlsCertPem: string | null
  /** ms. No call takes longer. */
  readonly deadlineMs: number
  readonly world: World
}

/**
 * The HTTP API of phoenixd, version 0.8.0. Its documentation (phoenix.acinq.co/server/api) and its
 * source (`Api.kt`, `JsonSerializers.kt`) agree in what is used here. Amounts whose names end in
 * `Sat` are sats, and fees are msat. What has no value is left out of an answer.
 */
export interface PhoenixdApi {
  /** Throws `WalletUnreachable` or `WalletRefused`, unless the status is 200 or one of `other`. */
  get(path: string, ...other: number[]): Promise<Answer>
  /** The same with a form. Only for calls that may be repeated. */
  post(path: string, form: Readonly<Record<string, string>>, ...other: number[]): Promise<Answer>
  readonly rest: NodeRest
}

export function phoenixdApi(access: PhoenixdAccess): PhoenixdApi {
  // The user is empty.
  const basic = Buffer.from(`:${access.password}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  const rest = nodeRest({ ...access, headers }, HABITS)

  async function ask(
    call: Parameters<NodeRest['ask']>[0],
    other: readonly number[],
  ): Promise<Answer> {
    const answer = await rest.ask(call)
    if (!answer.ok) throw rest.explained(answer.error)
    const { status } = answer.value
    if (status !== 200 && !other.includes(status)) throw complaint(status)
    return answer.value
  }

  return {
    get: (path, ...other) => ask({ path }, other),
    post: (path, form, ...other) => ask({ path, form }, other),
    rest,
  }
}

const HABITS = {
  plainHttp: (host: string) => isPrivate(host) || !host.includes('.'),
  plainHttpIs: 'on this machine or in a private network',
  tlsCertIs: 'that of the proxy in front of your phoenixd',
  advice: {
    refused: 'is phoenixd running, and is that its http-bind-port (9740)?',
    no_tls: 'phoenixd itself speaks http:// alone',
    untrusted:
      'the TLS certificate there is not trusted: set tlsCert to that of the proxy in front of phoenixd',
  },
}

/** What a status means, for the operator. Bodies of phoenixd are not repeated to anybody. */
export function complaint(status: number): WalletUnreachable | WalletRefused {
  if (status === 401) return new WalletRefused(WRONG_PASSWORD)
  if (status === 400 || status >= 500) {
    return new WalletUnreachable(`phoenixd answered with HTTP ${status}`)
  }
  return NOT_PHOENIXD()
}

const WRONG_PASSWORD =
  'it does not take this password: give http-password-limited-access (or http-password) from the phoenix.conf of this very phoenixd'

/** The server there is no phoenixd, or a broken one. */
export const NOT_PHOENIXD = () =>
  new WalletUnreachable(
    'what answers there does not answer as phoenixd does: is that its http-bind-port?',
  )
