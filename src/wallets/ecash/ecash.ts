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
import { MintQuotes } from './mint-quotes.ts'
import { TokenMinter } from './mint-tokens.ts'
import type { MintLine, Mints } from './mints.ts'
import { QuotePoller } from './quote-poller.ts'
import type { Quote } from './store/rows.ts'
import type { EcashStore } from './store/store.ts'

export interface EcashOptions {
  readonly store: EcashStore
  readonly roster: Mints
  readonly alarm: Freeze
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
  const { store, roster, alarm, world, background, maxPerMint } = options
  const money = options.money ?? (await learnMoney(options))
  const watchers = new Set<(settled: Settlement) => void>()
  const tell = (quote: Quote) => {
    const settled = { paymentHash: quote.hash, cursor: String(quote.settledN) }
    for (const watcher of watchers) watcher(settled)
  }
  const collector = new TokenMinter({ store, roster, alarm, world, onMinted: tell })
  const offers = new MintQuotes({ store, roster, world, maxPerMint, money })
  const worker = new QuotePoller({ store, roster, collector, world, background })
  const refuseIfRaised = () => {
    const why = alarm.raised
    if (why !== null) throw new WalletRefused(why)
  }
  const ahead = whereWritable(warnIfAhead(options, collector))
  await inTime(world, ahead, { ms: options.patienceMs, late: null })
  worker.start()
  return {
    kind: 'ecash',
    asksItself: true,
    strangersAMinute: () => strangersAMinute(roster),
    money,
    get label() {
      return labelOf(options, money)
    },
    async createInvoice(ask) {
      refuseIfRaised()
      const invoice = await onDisk(() => offers.create(ask))
      worker.soon()
      return invoice
    },
    async lookup(paymentHash, who = 'waiting') {
      const known = store.quote(paymentHash)
      if (known === null) return { is: 'unknown' }
      const asking = who === 'waiting' ? 'paid' : 'poll'
      if (known.state === 'open') await onDisk(() => collector.collect(paymentHash, asking))
      const state = stateOf(store.quote(paymentHash) ?? known, collector.lookedAt(paymentHash))
      if (state.is === 'settled') return state
      refuseIfRaised()
      if (roster.selling().length === 0) throw new WalletUnreachable(roster.reason)
      return state
    },
    wake: (paymentHash) => worker.wake(paymentHash),
    forget: async (paymentHash) => store.forgetQuote(paymentHash),
    watch: (cursor, onSettled) =>
      replayThenFollow({ store, watchers, background, world }, { cursor, onSettled }),
    async probe() {
      refuseIfRaised()
      await onDisk(async () => store.tryWriting())
      await probe(roster)
    },
    async close() {
      watchers.clear()
      await worker.stop()
      for (const { mint } of roster.lines) mint.close()
    },
  }
}

function stateOf(quote: Quote, lookedAt: number): InvoiceState {
  if (quote.state === 'minted') {
    // The Lightning node of the mint has the preimage and shows it only to the payer.
    return { is: 'settled', preimage: null, receivedMsat: BigInt(quote.sat) * 1000n }
  }
  return { is: lookedAt < quote.expiresAt + LATE ? 'open' : 'dead' }
}

/** The number for all mints together. A mint of the operator's own has no limit. */
function strangersAMinute({ lines }: Mints): number | null {
  const each = lines.filter(({ sells }) => sells).map(({ budget }) => budget.strangersAMinute)
  return each.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}

function labelOf({ store, roster }: EcashOptions, money: MoneyKind): string {
  const sats = store.holdings().reduce((sum, { free, held }) => sum + free + held, 0)
  const line = roster.selling()[0] ?? roster.lines[0]
  const host = line === undefined ? 'no mint' : new URL(line.mint.url).host
  return `ecash at ${host}, ${sats} ${unitOf(money)}`
}

/**
 * Learns the kind of money from the first mint that answers. Does not wait for a network that drops
 * everything.
 */
async function learnMoney({
  roster,
  world,
  patienceMs,
}: EcashOptions): Promise<Exclude<MoneyKind, 'play'>> {
  const money = await inTime(world, firstMoney(roster), { ms: patienceMs, late: null })
  if (money === null) throw new WalletUnreachable(roster.reason)
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

async function firstMoney(roster: Mints): Promise<Exclude<MoneyKind, 'play'> | null> {
  for (const line of roster.selling()) {
    try {
      const money = moneyOf(await quoteNothing(roster, line))
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
  { roster, store, alarm }: EcashOptions,
  collector: TokenMinter,
): Promise<void> {
  if (store.keysets().length === 0) return
  for (const line of roster.selling()) {
    try {
      if (!(await collector.ahead(line))) continue
      const host = new URL(line.mint.url).host
      return alarm.raise(`${host} knows coins of this seed that this folder does not`)
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
async function probe(roster: Mints): Promise<void> {
  for (const line of roster.selling()) {
    const works = roster.ok(line.mint.url)
      ? await answers(() => roster.tried(line, (mint) => mint.alive()))
      : // A mint that may not be called now counts as down, because it was down at its last call.
        line.budget.wait('top_up') === 0 && (await answers(() => quoteNothing(roster, line)))
    if (works) return
  }
  throw new WalletUnreachable(roster.reason)
}

/**
 * Requests an invoice that nobody will pay. It shows that the mint makes invoices, and of which
 * kind of money.
 */
async function quoteNothing(roster: Mints, line: MintLine): Promise<string> {
  const { least } = await roster.about(line)
  if (line.budget.take('top_up') > 0) throw new MintBusy(null)
  const ask = { sat: Math.max(least ?? 1, 10), memo: 'satgate', key: null }
  const { bolt11 } = await roster.tried(line, (mint) => mint.createQuote(ask))
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
