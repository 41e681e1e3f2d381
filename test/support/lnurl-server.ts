import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeBolt11 } from '../../src/wallets/bolt11.ts'
import type { LightningAddress } from '../../src/wallets/lightning-address/lnurl.ts'
import { parseLightningAddress } from '../../src/wallets/lightning-address/lnurl.ts'
import { serve } from './serve.ts'

/**
 * A test double of a Lightning address (LUD-06, 12, 16, 21). `test/interop/lnaddress.test.ts` runs
 * the same contract on an address with a real node behind it. Each known fault of providers has a
 * switch.
 */
export interface LnurlServer {
  readonly url: string
  readonly address: LightningAddress
  readonly traps: Traps
  /** The requested paths, with their queries. */
  readonly requests: string[]
  /** Pays an invoice. Returns the preimage in hex. */
  pay(bolt11: string): string
  /** Closes all connections, as a service does that was started again. */
  hangUp(): void
  stop(): Promise<void>
}

export interface Page {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | object
  /** Sends its bytes one by one, with so many ms between them. */
  readonly byteEveryMs?: number
}

export interface Traps {
  /** Another answer for a path. Null for the normal answer. */
  page(path: string): Page | null
  /** Answers nothing until this promise resolves. */
  silent: boolean
  /** Closes connections without an answer. */
  hangsUp: boolean
  /** Fields that it adds to the pay request. */
  request: Readonly<Record<string, unknown>>
  /** Fields that it adds to the answer with an invoice. */
  invoice: Readonly<Record<string, unknown>>
  /** Fields that it adds to the answer about a payment. */
  verified: Readonly<Record<string, unknown>>
  extraSat: number
  expirySeconds: number
  /** Always gives the same invoice. */
  repeats: boolean
  /** Does not report payments yet. */
  lags: boolean
}

interface Kept {
  readonly preimage: string
  readonly bolt11: string
  paid: boolean
}

export async function startLnurlServer(now: () => number = Date.now): Promise<LnurlServer> {
  const traps: Traps = {
    page: () => null,
    silent: false,
    hangsUp: false,
    request: {},
    invoice: {},
    verified: {},
    extraSat: 0,
    expirySeconds: 600,
    repeats: false,
    lags: false,
  }
  const invoices = new Map<string, Kept>()
  const requests: string[] = []
  let url = ''

  function make(msat: number): object {
    const last = [...invoices.keys()].at(-1)
    const hash = traps.repeats && last !== undefined ? last : newInvoice(msat / 1000)
    const pr = invoices.get(hash)?.bolt11
    return { pr, routes: [], verify: `${url}/verify/${hash}`, ...traps.invoice }
  }

  function newInvoice(sat: number): string {
    const preimage = randomBytes(32)
    const paymentHash = sha256(preimage)
    const bolt11 = writeBolt11({
      network: 'bcrt',
      sat: sat + traps.extraSat,
      paymentHash,
      paymentSecret: randomBytes(32),
      description: '',
      createdAt: now(),
      expirySeconds: traps.expirySeconds,
      secretKey: new Uint8Array(32).fill(7),
    })
    const hash = paymentHash.toString('hex')
    invoices.set(hash, { preimage: preimage.toString('hex'), bolt11, paid: false })
    return hash
  }

  function verify(hash: string): object {
    const kept = invoices.get(hash)
    if (kept === undefined) return { status: 'ERROR', reason: 'Not found' }
    const settled = kept.paid && !traps.lags
    const preimage = settled ? kept.preimage : null
    return { status: 'OK', settled, preimage, pr: kept.bolt11, ...traps.verified }
  }

  function answerTo(path: string): object {
    const { pathname, searchParams } = new URL(path, url)
    if (pathname === '/.well-known/lnurlp/you') {
      return {
        tag: 'payRequest',
        callback: `${url}/callback`,
        minSendable: 1000,
        maxSendable: 100_000_000_000,
        metadata: '[["text/plain","Pay you"]]',
        commentAllowed: 100,
        ...traps.request,
      }
    }
    if (pathname === '/callback') return make(Number(searchParams.get('amount')))
    if (pathname.startsWith('/verify/')) return verify(pathname.slice('/verify/'.length))
    return { status: 'ERROR', reason: 'no such name' }
  }

  const { server, port, close } = await serve(async (request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    if (traps.hangsUp) return void request.socket.destroy()
    while (traps.silent) await sleep(20)
    if (response.destroyed) return
    await write(response, traps.page(path) ?? { body: answerTo(path) })
  })
  url = `http://127.0.0.1:${port}`
  const address = parseLightningAddress(`you@127.0.0.1:${port}`)
  if (!address.ok) throw new Error(address.error)

  return {
    url,
    address: address.value,
    traps,
    requests,
    pay(bolt11) {
      const kept = [...invoices.values()].find((one) => one.bolt11 === bolt11)
      if (kept === undefined) throw new Error('no such invoice')
      kept.paid = true
      return kept.preimage
    },
    hangUp: () => server.closeAllConnections(),
    stop: close,
  }
}

async function write(response: ServerResponse, page: Page): Promise<void> {
  const { body = '' } = page
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(page.status ?? 200, { 'content-type': 'application/json', ...page.headers })
  if (page.byteEveryMs === undefined) return void response.end(text)
  for (const letter of text) {
    if (response.destroyed) return
    response.write(letter)
    await sleep(page.byteEveryMs)
  }
  response.end()
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
