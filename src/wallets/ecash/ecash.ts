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
import type { Alarm } from './alarm.ts'
import { Collector } from './collect.ts'
import { isOfMint, MintBusy } from './mint/mint.ts'
import { Offers } from './offers.ts'
import type { MintLine, Roster } from './roster.ts'
import type { Quote } from './store/rows.ts'
import type { EcashStore } from './store/store.ts'
import { Worker } from './worker.ts'

export interface EcashOptions {
  readonly store: EcashStore
  readonly roster: Roster
  readonly alarm: Alarm
  readonly world: World
  readonly background: Background
  /** Sats that one mint may hold. */
  readonly maxPerMint: number
  /** What the ledger keeps already; null: a new one, its kind is what the first mint's invoice says. */
  readonly money: Exclude<MoneyKind, 'play'> | null
  /** ms that this first invoice is waited for. */
  readonly patienceMs: number
}

/** ms past its expiry that one seen to be unpaid is called dead. Mints take a payment later all the same. */
const LATE = 60_000
const PAGE = 200

/**
 * The embedded ecash wallet: invoices come from Cashu mints, and what they are paid lands here as
 * coins. The mints hold the money behind the coins until it is sent on.
 *
 * Throws `WalletUnreachable` where the kind of money is not known and no mint answers.
 */
export async function openEcashWallet(options: EcashOptions): Promise<Wallet> {
  const { store, roster, alarm, world, background, maxPerMint } = options
  const money = options.money ?? (await learnMoney(options))
  const watchers = new Set<(settled: Settlement) => void>()
  const tell = (quote: Quote) => {
    const settled = { paymentHash: quote.hash, cursor: String(quote.settledN) }
    for (const watcher of watchers) watcher(settled)
  }
  const collector = new Collector({ store, roster, alarm, world, onMinted: tell })
  const offers = new Offers({ store, roster, world, maxPerMint, money })
  const worker = new Worker({ store, roster, collector, world, background })
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
    // The mint's node has the preimage, and shows it to the payer alone.
    return { is: 'settled', preimage: null, receivedMsat: BigInt(quote.sat) * 1000n }
  }
  return { is: lookedAt < quote.expiresAt + LATE ? 'open' : 'dead' }
}

/** Those of all its mints together; one of the operator's own makes as many as it is asked for. */
function strangersAMinute({ lines }: Roster): number | null {
  const each = lines.filter(({ sells }) => sells).map(({ budget }) => budget.strangersAMinute)
  return each.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}

function labelOf({ store, roster }: EcashOptions, money: MoneyKind): string {
  const sats = store.holdings().reduce((sum, { free, held }) => sum + free + held, 0)
  const line = roster.selling()[0] ?? roster.lines[0]
  const host = line === undefined ? 'no mint' : new URL(line.mint.url).host
  return `ecash at ${host}, ${sats} ${unitOf(money)}`
}

/** The first mint that answers says it. A network that swallows everything is not waited for. */
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
 * A disk that takes nothing is an outage like any other: nothing is sold that could not be kept, who
 * has credit is served, and it is tried again (threats J12).
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

/** Null where the disk takes nothing: then nothing can be sold either. */
async function whereWritable<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await onDisk(() => work)
  } catch (error) {
    if (error instanceof WalletUnreachable) return null
    throw error
  }
}

async function firstMoney(roster: Roster): Promise<Exclude<MoneyKind, 'play'> | null> {
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

/** Does another wallet make coins of this seed? Asked before anything is sold, where mints answer. */
async function warnIfAhead(
  { roster, store, alarm }: EcashOptions,
  collector: Collector,
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
 * Whether an invoice could be made now. One that works is only greeted. A mint may be up and its node
 * down: where the last try failed, only an invoice shows that both are there.
 */
async function probe(roster: Roster): Promise<void> {
  for (const line of roster.selling()) {
    const works = roster.ok(line.mint.url)
      ? await answers(() => roster.tried(line, (mint) => mint.alive()))
      : // Who may not be asked now does not work for that: he was down when he was last asked.
        line.budget.wait('top_up') === 0 && (await answers(() => quoteNothing(roster, line)))
    if (works) return
  }
  throw new WalletUnreachable(roster.reason)
}

/** An invoice that nobody will pay: it shows that the mint makes some, and of which money. */
async function quoteNothing(roster: Roster, line: MintLine): Promise<string> {
  const { least } = await roster.about(line)
  if (line.budget.take('top_up') > 0) throw new MintBusy(null)
  const ask = { sat: Math.max(least ?? 1, 10), memo: 'satgate', key: null }
  const { bolt11 } = await roster.tried(line, (mint) => mint.createQuote(ask))
  return bolt11
}

/** False where the mint does not do what it was asked. One that is busy works. */
async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask()
    return true
  } catch (error) {
    if (!isOfMint(error)) throw error
    return error instanceof MintBusy
  }
}

/** What was settled after the cursor, then what is settled from now on. */
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
