import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'
import { type PayingNode, type Payment, startPayingNode } from './paying-node.ts'

/**
 * A double of clnrest and of the Core Lightning node behind it, NOT compared with real ones: neither
 * can be installed here. Paths, headers and statuses are those of the plugin (`rest-plugin`), fields
 * those of `doc/schemas`, and codes those of `common/jsonrpc_errors.h`, all of version 26.06. Each
 * possible failure has a switch.
 */
export interface ClnDouble {
  readonly url: string
  readonly faults: ClnFaults
  readonly requests: string[]
  /** Whom it pays. */
  readonly node: PayingNode
  /** A rune that allows these methods, or all. */
  rune(methods: readonly string[] | 'all'): string
  /** Somebody pays an invoice of this node. Returns the preimage. */
  pay(bolt11OrHash: string): string
  /** What it will say of an invoice, instead of the truth. Null: the truth again. */
  lie(hash: string, fields: Record<string, unknown> | null): void
  /** Nobody listens any more, and every connection breaks. */
  down(): Promise<void>
  /** It listens at the same port again, with all of its data. */
  up(): Promise<void>
  /** Breaks every connection. */
  hangUp(): void
  /** Calls of `waitanyinvoice` that are held open. */
  readonly waiting: number
  /** Its answers arrive again. */
  answers(): void
  readonly labels: readonly string[]
  stop(): Promise<void>
}

export interface ClnFaults {
  network: 'bcrt' | 'tb'
  /** It takes connections and answers nothing. */
  silent: boolean
  /** A status and body that answer everything. */
  page: { status: number; body: string } | null
  /** An error of the node that answers everything but the judgement of the rune. */
  error: { code: number; message: string } | null
  /** An error that answers a payment, and nothing is paid. */
  payError: { code: number; message: string } | null
  /** It pays, and from then on no answer arrives. */
  losesAnswers: boolean
  /** A payment waits in a queue, and everything else is answered. */
  queued: boolean
  /** A payment waits between two attempts: the first one has failed. */
  between: boolean
  /** msat that a new invoice asks for besides, in whole sats. */
  extraSat: number
  /** The hash beside a new invoice is that of another one. */
  otherHash: boolean
  /** `pay` is gone, as announced for 27.03. */
  noPay: boolean
  /** The rune was used a moment ago, and has a rate. */
  tooSoon: boolean
  /** Entries of one page of `listpays` at most. */
  page_size: number
}

interface Kept {
  readonly label: string
  readonly preimage: string
  readonly bolt11: string
  readonly amountMsat: number
  readonly expiresAt: number
  payIndex: number | null
  paidAt: number | null
  lie: Record<string, unknown> | null
}

type Params = Readonly<Record<string, unknown>>
type Answer = readonly [status: number, body: object]

