import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Payer } from './payer.ts'

/**
 * A Lightning address without LUD-21 that gives invoices of a real node, which shows what it was
 * paid. The lab's own address belongs to the node of the mint, and no node pays itself.
 */
export interface PayersAddress {
  /** `operator@127.0.0.1:port`. */
  readonly text: string
  /** How many invoices it was asked for. */
  readonly asked: number
  close(): Promise<void>
}

export async function openAddress(node: Payer): Promise<PayersAddress> {
  let asked = 0
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    const { port } = server.address() as AddressInfo
    const metadata = JSON.stringify([['text/plain', 'operator']])
    response.setHeader('content-type', 'application/json')
    if (url.pathname === '/.well-known/lnurlp/operator') {
      const bounds = { minSendable: 1_000, maxSendable: 100_000_000 }
      const callback = `http://127.0.0.1:${port}/pay`
      response.end(JSON.stringify({ tag: 'payRequest', callback, metadata, ...bounds }))
      return
    }
    asked += 1
    const hash = createHash('sha256').update(metadata).digest('base64')
    const pr = await node.invoice(Number(url.searchParams.get('amount')), hash)
    response.end(JSON.stringify({ pr, routes: [] }))
  })
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  return {
    text: `operator@127.0.0.1:${(server.address() as AddressInfo).port}`,
    get asked() {
      return asked
    },
    close() {
      server.closeAllConnections()
      return new Promise((then) => server.close(() => then()))
    },
  }
}
