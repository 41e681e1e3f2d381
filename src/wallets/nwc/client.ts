import { ClientBucket } from '../../floor/client-bucket.ts'
import type { World } from '../../floor/world.ts'
import { deadline } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { WalletUnreachable } from '../wallet.ts'
import type { Connection } from './connection.ts'
import { publicKeyOf } from './curve.ts'
import { channelOf, type Scheme } from './encryption.ts'
import { type NostrEvent, signed, tagOf } from './event.ts'
import { type NostrRelay, NothingSent, relayAt } from './relay.ts'

/** The kinds of NIP-47. Notifications of kind 23196 are encrypted with NIP-04. */
const KIND = {
  info: 13194,
  request: 23194,
  response: 23195,
  notification04: 23196,
  notification: 23197,
}

/** An answer that is an error. `code` is one of NIP-47, and is the only part that is believed. */
export class NwcError extends Error {
  override readonly name = 'NwcError'
  readonly code: string
  constructor(code: string) {
    super(`the wallet answered ${code}`)
    this.code = code
  }
}

export type Json = { readonly [name: string]: unknown }

/** How a request is made, if not as usual. */
export interface How {
  /** A wallet that gets it much later must not execute it any more. */
  readonly expires?: boolean
  /** ms that are waited for the reply. */
  readonly deadlineMs?: number
}

/** Requests to one wallet through its relays (NIP-47). */
export interface NwcClient {
  /**
   * Sends a request by every relay that can be reached, and resolves with the first answer. Throws
   * `NwcError` for an answer that is an error, `NothingSent` if no relay took the request, and
   * `WalletUnreachable` if no answer comes in time.
   */
  request(method: string, params: Json, how?: How): Promise<Json>
  /** Connects to the relays that are not connected, and looks whether the others still answer. */
  refresh(): Promise<void>
  readonly relays: readonly Pick<NostrRelay, 'host' | 'isOpen'>[]
  close(): void
  readonly closed: AbortSignal
}

export interface ClientParts {
  readonly connection: Connection
  readonly world: World
  /** ms. No request takes longer. */
  readonly deadlineMs: number
  /** Each notification of the wallet. It may be an old one, or come several times. */
  onNotification(type: string, notification: Json): void
  /** A relay is no longer connected. */
  onLost(): void
}

/**
 * Notifications of one kind, and descriptions of the wallet, that are read in a minute. They are a
 * reason to look what was paid, which is done without them too.
 */
const HEARD_A_MINUTE = 60
/** Events that are older than so many seconds are not asked for. Clocks differ. */
const OLDEST_SECONDS = 600
/** Seconds after which a wallet that was away must not execute a request any more. */
const EXPIRES_SECONDS = 120

