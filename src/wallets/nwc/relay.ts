import type { World } from '../../floor/world.ts'
import { WalletUnreachable } from '../wallet.ts'
import { isProven, type NostrEvent, unprovenIn } from './event.ts'

/** Nothing was sent, or whoever got it has said that it passes nothing on. */
export class NothingSent extends WalletUnreachable {}

/** The connection to one Nostr relay (NIP-01). It is opened when it is needed. */
export interface NostrRelay {
  readonly host: string
  readonly isOpen: boolean
  /** Connects and subscribes, unless it is open. Throws `NothingSent`. */
  open(): Promise<void>
  /**
   * Sends an event. Resolves when the relay has taken it. Throws `NothingSent` if it has not, and
   * `WalletUnreachable` if that is not known.
   */
  publish(event: NostrEvent): Promise<void>
  /** Asks for an answer from the relay itself. Without one the connection is closed. */
  ping(): Promise<void>
  close(): void
}

/** What a subscription asks for (NIP-01). */
export type Filters = readonly { readonly [name: string]: unknown }[]

export interface RelayParts {
  readonly world: World
  /** ms for each answer. */
  readonly deadlineMs: number
  /** Called for each connection, because time moves on. */
  filters(): Filters
  /**
   * Whether an event is of interest, before its signature is checked. That takes some ms, and a relay
   * sends what it likes.
   */
  wants(event: NostrEvent): boolean
  /** Each event that is wanted, with a signature that is right. */
  onEvent(event: NostrEvent): void
  /** It was open and is no longer. */
  onLost(): void
}

const LONGEST_MESSAGE = 512 * 1024
/** Relays check what they pass on, so this many wrong signatures are no accident. */
const MOST_FORGED = 10
const ALL = 'satgate'
/** Matches nothing. */
const NOTHING: Filters = [{ ids: ['0'.repeat(64)], limit: 1 }]

/** A relay. Does not connect yet. */
export function relayAt(url: string, parts: RelayParts): NostrRelay {
  const { host } = new URL(url)
  let line: Line | null = null
  let closed = false

  function lineNow(): Line {
    if (closed) throw new NothingSent('it is no longer used')
    line ??= connect(url, host, parts, () => {
      line = null
    })
    return line
  }

  return {
    host,
    get isOpen() {
      return line?.isReady ?? false
    },
    open: async () => lineNow().ready,
    async publish(event) {
      const now = lineNow()
      await now.ready
      await now.publish(event)
    },
    ping: async () => line?.ping(),
    close() {
      closed = true
      line?.end('it is no longer used')
    },
  }
}

interface Line {
  readonly ready: Promise<void>
  readonly isReady: boolean
  publish(event: NostrEvent): Promise<void>
  /** Asks for nothing. Closes the connection without an answer. */
  ping(): Promise<void>
  end(reason: string): void
}

interface Waiting {
  done(): void
  failed(error: WalletUnreachable): void
}

function connect(url: string, host: string, parts: RelayParts, onEnd: () => void): Line {
  const { world, deadlineMs } = parts
  const socket = new WebSocket(url)
  /** What was asked and not answered: ids of events and of subscriptions. */
  const waiting = new Map<string, Waiting>()
  let pings = 0
  let forged = 0
  let isReady = false
  let over = false

  function end(reason: string): void {
    if (over) return
    over = true
    onEnd()
    socket.close()
    const error = isReady ? new WalletUnreachable(reason) : new NothingSent(reason)
    for (const one of [...waiting.values()]) one.failed(error)
    if (isReady) parts.onLost()
  }

  /** Waits for an answer of the relay to what `send` sends. */
  function answered(id: string, send: () => void): Promise<void> {
    if (over) return Promise.reject(new NothingSent(`the relay ${host} hung up`))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = world.after(
      deadlineMs,
      () => end(`the relay ${host} does not answer in ${deadlineMs} ms`),
      'unref',
    )
    const settle = (then: () => void): void => {
      late.cancel()
      waiting.delete(id)
      then()
    }
    waiting.set(id, {
      done: () => settle(resolve),
      failed: (error) => settle(() => reject(error)),
    })
    send()
    return promise
  }

  const say = (...message: readonly unknown[]): void => socket.send(JSON.stringify(message))
  const ask = (id: string, filters: Filters) => answered(id, () => say('REQ', id, ...filters))

  function prove(event: NostrEvent): void {
    if (isProven(event)) parts.onEvent(event)
    else forged += 1
    if (forged >= MOST_FORGED) end(`the relay ${host} sends what the wallet has not signed`)
  }

  function hear(data: unknown): void {
    const message = messageIn(data)
    if (message === null || over) return
    const [verb, id, third, fourth] = message
    const one = typeof id === 'string' ? waiting.get(id) : undefined
    if (verb === 'EVENT' && id === ALL) {
      const event = unprovenIn(third)
      if (event !== null && parts.wants(event)) prove(event)
    } else if (verb === 'EOSE') {
      one?.done()
    } else if (verb === 'OK') {
      const taken = third === true || String(fourth).startsWith('duplicate')
      if (taken) one?.done()
      else
        one?.failed(new NothingSent(`the relay ${host} does not take messages of this connection`))
    } else if (verb === 'CLOSED' && id === ALL) {
      end(`the relay ${host} does not serve this connection`)
    } else if (verb === 'CLOSED') {
      one?.done()
    }
  }

  const ready = answered('open', () => {
    socket.addEventListener('open', () => waiting.get('open')?.done())
    socket.addEventListener('message', ({ data }: { data: unknown }) => hear(data))
    socket.addEventListener('error', () => end(`the relay ${host} cannot be reached`))
    socket.addEventListener('close', () => end(`the relay ${host} hung up`))
  }).then(async () => {
    await ask(ALL, parts.filters())
    isReady = true
  })

  return {
    ready,
    get isReady() {
      return isReady
    },
    publish: (event) => answered(event.id, () => say('EVENT', event)),
    async ping() {
      pings += 1
      const id = `ping-${pings}`
      await ask(id, NOTHING)
      if (!over) say('CLOSE', id)
    },
    end,
  }
}

function messageIn(data: unknown): readonly unknown[] | null {
  if (typeof data !== 'string' || data.length > LONGEST_MESSAGE) return null
  try {
    const message: unknown = JSON.parse(data)
    return Array.isArray(message) ? message : null
  } catch {
    return null
  }
}
