import { createHash } from 'node:crypto'
import { assert } from '../../floor/assert.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { fitDescription, moneyOf, readBolt11 } from '../bolt11.ts'
import {
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { type ClnRest, type Json, msatIn, NOT_CLN } from './rest.ts'

/** Makes an invoice. Its label is never used twice, also not by an earlier process. */
export async function makeInvoice(
  rest: ClnRest,
  ask: InvoiceAsk,
  world: Pick<World, 'random'>,
): Promise<Invoice> {
  assert(Number.isSafeInteger(ask.sat) && ask.sat > 0, `an invoice of ${ask.sat} sat`)
  const made = await rest.call('invoice', {
    amount_msat: ask.sat * 1000,
    label: `satgate-${Buffer.from(world.random(16)).toString('hex')}`,
    description: plain(fitDescription(ask.memo)),
    expiry: ask.expirySeconds,
  })
  const { bolt11, payment_hash: paymentHash } = made
  if (typeof bolt11 !== 'string' || typeof paymentHash !== 'string') throw NOT_CLN()
  const read = readBolt11(bolt11)
  const asked = read?.amountMsat === BigInt(ask.sat) * 1000n
  if (read === null || !asked || read.paymentHash !== paymentHash) {
    throw new WalletRefused('it answered with another invoice than it was asked for')
  }
  return { bolt11, paymentHash, expiresAt: read.expiresAt }
}

/** Ends before what JSON would write as `\u…`, because the node takes no description with that. */
const plain = (text: string): string => /^[^\p{Cc}\p{Cs}]*/u.exec(text)?.[0] ?? ''

/** The state of the invoice with that hash, as the node lists it (`listinvoices`). */
export async function lookup(
  rest: ClnRest,
  asked: { readonly paymentHash: string; readonly money: MoneyKind },
): Promise<InvoiceState> {
  const { paymentHash } = asked
  if (!/^[0-9a-f]{64}$/.test(paymentHash)) return { is: 'unknown' }
  const { invoices } = await rest.call('listinvoices', { payment_hash: paymentHash })
  if (!Array.isArray(invoices)) throw NOT_CLN()
  if (invoices.length === 0) return { is: 'unknown' }
  const invoice = objectIn(invoices[0])
  if (invoice === null || invoices.length > 1) throw NOT_CLN()
  return stateOf(invoice, asked)
}

/**
 * Only `paid` with its `pay_index` is a payment. An answer that contradicts itself, its invoice or the
 * question is an error, and credits nothing.
 */
function stateOf(
  invoice: Json,
  asked: { readonly paymentHash: string; readonly money: MoneyKind },
): InvoiceState {
  const { bolt11, payment_hash, status } = invoice
  const read = typeof bolt11 === 'string' ? readBolt11(bolt11) : null
  if (typeof bolt11 !== 'string' || read === null) throw NOT_CLN()
  if (payment_hash !== asked.paymentHash || read.paymentHash !== asked.paymentHash) {
    throw new WalletUnreachable('it answered about another invoice than it was asked about')
  }
  if (moneyOf(bolt11) !== asked.money) {
    throw new WalletUnreachable('it answered with an invoice of another network')
  }
  if (status === 'expired') return { is: 'dead' }
  if (status === 'unpaid') return { is: 'open' }
  if (status !== 'paid') throw NOT_CLN()
  if (typeof invoice.pay_index !== 'number') return { is: 'open' }
  return settled(invoice, { ...asked, amountMsat: read.amountMsat ?? 0n })
}

function settled(
  invoice: Json,
  asked: { readonly paymentHash: string; readonly amountMsat: bigint },
): InvoiceState {
  const receivedMsat = msatIn(invoice.amount_received_msat)
  const sameAmount = msatIn(invoice.amount_msat) === asked.amountMsat
  // Nobody can pay more than twice (BOLT 4), so such a figure is in another unit.
  if (!sameAmount || receivedMsat > asked.amountMsat * 2n) {
    throw new WalletUnreachable('it tells of other amounts than its invoice asks for')
  }
  if (receivedMsat === 0n) return { is: 'open' }
  const { payment_preimage: preimage } = invoice
  if (typeof preimage !== 'string') throw NOT_CLN()
  const proof = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')
  if (proof !== asked.paymentHash) throw NOT_CLN()
  return { is: 'settled', preimage, receivedMsat }
}
