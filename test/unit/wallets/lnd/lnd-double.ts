import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { paymentsDouble } from './lnd-payments-double.ts'

/**
 * A test double of the REST gateway of lnd 0.18. Its answers, status codes and words were recorded
 * from a real one (`test/interop/lnd.test.ts` runs the same contract on that). Each possible
 * failure has a switch.
 */
export interface LndDouble {
  readonly url: string
  readonly macaroonHex: string
  /** It may pay as well. */
  readonly adminHex: string
  /** What it pays. */
  readonly payments: ReturnType<typeof paymentsDouble>
  readonly traps: Traps
  readonly requests: string[]
  pay(bolt11OrHash: string): string
  /** Changes an invoice: holds it, cancels it, opens it again. */
  set(hash: string, change: Partial<Kept>): void
  /** Breaks every connection, with the subscriptions. */
  hangUp(): void
  readonly subscribers: number
  /** How many invoices it has made. */
  readonly invoices: number
  /** Nobody listens until `reopen`. What it knows stays. */
  close(): Promise<void>
  reopen(): Promise<void>
  stop(): Promise<void>
}

export interface Traps {
  state: string
  /** It answers nothing, like a stopped process behind an open port. */
  silent: boolean
  /** `POST /v1/invoices` is never answered, because it is not synced to its chain. */
  unsynced: boolean
  /** Words of lnd that answer everything but /v1/state, with HTTP 500. */
  complaint: string | null
  /** A status and body that answer everything. */
  page: { status: number; body: string } | null
  /** How many connections are closed instead of answered. */
  hangUps: number
  /** The invoice asks for that many sats more than requested. */
  extraSat: number
  /** The r_hash beside the invoice is that of another invoice. */
  otherHash: boolean
  network: 'bcrt' | 'tb' | 'tbs'
  /** Events are sent in pieces of that many bytes. */
  pieces: number
  /** A complaint that the subscription sends in the middle. */
  complainMidway: string | null
  /** It does what it is asked, and its answers do not arrive. */
  loses: boolean
}

interface Kept {
  preimage: Buffer
  bolt11: string
  sat: number
  createdAt: number
  expiry: number
  state: 'OPEN' | 'SETTLED' | 'CANCELED' | 'ACCEPTED'
  settleIndex: number
}

type Answer = readonly [status: number, body: object]

