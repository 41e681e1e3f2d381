import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import type { WalletAbout } from '../about.ts'
import {
  INVOICES_A_MINUTE,
  KEPT_FOR_BUYERS,
  makeInvoiceShares,
  makeRateLimit,
  type RateLimit,
} from '../rate-limit.ts'
import {
  AmountRefused,
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  isUsual,
  type LookingUp,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { type AddressBook, type AddressStore, addressBook, type KeptInvoice } from './book.ts'
import type { LightningAddress, LnurlClient, LnurlInvoice } from './lnurl.ts'
import { pollOpen, watchersOf } from './watch.ts'

export interface LightningAddressOptions {
  readonly address: LightningAddress
  readonly lnurl: LnurlClient
  readonly store: AddressStore
  readonly world: World
  readonly background: Background
  /**
   * The kind of money of the ledger, for an address that cannot be reached. Null if it is not
   * known.
   */
  readonly moneyHint: MoneyKind | null
}

/**
 * Opens a Lightning address as a wallet. Buyers pay the operator directly, so no money goes through
 * the gate. One invoice of the smallest amount is made to see whether the address confirms payments
 * (LUD-21). If it does not, nobody could tell whether a buyer has paid, and the result is
 * `no_verify`.
 *
 * Throws `WalletRefused` if the address refuses or lies. Throws `WalletUnreachable` if it does not
 * answer and never confirmed payments before. If it did before, it is opened all the same.
 */
export async function openLightningAddressWallet(
  options: LightningAddressOptions,
): Promise<Wallet | 'no_verify'> {
  const book = addressBook(options.store)
  const money = await learn(options, book)
  return money === null ? 'no_verify' : walletOf(options, book, money)
}

/** Learns the kind of money. Null if the address does not confirm payments. */
async function learn(
  { address, lnurl, moneyHint }: LightningAddressOptions,
  book: AddressBook,
): Promise<'real' | 'test' | null> {
  try {
    const request = await lnurl.payRequest(address, { fresh: true })
    const { verify, paymentHash, money } = await lnurl.invoice(request, request.minSat)
    if (verify === null) return null
    const { settled } = await lnurl.verify(verify, paymentHash)
    if (settled) throw new WalletRefused('it calls an invoice paid that nobody has paid')
    await book.see(address.text, money)
    return money
  } catch (error) {
    if (!(error instanceof WalletUnreachable || error instanceof WalletBusy)) throw error
    const seen = await book.seen(address.text)
    if (seen !== null) return moneyHint === null || moneyHint === 'play' ? seen : moneyHint
    if (error instanceof WalletUnreachable) throw error
    throw new WalletUnreachable('it takes no more questions for now', { cause: error })
  }
}

function walletOf(
  { address, lnurl, world, background }: LightningAddressOptions,
  book: AddressBook,
  money: 'real' | 'test',
): Wallet {
  const provider = makeProvider(world)
  const shares = makeInvoiceShares(world)
  const turns = makeRateLimit(world)
  const settlements = settlementsOf({ book, lnurl, world, background, provider, turns })

  async function createInvoice(ask: InvoiceAsk): Promise<Invoice> {
    provider.beSilent()
    const request = await provider.ask(() => lnurl.payRequest(address))
    if (ask.sat < request.minSat || ask.sat > request.maxSat) {
      throw new AmountRefused(request.minSat, request.maxSat)
    }
    const wait = shares.take(ask.asker ?? 'stranger')
    if (wait > 0) throw new WalletBusy(wait)
    const made = await provider
      .ask(() => lnurl.invoice(request, ask.sat, ask.memo))
      .catch((error: unknown) => {
        // It may refuse an amount within its own bounds. That says nothing about the usual amounts.
        const amount = error instanceof WalletRefused && !isUsual(ask.sat)
        throw amount ? new AmountRefused(null, null) : error
      })
    const { bolt11, paymentHash, expiresAt } = made
    const verify = usable(made, money)
    const open = await book.add(paymentHash, { verify, sat: ask.sat, expiresAt, paid: null })
    if (open === null) throw new WalletRefused('it gave an invoice that it gave before')
    settlements.expect(open)
    return { bolt11, paymentHash, expiresAt }
  }

  return {
    kind: 'lightningaddress',
    asksItself: true,
    preimageIsPublic: true,
    strangersAMinute: () => INVOICES_A_MINUTE - KEPT_FOR_BUYERS,
    money,
    label: `${address.text} (Lightning address)`,
    createInvoice,
    about: async () => aboutAddress(address.text),
    lookup: settlements.lookup,
    wake: settlements.wake,
    forget: book.forget,
    watch: settlements.watch,
    // A provider that asked for silence is not called, and that is no outage.
    async probe() {
      if (provider.quiet()) return
      await provider.ask(() => lnurl.payRequest(address, { fresh: true })).catch(nullIfBusy)
    },
    async close() {
      settlements.end()
      turns.end()
    },
  }
}

const aboutAddress = (address: string): WalletAbout => ({
  holder: `the provider of ${address}`,
  inbound: { sat: null, says: 'a Lightning address does not tell' },
  preimage: 'public',
  learns: 'polling',
  paysOut: false,
  warnings: [],
})

/** An invoice may turn out to be paid so many ms after its expiry, because providers are late. */
const LATE_MS = 60_000

/** Learns of payments, if somebody waits for one, and by itself while somebody watches. */
function settlementsOf({ book, lnurl, world, background, provider, turns }: Parts) {
  const asking = new Map<string, Promise<InvoiceState>>()
  const poll = pollOpen(book, world, async (hash) => {
    const mine = await turns.take('routine')
    const kept = mine && !provider.quiet() ? await book.find(hash) : null
    return kept === null ? { is: 'open' } : verifyOnce(hash, kept)
  })
  const watchers = watchersOf({ book, poll, background })

  /** Looks an invoice up once at a time. Concurrent callers share the call. */
  function verifyOnce(hash: string, kept: KeptInvoice): Promise<InvoiceState> {
    const running = asking.get(hash)
    if (running !== undefined) return running
    const answer = verify(hash, kept).finally(() => asking.delete(hash))
    asking.set(hash, answer)
    return answer
  }

  async function verify(hash: string, kept: KeptInvoice): Promise<InvoiceState> {
    const at = world.now()
    const answer = await provider.ask(() => lnurl.verify(kept.verify, hash)).catch(nullIfBusy)
    if (answer === null) return { is: 'open' }
    if (!answer.settled) return { is: at > kept.expiresAt + LATE_MS ? 'dead' : 'open' }
    await book.settle(hash, answer.preimage)
    poll.done(hash)
    watchers.wake()
    return settledState(kept, answer)
  }

  return {
    ...watchers,
    expect: poll.add,
    wake: poll.wake,
    async lookup(hash: string, who: LookingUp = 'waiting'): Promise<InvoiceState> {
      const kept = await book.find(hash)
      if (kept === null) return { is: 'unknown' }
      if (kept.paid !== null) return settledState(kept, kept.paid)
      // If no call is allowed now, the invoice counts neither as paid nor as dead.
      if (provider.quiet() || !(await turns.take(who))) return { is: 'open' }
      return verifyOnce(hash, kept)
    },
  }
}

interface Parts {
  readonly book: AddressBook
  readonly lnurl: LnurlClient
  readonly world: World
  readonly background: Background
  readonly provider: ReturnType<typeof makeProvider>
  readonly turns: RateLimit
}

/**
 * The address at which its payment is looked up. Throws `WalletRefused` if the invoice cannot be
 * offered.
 */
function usable(made: LnurlInvoice, money: 'real' | 'test'): string {
  if (made.money !== money) {
    throw new WalletRefused(`its invoices are for ${made.money} money, the ledger keeps ${money}`)
  }
  if (made.verify === null) {
    throw new WalletRefused('it no longer shows whether an invoice was paid (LUD-21)')
  }
  return made.verify
}

/**
 * LNURL does not tell the amount that arrived. An invoice with an amount is paid with that amount.
 */
function settledState(kept: KeptInvoice, paid: { readonly preimage: string | null }): InvoiceState {
  return { is: 'settled', preimage: paid.preimage, receivedMsat: BigInt(kept.sat) * 1000n }
}

/** Makes no calls for as long as a provider asked (HTTP 429). */
function makeProvider(world: World) {
  let until = Number.NEGATIVE_INFINITY
  const quiet = () => world.now() < until
  return {
    quiet,
    /** Throws `WalletBusy` during the silence. */
    beSilent() {
      if (quiet()) throw new WalletBusy(until - world.now())
    },
    async ask<T>(question: () => Promise<T>): Promise<T> {
      try {
        return await question()
      } catch (error) {
        if (error instanceof WalletBusy) until = Math.max(until, world.now() + error.retryAfterMs)
        throw error
      }
    },
  }
}

function nullIfBusy(error: unknown): null {
  if (error instanceof WalletBusy) return null
  throw error
}
