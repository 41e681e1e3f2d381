import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'
import { type PayingNode, type Payment, startPayingNode } from './paying-node.ts'
import { frame, serveWebSocket } from './web-socket.ts'

/**
 * A double of phoenixd, NOT compared with a real one: phoenixd needs the network of its maker, so it
 * cannot run here. Paths, fields, status codes and texts are those of version 0.8.0, from its
 * documentation (phoenix.acinq.co/server/api) and its source (`Api.kt`, `JsonSerializers.kt`,
 * `PaymentsIncoming.sq`); what it refuses is from lightning-kmp 1.12 (`OutgoingPaymentHandler.kt`).
 * Each possible failure has a switch.
 */
export interface PhoenixdDouble {
  readonly url: string
  readonly full: string
  readonly limited: string
  readonly faults: PhoenixdFaults
  readonly requests: string[]
  /** Whom it pays. */
  readonly node: PayingNode
  /** Somebody pays an invoice of this phoenixd. Returns the preimage. */
  pay(bolt11OrHash: string): string
  /** What it will say of an invoice, instead of the truth. Null: the truth again. */
  lie(hash: string, fields: Record<string, unknown> | null): void
  /** Nobody listens any more, and every connection breaks. */
  down(): Promise<void>
  /** It listens at the same port again, with all of its data. */
  up(): Promise<void>
  /** Breaks the websockets alone. */
  hangUp(): void
  readonly listeners: number
  /** Its answers arrive again. */
  answers(): void
  stop(): Promise<void>
}

export interface PhoenixdFaults {
  chain: string
  network: 'tb' | 'bcrt'
  /** It takes connections and answers nothing. */
  silent: boolean
  /** A status and body that answer everything. */
  page: { status: number; body: string } | null
  /** How many connections are closed instead of answered. */
  hangUps: number
  /** It pays, and from then on no answer arrives. */
  losesAnswers: boolean
  /** A payment waits in a queue, and everything else is answered. */
  queued: boolean
  /** The websocket is refused. */
  noSocket: boolean
  /** Sats that a new invoice asks for besides. */
  extraSat: number
  /** The hash beside a new invoice is that of another one. */
  otherHash: boolean
  /** `/payments/outgoingbyhash` is not there, as in old versions. */
  noOutgoingByHash: boolean
  channels: object[]
}

interface Kept {
  readonly preimage: string
  readonly bolt11: string
  readonly sat: number
  readonly createdAt: number
  readonly expiresAt: number
  completedAt: number | null
  lie: Record<string, unknown> | null
}

type Answer = readonly [status: number, body: unknown]