/** Makes the client. Does not connect yet. */
export function nwcClient(parts: ClientParts): NwcClient {
  const { connection, world, deadlineMs } = parts
  const { wallet, secret } = connection
  const channel = channelOf(secret, wallet, world)
  const own = publicKeyOf(secret)
  const closed = new AbortController()
  /** Requests without an answer yet, by the id of their event. */
  const waiting = new Map<string, (reply: Json) => void>()
  let scheme: Scheme = 'nip44_v2'

  const now = () => Math.floor(world.now() / 1000)
  const { response, notification, notification04, info } = KIND
  const filters = () => [
    { kinds: [info], authors: [wallet], limit: 1 },
    {
      kinds: [response, notification, notification04],
      ...{ authors: [wallet], '#p': [own], since: now() - OLDEST_SECONDS },
    },
  ]

  const heard = new ClientBucket(world)

  function wants(event: NostrEvent): boolean {
    const { kind, pubkey } = event
    if (pubkey !== wallet || (kind !== info && tagOf(event, 'p') !== own)) return false
    if (kind === response) return waiting.has(tagOf(event, 'e') ?? '')
    const isKnown = kind === info || kind === notification || kind === notification04
    return isKnown && heard.take(String(kind), HEARD_A_MINUTE) === 0
  }

  function onEvent(event: NostrEvent): void {
    if (event.kind === info) {
      scheme = schemeIn(event)
      return
    }
    const opened = channel.open(event.content)
    const message = opened === null ? null : parsed(opened)
    if (message === null) return
    if (event.kind === response) waiting.get(tagOf(event, 'e') ?? '')?.(message)
    else if (typeof message.notification_type === 'string') {
      parts.onNotification(message.notification_type, objectIn(message.notification) ?? {})
    }
  }

  const relays = connection.relays.map((url) =>
    relayAt(url, { world, deadlineMs, filters, wants, onEvent, onLost: () => parts.onLost() }),
  )

  function eventFor(method: string, params: Json, expires: boolean): NostrEvent {
    const tags = [['p', wallet]]
    // Without this tag a wallet reads NIP-04.
    if (scheme === 'nip44_v2') tags.push(['encryption', 'nip44_v2'])
    if (expires) tags.push(['expiration', String(now() + EXPIRES_SECONDS)])
    const content = channel.seal(scheme, JSON.stringify({ method, params }))
    return signed({ kind: KIND.request, created_at: now(), tags, content }, secret, world)
  }

  /** Sends an event, and resolves with its answer. */
  async function exchange(event: NostrEvent, over: AbortSignal): Promise<Json> {
    const { promise, resolve, reject } = Promise.withResolvers<Json>()
    const late = () => reject(noReply(relays, deadlineMs))
    over.addEventListener('abort', late, { once: true })
    if (over.aborted) late()
    waiting.set(event.id, resolve)
    try {
      const sending = Promise.all(relays.map((relay) => sentBy(relay, event))).then((errors) => {
        // A relay that may have passed it on is as good as one that has.
        if (errors.every((error) => error instanceof NothingSent)) throw errors[0]
        return promise
      })
      return await Promise.race([promise, sending])
    } finally {
      waiting.delete(event.id)
      over.removeEventListener('abort', late)
    }
  }

  async function attempt(method: string, params: Json, how: How): Promise<Json> {
    const over = AbortSignal.any([deadline(world, how.deadlineMs ?? deadlineMs), closed.signal])
    if (closed.signal.aborted) throw new NothingSent('it is no longer used')
    await anyOpen(relays)
    const reply = await exchange(eventFor(method, params, how.expires === true), over)
    const error = objectIn(reply.error)
    if (error !== null) throw new NwcError(typeof error.code === 'string' ? error.code : 'OTHER')
    if (reply.result_type !== method) throw new NwcError('OTHER')
    return objectIn(reply.result) ?? {}
  }

  return {
    async request(method, params, how = {}) {
      try {
        return await attempt(method, params, how)
      } catch (error) {
        if (!(error instanceof NwcError) || error.code !== 'UNSUPPORTED_ENCRYPTION') throw error
        // The wallet has not read the request, so it has done nothing.
        scheme = scheme === 'nip04' ? 'nip44_v2' : 'nip04'
        return attempt(method, params, how)
      }
    },
    async refresh() {
      await Promise.allSettled(relays.map((relay) => (relay.isOpen ? relay.ping() : relay.open())))
    },
    relays,
    close() {
      closed.abort()
      for (const relay of relays) relay.close()
    },
    closed: closed.signal,
  }
}

/** NIP-47: a wallet without the tag speaks NIP-04 only. */
const schemeIn = (event: NostrEvent): Scheme =>
  (tagOf(event, 'encryption') ?? '').split(/[ ,]/).includes('nip44_v2') ? 'nip44_v2' : 'nip04'

/** Resolves with what went wrong, or with null. */
const sentBy = (relay: NostrRelay, event: NostrEvent): Promise<unknown> =>
  relay.publish(event).then(
    () => null,
    (error: unknown) => error,
  )

/** Waits for the first relay that is connected. Throws what the first one says if none can be. */
async function anyOpen(relays: readonly NostrRelay[]): Promise<void> {
  try {
    await Promise.any(relays.map((relay) => relay.open()))
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  }
}

function noReply(relays: readonly NostrRelay[], deadlineMs: number): Error {
  const hosts = relays.map(({ host }) => host).join(' and ')
  return new WalletUnreachable(
    `the wallet does not reply in ${deadlineMs} ms: is it running, and does it still use the relay ${hosts}?`,
  )
}

function parsed(text: string): Json | null {
  try {
    return objectIn(JSON.parse(text))
  } catch {
    return null
  }
}
