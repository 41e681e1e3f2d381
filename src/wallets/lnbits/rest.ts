import { isPrivate } from '../../floor/address.ts'
import type { World } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import type { SocketTold } from '../../outbound/transport.ts'
import { mayHaveArrived, nodeRest } from '../node-rest.ts'
import { AmountRefused, WalletRefused, WalletUnreachable } from '../wallet.ts'

/** The address of an LNbits server and the access to one wallet on it. */
export interface LnbitsAccess {
  /** `https://host`. `http:` only on this machine or in a private network: others could read the key. */
  readonly url: string
  /** The invoice key of the wallet, or its admin key, which may also pay. */
  readonly key: string
  /** PEM. Null: the certificates that this machine trusts. */
  readonly tlsCertPem: string | null
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
  ask(path: string, body?: object, deadlineMs?: number): Promise<LnbitsAnswer>
  /** Listens to the notifications of this wallet. */
  socket(told: SocketTold): { close(): void }
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

/** Makes the client without a call. Throws `WalletRefused` if URL, key or certificate cannot be right. */
export function lnbitsRest(access: LnbitsAccess): LnbitsRest {
  const { key } = access
  if (!/^[0-9a-zA-Z_-]{16,128}$/.test(key)) throw WRONG_KEY()
  const rest = nodeRest({ ...access, headers: { 'x-api-key': key } }, HABITS)
  return {
    async ask(path, body, deadlineMs) {
      // A POST is not repeated, because that could pay twice.
      const sent = body === undefined ? {} : { body, once: true as const }
      const late = deadlineMs === undefined ? {} : { deadlineMs }
      const answer = await rest.ask({ path: `/api/v1/${path}`, ...sent, ...late })
      if (answer.ok) return { status: answer.value.status, body: objectIn(answer.value.json) ?? {} }
      const error = rest.explained(answer.error)
      const lost = error instanceof WalletRefused || mayHaveArrived(answer.error)
      throw lost ? error : new NotSent(error.reason)
    },
    socket: (told) => rest.socket(`/api/v1/ws/${key}`, told),
    close: () => rest.close(),
    closed: rest.closed,
  }
}

const HABITS = {
  plainHttp: (host: string) => isPrivate(host) || !host.includes('.'),
  plainHttpIs: 'on this machine or in a private network',
  tlsCertIs: 'that of your LNbits server',
  advice: { refused: 'is LNbits running, and is that its port?' },
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
