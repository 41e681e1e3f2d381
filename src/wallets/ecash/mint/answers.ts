import { readBolt11 } from '../../bolt11.ts'
import type { KeysetTerms, Signature } from './coins.ts'
import type { Json } from './http.ts'
import { type Batch, MintLies, type ProofState, type QuoteState } from './mint.ts'

/** Reads the answers of a mint strictly. An answer that does not fit the NUTs throws `MintLies`. */

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}

export function listOf(value: unknown, what: string): readonly Json[] {
  if (!Array.isArray(value) || !value.every(isObject)) throw new MintLies(what)
  return value
}

/** A whole number of zero or more. Null for anything else. */
function whole(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null
}

/** What the info says about making and paying invoices in sats (NUT-06). */
export interface Info {
  readonly least: number | null
  readonly most: number | null
  readonly describes: boolean
  readonly tells: boolean
  readonly locks: boolean
  readonly melts: boolean
}

/**
 * Throws `MintLies` unless the mint makes and pays invoices in sats (NUT-04, 05), tells what was
 * spent (NUT-07), repeats its signatures (NUT-09) and proves them (NUT-12). If it makes no invoices
 * for now, `most` is 0. Coins that are kept there can still be paid out.
 */
export function infoOf(answer: Json): Info {
  const nuts = isObject(answer.nuts) ? answer.nuts : {}
  const nut = (number: number): Json => (isObject(nuts[number]) ? nuts[number] : {})
  const makes = sats(nut(4).methods)
  if (makes === undefined) throw new MintLies('it makes no invoices in sat (NUT-04)')
  if (sats(nut(5).methods) === undefined) throw new MintLies('it pays no invoices in sat (NUT-05)')
  const missing = [7, 9, 12].find((number) => nut(number).supported !== true)
  if (missing !== undefined) throw new MintLies(`it has no NUT-${String(missing).padStart(2, '0')}`)
  const commands = sats(nut(17).supported)?.commands
  return {
    least: whole(makes.min_amount),
    most: nut(4).disabled === true ? 0 : whole(makes.max_amount),
    describes: isObject(makes.options) && makes.options.description === true,
    tells: Array.isArray(commands) && commands.includes('bolt11_mint_quote'),
    locks: nut(20).supported === true,
    melts: nut(5).disabled !== true,
  }
}

function sats(methods: unknown): Json | undefined {
  if (!Array.isArray(methods)) return undefined
  return methods.filter(isObject).find(({ method, unit }) => method === 'bolt11' && unit === 'sat')
}

/** A keyset of the mint for sats (NUT-02). */
export interface Keyset extends KeysetTerms {
  readonly id: string
  readonly active: boolean
}

/** The keysets for sats. Those with ids from before version 0 are left out. */
export function keysetsOf(answer: Json): readonly Keyset[] {
  return listOf(answer.keysets, 'no list of keysets')
    .filter(({ unit }) => unit === 'sat')
    .flatMap(({ id, active, input_fee_ppk, final_expiry }) => {
      if (typeof id !== 'string' || !KEYSET_ID.test(id)) return []
      const feePpk = whole(input_fee_ppk ?? 0)
      if (feePpk === null) throw new MintLies('a keyset with a fee that is no number')
      return { id, active: active === true, feePpk, finalExpiry: whole(final_expiry) }
    })
}

const KEYSET_ID = /^(00[0-9a-f]{14}|01[0-9a-f]{64})$/

/** The public keys of that keyset by amount (NUT-01). */
export function keysOf(answer: Json, id: string): Readonly<Record<string, string>> {
  const found = listOf(answer.keysets, 'no list of keys').find((keyset) => keyset.id === id)
  const keys = found?.keys
  const fits = ([amount, key]: readonly [string, unknown]) =>
    /^[1-9]\d{0,19}$/.test(amount) && typeof key === 'string' && POINT.test(key)
  if (found?.unit !== 'sat' || !isObject(keys) || !Object.entries(keys).every(fits)) {
    throw new MintLies('no keys of the keyset asked for')
  }
  return Object.fromEntries(Object.entries(keys).map(([amount, key]) => [amount, String(key)]))
}

const POINT = /^0[23][0-9a-f]{64}$/
const SCALAR = /^[0-9a-f]{64}$/

/**
 * The id of a quote, which becomes a part of a path. If a quote was asked for, it must be the same
 * one.
 */
export function quoteIdOf(answer: Json, asked: string | null): string {
  const { quote } = answer
  // An id of only dots would lead to another path.
  if (typeof quote !== 'string' || !/^[\w~=-][\w.~=-]{0,199}$/.test(quote)) {
    throw new MintLies('a quote without an id')
  }
  if (asked !== null && quote !== asked) throw new MintLies('another quote than asked for')
  if (answer.unit !== undefined && answer.unit !== 'sat') {
    throw new MintLies('a quote in another unit')
  }
  return quote
}

