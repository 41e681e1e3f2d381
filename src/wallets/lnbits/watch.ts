import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import { type SettledSince, settledSince } from '../settled-since.ts'
import { type Settlement, WalletRefused, WalletUnreachable, type Watch } from '../wallet.ts'
import { type PaymentRow, rowsOf } from './payment.ts'
import type { LnbitsRest } from './rest.ts'

/** ms between two looks at the list without a notification, and at most while LNbits fails. */
const LOOK = { every: 15_000, longest: 30_000 }
/** ms between two connections. */
const CONNECT = { every: 3_000, longest: 15_000 }
/** ms after which a connection is opened anew, because a dead one gives no sign. */
const RENEW_MS = 300_000
/** Rows on one page of the list, and the most pages. Older payments are found by their look-ups. */
const PAGE = 50
const MOST_PAGES = 100
/** ms by which two settlements may be entered in another order than their times say. */
const OVERLAP_MS = 60_000

/**
 * Reports the settlements of an LNbits wallet from the cursor on. Only its list of payments counts:
 * the notifications of its websocket are a reason to read that list, because anybody who knows the
 * key may send one, and LNbits sends some of them twice.
 */
export function watchLnbits(
  rest: LnbitsRest,
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
  { world, background }: { readonly world: World; readonly background: Background },
): Watch {
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, rest.closed])
  const stop = (): void => stopped.abort()
  if (over.aborted) return { stop }
  const since = settledSince(from.cursor, OVERLAP_MS)

  async function look(): Promise<void> {
    const rows = await settledAfter(rest, since).catch(ifDown)
    if (over.aborted || rows === null) return
    const list = rows.map(({ paymentHash, updatedAt }) => ({ paymentHash, at: updatedAt }))
    since.tell(list, from.onSettled)
  }

  const looking = background.repeat('payments', LOOK, look)
  const listening = background.repeat('notifications', CONNECT, () =>
    listen({ rest, world, over }, () => looking.soon()),
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

/**
 * The paid invoices in the list, newest first, down to those that are reported already. If none was
 * reported ever, only the newest are of interest.
 */
async function settledAfter(rest: LnbitsRest, { from }: SettledSince): Promise<PaymentRow[]> {
  const found: PaymentRow[] = []
  for (let page = 0; page < (from === null ? 1 : MOST_PAGES); page += 1) {
    const rows = await rowsOf(rest, {
      ...{ status: 'success', 'amount[gt]': '0', sortby: 'updated_at', direction: 'desc' },
      ...{ limit: String(PAGE), offset: String(page * PAGE) },
    })
    // A server that does not know a filter leaves it out.
    found.push(...rows.filter((row) => row.status === 'success' && row.amountMsat > 0n))
    const oldest = rows.at(-1)
    if (oldest === undefined || rows.length < PAGE || oldest.updatedAt < (from ?? 0)) break
  }
  return found
}

interface Listening {
  readonly rest: LnbitsRest
  readonly world: World
  readonly over: AbortSignal
}

/** Listens on one connection until it ends. What was missed before it was open is looked for first. */
function listen({ rest, world, over }: Listening, onNews: () => void): Promise<void> {
  if (over.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => {
    renewal.cancel()
    over.removeEventListener('abort', end)
    socket.close()
    resolve()
  }
  const renewal = world.after(RENEW_MS, end, 'unref')
  const socket = rest.socket({ onOpen: onNews, onMessage: onNews, onEnd: end })
  over.addEventListener('abort', end, { once: true })
  return promise
}
