import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow, Invoices } from '../ledger/invoices.ts'
import type { AccountId } from '../ledger/ledger.ts'
import { floorSat, fromSat, msat } from '../money/msat.ts'
import { encodeBase64 } from '../passes/base64.ts'
import { writeIdentifier } from '../passes/identifier.ts'
import {
  macaroonKey,
  sameHex,
  secretMatches,
  settlementSecret,
  statusToken,
} from '../passes/keys.ts'
import { mint, serialize } from '../passes/macaroon.ts'
import { SecondChance } from '../passes/second-chance.ts'
import { type Made, offerOf } from './made.ts'
import { OpenOffers } from './open-offers.ts'
import type { Offer, OfferRefused, Redeemed } from './rail.ts'
import type { WalletLine } from './wallet-line.ts'

/** Root keys by their id: a macaroon is verified with the one that it was made with (C12). */
export interface RootKeys {
  readonly current: { readonly id: string; readonly master: Uint8Array }
  byId(id: string): Uint8Array | null
}

export interface L402Options {
  readonly line: WalletLine
  readonly invoices: Invoices
  readonly keys: RootKeys
  readonly world: World
  /** `limits.invoicesPerClient`, `limits.invoicesTotal`. */
  readonly perClient: number
  readonly total: number
}

/** What an invoice is for. */
export interface InvoiceFor {
  readonly sat: number
  /** The account that it tops up; null opens a new one. */
  readonly account: AccountId | null
  /** Caveats that its macaroon is born with, canonical. Null: no macaroon at all (threats I4). */
  readonly caveats: readonly string[] | null
  /** Whose open invoices it counts among. */
  readonly client: string
}

/** What the holder of a status token learns, until the pass is first used. */
export type InvoiceStatus =
  | { readonly paid: false }
  | {
      readonly paid: true
      readonly preimage: string | null
      readonly settlementSecret: string | null
    }

/** s that an invoice can be paid in time; paid later it credits all the same. */
const EXPIRY = 600
/** ms that a shared invoice is shown for (DESIGN 6: about a minute). */
const SHARED_FOR = 60_000
/** ms between two questions to the wallet about one invoice by its status page. */
const ASK_AGAIN = 1_000
const LOCATION = 'satgate'

/** The rail: invoices as offers, preimages as credentials (L402 protocol specification, bLIP-26). */
export class L402 {
  readonly #options: L402Options
  readonly #open: OpenOffers
  readonly #shared = new Map<
    number,
    { readonly made: ReturnType<L402['create']>; readonly until: number }
  >()
  readonly #asking = new Map<string, Promise<boolean>>()
  readonly #asked = new Map<string, number>()
  readonly #opened = new SecondChance<string>(20_000)

  constructor(options: L402Options) {
    this.#options = options
    this.#open = new OpenOffers(options.perClient, options.total)
  }

  /** How many invoices with a secret are open now. */
  get open(): number {
    return this.#open.size
  }

  /** The wallet can be asked for invoices. */
  get up(): boolean {
    return this.#options.line.up
  }

