import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { serveWebSocket } from '../../../support/web-socket.ts'

/**
 * A test double of the API of LNbits 1.6. Its answers, status codes and words were recorded from a
 * real one (`test/interop/lnbits.test.ts` runs the same contracts on that).
 */
export interface LnbitsDouble {
  readonly url: string
  readonly invoiceKey: string
  readonly adminKey: string
  readonly traps: Traps
  /** Method and path, and what was sent to pay. */
  readonly requests: string[]
  /** Pays an invoice of this wallet. Each payment is notified twice, as LNbits does. */
  pay(bolt11OrHash: string): string
  /** Changes the row of an invoice or payment. */
  set(hash: string, change: Partial<Row>): void
  /** Sends a notification of whatever text. */
  say(text: string): void
  /** Ends payments that wait, because of `held`. */
  end(hash: string, status: 'success' | 'failed'): void
  /** How often a payment of that hash has succeeded. */
  paidOut(hash: string): number
  readonly listeners: number
  hangUp(): void
  /** Nobody listens any more, until `reopen`. */
  close(): Promise<void>
  reopen(): Promise<void>
  stop(): Promise<void>
}

export interface Traps {
  silent: boolean
  hangUps: number
  /** A status and body that answer everything. */
  page: { status: number; body: string } | null
  /** Its backend does not answer: look-ups say not paid, and no invoice is made. */
  backend: 'up' | 'down' | 'throws'
  /** Look-ups come without details, as with a key of no wallet. */
  noDetails: boolean
  extraSat: number
  otherHash: boolean
  network: 'bcrt' | 'tb' | 'tbs'
  /** The amounts of rows are in sat instead of msat. */
  inSat: boolean
  /** `paid` says yes although the row is pending. */
  saysPaid: boolean
  /** Payments to others: what becomes of them. */
  paying: 'success' | 'failed' | 'pending'
  feeMsat: number
  reserveMsat: number
  /** Notifications are not sent. */
  mute: boolean
  /** It answers nothing after it has worked. */
  loses: boolean
}

export interface Row {
  checking_id: string
  payment_hash: string
  wallet_id: string
  amount: number
  fee: number
  bolt11: string
  status: 'pending' | 'success' | 'failed'
  preimage: string | null
  time: string
  created_at: string
  updated_at: string
  extra: Record<string, unknown>
}

type Answer = readonly [status: number, body: object]

const WALLET = 'c78d0efc42f748ecbb049a80393c8edf'

