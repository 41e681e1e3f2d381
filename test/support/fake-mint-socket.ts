import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** The side of the mint in NUT-17. It knows only the part of RFC 6455 that short texts need. */
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
  const open = new Set<Duplex>()
  const subscriptions: { socket: Duplex; subId: string; filters: readonly string[] }[] = []

  function tell(subscription: (typeof subscriptions)[number], quote: string): void {
    const params = { subId: subscription.subId, payload: state(quote) }
    subscription.socket.write(
      frame(JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', params })),
    )
  }

  function hear(socket: Duplex, text: string, how: Welcome): void {
    const { id, params } = JSON.parse(text)
    if (how === 'mute') return
    if (how === 'refuse') {
      socket.write(
        frame(JSON.stringify({ jsonrpc: '2.0', error: { code: -1, message: 'no' }, id })),
      )
      return
    }
    const subscription = { socket, subId: params.subId, filters: params.filters }
    subscriptions.push(subscription)
    const result = { status: 'OK', subId: params.subId }
    socket.write(frame(JSON.stringify({ jsonrpc: '2.0', result, id })))
    for (const quote of params.filters) tell(subscription, quote)
  }

  server.on('upgrade', (request, socket) => {
    const how = welcome()
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    if (how === 'drop') return void socket.destroy()
    if (how === 'hang') return
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let one = read(rest); one !== null; one = read(rest)) {
        rest = rest.subarray(one.size)
        if (one.kind === TEXT) hear(socket, one.text, how)
        else socket.end()
      }
    })
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

const TEXT = 1

function frame(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length < 126) return Buffer.concat([Buffer.from([0x81, bytes.length]), bytes])
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(bytes.length, 6)
  return Buffer.concat([head, bytes])
}

/** Reads the first frame, which a client masks. Null if it is not complete yet. */
function read(bytes: Buffer): { kind: number; text: string; size: number } | null {
  if (bytes.length < 6) return null
  const short = (bytes[1] ?? 0) & 0x7f
  const long = short === 126 ? 2 : short === 127 ? 8 : 0
  const at = 2 + long
  const length = long === 0 ? short : bytes.readUIntBE(long === 2 ? 2 : 4, long === 2 ? 2 : 6)
  if (bytes.length < at + 4 + length) return null
  const mask = bytes.subarray(at, at + 4)
  const masked = bytes.subarray(at + 4, at + 4 + length)
  const text = Buffer.from(masked.map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString()
  return { kind: (bytes[0] ?? 0) & 0x0f, text, size: at + 4 + length }
}
