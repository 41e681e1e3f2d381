import { ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { InvoiceRow, Invoices } from '../../ledger/invoices.ts'
import type { Passes, PassRow } from '../../ledger/passes.ts'
import { fromSat } from '../../money/msat.ts'
import type { Tiers } from '../../money/tiers.ts'
import { settlementSecret, statusToken } from '../../passes/keys.ts'
import { hex, macaroonOf, newAccount, type RootKeys } from '../../passes/write.ts'
import type { Asker } from '../../wallets/wallet.ts'
import type { WalletList } from '../../wallets/wallet-list.ts'
import type { OfferRefused } from '../rail.ts'
import type { InvoiceWant, IssuedInvoice } from './invoicing.ts'

export interface IssuerParts {
  readonly wallets: WalletList
  readonly passes: Passes
  readonly invoices: Invoices
  readonly keys: RootKeys
  readonly world: World
  readonly tiers: Tiers
}

/** What is needed to make an invoice. */
export type Issue = Omit<InvoiceWant, 'quota'>

/** Seconds after which an invoice expires. If it is paid later, it is credited nevertheless. */
export const EXPIRY = 600

/** The name of a Lightning payment. It is the same whichever rail presents it (threats L4). */
export const lightningPayment = (hash: string): string => `ln:${hash}`

/** Makes invoices, and the macaroons and secrets of the passes that they buy. */
export class Issuer {
  readonly #parts: IssuerParts

  constructor(parts: IssuerParts) {
    this.#parts = parts
  }

  /** Makes an invoice for one client, with its secrets. Its rows are on disk when this resolves. */
  async own(issue: Issue, asker: Asker): Promise<Result<IssuedInvoice, OfferRefused>> {
    const { world, keys } = this.#parts
    const tokenId = hex(world.random(32))
    const made = await this.#row(issue, { asker, tokenId })
    if (!made.ok) return made
    const row = made.value
    const { master } = keys.current
    const named = { hash: row.hash, tokenId }
    const token = statusToken(master, named)
    return ok({
      row,
      generation: issue.generation,
      macaroon: issue.caveats === null ? null : macaroonOf(named, master, issue.caveats),
      paymentUrl: `/invoice-status/${row.hash}?token=${token}`,
      statusToken: token,
    })
  }

  /**
   * Makes an invoice that many clients are shown. Its pass belongs to nobody until one of them has
   * paid (threats J6).
   */
  shared(sat: number): Promise<Result<InvoiceRow, OfferRefused>> {
    return this.#row(
      { sat, account: null, caveats: [], generation: 0 },
      { asker: 'shared', tokenId: null },
    )
  }

  /** What one client gets of a shared invoice: its own macaroon, and no secret (threats I2). */
  copy(row: InvoiceRow): { readonly issued: IssuedInvoice; readonly tokenId: string } {
    const { keys, world } = this.#parts
    const named = { hash: row.hash, tokenId: hex(world.random(32)) }
    const macaroon = macaroonOf(named, keys.current.master, [])
    const issued = { row, generation: 0, macaroon, paymentUrl: null, statusToken: null }
    return { issued, tokenId: named.tokenId }
  }

  /** The secrets of a pass whose invoice was shown to one client only. Null for any other pass. */
  secretsOf(pass: PassRow): { readonly settlement: string; readonly status: string } | null {
    const named = this.#named(pass)
    if (named === null || pass.shared) return null
    return {
      settlement: settlementSecret(named.master, named),
      status: statusToken(named.master, named),
    }
  }

  /** Makes the offered macaroon again. Null if the pass has none, or its root key is not known. */
  macaroon(pass: PassRow): string | null {
    const named = this.#named(pass)
    return named && pass.caveats && macaroonOf(named, named.master, pass.caveats)
  }

  #named({ hash, tokenId, keyId }: PassRow) {
    const master = this.#parts.keys.byId(keyId)
    return master === null || tokenId === null ? null : { hash, tokenId, master }
  }

  /** Makes an invoice, and writes it and the pass that it buys in one commit. */
  async #row(
    { sat, account, caveats, generation }: Issue,
    { asker, tokenId }: { readonly asker: Asker; readonly tokenId: string | null },
  ): Promise<Result<InvoiceRow, OfferRefused>> {
    const { wallets, passes, invoices, keys, tiers, world } = this.#parts
    const ask = { sat, memo: 'satgate credit', expirySeconds: EXPIRY, asker }
    const created = await wallets.createInvoice(ask)
    if (!created.ok) return created
    const { paymentHash: hash, bolt11, expiresAt, wallet } = created.value
    const createdAt = world.now()
    const payee = account ?? newAccount(world.random)
    const amount = fromSat(sat)
    const row: InvoiceRow = {
      ...{ hash, account: payee, amount, bonus: tiers.bonusOf(amount) },
      ...{ wallet, bolt11 },
      ...{ createdAt, expiresAt, settledAt: null },
    }
    await Promise.all([
      passes.put({
        ...{ hash, payment: lightningPayment(hash), tokenId, keyId: keys.current.id },
        ...{
          account: payee,
          shared: tokenId === null,
          caveats,
          createdAt,
          usedAt: null,
          generation,
        },
      }),
      invoices.put(row),
    ])
    return ok(row)
  }
}
