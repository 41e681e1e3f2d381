import { backOff } from '../../floor/back-off.ts'
import type { Background } from '../../floor/background.ts'
import { sleep, type World } from '../../floor/world.ts'
import type { Settlement, Watch } from '../wallet.ts'
import { type Json, NOT_LND } from './answers.ts'
import type { LndRest } from './rest.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000
/** ms after which a subscription is opened anew. It has no heartbeat, so a dead one gives no sign. */
const RENEW_MS = 60_000

/**
 * Reports the settlements of an lnd from `cursor` (its `settle_index`) on, and reconnects as often
 * as needed. Without a cursor lnd reports nothing from the past. Then a settlement that happens
 * while there is no connection is only found by looking the invoice up.
 */
export function watchLnd(
  rest: LndRest,
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
  { world, background }: { readonly world: World; readonly background: Background },
): Watch {
  const { cursor, onSettled } = from
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, rest.closed])
  // lnd's value for "report nothing from the past".
  let settleIndex = /^\d+$/.test(cursor ?? '') ? BigInt(cursor ?? 0) : 0n
  let failures = 0

  function onMessage(message: Json): void {
    if (over.aborted) return
    failures = 0
    const settled = settlementIn(message)
    if (settled === null) return
    // The cursor moves only if `onSettled` did not throw, so each settlement is reported at least
    // once.
    onSettled(settled)
    if (BigInt(settled.cursor) > settleIndex) settleIndex = BigInt(settled.cursor)
  }

  async function follow(): Promise<void> {
    while (!over.aborted) {
      const path = `/v1/invoices/subscribe?settle_index=${settleIndex}`
      const renewal = new AbortController()
      const old = world.after(RENEW_MS, () => renewal.abort(), 'unref')
      // Without a cursor, a settlement between two subscriptions would be missed, so the
      // subscription is not renewed.
      const until = settleIndex > 0n ? AbortSignal.any([over, renewal.signal]) : over
      await rest.follow(path, until, onMessage)
      old.cancel()
      if (until.aborted) continue
      await sleep(world, backOff(FIRST_PAUSE_MS, failures, LONGEST_PAUSE_MS), { signal: over })
      failures += 1
    }
  }
  const pace = { every: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS }
  const following = background.until('payments', pace, follow)
  return {
    stop() {
      following.end()
      stopped.abort()
    },
  }
}

/**
 * The settlement in a message. Null if the message is about an invoice that was made, held or
 * canceled.
 */
function settlementIn(message: Json): (Settlement & { readonly cursor: string }) | null {
  const { result } = message
  if (typeof result !== 'object' || result === null) throw NOT_LND()
  const { state, r_hash, settle_index } = { ...result } as Json
  if (state !== 'SETTLED') return null
  if (typeof r_hash !== 'string' || typeof settle_index !== 'string') throw NOT_LND()
  if (!/^\d+$/.test(settle_index)) throw NOT_LND()
  return { paymentHash: Buffer.from(r_hash, 'base64').toString('hex'), cursor: settle_index }
}
