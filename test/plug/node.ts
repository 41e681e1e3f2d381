import { createHash, randomBytes } from 'node:crypto'
import { writeBolt11 } from '../../src/wallets/bolt11.ts'
import { serve } from '../support/serve.ts'

interface Sold {
  readonly bolt11: string
  readonly preimage: string
  readonly sat: number
  readonly expiresAt: number
}

/**
 * A Lightning node that satgate does not know, with its own REST API: three paths, with JSON in
 * both directions.
 */
export async function startNode() {
  const sold = new Map<string, Sold>()
  const settled: string[] = []
  let down = false

  function make({ sat, memo, seconds }: { sat: number; memo: string; seconds: number }) {
    const preimage = randomBytes(32)
    const hash = createHash('sha256').update(preimage).digest()
    const createdAt = Math.floor(Date.now() / 1000) * 1000
    const expiresAt = createdAt + seconds * 1000
    const bolt11 = writeBolt11({
      ...{ network: 'bcrt', sat, paymentHash: hash, paymentSecret: randomBytes(32) },
      ...{ description: memo, createdAt, expirySeconds: seconds },
      secretKey: Buffer.alloc(32, 7),
    })
    sold.set(hash.toString('hex'), { bolt11, preimage: preimage.toString('hex'), sat, expiresAt })
    return { bolt11 }
  }

  function find(hash: string) {
    const one = sold.get(hash)
    if (one === undefined) return null
    const paid = settled.includes(hash)
    const { sat, expiresAt } = one
    return { paid, sat, expired: !paid && Date.now() >= expiresAt, ...(paid ? one : {}) }
  }

  const server = await serve(async (request, response) => {
    if (down) return void request.socket.destroy()
    const answer = (body: object | null) =>
      response.writeHead(body === null ? 404 : 200).end(JSON.stringify(body ?? {}))
    if (request.headers['x-api-key'] !== 'a-key') return void response.writeHead(401).end('{}')
    const url = new URL(request.url ?? '/', 'http://node')
    if (request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += chunk
      return void answer(make(JSON.parse(body)))
    }
    const [, path, hash = ''] = url.pathname.split('/')
    if (path === 'settled') {
      const after = Number(url.searchParams.get('after'))
      return void answer({ settled: settled.slice(after), next: settled.length })
    }
    answer(path === 'invoices' ? find(hash) : { alive: true })
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    /** The buyer pays. Returns the preimage. */
    pay(bolt11: string): string {
      const [hash, one] = [...sold].find(([, each]) => each.bolt11 === bolt11) ?? []
      if (hash === undefined || one === undefined) throw new Error('not an invoice of this node')
      settled.push(hash)
      return one.preimage
    },
    setDown(now: boolean) {
      down = now
      if (now) server.server.closeAllConnections()
    },
    close: () => server.close(),
  }
}
