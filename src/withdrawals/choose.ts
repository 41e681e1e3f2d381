import { BrokenBelief } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { Withdrawable } from '../ledger/withdrawals.ts'
import { fromSat, type Msat, msat, ZERO } from '../money/msat.ts'
import type { Outgoing } from '../wallets/outgoing.ts'
import { isWholeRest, LEAST, largestToken, usualReserve } from './amounts.ts'
import type { ReadInvoice } from './invoice.ts'
import type { WithdrawRefused } from './refused.ts'
import type { EcashOut, WithdrawalSource } from './source.ts'

/** What an account may withdraw from one wallet or mint. */
export interface Rest {
  readonly source: WithdrawalSource
  readonly amount: Msat
}

/** Out of where a withdrawal is sent, and what is set aside for it. */
export interface Chosen<Way> {
  readonly source: WithdrawalSource
  readonly way: Way
  readonly amount: Msat
  readonly fee: Msat
}

/** Pairs what may leave with the wallets and mints that are here now. */
export function restsOf(
  withdrawable: readonly Withdrawable[],
  sources: readonly WithdrawalSource[],
): readonly Rest[] {
  return withdrawable.flatMap(({ source: name, amount }) => {
    const source = sources.find(({ source }) => source === name)
    return source === undefined || amount === ZERO ? [] : [{ source, amount }]
  })
}

/**
 * The one source that pays an invoice: never several together (threats L9). Lightning wallets come
 * before mints, and those that have more before those that have less. `paused` says whether nothing
 * may leave from that source now. Refuses in this order: `cannot_send`, `paused`, `unreachable`,
 * `too_much`, `too_small`, `own_invoice`.
 */
export async function chooseForInvoice(
  invoice: Pick<ReadInvoice, 'amount' | 'bolt11' | 'hash'>,
  rests: readonly Rest[],
  paused: (source: WithdrawalSource) => WithdrawRefused | null,
): Promise<Result<Chosen<Outgoing>, WithdrawRefused>> {
  const able = rests.filter(({ source }) => source.lightning !== null).toSorted(firstToPay)
  if (able.length === 0) return err({ why: 'cannot_send' })
  const { amount } = invoice
  const refusals: WithdrawRefused[] = []
  for (const rest of able) {
    const tried = paused(rest.source) ?? (await tryToPay(invoice, rest))
    if (!('why' in tried)) return ok({ ...tried, amount })
    refusals.push(tried)
  }
  const [first] = refusals.toSorted((a, b) => rank(a) - rank(b))
  return err(first ?? { why: 'cannot_send' })
}

/** Where several sources refuse for different reasons, the most telling one is said. */
const rank = ({ why }: WithdrawRefused): number => {
  const at = ['own_invoice', 'too_small', 'paused', 'unreachable', 'too_much'].indexOf(why)
  return at < 0 ? ORDER_END : at
}
const ORDER_END = 99

const firstToPay = (a: Rest, b: Rest): number =>
  Number(a.source.ecash !== null) - Number(b.source.ecash !== null) || byMost(a, b)

const byMost = (a: Rest, b: Rest): number => Number(b.amount - a.amount)

async function tryToPay(
  { amount, bolt11, hash }: Pick<ReadInvoice, 'amount' | 'bolt11' | 'hash'>,
  { source, amount: rest }: Rest,
): Promise<Omit<Chosen<Outgoing>, 'amount'> | WithdrawRefused> {
  const { lightning: way } = source
  if (way === null) return { why: 'cannot_send' }
  const usual = usualReserve(amount)
  if (amount >= rest) return { why: 'too_much', asked: amount, fee: usual }
  return unlessAway(source, async () => {
    const told = await way.feeFor?.({ bolt11, amountMsat: amount })
    const fee = told === undefined ? usual : msat(told)
    if (amount + fee > rest) return { why: 'too_much', asked: amount, fee }
    if (amount < LEAST && !isWholeRest({ amount, fee }, rest)) {
      return { why: 'too_small', asked: amount }
    }
    if ((await source.made?.(hash)) === true) return { why: 'own_invoice' }
    return { source, way, fee }
  })
}

/**
 * The mint that gives the token, and how much. Without a mint it is the one of which most may leave;
 * without an amount it is everything that may leave of it. Refuses in this order: `unknown_mint` or
 * `cannot_send`, `paused`, `unreachable`, `too_much`, `too_small`.
 */
export async function chooseForToken(
  { sat, mint }: { readonly sat: number | null; readonly mint: string | null },
  rests: readonly Rest[],
  paused: (source: WithdrawalSource) => WithdrawRefused | null,
): Promise<Result<Chosen<EcashOut>, WithdrawRefused>> {
  const able = rests.filter(({ source }) => source.ecash !== null).toSorted(byMost)
  const rest = mint === null ? able[0] : able.find(({ source }) => isAt(source, mint))
  const way = rest?.source.ecash ?? null
  if (rest === undefined || way === null) {
    return err({ why: mint === null ? 'cannot_send' : 'unknown_mint' })
  }
  const { source, amount: all } = rest
  const refused = paused(source)
  if (refused !== null) return err(refused)
  const sized = await unlessAway(source, () => sizeOf(way, sat, all))
  if ('why' in sized) return err(sized)
  return ok({ source, way, ...sized })
}

async function sizeOf(
  ecash: EcashOut,
  sat: number | null,
  rest: Msat,
): Promise<Pick<Chosen<EcashOut>, 'amount' | 'fee'> | WithdrawRefused> {
  if (sat !== null && fromSat(sat) > rest) {
    return { why: 'too_much', asked: fromSat(sat), fee: ZERO }
  }
  const largest = await largestToken(ecash, rest)
  if (largest === null) return { why: 'too_much', asked: fromSat(sat ?? 1), fee: ZERO }
  const size = sat === null ? largest : { sat, feeSat: await ecash.feeFor(sat) }
  const [amount, fee] = [fromSat(size.sat), fromSat(size.feeSat)]
  if (amount + fee > rest) return { why: 'too_much', asked: amount, fee }
  if (amount < LEAST && size.sat < largest.sat) return { why: 'too_small', asked: amount }
  return { amount, fee }
}

/** Whether a source is that mint, however its URL is written. */
function isAt({ ecash }: WithdrawalSource, mint: string): boolean {
  return ecash !== null && plain(ecash.mint) === plain(mint)
}

/** A URL without what makes no difference. The text itself if it is none. */
function plain(url: string): string {
  try {
    const { host, pathname, protocol } = new URL(url)
    return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`
  } catch {
    return url
  }
}

/** Asking costs nothing, so whatever a wallet or a mint answers in the place of a figure is the same. */
async function unlessAway<T>(
  { source }: WithdrawalSource,
  ask: () => Promise<T | WithdrawRefused>,
): Promise<T | WithdrawRefused> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof BrokenBelief) throw error
    return { why: 'unreachable', source }
  }
}
