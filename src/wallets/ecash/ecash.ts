import type { Background } from '../../floor/background.ts'
import { inTime } from '../../floor/in-time.ts'
import { unwritable } from '../../floor/unwritable.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { unitOf } from '../../money/unit.ts'
import { moneyOf } from '../bolt11.ts'
import {
  type InvoiceState,
  type Settlement,
  type Wallet,
  WalletRefused,
  WalletUnreachable,
  type Watch,
} from '../wallet.ts'
import type { Freeze } from './freeze.ts'
import { isOfMint, MintBusy } from './mint/mint.ts'
import { sourceOf } from './mint/url.ts'
import { mintParts } from './mint-parts.ts'
import { MintQuotes } from './mint-quotes.ts'
import { TokenMinter } from './mint-tokens.ts'
import type { KnownMint, Mints } from './mints.ts'
import { QuotePoller } from './quote-poller.ts'
import type { Quote } from './store/rows.ts'
import type { EcashStore } from './store/store.ts'

export interface EcashOptions {
  readonly store: EcashStore
  readonly mints: Mints
  readonly freeze: Freeze
  readonly world: World
  readonly background: Background
  /** The most sats that one mint may hold. */
  readonly maxPerMint: number
  /**
   * The kind of money of the ledger. Null for a new ledger, which gets the kind of the first
   * invoice.
   */
  readonly money: Exclude<MoneyKind, 'play'> | null
  /** The ms to wait for that first invoice. */
  readonly patienceMs: number
}

/**
 * An unpaid invoice is called dead so many ms after its expiry. Mints accept a later payment all
 * the same.
 */
const LATE = 60_000
const PAGE = 200

/**
 * Opens the embedded ecash wallet. Its invoices come from Cashu mints, and their payments arrive
 * here as coins. The mints hold the money behind the coins until it is sent on.
 *
 * Throws `WalletUnreachable` if the kind of money is not known and no mint answers.
 */
export async function openEcashWallet(options: EcashOptions): Promise<Wallet> {
  const { store, mints, freeze, world, background, maxPerMint } = options
  const money = options.money ?? (await learnMoney(options))
  const watchers = new Set<(settled: Settlement) => void>()
  const tell = (quote: Quote) => {
    const settled = { paymentHash: quote.hash, cursor: String(quote.settledN) }
    for (const watcher of watchers) watcher(settled)
  }
  const minter = new TokenMinter({ store, mints, freeze, world, onMinted: tell })
  const quotes = new MintQuotes({ store, mints, world, maxPerMint, money })
  const poller = new QuotePoller({ store, mints, minter, world, background })
  const refuseIfRaised = () => {
    const why = freeze.reason
    if (why !== null) throw new WalletRefused(why)
  }
  const ahead = whereWritable(warnIfAhead(options, minter))
  await inTime(world, ahead, { ms: options.patienceMs, late: null })
  poller.start()
  return {
    kind: 'ecash',
    asksItself: true,
    strangersAMinute: () => strangersAMinute(mints),
    money,
    get label() {
      return labelOf(options, money)
    },
    parts: () => mintParts({ mints, store, maxPerMint }),
    async createInvoice(ask) {
      refuseIfRaised()
      const invoice = await onDisk(() => quotes.create(ask))
      poller.soon()
      return invoice
    },
    async lookup(paymentHash, who = 'waiting') {
      const quote = store.quote(paymentHash)
      if (quote === null) return { is: 'unknown' }
      const asking = who === 'waiting' ? 'paid' : 'poll'
      if (quote.state === 'open') await onDisk(() => minter.collect(paymentHash, asking))
      const state = stateOf(store.quote(paymentHash) ?? quote, minter.lookedAt(paymentHash))
      if (state.is === 'settled') return state
      refuseIfRaised()
      if (mints.selling().length === 0) throw new WalletUnreachable(mints.reason)
      return state
    },
    wake: (paymentHash) => poller.wake(paymentHash),
    forget: async (paymentHash) => store.forgetQuote(paymentHash),
    watch: (cursor, onSettled) =>
      replayThenFollow({ store, watchers, background, world }, { cursor, onSettled }),
    async probe() {
      refuseIfRaised()
      await onDisk(async () => store.tryWriting())
      await probe(mints)
    },
    async close() {
      watchers.clear()
      await poller.stop()
      for (const { mint } of mints.all) mint.close()
    },
  }
}

function stateOf(quote: Quote, lookedAt: number): InvoiceState {
  if (quote.state === 'minted') {
    // The Lightning node of the mint has the preimage and shows it only to the payer.
    const source = sourceOf(quote.mint)
    return { is: 'settled', preimage: null, receivedMsat: BigInt(quote.sat) * 1000n, source }
  }
  return { is: lookedAt < quote.expiresAt + LATE ? 'open' : 'dead' }
}

