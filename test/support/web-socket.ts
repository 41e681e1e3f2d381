import { createHash } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** One end of a connection. It knows only the part of RFC 6455 that short texts need. */
export interface ServedSocket {
  send(text: string): void
  /** Breaks the connection without a closing message. */
  hangUp(): void
}

/** How connections are answered. */
export interface Served {
  /** `drop`: closed at once. `hang`: never answered. */
  welcome(request: IncomingMessage): 'accept' | 'drop' | 'hang'
  /** Returns what is called with each text that comes. `path` is that of the request. */
  opened(socket: ServedSocket, path: string): (text: string) => void
  closed?(socket: ServedSocket): void
}

/** Serves WebSocket connections of this server. Returns all connections that are open. */
export function serveWebSocket(server: Server, served: Served): ReadonlySet<Duplex> {
  const open = new Set<Duplex>()
  server.on('upgrade', (request, socket) => {
    open.add(socket)
    const one = {
      send: (text: string) => void socket.write(frame(text)),
      hangUp: () => void socket.destroy(),
    }
    const gone = () => {
      if (open.delete(socket)) served.closed?.(one)
    }
    socket.on('close', gone).on('error', () => {})
    const how = served.welcome(request)
    if (how === 'drop') return void socket.destroy()
    if (how === 'hang') return
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    const hear = served.opened(one, request.url ?? '')
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let one = read(rest); one !== null; one = read(rest)) {
        rest = rest.subarray(one.size)
        if (one.kind === TEXT) hear(one.text)
        else socket.end()
      }
    })
  })
  return open
}

const TEXT = 1

/** The frame of a text, for a server. */
export function frame(text: string): Buffer {
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
  if (bytes.length < at + 4) return null
  const length = long === 0 ? short : bytes.readUIntBE(long === 2 ? 2 : 4, long === 2 ? 2 : 6)
  if (bytes.length < at + 4 + length) return null
  const mask = bytes.subarray(at, at + 4)
  const masked = bytes.subarray(at + 4, at + 4 + length)
  const text = Buffer.from(masked.map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString()
  return { kind: (bytes[0] ?? 0) & 0x0f, text, size: at + 4 + length }
}
