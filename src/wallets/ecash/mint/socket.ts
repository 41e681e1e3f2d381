import type { World } from '../../../floor/world.ts'
import { isObject, quoteStateOf } from './answers.ts'
import type { QuoteWatch } from './mint.ts'

/** Connections on which a mint tells of payments (NUT-17), one socket for each watch. */
export interface MintSocket {
  watch(quotes: readonly string[], told: QuoteWatch): { stop(): void }
  /** Closes the connections and does not call `onEnd`. */
  close(): void
}

/**
 * So many quotes go into one subscription. A list of this length fits into one frame at every mint.
 */
const AT_ONCE = 50
/**
 * A connection is opened anew after so many ms, because it may be dead without any sign. The new
 * one tells all states first.
 */
const RENEW_MS = 120_000
const LONGEST_MESSAGE = 64 * 1024

/**
 * `deadlineMs` is the time to connect and to get an answer. The connection ends `renewMs` after
 * that.
 */
export function mintSocket(
  world: World,
  url: string,
  { deadlineMs, renewMs = RENEW_MS }: { readonly deadlineMs: number; readonly renewMs?: number },
): MintSocket {
  const open = new Set<{ stop(): void }>()
  return {
    watch(quotes, told) {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, HEADERS)
      const asked = new Set(quotes)
      const unanswered = new Set<number>()
      let timer = world.after(deadlineMs, end)
      const watch = { stop }
      open.add(watch)

      function stop(): void {
        if (!open.delete(watch)) return
        timer.cancel()
        socket.close()
      }

      function end(): void {
        if (!open.has(watch)) return
        stop()
        told.onEnd()
      }

      socket.addEventListener('open', () => {
        for (let at = 0; at < quotes.length; at += AT_ONCE) {
          unanswered.add(at)
          socket.send(subscription(at, quotes.slice(at, at + AT_ONCE)))
        }
      })
      socket.addEventListener('error', end)
      socket.addEventListener('close', end)
      socket.addEventListener('message', ({ data }: { data: unknown }) => {
        if (!open.has(watch)) return
        const message = parsed(data)
        if (message === null || isObject(message.error)) return end()
        if (typeof message.id === 'number' && unanswered.delete(message.id)) {
          if (unanswered.size > 0) return
          timer.cancel()
          timer = world.after(renewMs, end)
        }
        const { payload } = isObject(message.params) ? message.params : {}
        if (!isObject(payload) || typeof payload.quote !== 'string') return
        const state = quoteStateOf(payload)
        if (state !== null && asked.has(payload.quote)) told.onState(payload.quote, state)
      })
      return watch
    },
    close() {
      for (const watch of [...open]) watch.stop()
    },
  }
}

const HEADERS = { headers: { 'user-agent': 'satgate' } }

function subscription(id: number, filters: readonly string[]): string {
  const params = { kind: 'bolt11_mint_quote', subId: `quotes-${id}`, filters }
  return JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', params, id })
}

function parsed(data: unknown) {
  if (typeof data !== 'string' || data.length > LONGEST_MESSAGE) return null
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
