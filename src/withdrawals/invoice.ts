import { err, ok, type Result } from '../floor/result.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { type Msat, msat } from '../money/msat.ts'
import { readBolt11 } from '../wallets/bolt11.ts'
import type { WithdrawRefused } from './refused.ts'

/** ms that an invoice must still be valid, so that paying it does not end behind its expiry. */
const LEAST_LEFT = 30_000
/** ms. Some wallets make invoices that are valid for a week. */
const MOST_LEFT = 8 * 24 * 60 * 60_000
/**
 * Blocks that the receiver may hold the payment. Wallets ask for 9 to 144; more only helps somebody
 * who lets our sats hang (threats L12).
 */
const MOST_CLTV = 200

/** An invoice that names who gets how much. */
export interface ReadInvoice {
  readonly bolt11: string
  readonly hash: string
  readonly amount: Msat
  readonly expiresAt: number
  readonly finalCltv: number
}

/** The networks of each kind of money, as BOLT 11 writes them. */
const NETWORKS: Readonly<Record<MoneyKind, readonly string[]>> = {
  real: ['bc'],
  test: ['tb', 'tbs', 'bcrt', 'sb'],
  play: ['bcrt'],
}

/**
 * Reads an invoice that is to be paid with money of that kind, in lower or upper case, also behind
 * `lightning:`. Refuses, in this order: `bad_invoice`, `other_network`, `amount_missing`.
 */
export function readInvoice(text: string, money: MoneyKind): Result<ReadInvoice, WithdrawRefused> {
  const given = text.trim().replace(/^lightning:/i, '')
  const read = readBolt11(given)
  if (read === null) return err({ why: 'bad_invoice' })
  const { amountMsat, network, paymentHash: hash, expiresAt, finalCltv } = read
  if (!NETWORKS[money].includes(network)) return err({ why: 'other_network', network })
  if (amountMsat === null || amountMsat <= 0n) return err({ why: 'amount_missing' })
  if (amountMsat > EVERY_COIN) return err({ why: 'bad_invoice' })
  return ok({ bolt11: given.toLowerCase(), hash, amount: msat(amountMsat), expiresAt, finalCltv })
}

/** 21 million bitcoin, in msat. */
const EVERY_COIN = 2_100_000_000_000_000_000n

/**
 * Whether the invoice can be paid now without our sats hanging too long. Refuses, in this order:
 * `invoice_expires`, `expires_too_late`, `final_cltv`.
 */
export function payableNow(
  { expiresAt, finalCltv }: ReadInvoice,
  now: number,
): Result<true, WithdrawRefused> {
  const left = expiresAt - now
  if (left < LEAST_LEFT) return err({ why: 'invoice_expires' })
  if (left > MOST_LEFT) return err({ why: 'expires_too_late' })
  if (finalCltv > MOST_CLTV) return err({ why: 'final_cltv', blocks: finalCltv })
  return ok(true)
}
