import { type Awaitable, andThen, isPromise } from '../../floor/awaitable.ts'
import { ok, type Result } from '../../floor/result.ts'
import type { AccountId } from '../../ledger/ledger.ts'
import { generationOf, type Revocations } from '../../ledger/revocations.ts'
import { sameHex } from '../../passes/keys.ts'
import type { WalletList } from '../../wallets/wallet-list.ts'
import type { Credited, OfferRefused, Receipt, RedeemRefused, Want } from '../rail.ts'
import { InvoiceMaker, isTopUp } from './invoice-maker.ts'
import type { QuotaBounds } from './invoice-quota.ts'
import type { InvoiceStatus, InvoiceWant, Invoicing, IssuedInvoice, Payee } from './invoicing.ts'
import type { IssuerParts } from './issue.ts'
import { type KnownInvoiceState, Lightning } from './lightning.ts'
import { type SameInvoiceParts, sameInvoice } from './same-invoice.ts'
import type { SettlementParts } from './settlements.ts'
import { SharedOffers } from './shared-offers.ts'

export interface LightningOffersParts extends IssuerParts, SettlementParts, QuotaBounds {
  readonly revocations: Pick<Revocations, 'rotation'>
}

/**
 * The invoice of a 402. `own`: it is for this payer alone. `shared`: others are shown it too. `same`:
 * it is the one of the unpaid key that the request came with.
 */
export interface OfferedInvoice {
  readonly is: 'own' | 'shared' | 'same'
  readonly issued: IssuedInvoice
  /** The token id of this client's copy of a shared invoice. Null for other invoices. */
  readonly tokenId: string | null
}

/** The pass that an invoice buys. */
export interface SoldPass {
  readonly account: AccountId
  /** Null if its payment gives none, or the passes of the account were rotated since. */
  readonly macaroon: string | null
  /** Whether it was used, or given to its buyer. */
  readonly used: boolean
  /**
   * Whether its payment alone says as much as the pass: that has no caveats, and has not ended.
   */
  readonly alone: boolean
}

/**
 * The Lightning invoices that this gate sells credit with, and their payments. Every rail that offers
 * Lightning asks here, so that one 402 has one invoice, and one invoice is credited once (threats L4).
 */
export class LightningOffers implements Invoicing {
  readonly #parts: LightningOffersParts
  readonly #wallets: WalletList
  readonly #maker: InvoiceMaker
  readonly #payments: Lightning
  readonly #shared: SharedOffers
  readonly #same: SameInvoiceParts
  readonly #offered = new WeakMap<Want, Awaitable<Result<OfferedInvoice, OfferRefused>>>()

