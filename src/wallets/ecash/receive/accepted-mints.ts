import { unwritable } from '../../../floor/unwritable.ts'
import type { World } from '../../../floor/world.ts'
import type { MoneyKind } from '../../../ledger/ledger.ts'
import { moneyOf } from '../../bolt11.ts'
import { isOfMint, MintBusy } from '../mint/mint.ts'
import { normalMintUrl } from '../mint/url.ts'
import type { KnownMint, Mints } from '../mints.ts'
import type { EcashStore } from '../store/store.ts'
import type { TokenRows } from './token-rows.ts'

export interface AcceptedMintsParts {
  readonly mints: Mints
  /** Those whose tokens are taken, in normal form, in the order of the operator. */
  readonly urls: readonly string[]
  readonly store: EcashStore
  readonly rows: TokenRows
  readonly world: Pick<World, 'now' | 'elapsed'>
  /** The most sats that one mint may hold. */
  readonly maxPerMint: number
  /** The kind of money of the ledger. */
  readonly money: MoneyKind
  readonly say: (event: object) => void
}

/** A mint whose tokens can be taken now. */
export interface OpenMint {
  readonly url: string
  /** The fee for a thousand inputs, in sats. */
  readonly feePpk: number
  /** How many sats it may still take. */
  readonly room: number
}

/** ms between two questions for the keysets of a mint that tokens with unknown keysets cause. */
const ANEW = 10_000
/** The list of open mints is used again for so many ms, because it is needed for every 402. */
const KEPT = 1_000

/**
 * The mints whose tokens are taken. A mint must be named by the operator (threats E1), answer, pay
 * invoices (threats L9), and be of the ledger's kind of money.
 */
export class AcceptedMints {
  readonly #parts: AcceptedMintsParts
  /** By mint. It is there while the mint may be used. */
  readonly #terms = new Map<string, { readonly feePpk: number }>()
  /** By mint: when it was last asked for its keysets because a token names another one. */
  readonly #anew = new Map<string, number>()
  #open: { readonly at: number; readonly mints: readonly OpenMint[] } | null = null
  /** Whether a token could be written down. On a full disk none is asked for (threats J12). */
  #writable = true

  constructor(parts: AcceptedMintsParts) {
    this.#parts = parts
  }

  get urls(): readonly string[] {
    return this.#parts.urls
  }

  /** The mint that a token names, however it is spelled. Null if the operator does not name it. */
  find(text: string): KnownMint | null {
    const url = normalMintUrl(text)
    return url === null || !this.urls.includes(url) ? null : this.#parts.mints.find(url)
  }

  /** Whether a mint may be used now. A mint that was not looked at yet may not. */
  isOpen(url: string): boolean {
    return this.#terms.has(url) && this.#parts.mints.trusted(url)
  }

  /** The sats that a mint may still take. */
  room(url: string): number {
    return this.#parts.maxPerMint - this.#parts.rows.heldAt(url)
  }

  /**
   * The ids of all keysets of a mint. `anew`: a token names one that is not among them, so the mint
   * may have a new one. Tokens that nobody made cannot cause many calls, and none of those that are
   * kept for buyers: then `MintBusy` is thrown.
   */
  async keysets({ mint, rateLimit }: KnownMint, anew: boolean): Promise<readonly string[]> {
    const now = this.#parts.world.elapsed()
    const again = anew && now - (this.#anew.get(mint.url) ?? Number.NEGATIVE_INFINITY) >= ANEW
    if (again) {
      const wait = rateLimit.take('offer')
      if (wait > 0) throw new MintBusy(wait)
      this.#anew.set(mint.url, now)
    }
    return mint.keysets(again ? 'anew' : undefined)
  }

  /** Those that a payer may be sent to: nothing was wrong at their last call. Makes no call. */
  open(): readonly OpenMint[] {
    const at = this.#parts.world.elapsed()
    if (this.#open === null || at - this.#open.at >= KEPT) {
      const mints = this.urls.flatMap((url) => {
        const terms = this.#terms.get(url)
        if (!this.#writable || terms === undefined || !this.#parts.mints.ok(url)) return []
        return [{ url, feePpk: terms.feePpk, room: this.room(url) }]
      })
      this.#open = { at, mints }
    }
    return this.#open.mints
  }

  /**
   * Looks whether the disk takes tokens, and asks each mint whether it can be used. What a mint offers
   * is asked for only now and then.
   */
  async look(): Promise<void> {
    this.#writable = this.#tryWriting()
    this.#open = null
    if (!this.#writable) return
    for (const url of this.urls) await this.lookAt(url)
  }

  #tryWriting(): boolean {
    try {
      this.#parts.store.tryWriting()
      return true
    } catch (error) {
      if (unwritable(error) === null) throw error
      return false
    }
  }

  /** The same for one mint. Does not throw what the mint does. */
  async lookAt(url: string): Promise<void> {
    const { mints } = this.#parts
    const known = mints.find(url)
    if (known === null || !mints.trusted(url)) return
    try {
      // A mint that sells invoices is called anyway, so its outage is noticed.
      if (!known.sells || !mints.ok(url)) await mints.ask(known, 'poll', (mint) => mint.alive())
      const { keyset, melts } = await mints.about(known)
      const usable = melts && (await this.#isOurMoney(known))
      const thousand = Array.from({ length: 1000 }, () => ({ keyset }))
      if (usable) this.#terms.set(url, { feePpk: await known.mint.feeFor(thousand) })
      else this.#terms.delete(url)
    } catch (error) {
      if (!isOfMint(error)) throw error
    }
    this.#open = null
  }

  /**
   * Whether the mint holds money of the ledger's kind. Its invoices show that. It is asked for one
   * only if there is none of it here, and the answer is kept.
   */
  async #isOurMoney(known: KnownMint): Promise<boolean> {
    const { store, money, mints } = this.#parts
    const { url } = known.mint
    const name = `money:${url}`
    const kept = store.fact(name)
    if (kept !== null) return kept === money
    const found = await this.#moneyOf(known)
    if (found === null) return false
    store.setFact(name, found)
    if (found !== money) {
      mints.setAside(url, `its invoices are for ${found} money, the ledger keeps ${money}`)
    }
    return found === money
  }

  async #moneyOf(known: KnownMint): Promise<MoneyKind | null> {
    const { store, mints } = this.#parts
    const sql = 'SELECT bolt11 FROM quotes WHERE mint = ? LIMIT 1'
    const quote = store.get(sql, known.mint.url)
    if (quote !== null) return moneyOf(String(quote.bolt11))
    const { least } = await mints.about(known)
    const ask = { sat: Math.max(least ?? 1, 10), memo: 'satgate', key: null }
    const made = await mints.ask(known, 'top_up', (mint) => mint.createQuote(ask))
    return made === null ? null : moneyOf(made.bolt11)
  }
}