export async function startClnDouble(
  make: (listener: RequestListener) => Server = createServer,
): Promise<ClnDouble> {
  const faults: ClnFaults = {
    ...{ network: 'bcrt', silent: false, page: null, error: null, losesAnswers: false },
    ...{ queued: false, between: false, extraSat: 0, otherHash: false, noPay: false },
    ...{ tooSoon: false, page_size: 3, payError: null },
  }
  const runes = new Map<string, readonly string[] | 'all'>()
  const invoices = new Map<string, Kept>()
  const node = startPayingNode()
  const requests: string[] = []
  let waiters: (() => void)[] = []
  let paid = 0
  let waiting = 0
  let mute = false

  const server = make(async (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const text = Buffer.concat(await request.toArray().catch(() => [])).toString()
    while (faults.silent) await setTimeout(20)
    const [status, body] =
      faults.page === null
        ? await answerTo(request, text, () => response.destroyed)
        : [faults.page.status, faults.page.body]
    while (mute) await setTimeout(20)
    if (response.destroyed) return
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })

  async function answerTo(
    request: IncomingMessage,
    text: string,
    isGone: () => boolean,
  ): Promise<Answer> {
    if (request.method !== 'POST')
      return error(405, -32601, 'Path invalid, http_method must be POST')
    const method = /^\/v1\/(\w+)$/.exec(request.url ?? '')?.[1] ?? ''
    const forbidden = judge(request.headers.rune, method)
    if (forbidden !== null) return forbidden
    if (faults.error !== null) return error(500, faults.error.code, faults.error.message)
    const params: Params = text === '' ? {} : JSON.parse(text)
    switch (method) {
      case 'invoice':
        return makeInvoice(params)
      case 'listinvoices':
        return listInvoices(params)
      case 'waitanyinvoice':
        return await waitAny(params, isGone)
      case 'pay':
      case 'xpay':
        if (method === 'pay' && faults.noPay) return UNKNOWN(method)
        return await payOut(params, method === 'pay' ? 'bolt11' : 'invstring')
      case 'listpays':
        return listPays(params)
      case 'listpeerchannels':
        return [201, { channels: CHANNELS }]
      default:
        return UNKNOWN(method)
    }
  }

  function judge(rune: string | string[] | undefined, method: string): Answer | null {
    if (rune === undefined) return error(403, 1501, 'Not authorized: Missing rune')
    const methods = runes.get(String(rune))
    if (methods === undefined) return error(401, 1501, 'Not authorized: Not derived from master')
    if (faults.tooSoon) return error(401, 1502, 'Not permitted: too soon')
    if (methods === 'all' || methods.includes(method)) return null
    return error(401, 1502, 'Not permitted: method is not equal to invoice')
  }

  function makeInvoice(params: Params): Answer {
    const { amount_msat: amountMsat, label, description, expiry = 604_800 } = params
    if (typeof amountMsat !== 'number' || typeof label !== 'string') return MISSING('amount_msat')
    if (typeof description !== 'string') return MISSING('description')
    if (Buffer.byteLength(description) > 639) return error(500, -32602, 'description too long')
    if (labels().includes(label)) return error(500, 900, 'Duplicate label')
    const preimage = randomBytes(32)
    const hash = createHash('sha256').update(preimage).digest()
    const createdAt = Date.now()
    const bolt11 = writeBolt11({
      ...{ network: faults.network, sat: amountMsat / 1000 + faults.extraSat, description },
      ...{ paymentHash: hash, paymentSecret: randomBytes(32), createdAt },
      ...{ expirySeconds: Number(expiry), secretKey: new Uint8Array(32).fill(7) },
    })
    const expiresAt = Math.floor(createdAt / 1000) + Number(expiry)
    invoices.set(hash.toString('hex'), {
      ...{ label, preimage: preimage.toString('hex'), bolt11, amountMsat, expiresAt },
      ...{ payIndex: null, paidAt: null, lie: null },
    })
    const shown = faults.otherHash ? randomBytes(32) : hash
    return [
      201,
      {
        ...{ payment_hash: shown.toString('hex'), expires_at: expiresAt, bolt11 },
        ...{ payment_secret: randomBytes(32).toString('hex'), created_index: invoices.size },
      },
    ]
  }

  const labels = () => [...invoices.values()].map(({ label }) => label)

  function listInvoices({ payment_hash: hash }: Params): Answer {
    const kept = invoices.get(String(hash))
    return [201, { invoices: kept === undefined ? [] : [shape(String(hash), kept)] }]
  }

  /** The preimage is shown only once it is paid. */
  function shape(hash: string, kept: Kept): object {
    const isPaid = kept.payIndex !== null
    const isExpired = !isPaid && Date.now() / 1000 > kept.expiresAt
    const shown = {
      ...{ label: kept.label, bolt11: kept.bolt11, payment_hash: hash, description: 'satgate' },
      ...{ amount_msat: kept.amountMsat, expires_at: kept.expiresAt, created_index: 1 },
      status: isPaid ? 'paid' : isExpired ? 'expired' : 'unpaid',
    }
    if (!isPaid) return { ...shown, ...kept.lie }
    const proof = {
      pay_index: kept.payIndex,
      paid_at: kept.paidAt,
      payment_preimage: kept.preimage,
    }
    return { ...shown, ...proof, amount_received_msat: kept.amountMsat, ...kept.lie }
  }

  async function waitAny(params: Params, isGone: () => boolean): Promise<Answer> {
    const after = Number(params.lastpay_index ?? 0)
    const until = Date.now() + Number(params.timeout ?? 1e6) * 1000
    waiting += 1
    try {
      for (;;) {
        const next = [...invoices]
          .filter(([, { payIndex }]) => (payIndex ?? 0) > after)
          .sort(([, a], [, b]) => (a.payIndex ?? 0) - (b.payIndex ?? 0))[0]
        if (next !== undefined) return [201, shape(...next)]
        if (Date.now() >= until || isGone()) {
          return error(500, 904, 'Timed out while waiting for invoice to be paid')
        }
        await Promise.race([setTimeout(50), new Promise<void>((done) => waiters.push(done))])
      }
    } finally {
      waiting -= 1
    }
  }

  async function payOut(params: Params, name: string): Promise<Answer> {
    const bolt11 = params[name]
    if (typeof bolt11 !== 'string') return MISSING(name)
    const read = readBolt11(bolt11)
    if (read === null) return error(500, -32602, `Invalid bolt11: ${bolt11}`)
    while (faults.queued) await setTimeout(20)
    if (faults.payError !== null) return error(500, faults.payError.code, faults.payError.message)
    const { label, maxfee } = params
    const order = {
      ...(typeof label === 'string' ? { label } : {}),
      ...(typeof maxfee === 'number' ? { maxFeeMsat: BigInt(maxfee) } : {}),
    }
    const paying = node.pay(bolt11, order)
    if (faults.losesAnswers) mute = true
    const ended = await paying
    const before = node.payments.find(
      ({ hash, state }) => hash === read.paymentHash && state === 'complete',
    )
    if (ended === 'in_progress') return error(500, 200, `Payment of ${bolt11} is pending`)
    if (ended === 'fee_too_high') return error(500, 206, 'Route too expensive')
    if (ended === 'no_invoice') return error(500, 205, `No route for ${bolt11}`)
    // Once a payment has succeeded, calls with the same invoice succeed at once.
    const done = ended === 'already_paid' ? before : ended
    if (done?.state !== 'complete') return error(500, 203, `Destination refused ${bolt11}`)
    return [
      201,
      {
        ...{ payment_preimage: done.preimage, payment_hash: done.hash, status: 'complete' },
        ...{ amount_msat: Number(done.amountMsat), parts: 1, created_at: done.createdAt / 1000 },
        amount_sent_msat: Number(done.amountMsat + done.feeMsat),
      },
    ]
  }

  function listPays({ payment_hash: hash, start, limit }: Params): Answer {
    const all = node.payments.map((payment, index) => pays(payment, index + 1))
    if (hash !== undefined) {
      return [201, { pays: all.filter(({ payment_hash }) => payment_hash === hash) }]
    }
    const from = all.filter(({ created_index }) => created_index >= Number(start ?? 1))
    const most = Math.min(Number(limit ?? from.length), faults.page_size)
    return [201, { pays: from.slice(0, most) }]
  }

  function pays(payment: Payment, index: number) {
    const { hash, label, bolt11, createdAt, amountMsat, feeMsat, preimage } = payment
    const state = faults.between && payment.state === 'pending' ? 'failed' : payment.state
    return {
      ...{ payment_hash: hash, status: state, created_at: Math.floor(createdAt / 1000) },
      ...{ created_index: index, bolt11, ...(label === null ? {} : { label }) },
      ...(state === 'complete' ? { preimage, amount_msat: Number(amountMsat) } : {}),
      amount_sent_msat: state === 'failed' ? 0 : Number(amountMsat + feeMsat),
    }
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  async function down() {
    const closed = new Promise((done) => server.close(done))
    server.closeAllConnections()
    await closed
  }
  return {
    ...{ url: `http://127.0.0.1:${port}`, faults, requests, node, down },
    up: () => new Promise<void>((done) => server.listen(port, '127.0.0.1', done)),
    rune(methods) {
      const restrictions = methods === 'all' ? '' : `&method=${methods.join('|method=')}`
      const bytes = Buffer.concat([randomBytes(32), Buffer.from(`=${runes.size}${restrictions}`)])
      const rune = bytes.toString('base64url')
      runes.set(rune, methods)
      return rune
    },
    pay(wanted) {
      for (const [hash, kept] of invoices) {
        if (wanted !== hash && wanted !== kept.bolt11) continue
        paid += 1
        Object.assign(kept, { payIndex: paid, paidAt: Math.floor(Date.now() / 1000) })
        for (const wake of waiters) wake()
        waiters = []
        return kept.preimage
      }
      throw new Error('no such invoice')
    },
    lie(hash, fields) {
      const kept = invoices.get(hash)
      if (kept !== undefined) kept.lie = fields
    },
    hangUp: () => server.closeAllConnections(),
    get waiting() {
      return waiting
    },
    get labels() {
      return labels()
    },
    answers() {
      faults.losesAnswers = false
      mute = false
    },
    async stop() {
      Object.assign(faults, { silent: false, queued: false })
      mute = false
      if (server.listening) await down()
    },
  }
}

const error = (status: number, code: number, message: string): Answer => [status, { code, message }]
const MISSING = (name: string): Answer => error(500, -32602, `missing required parameter: ${name}`)
const UNKNOWN = (method: string): Answer => error(404, -32601, `Unknown command '${method}'`)

const CHANNELS = [
  { state: 'CHANNELD_NORMAL', peer_connected: true, receivable_msat: 1_500_999 },
  { state: 'CHANNELD_NORMAL', peer_connected: true, receivable_msat: 500_000 },
  { state: 'CHANNELD_NORMAL', peer_connected: false, receivable_msat: 9_000_000 },
  { state: 'ONCHAIN', peer_connected: true, receivable_msat: 9_000_000 },
]
