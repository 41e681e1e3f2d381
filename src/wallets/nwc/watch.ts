import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import { settledSince } from '../settled-since.ts'
import { type Settlement, WalletRefused, WalletUnreachable, type Watch } from '../wallet.ts'
import { explained, type Transaction, transactionsIn } from './answers.ts'
import { type Json, type NwcClient, NwcError } from './client.ts'
import { NothingSent } from './relay.ts'

/** ms between two looks at the list without a notification, and at most while the wallet is away. */
const LOOK = { every: 60_000, longest: 60_000 }
/** ms between two looks whether the relays are connected, and whether they answer. */
const CONNECT = { every: 3_000, longest: 15_000 }
const PING_MS = 30_000
/** ms by which two settlements may be entered in another order than their times say. */
const OVERLAP_MS = 60_000
/** The list goes by the time when an invoice was made. The gate's own can be paid for 600 s. */
const LIFETIME_MS = 900_000
/**
 * Transactions asked for at once. A relay may drop a long reply without a word, so after a silence
 * fewer are asked for.
 */
const PAGES = [20, 5, 1]
const MOST_PAGES = 500
/** A page with fewer than these is the last one. */
const FEW = 5

type OnSettled = (settled: Settlement) => void

/** The listeners of one wallet, and what its client is to tell them. */
export function listenersOf(world: World, background: Background) {
  const all = new Set<{ notified(hash: string): void; lost(): void }>()
  return {
    hears: {
      onNotification(type: string, notification: Json): void {
        const hash = notification.payment_hash
        if (type !== 'payment_received' || typeof hash !== 'string') return
        if (/^[0-9a-f]{64}$/.test(hash)) for (const one of all) one.notified(hash)
      },
      onLost(): void {
        for (const one of all) one.lost()
      },
    },
    watch(client: NwcClient, cursor: string | null, onSettled: OnSettled): Watch {
      const stopped = new AbortController()
      const stop = (): void => stopped.abort()
      const over = AbortSignal.any([stopped.signal, client.closed])
      if (over.aborted) return { stop }
      const looker = lookerOf(client, cursor, { onSettled, over })
      const looking = background.repeat('payments', LOOK, looker.look)
      const keeping = keepConnected({ client, world, background, over }, () => looking.soon())
      const listener = {
        notified(hash: string): void {
          if (!looker.lists)
            background.once('payments', () => onSettled({ paymentHash: hash, cursor: null }))
          else looking.soon()
        },
        lost: () => keeping.lost(),
      }
      all.add(listener)
      over.addEventListener(
        'abort',
        () => {
          all.delete(listener)
          looking.end()
          keeping.end()
        },
        { once: true },
      )
      return { stop }
    },
  }
}

interface Keeping {
  readonly client: NwcClient
  readonly world: World
  readonly background: Background
  readonly over: AbortSignal
}

/**
 * Keeps the relays connected. `onNews` is called when one is connected after a time in which
 * notifications may have been missed.
 */
function keepConnected(
  { client, world, background, over }: Keeping,
  onNews: () => void,
): { lost(): void; end(): void } {
  const isOpen = () => client.relays.some((relay) => relay.isOpen)
  let pingAt = world.elapsed() + PING_MS
  let missed = !isOpen()
  const keeping = background.repeat('relays', CONNECT, async () => {
    const all = client.relays.every((relay) => relay.isOpen)
    if (over.aborted || (all && !missed && world.elapsed() < pingAt)) return
    pingAt = world.elapsed() + PING_MS
    await client.refresh()
    if (over.aborted || !missed || !isOpen()) return
    missed = false
    onNews()
  })
  return {
    lost() {
      if (!isOpen()) missed = true
      keeping.soon()
    },
    end: () => keeping.end(),
  }
}

/**
 * Reads the list of transactions and reports what was settled since the cursor. A wallet that does not
 * allow that is not asked again; then its notifications are reported as they come, without a cursor.
 */
function lookerOf(
  client: NwcClient,
  cursor: string | null,
  { onSettled, over }: { readonly onSettled: OnSettled; readonly over: AbortSignal },
) {
  const since = settledSince(cursor, OVERLAP_MS)
  let page = 0
  let lists = true

  async function list(offset: number, limit: number): Promise<readonly Transaction[]> {
    const from = since.from === null ? 0 : Math.max(0, since.from - LIFETIME_MS)
    const reply = await client.request('list_transactions', {
      ...{ from: Math.floor(from / 1000), limit, offset, unpaid: false, type: 'incoming' },
    })
    return transactionsIn(reply)
  }

  async function settled(limit: number): Promise<readonly Transaction[]> {
    const found: Transaction[] = []
    let offset = 0
    // Without a cursor, only the newest are of interest.
    for (let page = 0; page < (since.from === null ? 1 : MOST_PAGES) && !over.aborted; page += 1) {
      const some = await list(offset, limit)
      found.push(...some.filter(isSettled))
      offset += some.length
      // Some wallets send fewer than they were asked for, though there are more.
      if (some.length < Math.min(limit, FEW)) break
    }
    return found
  }

  /** Asks for fewer at once as long as there is no reply. Null if there is none at all. */
  async function settledInPages(): Promise<readonly Transaction[] | null> {
    for (let size = page; size < PAGES.length && !over.aborted; size += 1) {
      try {
        const found = await settled(PAGES[size] ?? 1)
        page = size
        return found
      } catch (error) {
        const said = explained('list_transactions', error)
        if (said instanceof NothingSent) return null
        if (!(said instanceof WalletUnreachable)) throw error
      }
    }
    return null
  }

  return {
    get lists() {
      return lists
    },
    async look(): Promise<void> {
      if (!lists || over.aborted) return
      try {
        // That the wallet is away is found and said by the gate, with every other call.
        const found = (await settledInPages()) ?? []
        if (over.aborted) return
        const all = found.map((one) => ({ paymentHash: one.paymentHash, at: one.settledAt ?? 0 }))
        since.tell(all, onSettled)
      } catch (error) {
        const said = explained('list_transactions', error)
        if (!(said instanceof WalletRefused)) throw said
        if (error instanceof NwcError && NEVER.test(error.code)) lists = false
      }
    },
  }
}

/** Codes of a wallet or a connection that does not list transactions. */
const NEVER = /^(?:RESTRICTED|NOT_IMPLEMENTED)$/

const isSettled = (one: Transaction): boolean =>
  one.state === 'settled' && one.direction === 'incoming' && one.settledAt !== null