  /** An invoice of one's own, with its secrets. Its row is on disk when this resolves. */
  async create(want: InvoiceFor): Promise<Result<Made, OfferRefused>> {
    const now = this.#options.world.now()
    if (!this.#options.line.up) return err({ why: 'wallet_unreachable' })
    if (!this.#open.reserve(want.client, now)) {
      return err({ why: 'too_many_open', retryAfterSeconds: 60 })
    }
    const made = await this.#make(want, true).catch((error: unknown) => {
      this.#open.cancelled(want.client)
      throw error
    })
    if (!made.ok) {
      this.#open.cancelled(want.client)
      return made
    }
    const { hash, expiresAt } = made.value.row
    // A mint's invoice lives for a day: its place among the open ones is free again before.
    this.#open.opened(want.client, hash, Math.min(expiresAt, now + EXPIRY * 1000))
    return made
  }

  /** The offer of a 402: an invoice of one's own, past the bound one that is shared. */
  async offer(want: InvoiceFor): Promise<Result<Offer, OfferRefused>> {
    const own = await this.create(want)
    if (own.ok) return ok(offerOf(own.value))
    const { error } = own
    if (error.why === 'wallet_unreachable') return own
    if (error.why === 'amount_refused') {
      const { least } = error
      return least !== null && least > want.sat ? this.offer({ ...want, sat: least }) : own
    }
    const shared = await this.#share(want.sat)
    return shared.ok ? ok(offerOf(shared.value)) : shared
  }

  /**
   * What a secret is worth. Only the wallet's `settled` counts, and is kept for good; a preimage
   * alone proves nothing (wire facts 1.4). Safe to repeat.
   */
  async redeem(row: InvoiceRow, secret: string): Promise<Redeemed> {
    if (!this.#opens(row, secret)) return err('bad_secret')
    return this.settlement(row)
  }

  /** The receipt of an invoice, once its wallet says that it is settled. */
  async settlement(row: InvoiceRow): Promise<Redeemed> {
    const receipt = (received: bigint) => ({
      payment: `l402:${row.hash}`,
      account: row.account,
      amount: msat(received),
      rail: 'l402',
      native: { amount: String(received), unit: 'msat', rate: '1' },
    })
    if (row.settledAt !== null) return ok({ receipt: receipt(row.amount), fresh: false })
    const state = await this.#options.line.lookup(row.hash)
    if (state === null) return err('unreachable')
    if (state.is !== 'settled') return err('pending')
    this.#open.closed(row.hash)
    this.#dropShared(row)
    const received = state.receivedMsat > row.amount ? state.receivedMsat : row.amount
    return ok({ receipt: receipt(received), fresh: true })
  }

  /** Whether that token was given out with this invoice. */
  tokenFits(row: InvoiceRow, token: string): boolean {
    const master = this.#options.keys.byId(row.keyId)
    return row.exclusive && master !== null && sameHex(token, statusToken(master, row))
  }

  /** The macaroon that was offered with this row, again; null where it has none or is not known. */
  macaroon(row: InvoiceRow): string | null {
    const master = this.#options.keys.byId(row.keyId)
    return master && row.caveats && macaroonOf(row, master, row.caveats)
  }

  /**
   * What the token's holder is told. The wallet is asked at most once a second for each invoice;
   * `learn` is called when settlement is first seen, and resolves when it is credited.
   */
  async status(row: InvoiceRow, learn: () => Promise<boolean>): Promise<InvoiceStatus> {
    const paid = row.settledAt !== null || (await this.#ask(row.hash, learn))
    if (!paid) return { paid: false }
    const master = this.#options.keys.byId(row.keyId)
    const state = await this.#options.line.lookup(row.hash)
    return {
      paid: true,
      preimage: state?.is === 'settled' ? state.preimage : null,
      settlementSecret: master === null ? null : settlementSecret(master, row),
    }
  }

  /** A secret that opened a row once is compared with itself from then on: its HMAC is dear. */
  #opens(row: InvoiceRow, secret: string): boolean {
    const known = this.#opened.get(row.hash)
    if (known !== undefined && sameHex(secret, known)) return true
    const master = this.#options.keys.byId(row.keyId)
    const opens =
      secretMatches(secret, row.hash) ||
      (row.exclusive && master !== null && sameHex(secret, settlementSecret(master, row)))
    if (opens) this.#opened.set(row.hash, secret)
    return opens
  }

  async #ask(hash: string, learn: () => Promise<boolean>): Promise<boolean> {
    const running = this.#asking.get(hash)
    if (running !== undefined) return running
    const now = this.#options.world.now()
    if (now - (this.#asked.get(hash) ?? 0) < ASK_AGAIN) return false
    if (this.#asked.size > 10_000) this.#asked.clear()
    this.#asked.set(hash, now)
    const asking = learn().finally(() => this.#asking.delete(hash))
    this.#asking.set(hash, asking)
    return asking
  }

  async #share(sat: number): Promise<Result<Made, OfferRefused>> {
    const now = this.#options.world.now()
    const kept = this.#shared.get(sat)
    if (kept !== undefined && kept.until > now) return kept.made
    for (const [amount, old] of this.#shared) if (old.until <= now) this.#shared.delete(amount)
    const made = this.#make({ sat, account: null, caveats: [], client: '' }, false)
    this.#shared.set(sat, { made, until: now + SHARED_FOR })
    const done = await made
    if (!done.ok) this.#shared.delete(sat)
    return done
  }

  #dropShared(row: InvoiceRow): void {
    if (!row.exclusive) this.#shared.delete(floorSat(row.amount))
  }

  async #make(want: InvoiceFor, exclusive: boolean): Promise<Result<Made, OfferRefused>> {
    const { line, invoices, keys, world } = this.#options
    const asker = want.account === null ? 'stranger' : 'buyer'
    const ask = { sat: want.sat, memo: 'satgate credit', expirySeconds: EXPIRY, asker } as const
    const created = await line.createInvoice(ask)
    if (!created.ok) return created
    const invoice = created.value
    const row: InvoiceRow = {
      hash: invoice.paymentHash,
      tokenId: Buffer.from(world.random(32)).toString('hex'),
      keyId: keys.current.id,
      account: want.account ?? newAccount(world),
      amount: fromSat(want.sat),
      wallet: line.wallet.kind,
      bolt11: invoice.bolt11,
      exclusive,
      createdAt: world.now(),
      expiresAt: invoice.expiresAt,
      settledAt: null,
      usedAt: null,
      caveats: want.caveats,
    }
    await invoices.put(row)
    const token = exclusive ? statusToken(keys.current.master, row) : null
    return ok({
      row,
      bolt11: invoice.bolt11,
      macaroon: want.caveats === null ? null : macaroonOf(row, keys.current.master, want.caveats),
      paymentUrl: token === null ? null : `/invoice-status/${row.hash}?token=${token}`,
      statusToken: token,
    })
  }
}

/** 32 hex digits that name a balance. */
export const newAccount = (world: World): AccountId => Buffer.from(world.random(16)).toString('hex')

/** The macaroon that names this row's account, base64. */
export function macaroonOf(
  row: Pick<InvoiceRow, 'hash' | 'tokenId'>,
  master: Uint8Array,
  caveats: readonly string[],
): string {
  const made = { location: LOCATION, caveats }
  return encodeBase64(serialize(mint(macaroonKey(master, row), writeIdentifier(row), made)))
}
