import { ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow, Invoices } from '../ledger/invoices.ts'
import type { AccountId } from '../ledger/ledger.ts'
import { fromSat } from '../money/msat.ts'
import { encodeBase64 } from '../passes/base64.ts'
import { type Identifier, writeIdentifier } from '../passes/identifier.ts'
import { macaroonKey, settlementSecret, statusToken } from '../passes/keys.ts'
import { mint, serialize } from '../passes/macaroon.ts'
import type { Asker } from '../wallets/wallet.ts'
import type { Made } from './made.ts'
import type { OfferRefused } from './rail.ts'
import type { WalletLine } from './wallet-line.ts'

/** Root keys by their id: a macaroon is verified with the one that it was made with (C12). */
export interface RootKeys {
  readonly current: { readonly id: string; readonly master: Uint8Array }
  byId(id: string): Uint8Array | null
}

export interface IssuerParts {
  readonly line: WalletLine
  readonly invoices: Invoices
  readonly keys: RootKeys
  readonly world: World
}

/** What an invoice is made with. */
export interface Issue {
  readonly sat: number
  /** The account that it tops up; null opens a new one. */
  readonly account: AccountId | null
  /** Caveats that its macaroon is born with, canonical. Null: no macaroon at all (threats I4). */
  readonly caveats: readonly string[] | null
}

/** s that an invoice can be paid in time; paid later it credits all the same. */
export const EXPIRY = 600
const LOCATION = 'satgate'

/** Makes invoices, and the macaroons and secrets that belong to them. */
export class Issuer {
  readonly #parts: IssuerParts

  constructor(parts: IssuerParts) {
    this.#parts = parts
  }

  /** An invoice of one client's own, with its secrets. Its row is on disk when this resolves. */
  async own(issue: Issue, asker: Asker): Promise<Result<Made, OfferRefused>> {
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
      bolt11: row.bolt11 ?? '',
      macaroon: issue.caveats === null ? null : macaroonOf(named, master, issue.caveats),
      paymentUrl: `/invoice-status/${row.hash}?token=${token}`,
      statusToken: token,
    })
  }

  /** An invoice that many are shown: its row is nobody's until one of them has paid (threats J6). */
  shared(sat: number): Promise<Result<InvoiceRow, OfferRefused>> {
    return this.#row({ sat, account: null, caveats: [] }, { asker: 'shared', tokenId: null })
  }

  /** What one client is shown of a shared invoice: a macaroon of its own, and no secret (threats I2). */
  copy(row: InvoiceRow): Made {
    const { keys, world } = this.#parts
    const named = { hash: row.hash, tokenId: hex(world.random(32)) }
    return {
      row,
      bolt11: row.bolt11 ?? '',
      macaroon: macaroonOf(named, keys.current.master, []),
      paymentUrl: null,
      statusToken: null,
    }
  }

  /** The secrets of a row that was shown to one client alone; null for any other. */
  secretsOf(row: InvoiceRow): { readonly settlement: string; readonly status: string } | null {
    const named = this.#named(row)
    if (named === null || !row.exclusive) return null
    return {
      settlement: settlementSecret(named.master, named),
      status: statusToken(named.master, named),
    }
  }

  /** The macaroon that was offered with this row, again; null where it has none or is not known. */
  macaroon(row: InvoiceRow): string | null {
    const named = this.#named(row)
    return named && row.caveats && macaroonOf(named, named.master, row.caveats)
  }

  #named({ hash, tokenId, keyId }: InvoiceRow) {
    const master = this.#parts.keys.byId(keyId)
    return master === null || tokenId === null ? null : { hash, tokenId, master }
  }

  async #row(
    { sat, account, caveats }: Issue,
    { asker, tokenId }: { readonly asker: Asker; readonly tokenId: string | null },
  ): Promise<Result<InvoiceRow, OfferRefused>> {
    const { line, invoices, keys, world } = this.#parts
    const ask = { sat, memo: 'satgate credit', expirySeconds: EXPIRY, asker }
    const created = await line.createInvoice(ask)
    if (!created.ok) return created
    const { paymentHash: hash, bolt11, expiresAt } = created.value
    const row: InvoiceRow = {
      hash,
      tokenId,
      keyId: keys.current.id,
      account: account ?? newAccount(world),
      amount: fromSat(sat),
      wallet: line.wallet.kind,
      bolt11,
      exclusive: tokenId !== null,
      createdAt: world.now(),
      expiresAt,
      settledAt: null,
      usedAt: null,
      caveats,
    }
    await invoices.put(row)
    return ok(row)
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** 32 hex digits that name a balance. */
export const newAccount = (world: World): AccountId => hex(world.random(16))

/** The macaroon of that name, base64. */
export function macaroonOf(
  named: Identifier,
  master: Uint8Array,
  caveats: readonly string[],
): string {
  const made = { location: LOCATION, caveats }
  return encodeBase64(serialize(mint(macaroonKey(master, named), writeIdentifier(named), made)))
}