/** `secretKey` is the identity of the node. Without one it is a node of its own. */
export async function startLndDouble(
  port = 0,
  secretKey: Uint8Array = secp256k1.utils.randomSecretKey(),
): Promise<LndDouble> {
  const traps: Traps = {
    state: 'SERVER_ACTIVE',
    silent: false,
    unsynced: false,
    complaint: null,
    page: null,
    hangUps: 0,
    extraSat: 0,
    otherHash: false,
    network: 'bcrt',
    pieces: 1 << 20,
    complainMidway: null,
    loses: false,
  }
  const macaroonHex = `02${randomBytes(39).toString('hex')}`
  const adminHex = `02${randomBytes(39).toString('hex')}`
  const invoices = new Map<string, Kept>()
  const streams = new Set<ServerResponse>()
  const requests: string[] = []
  const payments = paymentsDouble((hash) => invoices.has(hash))
  let settled = 0

  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (traps.hangUps > 0) {
      traps.hangUps -= 1
      request.socket.destroy()
      return
    }
    while (traps.silent) await setTimeout(20)
    if (response.destroyed) return
    if (traps.page !== null) return void response.writeHead(traps.page.status).end(traps.page.body)
    const answer = await answerTo(request, response)
    if (answer === null || traps.loses) return
    const [status, body] = answer
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })

  /** Null if it does not answer, or not yet. */
  async function answerTo(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | null> {
    const path = request.url ?? ''
    if (path === '/v1/state') return [200, { state: traps.state }]
    const words = traps.complaint ?? macaroonTrouble(request)
    const subscription = path.startsWith('/v1/invoices/subscribe')
    if (words !== null) return complaint(words, subscription)
    if (subscription) return subscribe(response, path)
    if (path === '/v1/invoices') return make(JSON.parse(await bodyOf(request)))
    if (path.startsWith('/v2/router/')) {
      if (!isAdmin(request)) return nested('permission denied')
      const text = await bodyOf(request)
      return payments.answer(path, text === '' ? {} : JSON.parse(text), response)
    }
    if (path.startsWith('/v1/channels')) {
      return isAdmin(request) ? [200, { channels: CHANNELS }] : complaint('permission denied')
    }
    if (path.startsWith('/v1/invoice/')) return find(path.slice('/v1/invoice/'.length))
    return [404, { code: 5, message: 'Not Found', details: [] }]
  }

  function macaroonTrouble(request: IncomingMessage): string | null {
    const given = request.headers['grpc-metadata-macaroon']
    if (given === undefined) return 'expected 1 macaroon, got 0'
    if (given === macaroonHex || given === adminHex) return null
    return 'verification failed: signature mismatch after caveat verification'
  }

  const isAdmin = ({ headers }: IncomingMessage) => headers['grpc-metadata-macaroon'] === adminHex

  function make(ask: Record<string, unknown>): Answer | null {
    if (traps.unsynced) return null
    if (ask.value_msat !== undefined) {
      return complaint('sat and msat arguments are mutually exclusive')
    }
    const memo = String(ask.memo ?? '')
    if (Buffer.byteLength(memo) > 639) {
      return complaint('data length too big to fit within 10 bits: 1024')
    }
    const sat = Number(ask.value)
    if (sat > 10_000_000_000_000) {
      return complaint('invoice amount is too large, max is 100000 BTC')
    }
    const preimage = randomBytes(32)
    const hash = sha256(preimage)
    const createdAt = Math.floor(Date.now() / 1000)
    const expiry = Number(ask.expiry ?? 86_400)
    const bolt11 = writeBolt11({
      network: traps.network,
      sat: sat + traps.extraSat,
      paymentHash: hash,
      paymentSecret: randomBytes(32),
      description: memo,
      createdAt: createdAt * 1000,
      expirySeconds: expiry,
      secretKey,
    })
    const kept: Kept = { preimage, bolt11, sat, createdAt, expiry, state: 'OPEN', settleIndex: 0 }
    invoices.set(hash.toString('hex'), kept)
    // lnd itself cancels an invoice that nobody paid in time.
    setTimeout(expiry * 1000, undefined, { ref: false }).then(() => {
      if (kept.state === 'OPEN') kept.state = 'CANCELED'
    })
    const shown = traps.otherHash ? randomBytes(32) : hash
    tellAll(hash.toString('hex'), kept)
    return [200, { r_hash: shown.toString('base64'), payment_request: bolt11 }]
  }

  function find(hash: string): Answer {
    const kept = invoices.get(hash)
    if (kept !== undefined) return [200, shape(hash, kept)]
    if (invoices.size > 0) {
      return [404, { code: 5, message: 'unable to locate invoice', details: [] }]
    }
    return complaint('there are no existing invoices')
  }

  /** Before the first event it sends not even the headers. */
  function subscribe(response: ServerResponse, path: string): null {
    streams.add(response)
    response.once('close', () => streams.delete(response))
    const after = Number(new URL(path, 'http://lnd').searchParams.get('settle_index') ?? 0)
    if (after === 0) return null
    for (const [hash, kept] of invoices) {
      if (kept.settleIndex > after) tell(response, hash, kept)
    }
    return null
  }

  let speaking = Promise.resolve()
  function tell(response: ServerResponse, hash: string, kept: Kept): void {
    const words = traps.complainMidway
    const message = words === null ? { result: shape(hash, kept) } : { error: { message: words } }
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`)
    speaking = speaking.then(async () => {
      for (let at = 0; at < bytes.length; at += traps.pieces) {
        response.write(bytes.subarray(at, at + traps.pieces))
        // Everything that is written in one turn is sent in one piece.
        await setImmediate()
      }
      if (words !== null) response.end()
    })
  }

  const tellAll = (hash: string, kept: Kept) => {
    for (const response of streams) tell(response, hash, kept)
  }

  const listen = (at: number) => new Promise<void>((done) => server.listen(at, '127.0.0.1', done))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  await listen(port)
  const own = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${own}`,
    ...{ macaroonHex, adminHex, payments, close },
    reopen: () => listen(own),
    traps,
    requests,
    get subscribers() {
      return streams.size
    },
    get invoices() {
      return invoices.size
    },
    pay(wanted) {
      for (const [hash, kept] of invoices) {
        if (wanted !== hash && wanted !== kept.bolt11) continue
        settled += 1
        Object.assign(kept, { state: 'SETTLED', settleIndex: settled })
        tellAll(hash, kept)
        return kept.preimage.toString('hex')
      }
      throw new Error('no such invoice')
    },
    set(hash, change) {
      Object.assign(invoices.get(hash) ?? {}, change)
    },
    hangUp: () => server.closeAllConnections(),
    async stop() {
      if (server.listening) await close()
    },
  }
}

/** Of the first, 50,000 sats can arrive. The other side of the second has less than its reserve. */
const CHANNELS = [
  { remote_balance: '60000', remote_constraints: { chan_reserve_sat: '10000' } },
  { remote_balance: '500', remote_constraints: { chan_reserve_sat: '10000' } },
]

const nested = (message: string): Answer => [500, { error: { code: 2, message, details: [] } }]

/** An invoice as REST writes it, without the fields that no test reads. */
function shape(hash: string, kept: Kept) {
  return {
    memo: 'Käse ☕',
    r_preimage: kept.preimage.toString('base64'),
    r_hash: Buffer.from(hash, 'hex').toString('base64'),
    value: String(kept.sat),
    settled: kept.state === 'SETTLED',
    creation_date: String(kept.createdAt),
    payment_request: kept.bolt11,
    expiry: String(kept.expiry),
    settle_index: String(kept.settleIndex),
    amt_paid_msat: kept.state === 'SETTLED' ? String(kept.sat * 1000) : '0',
    state: kept.state,
  }
}

function complaint(message: string, subscription = false): Answer {
  const body = { code: 2, message, details: [] }
  return [500, subscription ? { error: body } : body]
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString('utf8')
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
