import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { frame, type ServedSocket, serveWebSocket } from './web-socket.ts'

/** The side of the mint in NUT-17. */
export interface MintSockets {
  /** Tells everybody who asked for this quote that it changed. */
  told(quote: string): void
  /** Breaks all connections without a closing message. */
  hangUp(): void
  /** Sends this text to everybody. */
  say(text: string): void
  readonly open: ReadonlySet<Duplex>
}

type State = (quote: string) => object
/** What to do with a connection that somebody wants to open. */
export type Welcome = 'yes' | 'drop' | 'hang' | 'refuse' | 'mute'

/** Serves `/v1/ws` of this server. */
export function serveSockets(server: Server, state: State, welcome: () => Welcome): MintSockets {
  let how: Welcome = 'yes'
  const subscriptions: { socket: ServedSocket; subId: string; filters: readonly string[] }[] = []

  function tell(subscription: (typeof subscriptions)[number], quote: string): void {
    const params = { subId: subscription.subId, payload: state(quote) }
    subscription.socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', params }))
  }

  function hear(socket: ServedSocket, text: string, how: Welcome): void {
    const { id, params } = JSON.parse(text)
    if (how === 'mute') return
    if (how === 'refuse') {
      socket.send(JSON.stringify({ jsonrpc: '2.0', error: { code: -1, message: 'no' }, id }))
      return
    }
    const subscription = { socket, subId: params.subId, filters: params.filters }
    subscriptions.push(subscription)
    const result = { status: 'OK', subId: params.subId }
    socket.send(JSON.stringify({ jsonrpc: '2.0', result, id }))
    for (const quote of params.filters) tell(subscription, quote)
  }

  const open = serveWebSocket(server, {
    welcome() {
      how = welcome()
      return how === 'drop' || how === 'hang' ? how : 'accept'
    },
    opened(socket) {
      const mine = how
      return (text) => hear(socket, text, mine)
    },
  })

  return {
    told(quote) {
      for (const one of subscriptions) if (one.filters.includes(quote)) tell(one, quote)
    },
    hangUp() {
      for (const socket of open) socket.destroy()
    },
    say(text) {
      for (const socket of open) socket.write(frame(text))
    },
    open,
  }
}
