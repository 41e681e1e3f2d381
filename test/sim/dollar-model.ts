/**
 * How dollars pay, in another way than the ledger does it: one msat after the other, as long as all of
 * them together can be paid in whole µ$. Numbers are small enough to be exact.
 */

export interface Terms {
  /** Dollars for one bitcoin. */
  readonly rate: number
  /** The price in µ$ × 10^6, if it is in dollars. */
  readonly par: { readonly fixed: number; readonly each: number } | null
}

export interface Pot {
  paid: number
  bonus: number
  usd: number
}

export interface Spent extends Pot {
  bought: number
}

/** What so many msat cost in µ$, rounded up. */
export const priceOf = (msat: number, rate: number): number => Math.ceil((msat * rate) / 100_000)

/** What answers of that length cost at par, in µ$. */
export const parOf = ({ each, fixed }: NonNullable<Terms['par']>, output: number): number =>
  Math.ceil((fixed + each * output) / 1_000_000)

/** Whether that pot pays for `amount` msat, or for `par` µ$. */
export function pays(
  pot: Omit<Pot, 'bonus'>,
  amount: number,
  par: number | null,
  terms: Terms | null,
) {
  if (pot.paid >= amount) return true
  if (terms === null || pot.usd === 0) return false
  if (par !== null && par <= pot.usd) return true
  return priceOf(amount - pot.paid, terms.rate) <= pot.usd
}

/** Takes an amount out of one pot, in the order of the price. What it cannot take stays out. */
export function takeOf(from: Pot, amount: number, par: number | null, rate: number): Spent {
  if (par !== null && par <= from.usd) return { paid: 0, bonus: 0, usd: par, bought: amount }
  const spent: Spent = { paid: 0, bonus: 0, usd: 0, bought: 0 }
  const order =
    par === null ? (['paid', 'bonus', 'usd'] as const) : (['usd', 'paid', 'bonus'] as const)
  for (let i = 0; i < amount; i++) {
    const next = order.find((kind) =>
      kind === 'usd' ? priceOf(spent.bought + 1, rate) <= from.usd : spent[kind] < from[kind],
    )
    if (next === undefined) break
    if (next === 'usd') spent.bought++
    else spent[next]++
  }
  return { ...spent, usd: priceOf(spent.bought, rate) }
}

const msatOf = ({ bonus, bought, paid }: Spent): number => paid + bonus + bought

/** A charge: first of the money of its hold, then of the free money of the account. */
export function chargeOf(
  stake: Pot,
  free: Pot,
  { amount, par, rate }: { amount: number; par: number | null; rate: number },
): Spent {
  const own = takeOf(stake, amount, par, rate)
  if (msatOf(own) === amount) return own
  const usd = stake.usd + free.usd
  if (par === null) {
    const more = takeOf({ ...free, usd: 0 }, amount - msatOf(own), null, rate)
    const sats = { paid: own.paid + more.paid, bonus: own.bonus + more.bonus }
    const rest = takeOf({ paid: 0, bonus: 0, usd }, amount - sats.paid - sats.bonus, null, rate)
    return { ...sats, usd: rest.usd, bought: rest.bought }
  }
  const sats = own.paid + own.bonus
  const left = amount - sats
  const price = sats === 0 ? par : Math.min(par, priceOf(left, rate))
  const more = takeOf({ ...free, usd }, left, price, rate)
  return { ...more, paid: own.paid + more.paid, bonus: own.bonus + more.bonus }
}