/** The number for all mints together. A mint of the operator's own has no limit. */
function strangersAMinute({ all }: Mints): number | null {
  const each = all.filter(({ sells }) => sells).map(({ rateLimit }) => rateLimit.strangersAMinute)
  return each.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}

function labelOf({ store, mints }: EcashOptions, money: MoneyKind): string {
  const sats = store.holdings().reduce((sum, { free, held }) => sum + free + held, 0)
  const known = mints.selling()[0] ?? mints.all[0]
  const host = known === undefined ? 'no mint' : new URL(known.mint.url).host
  return `ecash at ${host}, ${sats} ${unitOf(money)}`
}

/**
 * Learns the kind of money from the first mint that answers. Does not wait for a network that drops
 * everything.
 */
async function learnMoney({
  mints,
  world,
  patienceMs,
}: EcashOptions): Promise<Exclude<MoneyKind, 'play'>> {
  const money = await inTime(world, firstMoney(mints), { ms: patienceMs, late: null })
  if (money === null) throw new WalletUnreachable(mints.reason)
  return money
}

/**
 * Treats a disk that cannot be written as an outage of the wallet. Nothing is sold then, because
 * its coins could not be kept. Buyers with credit are served, and writing is tried again (threats
 * J12).
 */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const why = unwritable(error)
    if (why === null) throw error
    throw new WalletUnreachable(`its coins cannot be written: ${why}`, { cause: error })
  }
}

/** Null if the disk cannot be written. Then nothing can be sold either. */
async function whereWritable<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await onDisk(() => work)
  } catch (error) {
    if (error instanceof WalletUnreachable) return null
    throw error
  }
}

async function firstMoney(mints: Mints): Promise<Exclude<MoneyKind, 'play'> | null> {
  for (const known of mints.selling()) {
    try {
      const money = moneyOf(await quoteNothing(mints, known))
      if (money !== null) return money
    } catch (error) {
      if (!isOfMint(error)) throw error
    }
  }
  return null
}

/**
 * Checks, before anything is sold, whether another wallet makes coins of this seed. Asks the mints
 * that answer.
 */
async function warnIfAhead(
  { mints, store, freeze, world }: EcashOptions,
  minter: TokenMinter,
): Promise<void> {
  if (store.keysets().length === 0) return
  for (const known of mints.selling()) {
    try {
      if (!(await minter.ahead(known))) continue
      const host = new URL(known.mint.url).host
      const what = `${host} knows coins of this seed that this folder does not`
      return freeze.set(what, world.now())
    } catch (error) {
      if (!isOfMint(error)) throw error
    }
  }
}

/**
 * Checks whether an invoice could be made now. If the last call to a mint succeeded, `GET /v1/info`
 * is enough. If it failed, a real invoice is requested, because a mint may be up while its
 * Lightning node is down.
 */
async function probe(mints: Mints): Promise<void> {
  for (const known of mints.selling()) {
    const works = mints.ok(known.mint.url)
      ? await answers(() => mints.tried(known, (mint) => mint.alive()))
      : // A mint that may not be called now counts as down, because it was down at its last call.
        known.rateLimit.wait('top_up') === 0 && (await answers(() => quoteNothing(mints, known)))
    if (works) return
  }
  throw new WalletUnreachable(mints.reason)
}

/**
 * Requests an invoice that nobody will pay. It shows that the mint makes invoices, and of which
 * kind of money.
 */
async function quoteNothing(mints: Mints, known: KnownMint): Promise<string> {
  const { least } = await mints.about(known)
  if (known.rateLimit.take('top_up') > 0) throw new MintBusy(null)
  const ask = { sat: Math.max(least ?? 1, 10), memo: 'satgate', key: null }
  const { bolt11 } = await mints.tried(known, (mint) => mint.createQuote(ask))
  return bolt11
}

/**
 * Returns false if the mint does not do what it is asked. A mint that is busy counts as working.
 */
async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask()
    return true
  } catch (error) {
    if (!isOfMint(error)) throw error
    return error instanceof MintBusy
  }
}

/** Reports the settlements after the cursor, and then each new settlement. */
function replayThenFollow(
  parts: {
    readonly store: EcashStore
    readonly watchers: Set<(settled: Settlement) => void>
    readonly background: Background
    readonly world: World
  },
  from: { readonly cursor: string | null; readonly onSettled: (settled: Settlement) => void },
): Watch {
  const { store, watchers, background, world } = parts
  const tell = (settled: Settlement) => from.onSettled(settled)
  watchers.add(tell)
  let after = Number(from.cursor ?? 0)
  const replay = async () => {
    for (;;) {
      await world.turn()
      if (!watchers.has(tell)) return
      const settled = store.settledAfter(after, PAGE)
      for (const { hash, settledN } of settled) {
        tell({ paymentHash: hash, cursor: String(settledN) })
        after = Number(settledN)
      }
      if (settled.length < PAGE) return
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
