import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import { settledSince } from '../settled-since.ts'
import { type Settlement, WalletRefused, WalletUnreachable, type Watch } from '../wallet.ts'
import type { PhoenixdApi } from './api.ts'
import { receivedSince } from './received.ts'

/** ms between two looks at the list if the websocket says nothing, and at most while they fail. */
const LOOK = { every: 5_000, longest: 30_000 }
/** ms between two connections. */
const CONNECT = { every: 1_000, longest: 15_000 }
/** ms to connect. */
const CONNECT_MS = 10_000
/**
 * ms after which a connection is ended, so that a new one is made. phoenixd sends pings on it, which
 * no program here sees, so a dead connection gives no sign.
 */
const RENEW_MS = 60_000
/** ms by which two payments may be entered in another order than their times say. */
const OVERLAP_MS = 10_000

/**
 * Reports the settlements of a phoenixd from `cursor` on. Only its list of received payments counts.
 * The websocket (`GET /websocket`, 0.8) says `{"type":"payment_received",…}` after a payment is
 * written down, and repeats nothing that was said while nobody listened. So whatever comes there, and
 * each new connection, is only a reason to read the list.
 */
export function watchPhoenixd(
  api: PhoenixdApi,
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
  { world, background }: { readonly world: World; readonly background: Background },
): Watch {
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, api.rest.closed])
  const stop = (): void => stopped.abort()
  if (over.aborted) return { stop }
  const since = settledSince(from.cursor, OVERLAP_MS)

  async function look(): Promise<void> {
    const list = await receivedSince(api, since.from).catch(ifDown)
    if (list !== null && !over.aborted) since.tell(list, from.onSettled)
  }

  const looking = background.repeat('payments', LOOK, look)
  const listening = background.repeat('notifications', CONNECT, () =>
    listen({ api, world, over }, () => looking.soon()),
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
  readonly api: PhoenixdApi
  readonly world: World
  readonly over: AbortSignal
}

/** Listens on one connection until it ends. */
function listen({ api, world, over }: Listening, onNews: () => void): Promise<void> {
  if (over.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  let timer = world.after(CONNECT_MS, end, 'unref')
  const socket = api.rest.socket('/websocket', {
    onOpen() {
      timer.cancel()
      timer = world.after(RENEW_MS, end, 'unref')
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
