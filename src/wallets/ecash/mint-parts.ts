import { readBolt11 } from '../bolt11.ts'
import {
  AmountRefused,
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  WalletBusy,
  type WalletPart,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { MintBusy, MintLies, MintRefused, MintUnreachable } from './mint/mint.ts'
import type { KnownMint, Mints } from './mints.ts'
import type { EcashStore } from './store/store.ts'

interface Parts {
  readonly mints: Mints
  readonly store: Pick<EcashStore, 'holdings'>
  /** Sats. */
  readonly maxPerMint: number
}

/**
 * Each mint that makes invoices, for a test. Its invoices are for nobody: nothing of them is kept, so
 * whoever paid one would give the sats to the mint.
 */
export const mintParts = (parts: Parts): readonly WalletPart[] =>
  parts.mints.all.filter(({ sells }) => sells).map((known) => mintPart(known, parts))

function mintPart(known: KnownMint, parts: Parts): WalletPart {
  const { mint } = known
  const host = new URL(mint.url).host
  const quotes = new Map<string, string>()
  return {
    label: `ecash at ${host}`,
    createInvoice: (ask) => told(() => makeInvoice(known, parts, { ask, quotes })),
    lookup: (hash) => told(() => lookup(known, parts, quotes.get(hash))),
    about: () => told(() => about(known, parts, host)),
  }
}

async function makeInvoice(
  known: KnownMint,
  { mints }: Parts,
  { ask, quotes }: { readonly ask: InvoiceAsk; readonly quotes: Map<string, string> },
): Promise<Invoice> {
  const { least, most } = await mints.about(known)
  if (ask.sat < (least ?? 1) || ask.sat > (most ?? ask.sat)) throw new AmountRefused(least, most)
  const waitMs = known.rateLimit.take('top_up')
  if (waitMs > 0) throw new WalletBusy(waitMs)
  const asked = { sat: ask.sat, memo: ask.memo, key: null }
  const { bolt11, quote } = await mints.unblamed(known, (mint) => mint.createQuote(asked))
  const read = readBolt11(bolt11)
  if (read === null || read.amountMsat !== BigInt(ask.sat) * 1000n) {
    throw new WalletRefused('its invoice is for another amount than was asked for')
  }
  quotes.set(read.paymentHash, quote)
  return { bolt11, paymentHash: read.paymentHash, expiresAt: read.expiresAt }
}

async function lookup(
  known: KnownMint,
  { mints }: Parts,
  quote: string | undefined,
): Promise<InvoiceState> {
  if (quote === undefined) return { is: 'unknown' }
  const state = await mints.unblamed(known, (mint) => mint.quoteState(quote))
  return state === 'unpaid' ? { is: 'open' } : { is: 'settled', preimage: null, receivedMsat: 0n }
}

async function about(known: KnownMint, { mints, store, maxPerMint }: Parts, host: string) {
  const { tells, melts } = await mints.about(known)
  const holding = store.holdings().find(({ mint }) => mint === known.mint.url)
  const sat = Math.max(0, maxPerMint - (holding?.free ?? 0) - (holding?.held ?? 0))
  return {
    holder: `the mint ${host}, until you take it out`,
    inbound: { sat, says: 'up to wallet.maxPerMint' },
    preimage: 'nobody',
    learns: tells ? 'subscription' : 'polling',
    paysOut: melts,
    warnings: melts ? [] : ['it pays no invoices now (NUT-05), so its sats cannot be sent on'],
  } as const
}

/** Turns the errors of a mint into those of a wallet. */
async function told<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof MintBusy) throw new WalletBusy(error.retryAfterMs ?? 60_000)
    if (error instanceof MintUnreachable) throw new WalletUnreachable(error.reason)
    if (error instanceof MintLies) throw new WalletRefused(error.what)
    if (error instanceof MintRefused) throw new WalletRefused(error.message)
    throw error
  }
}
