import { objectIn } from '../../outbound/ask-json.ts'
import type { Listed } from '../settled-since.ts'
import { NOT_PHOENIXD, type PhoenixdApi } from './api.ts'
import { timeIn } from './incoming.ts'

const PAGE = 100
/** Pages of one list. The invoices of a gate that was away for longer are looked up all the same. */
const MOST_PAGES = 200

/**
 * The payments received at `from` (ms since the epoch) or later. Null: the newest ones. `GET
 * /payments/incoming` (0.8) lists by the time of receiving, newest first, and `from` is included. A
 * payment that comes between two pages moves the others down, so that none is left out.
 */
export async function receivedSince(api: PhoenixdApi, from: number | null): Promise<Listed[]> {
  const found = new Map<string, Listed>()
  for (let page = 0; page < (from === null ? 1 : MOST_PAGES); page += 1) {
    const path = `/payments/incoming?from=${from ?? 0}&limit=${PAGE}&offset=${page * PAGE}`
    const { json } = await api.get(path)
    if (!Array.isArray(json)) throw NOT_PHOENIXD()
    for (const one of json.flatMap(receivedIn)) found.set(one.paymentHash, one)
    if (json.length < PAGE) break
  }
  return [...found.values()]
}

function receivedIn(json: unknown): Listed[] {
  const { paymentHash, isPaid, completedAt } = objectIn(json) ?? {}
  const at = timeIn(completedAt)
  if (typeof paymentHash !== 'string' || !/^[0-9a-f]{64}$/.test(paymentHash)) return []
  return isPaid === true && at !== null ? [{ paymentHash, at }] : []
}
