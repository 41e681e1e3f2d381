import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP tunnel. While it is deaf, everything gets through to the server and nothing comes back. */
export interface DeafTunnel {
  readonly port: number
  setDeaf(deaf: boolean): void
  close(): Promise<void>
}

export async function openDeafTunnel(target: string): Promise<DeafTunnel> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let deaf = false
  const server = createServer((client) => {
    const onward = connect(Number(port), hostname)
    for (const one of [client, onward]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        client.destroy()
        onward.destroy()
      })
    }
    client.pipe(onward)
    onward.on('data', (chunk) => {
      if (!deaf) client.write(chunk)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    setDeaf(now) {
      deaf = now
      // A connection with a hole in what came back is of no use any more.
      if (!now) for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
