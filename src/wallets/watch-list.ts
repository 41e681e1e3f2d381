import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { SocketTold } from '../outbound/transport.ts'
import { type Listed, settledSince } from './settled-since.ts'
import { type Settlement, WalletRefused, WalletUnreachable, type Watch } from './wallet.ts'

/** A wallet whose list of payments counts, and whose websocket only says when to read that list. */
export interface ListedWallet {
  /** Ended when the wallet is closed. */
  readonly closed: AbortSignal
  /**
   * Its settlements from that time on (ms since the epoch), in any order. If the time is null, only
   * the newest are of interest.
   */
  list(from: number | null): Promise<readonly Listed[]>
  /** Opens a connection that says when something happened. */
  socket(told: SocketTold): { close(): void }
  readonly pace: {
    /** ms between two looks at the list if nothing is said, and at most while they fail. */
    readonly look: { readonly every: number; readonly longest: number }
    /** ms between two connections. */
    readonly connect: { readonly every: number; readonly longest: number }
    /** ms after which a connection is opened anew, because a dead one gives no sign. */
    readonly renewMs: number
    /** ms by which two settlements may be entered in another order than their times say. */
    readonly overlapMs: number
  }
}

/** ms to connect. */
const CONNECT_MS = 10_000

/**
 * Reports the settlements of such a wallet from the cursor on. What comes on its websocket, and each
 * new connection, is only a reason to read the list: a message may be lost, sent twice, or forged by
 * whoever knows the key.
 */
export function watchList(
  wallet: ListedWallet,
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
  { world, background }: { readonly world: World; readonly background: Background },
): Watch {
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, wallet.closed])
  const stop = (): void => stopped.abort()
  if (over.aborted) return { stop }
  const { connect, look: pace, overlapMs } = wallet.pace
  const since = settledSince(from.cursor, overlapMs)

  async function look(): Promise<void> {
    const list = await wallet.list(since.from).catch(ifDown)
    if (list !== null && !over.aborted) since.tell(list, from.onSettled)
  }

  const looking = background.repeat('payments', pace, look)
  const listening = background.repeat('notifications', connect, () =>
    listen({ wallet, world, over }, () => looking.soon()),
  )
  over.addEventListener(
    'abort',
    () => {
      looking.end()
      listening.end()
    },
    { once: true },
  )
  return { stop }
}

/** That the wallet is down is found and said by the gate, with every other call. */
function ifDown(error: unknown): null {
  if (error instanceof WalletUnreachable || error instanceof WalletRefused) return null
  throw error
}

interface Listening {
  readonly wallet: ListedWallet
  readonly world: World
  readonly over: AbortSignal
}

/** Listens on one connection until it ends. */
function listen({ wallet, world, over }: Listening, onNews: () => void): Promise<void> {
  if (over.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  let timer = world.after(CONNECT_MS, end, 'unref')
  const socket = wallet.socket({
    onOpen() {
      timer.cancel()
      timer = world.after(wallet.pace.renewMs, end, 'unref')
      onNews()
    },
    onMessage: onNews,
    onEnd: end,
  })
  over.addEventListener('abort', end, { once: true })
  return promise

  function end(): void {
    timer.cancel()
    over.removeEventListener('abort', end)
    socket.close()
    resolve()
  }
}
