import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { fitDescription, moneyOf, readBolt11 } from '../bolt11.ts'
import {
  AmountRefused,
  type Asker,
  type Invoice,
  type InvoiceAsk,
  isUsual,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import {
  type Mint,
  MintBusy,
  MintLies,
  type MintQuote,
  MintRefused,
  MintUnreachable,
} from './mint/mint.ts'
import type { Call } from './mint-rate-limit.ts'
import type { KnownMint, Mints } from './mints.ts'
import type { EcashStore } from './store/store.ts'

export interface OffersParts {
  readonly store: EcashStore
  readonly mints: Mints
  readonly world: World
  /** The most sats that one mint may hold. */
  readonly maxPerMint: number
  /** The kind of money of the ledger. A mint with invoices of another kind is set aside. */
  readonly money: MoneyKind
}

/** A mint with less room than this counts as full, because smaller invoices are not worth it. */
const LEAST_ROOM = 100

const CALLS: Readonly<Record<Asker, Call>> = {
  stranger: 'offer',
  shared: 'shared',
  buyer: 'top_up',
}

/** The result of asking one mint for an invoice. */
type Tried =
  | { readonly is: 'invoice'; readonly invoice: Invoice }
  | { readonly is: 'busy'; readonly waitMs: number }
  | { readonly is: 'amount'; readonly least: number | null; readonly most: number | null }
  | { readonly is: 'full' | 'failed' }

/** Makes invoices of mints (NUT-04). An invoice belongs to the first mint that gives one. */
export class MintQuotes {
  readonly #parts: OffersParts

  constructor(parts: OffersParts) {
    this.#parts = parts
  }

  /**
   * Gets an invoice from the first mint that gives one. When this resolves, everything that is
   * needed to take its coins is on the disk. Throws the errors of `Wallet.createInvoice`.
   */
  async create(ask: InvoiceAsk): Promise<Invoice> {
    const call = CALLS[ask.asker ?? 'stranger']
    const tried: Tried[] = []
    for (const known of this.#parts.mints.selling()) {
      const one = await this.#try(known, ask, call)
      if (one.is === 'invoice') return one.invoice
      tried.push(one)
    }
    throw this.#refusal(tried)
  }

  async #try(known: KnownMint, ask: InvoiceAsk, call: Call): Promise<Tried> {
    const { mints, store, world, maxPerMint } = this.#parts
    const usual = isUsual(ask.sat)
    // Checks first what costs nothing, because this runs for every unpaid request.
    const busyMs = known.rateLimit.wait(call)
    if (busyMs > 0) return { is: 'busy', waitMs: busyMs }
    const holding = store.holdings().find(({ mint }) => mint === known.mint.url)
    const room = maxPerMint - (holding?.free ?? 0) - (holding?.held ?? 0)
    if (room < LEAST_ROOM) return { is: 'full' }
    try {
      const { least, most, locks, melts } = await mints.about(known)
      if (!melts) return { is: 'failed' }
      const bound = Math.min(room, most ?? room)
      if (ask.sat > bound || ask.sat < (least ?? 1)) return { is: 'amount', least, most: bound }
      const waitMs = known.rateLimit.take(call)
      if (waitMs > 0) return { is: 'busy', waitMs }
      const privateKey = locks ? newKey(world) : null
      const key = privateKey === null ? null : { privateKey }
      const memo = fitDescription(ask.memo)
      const asked = { sat: ask.sat, memo, key }
      const quoting = (mint: Mint) => this.#quote(mint, asked)
      const quote = await (usual ? mints.tried(known, quoting) : mints.unblamed(known, quoting))
      return { is: 'invoice', invoice: this.#keep(known, { quote, sat: ask.sat, privateKey }) }
    } catch (error) {
      if (error instanceof MintBusy) return { is: 'busy', waitMs: error.retryAfterMs ?? 60_000 }
      if (isAmount(error, usual)) return { is: 'amount', least: null, most: null }
      if (error instanceof MintRefused) mints.failed(known.mint.url, error.message)
      else if (!(error instanceof MintUnreachable || error instanceof MintLies)) throw error
      return { is: 'failed' }
    }
  }

  /**
   * Checks that the invoice is for exactly this amount, of our kind of money, and was never seen
   * before (threats C8).
   */
  async #quote(mint: Mint, ask: Parameters<Mint['createQuote']>[0]): Promise<MintQuote> {
    const quote = await mint.createQuote(ask)
    const money = moneyOf(quote.bolt11)
    const read = readBolt11(quote.bolt11)
    if (read === null || money === null) throw new MintLies('its invoice is none')
    if (read.amountMsat !== BigInt(ask.sat) * 1000n) {
      throw new MintLies('its invoice is for another amount than was asked for')
    }
    if (money !== this.#parts.money) {
      throw new MintLies(
        `its invoices are for ${money} money, the ledger keeps ${this.#parts.money}`,
      )
    }
    if (this.#parts.store.quote(read.paymentHash) !== null) {
      throw new MintLies('it gave the invoice of another ask again')
    }
    return quote
  }

  #keep(
    { mint }: KnownMint,
    { quote, sat, privateKey }: { quote: MintQuote; sat: number; privateKey: string | null },
  ): Invoice {
    const { store, world, mints } = this.#parts
    const { bolt11 } = quote
    const read = readBolt11(bolt11)
    const expiresAt = Math.min(read?.expiresAt ?? 0, quote.expiresAt ?? Number.POSITIVE_INFINITY)
    const hash = read?.paymentHash ?? ''
    const added = store.addQuote({
      ...{ hash, mint: mint.url, quote: quote.quote, privateKey, sat, bolt11 },
      ...{ createdAt: world.now(), expiresAt },
    })
    if (!added) {
      mints.setAside(mint.url, 'it gave one quote for two asks')
      throw new MintLies('it gave one quote for two asks')
    }
    return { bolt11, paymentHash: hash, expiresAt }
  }

  #refusal(tried: readonly Tried[]): Error {
    const waits = tried.flatMap((one) => (one.is === 'busy' ? [one.waitMs] : []))
    if (waits.length > 0) return new WalletBusy(Math.min(...waits))
    const amount = tried.find((one) => one.is === 'amount')
    if (amount !== undefined) return new AmountRefused(amount.least, amount.most)
    if (tried.length > 0 && tried.every(({ is }) => is === 'full')) {
      const { maxPerMint } = this.#parts
      return new WalletRefused(
        `every mint holds ${maxPerMint} sat, which is wallet.maxPerMint: send them on with satgate wallet withdraw`,
      )
    }
    return new WalletUnreachable(this.#parts.mints.reason)
  }
}

/**
 * Whether the error is about an unusual amount. Whatever the mint says of such an amount, it is no
 * outage.
 */
const isAmount = (error: unknown, usual: boolean): boolean =>
  usual
    ? error instanceof MintRefused && error.means === 'amount'
    : error instanceof MintRefused || error instanceof MintLies

/** Makes a secp256k1 key (NUT-20). An invalid one comes once in 2^128. */
const newKey = (world: World): string => Buffer.from(world.random(32)).toString('hex')
