import { createServer } from 'node:net'

/**
 * A free port with that many digits, for a program that is started on it again and again. Systems
 * choose ports above 32,768 for sockets that ask for any, so nobody takes it in between.
 */
export async function freePort(digits: 4 | 5 = 5): Promise<number> {
  const first = digits === 4 ? 2_000 : 20_000
  for (;;) {
    const port = first + Math.floor(Math.random() * (digits === 4 ? 7_900 : 10_000))
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((then) => server.close(then))
    if (free) return port
  }
}