/** The invoice of a new quote, which must ask for exactly those sats (threats C8). */
export function invoiceOf(answer: Json, sat: number): string {
  const { request } = answer
  const read = typeof request === 'string' ? readBolt11(request) : null
  if (typeof request !== 'string' || read === null) throw new MintLies('an invoice that is none')
  if (read.amountMsat !== BigInt(sat) * 1000n || (answer.amount ?? sat) !== sat) {
    throw new MintLies('an invoice for another amount')
  }
  return request
}

/** The expiry in ms. The mint sends seconds. Null if it sends none. */
export function expiryOf(answer: Json): number | null {
  const seconds = whole(answer.expiry)
  return seconds === null || seconds === 0 ? null : seconds * 1000
}

/**
 * The state of a quote, over HTTP and NUT-17. Null if it cannot be read. Newer drafts have no
 * `state`: such a quote is paid if more was paid than issued. Mints from before 2025 send only
 * `paid`; whether the coins were issued shows when they are requested (threats K13).
 */
export function quoteStateOf(answer: Json): QuoteState | null {
  const { state, amount_paid, amount_issued, paid } = answer
  if (state === undefined || state === null) {
    const [came, went] = [whole(amount_paid), whole(amount_issued ?? 0)]
    if (came !== null && went !== null) {
      if (came > went) return 'paid'
      return went > 0 ? 'issued' : 'unpaid'
    }
    if (typeof paid !== 'boolean') return null
    return paid ? 'paid' : 'unpaid'
  }
  if (state === 'UNPAID') return 'unpaid'
  // Nutshell sends this if the quote is paid and somebody is minting its coins right now.
  if (state === 'PAID' || state === 'PENDING') return 'paid'
  return state === 'ISSUED' ? 'issued' : null
}

/** Sats of a melt quote (NUT-05). */
export function satsOf(value: unknown): number {
  const sat = whole(value)
  if (sat === null) throw new MintLies('an amount that is none')
  return sat
}

/**
 * What the mint charges for an invoice. It must be the amount of the invoice, rounded up to a whole
 * sat.
 */
export function costOf(answer: Json, bolt11: string): number {
  const sat = satsOf(answer.amount)
  const asked = readBolt11(bolt11)?.amountMsat ?? null
  const more = asked === null ? 0n : BigInt(sat) * 1000n - asked
  if (more <= -1000n || more >= 1000n) throw new MintLies('a payment of another amount')
  return sat
}

/**
 * A blind signature of that keyset. It must be for the requested amount; if 0 was requested, any
 * amount is right.
 */
export function signatureOf(answer: Json, keyset: string, asked: number): Signature {
  const { id, C_, dleq } = answer
  const amount = satsOf(answer.amount)
  if (id !== keyset) throw new MintLies('a signature of another keyset')
  if (amount !== asked && asked !== 0) throw new MintLies('a signature for another amount')
  if (typeof C_ !== 'string' || !POINT.test(C_)) throw new MintLies('a signature that is none')
  const { e, s } = isObject(dleq) ? dleq : {}
  if (typeof e !== 'string' || typeof s !== 'string' || !SCALAR.test(e) || !SCALAR.test(s)) {
    throw new MintLies('a signature without its proof (NUT-12)')
  }
  return { amount, C_, dleq: { e, s } }
}

/** The signatures of a whole batch, in the order of the batch (NUT-03, 04). */
export function signaturesOf(answer: Json, batch: Batch): readonly Signature[] {
  const list = listOf(answer.signatures, 'no list of signatures')
  if (list.length !== batch.amounts.length) throw new MintLies('another number of signatures')
  return list.map((one, index) => signatureOf(one, batch.keyset, batch.amounts[index] ?? 0))
}

const STATES: Readonly<Record<string, ProofState>> = {
  UNSPENT: 'unspent',
  PENDING: 'pending',
  SPENT: 'spent',
}

/**
 * The states of these points (NUT-07), in the order in which they were asked. A mint may answer in
 * another order.
 */
export function statesOf(answer: Json, points: readonly string[]): readonly ProofState[] {
  const list = listOf(answer.states, 'no list of states')
  const byPoint = new Map(list.map(({ Y, state }) => [Y, STATES[String(state)]]))
  return points.map((point) => {
    const state = byPoint.get(point)
    if (state === undefined) throw new MintLies('no state of a coin asked for')
    return state
  })
}