  constructor(parts: LightningOffersParts) {
    this.#parts = parts
    this.#wallets = parts.wallets
    const maker = new InvoiceMaker(parts)
    this.#maker = maker
    this.#same = {
      ...parts,
      macaroon: (pass) => maker.macaroon(pass),
      isPayable: (row) => maker.isPayable(row),
    }
    this.#shared = new SharedOffers({
      world: parts.world,
      make: (sat) => maker.shared(sat),
      works: ({ wallet }) => parts.wallets.isUp(wallet),
    })
    this.#payments = new Lightning(parts, (row) => {
      maker.closed(row.hash)
      this.#shared.closed(row)
    })
  }

  /** How many invoices are open now, with the shared ones. */
  get open(): number {
    return this.#maker.open
  }

  /** Whether some wallet can be asked for invoices. */
  get up(): boolean {
    return this.#wallets.up
  }

  /** Makes an invoice for one client, with its secrets. Its row is on disk when this resolves. */
  async create(want: InvoiceWant): Promise<Result<IssuedInvoice, OfferRefused>> {
    return this.#maker.asked(want)
  }

  /**
   * The invoice of a 402: one for this client alone. If the quota is used up, who tops an account up
   * gets one of its open invoices again, and all others get a shared invoice. `want.least` is the
   * sats that admit the request. The same object is answered with the same invoice: it is one 402,
   * which several rails offer.
   */
  offer(want: Want): Awaitable<Result<OfferedInvoice, OfferRefused>> {
    const before = this.#offered.get(want)
    if (before !== undefined) return before
    const offered = this.#offer(want)
    this.#offered.set(want, offered)
    return offered
  }

  /** As of `Lightning`: only the word of the wallet counts. */
  receipt(hash: string): Promise<Result<Receipt, RedeemRefused>> {
    return this.#payments.receipt(hash)
  }

  /** What is known of an invoice. Does not ask the wallet. */
  state(hash: string): Promise<KnownInvoiceState> {
    return this.#payments.state(hash)
  }

  /**
   * The pass that an invoice buys, for somebody who proves its payment. `tokenId`: of the copy of a
   * shared invoice. Null if there is no such pass, or it belongs to somebody else.
   */
  async sold(hash: string, tokenId: string | null): Promise<SoldPass | null> {
    const pass = await this.#parts.passes.get(hash)
    if (pass === null || pass.shared !== (tokenId !== null)) return null
    const owner = pass.tokenId ?? tokenId
    if (tokenId !== null && owner !== tokenId) return null
    const { account, caveats, usedAt } = pass
    const first = pass.generation === 0 && generationOf(this.#parts.revocations, account) === 0
    return {
      ...{ account, used: usedAt !== null, alone: first && caveats?.length === 0 },
      macaroon: first ? this.#maker.macaroon({ ...pass, tokenId: owner }) : null,
    }
  }

  /**
   * Gives the pass of a shared invoice to that copy, for good, unless another one has it (threats J6).
   * Resolves when that is on disk, with whether the pass is that copy's.
   */
  async claim(hash: string, tokenId: string): Promise<boolean> {
    return (await this.#parts.passes.claim(hash, tokenId)) === tokenId
  }

  /** From now on, learns of payments that nobody presents. */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#payments.start(learned)
  }

  async payee(hash: string, token: string): Promise<Payee | null> {
    const { invoices, passes } = this.#parts
    const [row, pass] = await Promise.all([invoices.get(hash), passes.get(hash)])
    const secrets = pass === null ? null : this.#maker.secretsOf(pass)
    if (row === null || pass === null || secrets === null) return null
    if (!sameHex(token, secrets.status)) return null
    const { account } = row
    return { account, settlementSecret: secrets.settlement, used: pass.usedAt !== null }
  }

  async status(hash: string, token: string): Promise<InvoiceStatus | null> {
    const { invoices, passes } = this.#parts
    const [row, pass] = await Promise.all([invoices.get(hash), passes.get(hash)])
    const secrets = pass === null ? null : this.#maker.secretsOf(pass)
    if (row === null || pass === null || secrets === null) return null
    if (!sameHex(token, secrets.status)) return null
    if (pass.usedAt !== null) return { used: true }
    // Passes that were rotated since buy credit, and open nothing.
    const ended = pass.generation !== generationOf(this.#parts.revocations, pass.account)
    const macaroon = ended ? null : this.#maker.macaroon(pass)
    if (row.settledAt === null) {
      this.#payments.wake(row)
      return { used: false, row, macaroon, paid: null }
    }
    const preimage = await this.#payments.preimage(row)
    const paid = { preimage, settlementSecret: secrets.settlement }
    return { used: false, row, macaroon, paid }
  }

  #offer(want: Want): Awaitable<Result<OfferedInvoice, OfferRefused>> {
    if (want.unpaid === null) return this.#offerNew(want)
    const { unpaid, least } = want
    return sameInvoice({ unpaid, least }, this.#same).then((same) =>
      same === null ? this.#offerNew(want) : ok({ is: 'same', issued: same, tokenId: null }),
    )
  }

  #offerNew(want: Want): Awaitable<Result<OfferedInvoice, OfferRefused>> {
    const shares = !isTopUp(want.quota) && this.#wallets.shares
    const own = this.#maker.offered(want)
    const prepares = shares && this.up && want.quota.is === 'stranger'
    const prepared = prepares ? this.#shared.prepare(want.least) : null
    if (!isPromise(own) && !isPromise(prepared)) return this.#instead(want, { own, shares })
    return Promise.all([own, prepared]).then(([made]) => this.#instead(want, { own: made, shares }))
  }

  /** What is offered if there is no own invoice. */
  #instead(
    want: Want,
    { own, shares }: { own: Result<IssuedInvoice, OfferRefused>; shares: boolean },
  ): Awaitable<Result<OfferedInvoice, OfferRefused>> {
    if (own.ok) return ok(ownOf(own.value))
    const { why } = own.error
    if (why === 'wallet_unreachable' || why === 'amount_refused') return own
    if (isTopUp(want.quota)) {
      return this.#maker.again(want).then((again) => (again === null ? own : ok(ownOf(again))))
    }
    if (!shares) return own
    return andThen(this.#shared.get(want.least), (shared) =>
      shared.ok ? ok({ is: 'shared', ...this.#maker.copy(shared.value) }) : shared,
    )
  }
}

const ownOf = (issued: IssuedInvoice): OfferedInvoice => ({ is: 'own', issued, tokenId: null })