export async function startPhoenixdDouble(): Promise<PhoenixdDouble> {
  const faults: PhoenixdFaults = {
    ...{ chain: 'testnet3', network: 'tb', silent: false, page: null, hangUps: 0 },
    ...{ losesAnswers: false, queued: false, noSocket: false, extraSat: 0, otherHash: false },
    ...{ noOutgoingByHash: false, channels: [{ state: 'Normal', inboundLiquiditySat: 1_234_567 }] },
  }
  const full = randomBytes(32).toString('hex')
  const limited = randomBytes(32).toString('hex')
  const invoices = new Map<string, Kept>()
  const node = startPayingNode()
  const requests: string[] = []
  let mute = false

  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (faults.hangUps > 0) {
      faults.hangUps -= 1
      request.socket.destroy()
      return
    }
    const body = Buffer.concat(await request.toArray().catch(() => [])).toString()
    while (faults.silent) await setTimeout(20)
    if (faults.page !== null) return say(response, faults.page.status, faults.page.body)
    const who = passwordOf(request)
    const access = who === full ? 'full' : who === limited ? 'limited' : null
    const [status, answer] =
      access === null ? UNAUTHORIZED : await answerTo(request, body, access === 'full')
    while (mute) await setTimeout(20)
    if (!response.destroyed) say(response, status, answer)
  })

  async function answerTo(
    request: IncomingMessage,
    body: string,
    isFull: boolean,
  ): Promise<Answer> {
    const url = new URL(request.url ?? '', 'http://phoenixd')
    const form = new URLSearchParams(body)
    const [, kind, hash] = /^\/payments\/(incoming|outgoingbyhash)\/(.+)$/.exec(url.pathname) ?? []
    if (kind === 'outgoingbyhash' && faults.noOutgoingByHash) return NO_ENDPOINT
    if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash)) return [400, 'invalid type']
    if (kind === 'incoming') return found(incomingOf(hash ?? ''))
    if (kind === 'outgoingbyhash') return found(outgoingOf(hash ?? ''))
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /getinfo':
        return [200, info()]
      case 'GET /getbalance':
        return [200, { balanceSat: 1_000, feeCreditSat: 250 }]
      case 'POST /createinvoice':
        return make(form)
      case 'GET /payments/incoming':
        return [200, list(url.searchParams)]
      case 'POST /payinvoice':
        return isFull ? await payOut(form) : UNAUTHORIZED
      default:
        return NO_ENDPOINT
    }
  }

  const info = () => ({
    nodeId: `02${'ab'.repeat(32)}`,
    channels: faults.channels,
    chain: faults.chain,
    blockHeight: 100_000,
    version: '0.8.0-402c2ea',
  })

  function make(form: URLSearchParams): Answer {
    const description = form.get('description')
    if (description === null) return [400, 'Must provide either a description or descriptionHash']
    if (description.length > 128) return [400, 'Request parameter description is too long']
    const sat = Number(form.get('amountSat'))
    const preimage = randomBytes(32)
    const hash = createHash('sha256').update(preimage).digest()
    const createdAt = Date.now()
    const expirySeconds = Number(form.get('expirySeconds') ?? 86_400)
    const bolt11 = writeBolt11({
      ...{ network: faults.network, sat: sat + faults.extraSat, description, createdAt },
      ...{ paymentHash: hash, paymentSecret: randomBytes(32), expirySeconds },
      secretKey: new Uint8Array(32).fill(7),
    })
    const expiresAt = createdAt + expirySeconds * 1000
    const kept = { preimage: preimage.toString('hex'), bolt11, sat, createdAt, expiresAt }
    invoices.set(hash.toString('hex'), { ...kept, completedAt: null, lie: null })
    const shown = faults.otherHash ? randomBytes(32) : hash
    return [200, { amountSat: sat, paymentHash: shown.toString('hex'), serialized: bolt11 }]
  }

  /** Values that are null are left out. */
  function incomingOf(hash: string): object | null {
    const kept = invoices.get(hash)
    if (kept === undefined) return null
    const { completedAt, sat, preimage, bolt11, createdAt, expiresAt } = kept
    const shown = {
      ...{ type: 'incoming_payment', subType: 'lightning', paymentHash: hash, preimage },
      ...{ description: 'satgate', invoice: bolt11, isPaid: completedAt !== null },
      ...{ isExpired: Date.now() > expiresAt, requestedSat: sat, fees: 0 },
      receivedSat: completedAt === null ? 0 : sat,
      ...{ expiresAt, createdAt, ...(completedAt === null ? {} : { completedAt }) },
    }
    return { ...shown, ...kept.lie }
  }

  function list(query: URLSearchParams): object[] {
    const value = (name: string, usual: number) => Number(query.get(name) ?? usual)
    const from = value('from', 0)
    const paid = [...invoices].filter(([, { completedAt }]) => (completedAt ?? -1) >= from)
    paid.sort(([, a], [, b]) => (b.completedAt ?? 0) - (a.completedAt ?? 0))
    const offset = value('offset', 0)
    return paid
      .slice(offset, offset + value('limit', 20))
      .map(([hash]) => JSON.parse(JSON.stringify(incomingOf(hash))))
  }

  async function payOut(form: URLSearchParams): Promise<Answer> {
    const bolt11 = form.get('invoice')
    if (bolt11 === null) return [400, 'Request parameter invoice is missing']
    if (readBolt11(bolt11) === null) return [400, 'Request parameter invoice is invalid']
    while (faults.queued) await setTimeout(20)
    const paying = node.pay(bolt11, {})
    if (faults.losesAnswers) mute = true
    const ended = await paying
    const paymentHash = readBolt11(bolt11)?.paymentHash
    if (ended === 'already_paid') return failed('this invoice has already been paid')
    if (ended === 'in_progress') return failed('another payment is in progress for that invoice')
    if (typeof ended === 'string' || ended.state === 'failed') {
      return failed(`the recipient of ${bolt11} was offline`)
    }
    const sat = Number(ended.amountMsat / 1000n)
    return [
      200,
      {
        ...{ recipientAmountSat: sat, routingFeeSat: Number(ended.feeMsat / 1000n), paymentHash },
        ...{ paymentId: ended.id, paymentPreimage: ended.preimage },
      },
    ]
    function failed(reason: string): Answer {
      return [200, { paymentHash, reason }]
    }
  }

  /** The attempt that counts: one that succeeded, else one that goes on, else one that failed. */
  function outgoingOf(hash: string): object | null {
    const tried = node.payments.filter((payment) => payment.hash === hash)
    const of = (state: Payment['state']) => tried.find((payment) => payment.state === state)
    const best = of('complete') ?? of('pending') ?? of('failed')
    if (best === undefined) return null
    const isPaid = best.state === 'complete'
    const feesMsat = isPaid ? Number(best.feeMsat) : 0
    return {
      ...{ type: 'outgoing_payment', subType: 'lightning', paymentId: best.id, paymentHash: hash },
      ...{ isPaid, fees: feesMsat, invoice: best.bolt11, createdAt: best.createdAt },
      sent: Math.floor((Number(best.amountMsat) + feesMsat) / 1000),
      ...(isPaid ? { preimage: best.preimage } : {}),
      ...(best.completedAt === null ? {} : { completedAt: best.completedAt }),
    }
  }

  const sockets = serveWebSocket(server, {
    welcome(request) {
      requests.push(`WS ${request.url}`)
      if (faults.silent) return 'hang'
      const mayListen = [full, limited].includes(passwordOf(request) ?? '')
      return mayListen && !faults.noSocket && faults.page === null ? 'accept' : 'drop'
    },
    opened: () => () => {},
  })
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  async function down() {
    hangUp()
    const closed = new Promise((done) => server.close(done))
    server.closeAllConnections()
    await closed
  }
  return {
    ...{ url: `http://127.0.0.1:${port}`, full, limited, faults, requests, node, down },
    up: () => new Promise<void>((done) => server.listen(port, '127.0.0.1', done)),
    pay(wanted) {
      for (const [hash, kept] of invoices) {
        if (wanted !== hash && wanted !== kept.bolt11) continue
        kept.completedAt = Date.now()
        const event = { timestamp: Date.now(), amountSat: kept.sat, paymentHash: hash }
        const text = JSON.stringify({ type: 'payment_received', ...event })
        for (const socket of sockets) socket.write(frame(text))
        return kept.preimage
      }
      throw new Error('no such invoice')
    },
    lie(hash, fields) {
      const kept = invoices.get(hash)
      if (kept !== undefined) kept.lie = fields
    },
    hangUp,
    answers() {
      faults.losesAnswers = false
      mute = false
    },
    get listeners() {
      return sockets.size
    },
    async stop() {
      Object.assign(faults, { silent: false, queued: false })
      mute = false
      if (server.listening) await down()
    },
  }

  function found(body: object | null): Answer {
    return body === null ? [404, 'Not found'] : [200, body]
  }
}

const UNAUTHORIZED: Answer = [
  401,
  'Invalid authentication (use basic auth with the http password set in phoenix.conf)',
]
const NO_ENDPOINT: Answer = [404, 'Unknown endpoint (check api doc)']

/** Null without Basic authentication with an empty user. */
function passwordOf(request: IncomingMessage): string | null {
  const [, basic = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
  return /^:(.*)$/.exec(Buffer.from(basic, 'base64').toString())?.[1] ?? null
}

function say(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' })
  response.end(isText ? body : JSON.stringify(body, null, 4))
}
