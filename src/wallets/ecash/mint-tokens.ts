import { backOff } from '../../floor/back-off.ts'
import type { World } from '../../floor/world.ts'
import { isAhead } from './ahead.ts'
import type { Freeze } from './freeze.ts'
import { isOfMint, type Mint, MintRefused, OutputsKept, type Proof } from './mint/mint.ts'
import { splitSats } from './mint/sats.ts'
import type { KnownMint, Mints } from './mints.ts'
import { isGivenUp, type Quote, type SentBatch } from './store/rows.ts'
import type { EcashStore } from './store/store.ts'

export interface CollectorParts {
  readonly store: EcashStore
  readonly mints: Mints
  readonly freeze: Freeze
  readonly world: Pick<World, 'now'>
  /** Called when the coins of an invoice are on the disk. */
  readonly onMinted: (quote: Quote) => void
}

/** The ms between two tries to restore coins. It grows up to the second value. */
const RETRY = 1_000
const LONGEST_RETRY = 120_000
/**
 * The ms between two look-ups of one invoice, whoever waits for it. At a mint that allows few calls
 * it grows, so that one payment that the mint sees late does not use up the calls of the others
 * (threats J5).
 */
const LOOK_AGAIN = 400
const LONGEST_LOOK_AGAIN = 5_000
/** After so many ms without a look-up, the next one counts as the first. */
const LOOKED_LONG_AGO = 60_000

/**
 * Why an invoice is looked up: in a round, because somebody presented its payment, or because the
 * mint told of it.
 */
export type Asking = 'poll' | 'paid' | 'told'

/**
 * Takes the coins of paid invoices. An invoice counts as settled when its coins are checked and on
 * the disk, and not before. So nobody loses anything to a mint that says "paid" and gives nothing.
 */
export class TokenMinter {
  readonly #parts: CollectorParts
  readonly #running = new Map<string, Promise<void>>()
  readonly #looked = new Map<string, { readonly at: number; readonly times: number }>()
  readonly #retries = new Map<string, { readonly at: number; readonly times: number }>()

  constructor(parts: CollectorParts) {
    this.#parts = parts
  }

  /**
   * Looks an invoice up, and takes its coins if it is paid. For one invoice this runs once at a
   * time. If the mint cannot be called now, nothing happens, and it is called later. If the mint
   * itself told of the payment, no look-up is needed, because without its coins nothing is settled.
   */
  collect(hash: string, asking: Asking): Promise<void> {
    const running = this.#running.get(hash)
    if (running !== undefined) return running
    const collecting = this.#collect(hash, asking).finally(() => this.#running.delete(hash))
    this.#running.set(hash, collecting)
    return collecting
  }

  /** When it was last looked up, in ms. 0 if this process has not looked it up. */
  lookedAt(hash: string): number {
    return this.#looked.get(hash)?.at ?? 0
  }

  async #collect(hash: string, asking: Asking): Promise<void> {
    const { store, mints, freeze } = this.#parts
    const quote = store.quote(hash)
    const known = quote === null ? null : mints.find(quote.mint)
    if (quote === null || quote.state !== 'open' || known === null || freeze.reason !== null) return
    if (asking !== 'told' && !this.#mayLook(known, hash)) return
    try {
      const sent = store.sentFor(hash)
      if (sent !== null) {
        if (this.#mayRetry(hash)) await this.#recover(known, quote, sent)
        return
      }
      await this.#look(known, quote, asking)
    } catch (error) {
      if (!isOfMint(error)) throw error
      if (error instanceof MintRefused) mints.failed(known.mint.url, error.message)
    }
  }

  /** Coins that cannot be restored now must not use up the calls to the mint. */
  #mayRetry(hash: string): boolean {
    const now = this.#parts.world.now()
    const { at, times } = this.#retries.get(hash) ?? { at: 0, times: 0 }
    if (now < at + backOff(RETRY, times, LONGEST_RETRY)) return false
    this.#retries.set(hash, { at: now, times: times + 1 })
    return true
  }