export async function startLnbitsDouble(): Promise<LnbitsDouble> {
  const traps: Traps = {
    ...{ silent: false, hangUps: 0, page: null, backend: 'up', noDetails: false, extraSat: 0 },
    ...{ otherHash: false, network: 'bcrt', inSat: false, saysPaid: false, paying: 'success' },
    ...{ feeMsat: 0, reserveMsat: 2_000, mute: false, loses: false },
  }
  const invoiceKey = randomBytes(16).toString('hex')
  const adminKey = randomBytes(16).toString('hex')
  const rows: Row[] = []
  const requests: string[] = []
  const sockets = new Set<{ send(text: string): void; hangUp(): void }>()

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    requests.push(
      `${request.method} ${request.url}${body.includes('"out":true') ? ` ${body}` : ''}`,
    )
    if (traps.hangUps > 0) {
      traps.hangUps -= 1
      request.socket.destroy()
      return
    }
    while (traps.silent) await setTimeout(20)
    if (response.destroyed) return
    if (traps.page !== null) return void response.writeHead(traps.page.status).end(traps.page.body)
    const [status, answer] = answerTo(request, body)
    if (traps.loses) return void request.socket.destroy()
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  serveWebSocket(server, {
    welcome: () => (traps.silent || traps.hangUps > 0 ? 'drop' : 'accept'),
    opened(socket, path) {
      if (path === `/api/v1/ws/${invoiceKey}` || path === `/api/v1/ws/${adminKey}`) {
        sockets.add(socket)
      }
      return () => {}
    },
    closed: (socket) => void sockets.delete(socket),
  })

  function answerTo(request: IncomingMessage, body: string): Answer {
    const url = new URL(request.url ?? '', 'http://localhost')
    const key = request.headers['x-api-key']
    const known = key === invoiceKey || key === adminKey
    const path = url.pathname.replace(/^.*\/api\/v1\//, '')
    if (path === 'payments/fee-reserve') return [200, { fee_reserve: traps.reserveMsat }]
    const one = /^payments\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (one !== undefined) return lookup(one, known && !traps.noDetails)
    if (!known) return [404, { detail: 'Wallet not found.' }]
    if (path === 'wallet') return [200, { name: 'merchant', balance: 21_000 }]
    if (path === 'payments/paginated') return list(url.searchParams)
    if (path !== 'payments' || request.method !== 'POST') return [404, { detail: 'Not Found' }]
    const asked = JSON.parse(body)
    if (!asked.out) return make(asked)
    if (key !== adminKey) return [403, { detail: 'Invoice (or Admin) key required.' }]
    if (!asked.bolt11) return [400, { detail: 'Missing BOLT11 invoice' }]
    return payOther(asked)
  }

  function make({
    amount,
    memo,
    expiry,
  }: {
    amount: number
    memo: string
    expiry: number
  }): Answer {
    if (traps.backend !== 'up') {
      return [520, { detail: 'Server error: connection refused', status: 'pending' }]
    }
    if (amount > 10_000_000) {
      const words = `Invoice amount ${amount} sats is too high. Max allowed: 10000000 sats.`
      return [520, { detail: words, status: 'failed' }]
    }
    const preimage = randomBytes(32)
    const hash = createHash('sha256').update(preimage).digest()
    const bolt11 = writeBolt11({
      ...{ network: traps.network, sat: amount + traps.extraSat, paymentHash: hash },
      ...{ paymentSecret: randomBytes(32), description: memo || 'LNbits', createdAt: Date.now() },
      ...{ expirySeconds: expiry, secretKey: Buffer.alloc(32, 7) },
    })
    const row = rowOf(hash.toString('hex'), { amount: amount * 1000, bolt11 })
    row.preimage = preimage.toString('hex')
    rows.push(row)
    const other = traps.otherHash ? { payment_hash: 'ab'.repeat(32) } : {}
    return [201, { ...shown(row), ...other }]
  }

  function lookup(hash: string, details: boolean): Answer {
    // The smallest amount comes first, so a payment hides an invoice.
    const row = rows
      .filter((one) => one.payment_hash === hash)
      .sort((a, b) => a.amount - b.amount)[0]
    if (row === undefined) return [404, { detail: 'Payment does not exist.' }]
    const read = readBolt11(row.bolt11)
    const expired = row.amount > 0 && (read?.expiresAt ?? 0) < Date.now()
    if (row.status === 'pending' && expired) change(row, { status: 'failed' })
    const paid = row.status === 'success' || traps.saysPaid
    const more = details ? { details: shown(row) } : {}
    if (row.status === 'pending' && traps.backend === 'throws')
      return [200, { paid: false, ...more }]
    const preimage = row.status === 'success' ? row.preimage : null
    return [200, { paid, status: row.status, preimage, ...more }]
  }

  function list(filter: URLSearchParams): Answer {
    const wants = (row: Row) =>
      [filter.get('status') ?? row.status].includes(row.status) &&
      [filter.get('payment_hash') ?? row.payment_hash].includes(row.payment_hash) &&
      (!filter.has('amount[gt]') || row.amount > 0) &&
      (!filter.has('amount[lt]') || row.amount < 0)
    const by = filter.get('sortby') === 'updated_at' ? 'updated_at' : 'time'
    const sorted = rows.filter(wants).sort((a, b) => (a[by] < b[by] ? 1 : -1))
    const offset = Number(filter.get('offset') ?? 0)
    const page = sorted.slice(offset, offset + Number(filter.get('limit') ?? 10))
    return [200, { data: page.map(shown), total: sorted.length }]
  }

  function payOther({
    bolt11,
    extra,
  }: {
    bolt11: string
    extra?: Record<string, unknown>
  }): Answer {
    const read = readBolt11(bolt11)
    const hash = read?.paymentHash ?? ''
    const before = rows.find((one) => one.payment_hash === hash && one.amount < 0)
    if (before?.status === 'success')
      return [520, { detail: 'Internal invoice already paid.', status: 'failed' }]
    if (before?.status === 'pending')
      return [520, { detail: 'Payment is still pending.', status: 'pending' }]
    if (before !== undefined) {
      return [
        520,
        { detail: 'Payment is failed node, retrying is not possible.', status: 'failed' },
      ]
    }
    if ((read?.amountMsat ?? 0n) > 1_000_000_000n) {
      return [520, { detail: `Insufficient balance for ${bolt11}.`, status: 'failed' }]
    }
    const row = rowOf(hash, { amount: -Number(read?.amountMsat ?? 0n), bolt11 })
    row.extra = extra ?? {}
    row.fee = -traps.reserveMsat
    rows.push(row)
    if (traps.paying !== 'pending') settle(row, traps.paying)
    if (traps.paying === 'failed')
      return [520, { detail: `Payment failed: no route to ${bolt11}`, status: 'failed' }]
    return [201, shown(row)]
  }

  function settle(row: Row, status: 'success' | 'failed'): void {
    change(row, { status, fee: status === 'success' ? -traps.feeMsat : row.fee })
  }

  function change(row: Row, to: Partial<Row>): void {
    Object.assign(row, { updated_at: stamp(), ...to })
  }

  const shown = (row: Row) => (traps.inSat ? { ...row, amount: row.amount / 1000 } : row)
  const found = (hash: string, sign: 1 | -1): Row =>
    rows.find((one) => one.payment_hash === hash && one.amount * sign > 0) ??
    rows.find((one) => one.payment_hash === hash) ??
    rowOf(hash, { amount: 0, bolt11: '' })

  const listen = (at: number) => new Promise<void>((done) => server.listen(at, '127.0.0.1', done))
  const close = async () => {
    for (const socket of [...sockets]) socket.hangUp()
    server.closeAllConnections()
    if (server.listening) await new Promise((done) => server.close(done))
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ invoiceKey, adminKey, traps, requests },
    pay(bolt11OrHash) {
      const hash = readBolt11(bolt11OrHash)?.paymentHash ?? bolt11OrHash
      const row = found(hash, 1)
      change(row, { status: 'success' })
      const text = JSON.stringify({ wallet_balance: 51, payment: row })
      if (!traps.mute) for (const socket of sockets) for (const _ of [1, 2]) socket.send(text)
      return row.preimage ?? ''
    },
    set: (hash, to) => change(found(hash, 1), to),
    say(text) {
      for (const socket of sockets) socket.send(text)
    },
    end: (hash, status) => settle(found(hash, -1), status),
    get listeners() {
      return sockets.size
    },
    hangUp() {
      for (const socket of [...sockets]) socket.hangUp()
      server.closeAllConnections()
    },
    paidOut: (hash) =>
      rows.filter((one) => one.payment_hash === hash && one.amount < 0 && one.status === 'success')
        .length,
    close,
    reopen: () => listen(port),
    stop: close,
  }
}

/** Microseconds, as LNbits writes them. */
const stamp = (): string => new Date().toISOString().replace('Z', '000+00:00')

function rowOf(hash: string, { amount, bolt11 }: Pick<Row, 'amount' | 'bolt11'>): Row {
  const at = stamp()
  return {
    ...{ checking_id: hash, payment_hash: hash, wallet_id: WALLET, amount, fee: 0, bolt11 },
    ...{ status: 'pending', preimage: null, time: at, created_at: at, updated_at: at, extra: {} },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
