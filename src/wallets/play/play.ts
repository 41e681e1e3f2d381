import { createHash } from 'node:crypto'
import type { Background } from '../../floor/background.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { WalletAbout } from '../about.ts'
import { readBolt11, writeBolt11 } from '../bolt11.ts'
import type { PaymentOrder } from '../outgoing.ts'
import type { Invoice, InvoiceAsk, InvoiceState, Settlement, Wallet, Watch } from '../wallet.ts'
import { type Fate, type PlayOutgoing, playOutgoing } from './outgoing.ts'
import type { PlayStore } from './store.ts'

/**
 * The wallet for play money. Its invoices are valid ones of a test network, and a request pays
 * them. It behaves as a Lightning wallet does, so that demos and tests run the same code as real
 * money.
 */
export interface PlayWallet extends Wallet {
  /**
   * Pays a bolt11, or a payment hash of 64 hex digits. Resolves with the preimage in hex when the
   * payment is on the disk. A second call gives the same result.
   */
  pay(invoice: string): Promise<Result<string, PlayRefused>>
  readonly outgoing: PlayOutgoing
}

/** In order of precedence. */
export type PlayRefused = 'malformed' | 'unknown' | 'expired'

interface Kept {
  readonly preimage: string
  readonly sat: number
  readonly expiresAt: number
  readonly paid: boolean
}

/** The key is public on purpose, because no real money may depend on it. */
const THROW_AWAY_KEY = sha256('satgate: play money, worth nothing')

/** Opens the play wallet whose invoices are in `store`. Never fails. */
export function openPlayWallet(deps: {
  readonly store: PlayStore
  readonly world: World
  readonly background: Background
  /** What becomes of its payments. All are paid unless given. */
  readonly fate?: (order: PaymentOrder) => Fate
}): PlayWallet {
  const book = playBook(deps.store)
  const watchers = new Set<(settled: Settlement) => void>()
  const stateOf = (kept: Kept): InvoiceState => {
    if (kept.paid) {
      return { is: 'settled', preimage: kept.preimage, receivedMsat: BigInt(kept.sat) * 1000n }
    }
    return { is: deps.world.now() < kept.expiresAt ? 'open' : 'dead' }
  }
  async function pay(invoice: string): Promise<Result<string, PlayRefused>> {
    const hash = hashOf(invoice)
    if (hash === null) return err('malformed')
    const kept = await book.find(hash)
    if (kept === null) return err('unknown')
    const state = stateOf(kept)
    if (state.is === 'dead') return err('expired')
    if (state.is === 'open') {
      const cursor = await book.settle(hash, kept)
      for (const tell of watchers) tell({ paymentHash: hash, cursor })
    }
    return ok(kept.preimage)
  }
  async function settleOwn(hash: string): Promise<boolean> {
    const paid = await pay(hash)
    return paid.ok || paid.error === 'unknown'
  }
  const { fate = () => ({ is: 'paid' }) as const } = deps
  return {
    kind: 'play',
    money: 'play',
    outgoing: playOutgoing({ ...deps, fate, settleOwn }),
    about: async () => ABOUT,
    pay,
    label: 'play money (worth nothing)',
    async createInvoice(ask) {
      const { invoice, kept } = newInvoice(ask, deps.world)
      await book.keep(invoice.paymentHash, kept)
      return invoice
    },
    async lookup(paymentHash) {
      const kept = await book.find(paymentHash)
      return kept === null ? { is: 'unknown' } : stateOf(kept)
    },
    watch: (cursor, onSettled) =>
      replayThenFollow({ book, watchers, background: deps.background }, { cursor, onSettled }),
    async probe() {},
    async close() {
      watchers.clear()
    },
  }
}

const ABOUT: WalletAbout = {
  holder: 'nobody: it is worth nothing',
  inbound: { sat: null, says: 'as much as you like' },
  preimage: 'payer',
  learns: 'subscription',
  paysOut: true,
  warnings: [],
}

function newInvoice(ask: InvoiceAsk, world: World): { invoice: Invoice; kept: Kept } {
  const preimage = world.random(32)
  const paymentHash = sha256(preimage)
  const createdAt = Math.floor(world.now() / 1000) * 1000
  const expiresAt = createdAt + ask.expirySeconds * 1000
  const bolt11 = writeBolt11({
    network: 'bcrt',
    sat: ask.sat,
    paymentHash,
    paymentSecret: world.random(32),
    description: ask.memo,
    createdAt,
    expirySeconds: ask.expirySeconds,
    secretKey: THROW_AWAY_KEY,
  })
  return {
    invoice: { bolt11, paymentHash: paymentHash.toString('hex'), expiresAt },
    kept: {
      preimage: Buffer.from(preimage).toString('hex'),
      sat: ask.sat,
      expiresAt,
      paid: false,
    },
  }
}

/** Invoices by their hash, and their settlements, numbered from 1. A cursor is such a number. */
function playBook(store: PlayStore) {
  let settled = 0
  let turn: Promise<unknown> = Promise.resolve()
  const settledAt = (index: number) => store.recall(`play:settled:${index}`)
  const keep = (hash: string, kept: Kept) => store.remember(`play:${hash}`, JSON.stringify(kept))

  /**
   * Stores the number first and the payment after it. After a crash between the two, a watcher is
   * told of a hash that is still open and can be paid again. In the other order nobody would ever
   * be told of it.
   */
  async function settleNext(hash: string, kept: Kept): Promise<string> {
    while ((await settledAt(settled + 1)) !== null) settled += 1
    settled += 1
    await store.remember(`play:settled:${settled}`, hash)
    await keep(hash, { ...kept, paid: true })
    return String(settled)
  }
  return {
    settledAt,
    keep,
    async find(hash: string): Promise<Kept | null> {
      const text = await store.recall(`play:${hash}`)
      return text === null ? null : JSON.parse(text)
    },
    /** Runs one at a time, so that two payments do not get one number. */
    settle(hash: string, kept: Kept): Promise<string> {
      const mine = turn.then(() => settleNext(hash, kept))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}

function replayThenFollow(
  parts: {
    readonly book: ReturnType<typeof playBook>
    readonly watchers: Set<(settled: Settlement) => void>
    readonly background: Background
  },
  from: { cursor: string | null; onSettled: (settled: Settlement) => void },
): Watch {
  const { book, watchers, background } = parts
  const tell = (settled: Settlement) => from.onSettled(settled)
  watchers.add(tell)
  const replay = async () => {
    for (let index = Number(from.cursor ?? 0) + 1; watchers.has(tell); index += 1) {
      const paymentHash = await book.settledAt(index)
      if (paymentHash === null) return
      if (watchers.has(tell)) tell({ paymentHash, cursor: String(index) })
    }
  }
  const replaying = background.until('payments', { every: 1_000, longest: 60_000 }, replay)
  return {
    stop() {
      watchers.delete(tell)
      replaying.end()
    },
  }
}

/** The payment hash: the text itself, or the hash in a bolt11. */
function hashOf(invoice: string): string | null {
  const text = invoice.trim().replace(/^lightning:/i, '')
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  return readBolt11(text)?.paymentHash ?? null
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
