import { createHash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { readBolt11, writeBolt11 } from '../../../../src/wallets/bolt11.ts'
import { publicKeyOf } from '../../../../src/wallets/nwc/curve.ts'
import { channelOf, type Scheme } from '../../../../src/wallets/nwc/encryption.ts'
import { eventIn, type NostrEvent, signed } from '../../../../src/wallets/nwc/event.ts'
import { type ServedSocket, serveWebSocket } from '../../../support/web-socket.ts'
import { real } from '../../../support/world.ts'

/**
 * A test double of a Nostr relay and of a wallet service behind it (NIP-47). Its shapes and words
 * were recorded from real ones (`test/interop/nwc.test.ts` runs the same contracts on those).
 */
export interface NwcDouble {
  /** The connection string, with the allowed methods of `traps`. */
  readonly connection: string
  readonly traps: Traps
  /** The methods that were called. */
  readonly calls: string[]
  /** Events that the relay got. */
  readonly events: NostrEvent[]
  /** Events that the wallet has signed. */
  readonly said: NostrEvent[]
  /** Pays an invoice of this wallet, and notifies. */
  pay(bolt11OrHash: string): string
  /** Changes what the wallet tells of a transaction. */
  set(hash: string, change: Readonly<Record<string, unknown>>): void
  /** Sends a notification of whatever content. */
  notify(notification: object, type?: string): void
  /** Sends an event of whatever content on all connections. */
  say(event: object): void
  end(hash: string, state: 'settled' | 'failed'): void
  paidOut(hash: string): number
  readonly connections: number
  hangUp(): void
  /** Nobody listens any more, until `reopen`. */
  close(): Promise<void>
  reopen(): Promise<void>
  stop(): Promise<void>
}

export interface Traps {
  methods: string[]
  encryption: string | null
  /** Which schemes the wallet reads. */
  reads: Scheme[]
  /** The relay keeps no info event. */
  noInfo: boolean
  /** The relay answers nothing. */
  silent: boolean
  /** The relay takes no event. */
  refuses: string | null
  /** Methods without a reply. */
  drops: string[]
  /** Error codes of methods. */
  errors: Record<string, string>
  /** How often each reply comes. */
  times: number
  /** Replies are not sent, though the wallet has done what it was asked. */
  loses: boolean
  /** The relay drops longer contents. */
  longest: number
  mute: boolean
  extraMsat: number
  otherHash: boolean
  network: 'bcrt' | 'tb' | 'tbs'
  info: Record<string, unknown>
  /** Fields that no transaction has. */
  without: string[]
  paying: 'settled' | 'failed' | 'pending'
  feeMsat: number
  /** Payments that have not ended are shown nowhere. */
  hides: boolean
  /** A payment is replied to when it has ended. */
  waits: boolean
  /** Look-ups find no payments. */
  onlyInvoices: boolean
}

interface Made {
  readonly amount: number
  readonly description: string
  readonly expiry: number
}

type Transaction = Record<string, unknown> & { payment_hash: string; created_at: number }

const now = () => Math.floor(Date.now() / 1000)
const ALL = ['get_info', 'make_invoice', 'lookup_invoice', 'list_transactions', 'pay_invoice']

class Refused extends Error {}

const hashOf = (bolt11: string): string => readBolt11(bolt11)?.paymentHash ?? ''

export async function startNwcDouble(): Promise<NwcDouble> {
  const traps: Traps = {
    ...{ methods: ALL.slice(0, 4), encryption: 'nip44_v2 nip04', reads: ['nip44_v2', 'nip04'] },
    ...{ noInfo: false, silent: false, refuses: null, drops: [], errors: {}, times: 1 },
    ...{ loses: false, longest: 1 << 20, mute: false, extraMsat: 0, otherHash: false },
    ...{ network: 'bcrt', info: { network: 'regtest' }, without: [], paying: 'settled' },
    ...{ feeMsat: 0, onlyInvoices: false, hides: false, waits: false },
  }
  const walletKey = randomBytes(32)
  const clientKey = randomBytes(32)
  const wallet = publicKeyOf(walletKey)
  const client = publicKeyOf(clientKey)
  const channel = channelOf(walletKey, client, real)
  const transactions: Transaction[] = []
  const preimages = new Map<string, string>()
  const calls: string[] = []
  const events: NostrEvent[] = []
  /** Replies that wait for the end of a payment. */
  const ends = new Map<string, () => void>()
  const sockets = new Map<ServedSocket, string | null>()

  const said: NostrEvent[] = []
  function event(kind: number, tags: string[][], content: string): NostrEvent {
    const made = signed({ kind, created_at: now(), tags, content }, walletKey, real)
    said.push(made)
    return made
  }
  const infoEvent = () =>
    event(13194, traps.encryption === null ? [] : [['encryption', traps.encryption]], ALL.join(' '))

  function say(sent: object): void {
    if (traps.silent) return
    for (const [socket, sub] of sockets) {
      if (sub !== null) socket.send(JSON.stringify(['EVENT', sub, sent]))
    }
  }

  function hear(socket: ServedSocket, text: string): void {
    if (traps.silent) return
    const [verb, first, second] = JSON.parse(text)
    if (verb === 'REQ') {
      if (JSON.stringify(second).includes('13194')) {
        sockets.set(socket, first)
        if (!traps.noInfo) socket.send(JSON.stringify(['EVENT', first, infoEvent()]))
      }
      socket.send(JSON.stringify(['EOSE', first]))
    } else if (verb === 'EVENT') {
      const read = eventIn(first)
      if (read === null) {
        socket.send(JSON.stringify(['OK', first.id, false, 'invalid:']))
        return
      }
      events.push(read)
      const taken = traps.refuses === null
      socket.send(JSON.stringify(['OK', read.id, taken, traps.refuses ?? '']))
      if (taken) answer(read)
    }
  }

  function answer(request: NostrEvent): void {
    const scheme = (request.tags.find(([name]) => name === 'encryption')?.[1] ?? 'nip04') as Scheme
    let method = ''
    let reply: object
    let paying: string | null = null
    try {
      if (!traps.reads.includes(scheme)) throw new Refused('UNSUPPORTED_ENCRYPTION')
      const asked = JSON.parse(channel.open(request.content) ?? '{}')
      method = asked.method
      if (traps.waits && method === 'pay_invoice') paying = hashOf(asked.params.invoice)
      calls.push(method)
      if (traps.drops.includes(method)) return
      const code = traps.errors[method]
      if (code !== undefined) throw new Refused(code)
      if (!traps.methods.includes(method)) throw new Refused('RESTRICTED')
      reply = { result_type: method, error: null, result: work(method, asked.params) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const words = `${error.message} of ${request.content.slice(0, 40)}`
      reply = { result_type: method, error: { code: error.message, message: words }, result: null }
    }
    const tags = [
      ['p', client],
      ['e', request.id],
    ]
    const speaks = traps.reads.includes(scheme) ? scheme : (traps.reads[0] ?? 'nip04')
    const content = channel.seal(speaks, JSON.stringify(reply))
    if (traps.loses || content.length > traps.longest) return
    const deliver = () => {
      for (let time = 0; time < traps.times; time += 1) say(event(23195, tags, content))
    }
    if (paying === null) deliver()
    else ends.set(paying, deliver)
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever a client sends
  function work(method: string, params: any): object {
    if (method === 'get_info') return { methods: traps.methods, ...traps.info }
    if (method === 'make_invoice') return make(params)
    if (method === 'pay_invoice') return payOther(params)
    if (method === 'lookup_invoice') {
      const found = transactions.find(
        (one) =>
          one.payment_hash === params.payment_hash &&
          !(traps.onlyInvoices && one.type === 'outgoing') &&
          !hidden(one),
      )
      if (found === undefined) throw new Refused('NOT_FOUND')
      return shown(found)
    }
    const listed = transactions
      .filter((one) => one.type === params.type && one.created_at >= (params.from ?? 0))
      .filter((one) => (params.unpaid || one.state === 'settled') && !hidden(one))
      .reverse()
    return { transactions: listed.slice(params.offset, params.offset + params.limit).map(shown) }
  }

  const hidden = (one: Transaction) =>
    traps.hides && one.type === 'outgoing' && one.state === 'pending'

  function make({ amount, description, expiry }: Made): Transaction {
    const preimage = randomBytes(32)
    const hash = createHash('sha256').update(preimage).digest()
    const bolt11 = writeBolt11({
      ...{ network: traps.network, sat: (amount + traps.extraMsat) / 1000, paymentHash: hash },
      ...{ paymentSecret: randomBytes(32), description, createdAt: Date.now() },
      ...{ expirySeconds: expiry, secretKey: Buffer.alloc(32, 7) },
    })
    const one = transaction(bolt11, 'incoming', amount)
    preimages.set(one.payment_hash, preimage.toString('hex'))
    transactions.push(one)
    return traps.otherHash ? { ...one, payment_hash: 'ab'.repeat(32) } : one
  }

  function payOther({ invoice, metadata }: { invoice: string; metadata?: object }): object {
    const read = readBolt11(invoice)
    const before = transactions.find((one) => one.payment_hash === read?.paymentHash)
    if (before !== undefined) throw new Refused('PAYMENT_FAILED')
    const amount = Number(read?.amountMsat)
    if (amount > 1e9) throw new Refused('INSUFFICIENT_BALANCE')
    const one = transaction(invoice, 'outgoing', amount)
    transactions.push(Object.assign(one, { metadata }))
    if (traps.paying !== 'pending') end(one.payment_hash, traps.paying)
    if (traps.paying !== 'settled' && !traps.waits) throw new Refused('PAYMENT_FAILED')
    return { preimage: 'ab'.repeat(32), fees_paid: traps.feeMsat }
  }

  function end(hash: string, state: 'settled' | 'failed'): void {
    const one = found(hash)
    const settled = state === 'settled' ? { settled_at: now(), fees_paid: traps.feeMsat } : {}
    Object.assign(one, { state, ...settled })
    ends.get(hash)?.()
  }

  const transaction = (invoice: string, type: string, amount: number): Transaction => ({
    ...{ type, state: 'pending', invoice, payment_hash: readBolt11(invoice)?.paymentHash ?? '' },
    ...{ amount, fees_paid: 0, created_at: now() },
    expires_at: (readBolt11(invoice)?.expiresAt ?? 0) / 1000,
  })
  const shown = (one: Transaction) => {
    const expired = one.type === 'incoming' && Number(one.expires_at) <= Date.now() / 1000
    const state = one.state === 'pending' && expired ? 'expired' : one.state
    const all = Object.entries({ ...one, state }).filter(([name]) => !traps.without.includes(name))
    return Object.fromEntries(all)
  }
  const found = (hash: string): Transaction =>
    transactions.find((one) => one.payment_hash === hash) ?? { payment_hash: hash, created_at: 0 }

  function notify(notification: object, type = 'payment_received'): void {
    const content = JSON.stringify({ notification_type: type, notification })
    for (const [kind, scheme] of [
      [23197, 'nip44_v2'],
      [23196, 'nip04'],
    ] as const) {
      if (traps.reads.includes(scheme))
        say(event(kind, [['p', client]], channel.seal(scheme, content)))
    }
  }

  const server: Server = createServer((_, response) => response.writeHead(404).end())
  const raw = serveWebSocket(server, {
    welcome: () => (traps.silent ? 'hang' : 'accept'),
    opened(socket) {
      sockets.set(socket, null)
      return (text) => hear(socket, text)
    },
    closed: (socket) => void sockets.delete(socket),
  })
  const listen = (at: number) => new Promise<void>((done) => server.listen(at, '127.0.0.1', done))
  const hangUp = () => {
    for (const socket of [...raw]) socket.destroy()
    server.closeAllConnections()
  }
  const close = async () => {
    hangUp()
    if (server.listening) await new Promise((done) => server.close(done))
    await setTimeout(10)
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const relay = encodeURIComponent(`ws://127.0.0.1:${port}`)
  return {
    connection: `nostr+walletconnect://${wallet}?relay=${relay}&secret=${clientKey.toString('hex')}`,
    ...{ traps, calls, events, said, notify, say, end, hangUp, close, stop: close },
    pay(bolt11OrHash) {
      const hash = readBolt11(bolt11OrHash)?.paymentHash ?? bolt11OrHash
      const preimage = preimages.get(hash) ?? ''
      Object.assign(found(hash), { state: 'settled', settled_at: now(), preimage })
      if (!traps.mute) notify(found(hash))
      return preimage
    },
    set: (hash, change) => void Object.assign(found(hash), change),
    paidOut: (hash) =>
      transactions.filter(
        (one) => one.payment_hash === hash && one.type === 'outgoing' && one.state === 'settled',
      ).length,
    get connections() {
      return raw.size
    },
    reopen: () => listen(port),
  }
}
