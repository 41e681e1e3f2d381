import { objectIn } from '../../outbound/ask-json.ts'
import { explain, type Failure, type Why } from '../../outbound/failure.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from '../wallet.ts'

export type Json = { readonly [name: string]: unknown }
export interface LndAnswer {
  readonly status: number
  readonly body: Json
}

/** The JSON object in a text. Throws `WalletUnreachable` if it is none. */
export function parsed(text: string): Json {
  try {
    return jsonIn(JSON.parse(text))
  } catch {
    // The page of a proxy, or an incomplete answer.
    throw NOT_LND()
  }
}

/** Throws `WalletUnreachable` if it is no JSON object. */
export function jsonIn(json: unknown): Json {
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

/** The error that a failed connection means, with advice for the operator of lnd. */
export function explained(failure: Failure): Error {
  const { why } = failure
  const refusal = REFUSALS[why]
  if (refusal !== undefined) return new WalletRefused(refusal)
  if (why === 'too_large') return NOT_LND()
  const help = why === 'refused' ? ': is lnd running, and is that its restlisten?' : ''
  return new WalletUnreachable(`${explain(failure)}${help}`)
}