  #mayLook({ rateLimit }: KnownMint, hash: string): boolean {
    const { at, times } = this.#looked.get(hash) ?? { at: 0, times: 0 }
    const gap = rateLimit.limited ? backOff(LOOK_AGAIN, times - 1, LONGEST_LOOK_AGAIN) : LOOK_AGAIN
    return this.#parts.world.now() - at >= gap
  }

  async #look(known: KnownMint, quote: Quote, asking: Asking): Promise<void> {
    if (asking === 'told') return this.#mint(known, quote)
    const { mints } = this.#parts
    const state = await mints.ask(known, asking, (mint) => mint.quoteState(quote.quote))
    if (state === null) return
    this.#lookedNow(quote.hash)
    if (state === 'paid') await this.#mint(known, quote)
    if (state === 'issued') await this.#issuedElsewhere(known, quote)
  }

  #lookedNow(hash: string): void {
    if (this.#looked.size > 20_000) this.#looked.clear()
    const now = this.#parts.world.now()
    const { at, times } = this.#looked.get(hash) ?? { at: 0, times: 0 }
    this.#looked.set(hash, { at: now, times: now - at > LOOKED_LONG_AGO ? 1 : times + 1 })
  }

  /**
   * The batch is on the disk before it is sent. With the seed, it can restore the coins (NUT-09).
   */
  async #mint(known: KnownMint, quote: Quote): Promise<void> {
    const { store, mints, world, freeze } = this.#parts
    const about = await mints.about(known)
    const batch = store.beginBatch({
      ...{ kind: 'mint', mint: known.mint.url, keyset: about.keyset, quote: quote.hash },
      ...{ amounts: splitSats(quote.sat, about.amounts), inputs: [], at: world.now() },
    })
    try {
      const coins = await mints.tried(known, (mint) => mintBatch(mint, quote, batch))
      this.#finish(quote, batch, coins)
    } catch (error) {
      if (!(error instanceof MintRefused)) throw error
      store.voidBatch(batch.n)
      if (error.means === 'issued') return this.#issuedElsewhere(known, quote)
      if (error.means !== 'signed') throw error
      // These outputs were never sent before, and the mint has signed them. So somebody else has
      // our seed.
      const theirs = await mints.tried(known, (mint) => mint.restore(batch))
      if (theirs.length > 0)
        return freeze.set(`Coins of this seed were made elsewhere at ${hostOf(known)}`, world.now())
      mints.setAside(known.mint.url, 'it says that it signed what it never saw')
    }
  }

  /**
   * Restores a batch of which nobody knows whether it reached the mint. No other batch is restored
   * (threats I11).
   */
  async #recover(known: KnownMint, quote: Quote, batch: SentBatch): Promise<void> {
    const { mints } = this.#parts
    const coins = await mints.ask(known, 'paid', (mint) => mint.restore(batch))
    if (coins === null) return
    if (coins.length > 0) {
      if (coins.length !== batch.amounts.length) {
        return mints.setAside(known.mint.url, 'it signed a part of an invoice’s coins')
      }
      return this.#finish(quote, batch, coins)
    }
    const state = await mints.ask(known, 'paid', (mint) => mint.quoteState(quote.quote))
    if (state === 'issued') return this.#issuedElsewhere(known, quote)
    if (state !== 'paid') return
    try {
      // Sends the very same outputs. If they were signed twice by mistake, each would still be one
      // coin.
      const again = await mints.tried(known, (mint) => mintBatch(mint, quote, batch))
      this.#finish(quote, batch, again)
    } catch (error) {
      const { store, world } = this.#parts
      if (error instanceof OutputsKept && isGivenUp(batch, world.now())) store.voidBatch(batch.n)
      if (!(error instanceof MintRefused)) throw error
      if (error.means === 'keyset') return store.voidBatch(batch.n)
      if (error.means !== 'signed' && error.means !== 'issued') throw error
    }
  }

  /**
   * The mint says that it gave the coins out, and not to us. Either a copy of this wallet took
   * them, or the mint keeps them.
   */
  async #issuedElsewhere(known: KnownMint, quote: Quote): Promise<void> {
    const { store, mints, freeze, world } = this.#parts
    for (const batch of store.voidFor(quote.hash)) {
      const coins = await mints.tried(known, (mint) => mint.restore(batch))
      if (coins.length < batch.amounts.length) continue
      store.reopenBatch(batch.n)
      return this.#finish(quote, batch, coins)
    }
    if (await this.ahead(known)) {
      return freeze.set(`Coins of this seed were made elsewhere at ${hostOf(known)}`, world.now())
    }
    const sent = store.sentFor(quote.hash)
    if (sent !== null) store.voidBatch(sent.n)
    store.markStuck(quote.hash)
    mints.setAside(known.mint.url, 'it says that an invoice’s coins were given out, and not to us')
  }

  /**
   * Whether the mint has signed outputs of this seed that are beyond our counter. Then another
   * wallet uses the same seed.
   */
  async ahead(known: KnownMint): Promise<boolean> {
    const { store, mints } = this.#parts
    const { keyset } = await mints.about(known)
    return isAhead(store, keyset, (batch) => mints.tried(known, (mint) => mint.restore(batch)))
  }

  #finish(quote: Quote, batch: SentBatch, coins: readonly Proof[]): void {
    const { store, mints, onMinted } = this.#parts
    const sum = coins.reduce((sats, { amount }) => sats + amount, 0)
    if (sum !== quote.sat) {
      mints.setAside(batch.mint, 'it gave coins of another amount than was paid')
      return
    }
    this.#retries.delete(quote.hash)
    if (store.finishBatch(batch, coins)) onMinted(store.quote(quote.hash) ?? quote)
  }
}

const mintBatch = (mint: Mint, quote: Quote, batch: SentBatch): Promise<readonly Proof[]> => {
  const key = quote.privateKey === null ? null : { privateKey: quote.privateKey }
  return mint.mint(quote.quote, key, batch)
}

const hostOf = ({ mint }: KnownMint): string => new URL(mint.url).host
