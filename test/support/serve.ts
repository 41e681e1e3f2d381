import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** Starts a server on loopback for one handler. */
export async function serve(
  listener: RequestListener,
  make: (listener: RequestListener) => Server = createServer,
): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const server = make(listener)
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections()
      return new Promise((then) => server.close(() => then()))
    },
  }
}

/** A client that writes raw bytes and reads what comes. */
export class RawClient {
  text = ''
  closed = false
  readonly socket: Socket
  #woken: Array<() => void> = []

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (data) => {
      this.text += data.toString('latin1')
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  send(bytes: string): this {
    this.socket.write(bytes, 'latin1')
    return this
  }

  /** Waits until the text contains that, or the server has closed the connection. */
  async until(what: string | RegExp): Promise<string> {
    const there = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text))
    while (!there() && !this.closed) await new Promise<void>((then) => this.#woken.push(then))
    return this.text
  }

  async untilClosed(): Promise<string> {
    while (!this.closed) await new Promise<void>((then) => this.#woken.push(then))
    return this.text
  }

  #wake(): void {
    for (const then of this.#woken.splice(0)) then()
  }
}

/** Makes requests without a socket, for functions under test. */
export function fakeRequest(
  peer: string | undefined,
  headers: Record<string, string> = {},
): IncomingMessage {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return {
    headers: Object.fromEntries(lower),
    rawHeaders: Object.entries(headers).flat(),
    socket: { remoteAddress: peer },
  } as never
}
