import { backOff } from '../../floor/back-off.ts'
import type { Background } from '../../floor/background.ts'
import { sleep, type World } from '../../floor/world.ts'
import { type Settlement, WalletRefused, WalletUnreachable, type Watch } from '../wallet.ts'
import { type ClnRest, CODE, complaint, indexIn, type Json, NOT_CLN } from './rest.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000
/** How long the node holds a call open while nothing is paid. */
const HOLD_SECONDS = 50
const HOLD_DEADLINE_MS = (HOLD_SECONDS + 10) * 1000

/**
 * Reports the settlements of a Core Lightning node from `cursor` on, and asks anew as often as needed.
 * The cursor is the `pay_index` of the last reported invoice: `waitanyinvoice` answers with the next
 * one, however long ago it was paid, so nothing is lost. Without a cursor it begins behind the newest
 * one.
 */
export function watchCln(
  rest: ClnRest,
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
  { world, background }: { readonly world: World; readonly background: Background },
): Watch {
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, rest.closed])
  let payIndex = /^\d{1,15}$/.test(from.cursor ?? '') ? Number(from.cursor) : null

  async function next(): Promise<void> {
    payIndex ??= await newestIndex(rest, over)
    const paid = await paidAfter(rest, payIndex, { seconds: HOLD_SECONDS, over })
    if (paid === null || over.aborted) return
    // The cursor moves only if `onSettled` did not throw, so each settlement is reported at least
    // once.
    from.onSettled({ paymentHash: paid.paymentHash, cursor: String(paid.payIndex) })
    payIndex = paid.payIndex
  }

  /** False if the node did not answer. The breaker of the wallet reports that. */
  async function tryNext(): Promise<boolean> {
    try {
      await next()
      return true
    } catch (error) {
      if (error instanceof WalletUnreachable || error instanceof WalletRefused) return false
      throw error
    }
  }

  async function follow(): Promise<void> {
    let failures = 0
    while (!over.aborted) {
      if (await tryNext()) {
        failures = 0
        continue
      }
      if (over.aborted) return
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

interface Paid {
  readonly paymentHash: string
  readonly payIndex: number
}

/** The first invoice that was paid after that one. Null if there is none after so many seconds. */
async function paidAfter(
  rest: ClnRest,
  payIndex: number,
  { seconds, over }: { readonly seconds: number; readonly over: AbortSignal },
): Promise<Paid | null> {
  const params: Json = { lastpay_index: payIndex, timeout: seconds }
  const how = seconds === 0 ? { over } : { over, deadlineMs: HOLD_DEADLINE_MS }
  const reply = await rest.ask('waitanyinvoice', params, how)
  if (!reply.ok) throw rest.explained(reply.error)
  if (reply.value.is === 'error') {
    if (reply.value.code === CODE.waitTimedOut) return null
    throw complaint('waitanyinvoice', reply.value)
  }
  const { payment_hash: paymentHash, pay_index } = reply.value.body
  const found = indexIn(pay_index)
  if (typeof paymentHash !== 'string' || found <= payIndex) throw NOT_CLN()
  return { paymentHash, payIndex: found }
}

/**
 * The `pay_index` of the newest paid invoice; 0 if none was ever paid. No method tells it, so it is
 * searched for: by doubling until nothing comes after, then by halving. Some forty calls find it among
 * a million.
 */
async function newestIndex(rest: ClnRest, over: AbortSignal): Promise<number> {
  const after = async (index: number) =>
    (await paidAfter(rest, index, { seconds: 0, over }))?.payIndex ?? null
  let least = (await after(0)) ?? 0
  let most = least
  for (let step = 1; least > 0; step *= 2) {
    most = least + step
    const later = await after(most)
    if (later === null) break
    least = later
  }
  while (least < most) {
    const middle = Math.floor((least + most) / 2)
    const later = await after(middle)
    if (later === null) most = middle
    else least = later
  }
  return least
}
