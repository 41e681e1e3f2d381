import { inTime } from '../floor/in-time.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { WalletAbout } from './about.ts'
import { moneyOf, readBolt11 } from './bolt11.ts'
import {
  AmountRefused,
  type Invoice,
  type InvoiceState,
  type Wallet,
  WalletBusy,
  type WalletPart,
  WalletRefused,
  WalletUnreachable,
} from './wallet.ts'

/** What the test of one wallet, or of one mint, found out. */
export interface WalletTested {
  /** `lnd`, `ecash`, … */
  readonly kind: string
  readonly label: string
  /** Why it does not work, for the operator. Null if it works. */
  readonly problem: string | null
  /** ms for an invoice and its look-up. Null if it does not work. */
  readonly tookMs: number | null
  /** Of the invoice that was made. Null if none was. */
  readonly money: MoneyKind | null
  readonly network: string | null
  readonly sat: number | null
  /** Null if it does not say. */
  readonly about: WalletAbout | null
}

/** ms that one wallet has for all of its answers. */
const WITHIN = 20_000

/** Makes and looks up an invoice of each part of a wallet. Nobody ever sees these invoices. */
export function testWallet(
  wallet: Pick<Wallet, 'kind' | 'money' | 'parts'> & WalletPart,
  world: World,
): Promise<readonly WalletTested[]> {
  const parts = wallet.parts?.() ?? [wallet]
  return Promise.all(
    parts.map(async (part) => {
      const tested = await testPart(part, { kind: wallet.kind, world })
      return tested.money === null ? tested : { ...tested, money: wallet.money }
    }),
  )
}

/** The row of a wallet that could not be tested. */
export const untested = (kind: string, label: string, problem: string): WalletTested => ({
  ...{ kind, label, problem, tookMs: null, money: null, network: null, sat: null, about: null },
})

/** Tests one wallet or one mint. */
export async function testPart(
  part: WalletPart,
  { kind, world }: { readonly kind: string; readonly world: World },
): Promise<WalletTested> {
  const failed = (problem: string) => untested(kind, part.label, problem)
  const late = failed(`no answer in ${WITHIN / 1_000} s`)
  try {
    return await inTime(world, test(part, { kind, world }), { ms: WITHIN, late })
  } catch (error) {
    if (error instanceof WalletUnreachable || error instanceof WalletRefused) {
      return failed(error.reason)
    }
    if (error instanceof WalletBusy) {
      return failed(`it makes no more invoices for ${Math.ceil(error.retryAfterMs / 1_000)} s`)
    }
    if (error instanceof AmountRefused) return failed('it makes no invoice of a small amount')
    throw error
  }
}

async function test(
  part: WalletPart,
  { kind, world }: { readonly kind: string; readonly world: World },
): Promise<WalletTested> {
  const began = world.elapsed()
  const { invoice, sat } = await smallInvoice(part)
  const state = await part.lookup(invoice.paymentHash)
  const tookMs = Math.round(world.elapsed() - began)
  await part.forget?.(invoice.paymentHash)
  const about = (await part.about?.()) ?? null
  return {
    ...{ kind, label: part.label, problem: PROBLEMS[state.is], tookMs, sat, about },
    money: moneyOf(invoice.bolt11),
    network: NETWORKS.get(readBolt11(invoice.bolt11)?.network ?? '') ?? null,
  }
}

/** A new invoice that nobody has seen is open. */
const PROBLEMS: Readonly<Record<InvoiceState['is'], string | null>> = {
  open: null,
  settled: 'it calls an invoice paid that nobody has paid',
  dead: 'it calls an invoice expired that it has just made',
  unknown: 'it does not know the invoice that it has just made',
}

/** What follows `ln` in an invoice (BOLT 11). */
const NETWORKS: ReadonlyMap<string, string> = new Map([
  ['bc', 'bitcoin'],
  ['tb', 'testnet'],
  ['tbs', 'signet'],
  ['bcrt', 'regtest'],
  ['sb', 'simnet'],
])

/** Sats. Some wallets make no smaller invoice than that. */
const AMOUNTS = [1, 10]

/** The smallest invoice that it makes, as a buyer asks for it who has paid before. */
async function smallInvoice(
  part: WalletPart,
): Promise<{ readonly invoice: Invoice; readonly sat: number }> {
  const make = (sat: number) =>
    part.createInvoice({ sat, memo: 'satgate wallet test', expirySeconds: 60, asker: 'buyer' })
  let least: number | null = null
  for (const sat of AMOUNTS) {
    try {
      return { invoice: await make(sat), sat }
    } catch (error) {
      if (!(error instanceof AmountRefused)) throw error
      least = error.least
    }
  }
  if (least === null) throw new AmountRefused(null, null)
  return { invoice: await make(least), sat: least }
}
