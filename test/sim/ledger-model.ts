import type { Limit } from '../../src/ledger/ledger.ts'
import { chargeOf, parOf, pays, priceOf, type Spent, type Terms, takeOf } from './dollar-model.ts'

/**
 * A second ledger that works in another way: it keeps a list of what happened, adds all of it up
 * for every question, finds a grant by trying, and takes money one msat at a time.
 */

export interface HoldCommand {
  readonly id: string
  readonly account: string
  /** Msat × 10^6. */
  readonly fixed: number
  readonly each: number
  readonly input: number
  /** What limits in one request are checked against. */
  readonly worst: { readonly fixed: number; readonly input: number }
  readonly patient: boolean
  readonly least: number
  readonly most: number
  readonly limits: readonly Limit[]
  /** How dollars pay. */
  readonly terms: Terms | null
  readonly at: number
  readonly deadline: number
}

interface Paid {
  readonly payment: string
  readonly account: string
  readonly amount: number
  /** Dollars are in µ$. */
  readonly credit: 'paid' | 'bonus' | 'usd'
  /** Empty: no source. */
  readonly source: string
  readonly tier: number
}

export interface WithdrawCommand {
  readonly id: string
  readonly account: string
  readonly source: string
  readonly amount: number
  readonly fee: number
}

/** Each msat that it takes is one entry of `taken`: the deposit that it comes from. */
interface Leaving extends WithdrawCommand {
  state: 'open' | 'sent' | 'failed'
  taken: Paid[]
  /** Bonus that it took back, out of bonus credit and out of paid-in credit. */
  bonus: number
  instead: number
}

interface Held extends HoldCommand {
  deadline: number
  amount: number
  status: 'open' | 'settled' | 'released' | 'expired'
  closedAt: number
  sofar: number
  /** Msat from each credit: held while it is open, charged once it is closed. */
  paid: number
  bonus: number
  /** The same in µ$, and what it bought in msat. */
  usd: number
  bought: number
  /** The part of the charge that is still to be taken. */
  owed: number
  /** Its details are gone: it counts, and is not known by its name any more. */
  archived: boolean
  /** What this hold counts at each of its limits. */
  shares: number[]
}

type Answer = string

export class Model {
  /** The time of the next close. */
  now = 0
  readonly #deposits: Paid[] = []
  readonly #holds: Held[] = []
  readonly #leaving: Leaving[] = []

  /** Debts that the last close gave up. */
  #lost = 0

  deposit(paid: Paid): Answer {
    const known = this.#deposits.find(({ payment }) => payment === paid.payment)
    if (known !== undefined) {
      return known.account === paid.account ? 'already_deposited' : 'deposited_elsewhere'
    }
    this.#deposits.push(paid)
    this.#collect(paid.account)
    return 'ok'
  }

  hold(command: HoldCommand): Answer {
    if (this.#find(command.id) !== undefined) return 'hold_exists'
    if (!this.#exists(command.account)) return 'account_not_found'
    const { least } = command
    // Assumes that nothing runs: a limit that is full even then is reached.
    const full = command.limits.find((limit) => !this.#fits(limit, command, least, false))
    if (full !== undefined) return `limit_reached ${full.meter}`
    const needs = cost(command, least)
    if (!affords(command, this.#owned(command), least)) return `insufficient_funds ${needs}`
    const output = this.#most(command, true)
    const enough = command.patient ? this.#most(command, false) : least
    if (output === null || enough === null || output < enough) return `held ${needs}`
    const amount = cost(command, output)
    const taken = this.#takeFor(command, amount, output)
    const shares = command.limits.map((limit) => share(limit, command, output))
    const rest = {
      amount,
      status: 'open' as const,
      archived: false,
      sofar: 0,
      ...taken,
      owed: 0,
      shares,
      closedAt: 0,
    }
    this.#holds.push({ ...command, ...rest })
    return `granted ${output} for ${amount}`
  }

  /** The longest answer that money and limits allow. Without `running`: if nothing else ran. */
  #most(command: HoldCommand, running: boolean): number | null {
    const { account, least, most } = command
    const sats = this.credit(account, 'paid') + this.credit(account, 'bonus')
    const free = { paid: sats, usd: this.#usable(account) }
    const money = running ? free : this.#owned(command)
    for (let output = most; output >= least; output--) {
      const fit = command.limits.every((limit) => this.#fits(limit, command, output, running))
      if (affords(command, money, output) && fit) return output
    }
    return null
  }

  #takeFor({ account, terms }: HoldCommand, amount: number, output: number): Spent {
    const pot = {
      paid: this.credit(account, 'paid'),
      bonus: this.credit(account, 'bonus'),
      usd: terms === null ? 0 : this.#usable(account),
    }
    const par =
      terms === null || terms.par === null || pot.usd === 0 ? null : parOf(terms.par, output)
    return takeOf(pot, amount, par, terms?.rate ?? 1)
  }

  /** The dollars that may pay for a new hold. */
  #usable = (account: string): number => (this.owed(account) > 0 ? 0 : this.credit(account, 'usd'))

  extend(id: string, deadline: number, sofar: number): Answer {
    const hold = this.#find(id)
    if (hold === undefined) return 'hold_not_found'
    if (hold.status !== 'open')
      return hold.status === 'settled' ? 'already_settled' : 'already_released'
    hold.deadline = deadline
    hold.sofar = sofar
    return 'ok'
  }

  /** `usd`: the charge at par, if the caller says one. */
  settle(id: string, amount: number, tokens: number, usd: number | null): Answer {
    return this.#close(id, { status: 'settled', amount, tokens, calls: 1, usd })
  }

  /** Removes released holds that were closed before that time, as if they had never existed. */
  prune(before: number): Answer {
    const leaves = ({ closedAt, status }: Held) => status === 'released' && closedAt < before
    const leaving = this.#holds.filter(leaves).length
    this.#holds.splice(0, this.#holds.length, ...this.#holds.filter((one) => !leaves(one)))
    return `${leaving}`
  }

  archive(before: number): Answer {
    const due = this.#holds.filter(
      (one) => one.status === 'settled' && !one.archived && one.owed === 0 && one.closedAt < before,
    )
    for (const one of due) one.archived = true
    return `${due.length}`
  }

  release(id: string): Answer {
    return this.#close(id, { status: 'released', amount: 0, tokens: 0, calls: 0, usd: null })
  }

  expire(before: number): Answer {
    const due = this.#holds.filter((hold) => hold.status === 'open' && hold.deadline < before)
    return due
      .map((hold) => {
        const calls = hold.sofar > 0 ? 1 : 0
        const tokens = hold.sofar > 0 ? null : 0
        const end = { status: 'expired', amount: hold.sofar, tokens, calls, usd: null } as const
        return `${hold.id} ${this.#close(hold.id, end)}`
      })
      .join()
  }

  credit(account: string, credit: 'paid' | 'bonus' | 'usd'): number {
    const came = this.#deposits.filter((one) => one.account === account)
    const went = this.#holds.filter((one) => one.account === account)
    const left = this.#leaving.filter((one) => one.account === account)
    const tiers = credit === 'bonus' ? sum(came.map(({ tier }) => tier)) : 0
    return (
      sum(came.filter((one) => one.credit === credit).map(({ amount }) => amount)) +
      tiers -
      sum(went.map((one) => one[credit])) -
      (credit === 'usd'
        ? 0
        : sum(left.map((one) => (credit === 'paid' ? one.taken.length + one.instead : one.bonus))))
    )
  }

  leaving(account: string): number {
    const open = this.#leaving.filter((one) => one.account === account && one.state === 'open')
    return sum(open.map(({ amount, fee }) => amount + fee))
  }

  /** `lnd 30, mint 20`: what may leave, the source of the newest deposit first. */
  withdrawable(account: string): string {
    const sums = new Map<string, number>()
    for (const { source } of this.#mayLeave(account)) sums.set(source, (sums.get(source) ?? 0) + 1)
    return [...sums].map(([source, amount]) => `${source} ${amount}`).join(', ')
  }

  withdraw(command: WithdrawCommand): Answer {
    const { account, amount, fee, id, source } = command
    if (this.#leaving.some((one) => one.id === id)) return 'exists'
    if (!this.#exists(account)) return 'account_not_found'
    if (this.leaving(account) > 0) return 'in_flight'
    if (this.held(account) > 0) return 'held'
    const may = this.#mayLeave(account).filter((one) => one.source === source)
    if (may.length < amount + fee) return `insufficient_funds ${may.length}`
    this.#take({ ...command, state: 'open', taken: [], bonus: 0, instead: 0 }, amount + fee)
    return 'ok'
  }

  /** What left although nobody set it aside. */
  lost(command: WithdrawCommand): Answer {
    if (this.#leaving.some((one) => one.id === command.id)) return 'known'
    const { amount, fee } = command
    this.#take({ ...command, state: 'sent', taken: [], bonus: 0, instead: 0 }, amount + fee)
    return 'sent'
  }

  /** `fee` is null if it failed. */
  closeWithdrawal(id: string, fee: number | null): Answer {
    const one = this.#leaving.find((known) => known.id === id)
    if (one === undefined) return 'withdrawal_not_found'
    if (one.state !== 'open') return 'already_closed'
    one.state = fee === null ? 'failed' : 'sent'
    const wanted = fee === null ? 0 : one.amount + fee
    while (one.taken.length > wanted) this.#giveBack(one)
    if (wanted > one.taken.length) this.#take(one, wanted - one.taken.length)
    this.#collect(one.account)
    return one.state
  }

  /** Takes up to that many msat, one after the other. */
  #take(one: Leaving, most: number): void {
    const may = this.#mayLeave(one.account).filter(({ source }) => source === one.source)
    if (!this.#leaving.includes(one)) this.#leaving.push(one)
    for (const deposit of may.slice(0, most)) {
      const back = this.#back(deposit, 1)
      for (let i = 0; i < back; i++) {
        if (this.credit(one.account, 'bonus') > 0) one.bonus++
        else one.instead++
      }
      one.taken.push(deposit)
    }
  }

  #giveBack(one: Leaving): void {
    const deposit = one.taken.pop()
    if (deposit === undefined) return
    const back = this.#back(deposit, 1)
    for (let i = 0; i < back; i++) {
      if (one.instead > 0) one.instead--
      else one.bonus--
    }
  }

  /** The bonus that goes back if so many more msat of a deposit leave. */
  #back({ amount, payment, tier }: Paid, more: number): number {
    const left = this.#leftOf(payment)
    const share = (gone: number) => (tier === 0 ? 0 : Math.ceil((tier * gone) / amount))
    return share(left + more) - share(left)
  }

  #leftOf = (payment: string): number =>
    sum(this.#leaving.map(({ taken }) => taken.filter((one) => one.payment === payment).length))

  /** Each msat that may leave, by its deposit. Adds them one by one, as long as all of it can be paid. */
  #mayLeave(account: string): Paid[] {
    const paid = this.credit(account, 'paid')
    const bonus = this.credit(account, 'bonus')
    const own = this.#deposits.filter((one) => one.account === account && one.credit === 'paid')
    const whole = sum(own.map((one) => one.amount - this.#leftOf(one.payment)))
    let spent = whole - paid
    const free = own.map((deposit) => {
      const there = deposit.amount - this.#leftOf(deposit.payment)
      const gone = Math.min(spent, there)
      spent -= gone
      return { deposit, amount: there - gone }
    })
    const may: Paid[] = []
    let back = 0
    for (const { amount, deposit } of free.reverse()) {
      if (deposit.source === '') continue
      let own = 0
      for (let i = 1; i <= amount; i++) {
        const more = this.#back(deposit, i)
        if (may.length + 1 + Math.max(0, back + more - bonus) > paid) break
        may.push(deposit)
        own = more
      }
      back += own
    }
    return may
  }

  held(account: string): number {
    const open = this.#holds.filter((one) => one.account === account && one.status === 'open')
    return sum(open.map(({ amount }) => amount))
  }

  /** The dollars of all accounts, with what open holds have of them. */
  outstanding(): number {
    const came = this.#deposits.filter(({ credit }) => credit === 'usd').map(({ amount }) => amount)
    return sum(came) - sum(this.#holds.map(({ status, usd }) => (status === 'open' ? 0 : usd)))
  }

  owed(account: string): number {
    return sum(this.#holds.filter((one) => one.account === account).map(({ owed }) => owed))
  }

  /** What a limit still allows. `running`: less what open holds take of it. */
  room(limit: Limit, at: number, running = true): number {
    if (limit.window === 'req') return Number(limit.max)
    const counted = this.#holds.filter((one) => running || one.status !== 'open')
    const shares = counted.flatMap((one) =>
      one.shares.filter((_, i) => {
        const mine = one.limits[i]
        return mine?.meter === limit.meter && windowOf(limit, one.at) === windowOf(limit, at)
      }),
    )
    return Math.max(0, Number(limit.max) - sum(shares))
  }

  #close(
    id: string,
    end: {
      status: Held['status']
      amount: number
      tokens: number | null
      calls: number
      usd: number | null
    },
  ): Answer {
    const hold = this.#find(id)
    if (hold === undefined) return 'hold_not_found'
    if (hold.status === 'settled' || hold.status === 'released') return `already_${hold.status}`
    const free = {
      paid: this.credit(hold.account, 'paid'),
      bonus: this.credit(hold.account, 'bonus'),
      usd: hold.terms === null ? 0 : this.credit(hold.account, 'usd'),
    }
    const rate = hold.terms?.rate ?? 1
    const unsaid = () =>
      hold.bought === 0
        ? priceOf(end.amount, rate)
        : Math.ceil((end.amount * hold.usd) / hold.bought)
    const par = (hold.terms?.par ?? null) === null ? null : (end.usd ?? unsaid())
    const taken = chargeOf(hold, free, { amount: end.amount, par, rate })
    hold.shares = hold.limits.map((limit, i) => {
      if (limit.unit === 'spend') return end.amount
      return limit.unit === 'calls' ? end.calls : (end.tokens ?? hold.shares[i] ?? 0)
    })
    Object.assign(hold, taken)
    hold.status = end.status
    hold.closedAt = this.now
    const charged = taken.paid + taken.bonus + taken.bought
    hold.owed = end.amount - charged
    this.#collect(hold.account)
    return `charged ${charged} owed ${hold.owed} overrun ${this.#lost}`
  }

  /** Pays debts one msat at a time, the oldest first. If nothing is held, the rest is given up. */
  #collect(account: string): void {
    this.#lost = 0
    for (const hold of this.#holds.filter((one) => one.account === account)) {
      while (hold.owed > 0) {
        const from = (['paid', 'bonus'] as const).find((credit) => this.credit(account, credit) > 0)
        if (from === undefined) break
        hold[from]++
        hold.owed--
      }
      this.#collectUsd(hold)
      if (this.held(account) > 0 || this.leaving(account) > 0) continue
      this.#lost += hold.owed
      hold.owed = 0
    }
  }

  /** Dollars at par were not changed at the rate, so theirs is another sum. */
  #collectUsd(hold: Held): void {
    if (hold.terms === null) return
    const { rate } = hold.terms
    const free = this.credit(hold.account, 'usd')
    const [before, paid] = hold.terms.par === null ? [hold.bought, hold.usd] : [0, 0]
    let more = 0
    while (more < hold.owed && priceOf(before + more + 1, rate) - paid <= free) more++
    hold.owed -= more
    hold.bought += more
    hold.usd += priceOf(before + more, rate) - paid
  }

  #fits(limit: Limit, command: HoldCommand, output: number, running: boolean): boolean {
    const judged = limit.window === 'req' ? { ...command, ...command.worst } : command
    return share(limit, judged, output) <= this.room(limit, command.at, running)
  }

  #find = (id: string): Held | undefined =>
    this.#holds.find((hold) => hold.id === id && !hold.archived)
  #exists = (account: string): boolean =>
    [...this.#deposits, ...this.#leaving].some((one) => one.account === account)
  /** What an account has if every running request gives back what it holds. */
  #owned({ account, terms }: HoldCommand): { paid: number; usd: number } {
    const running = this.#holds.filter((one) => one.account === account && one.status === 'open')
    const sats =
      this.credit(account, 'paid') +
      this.credit(account, 'bonus') +
      sum(running.map(({ bonus, paid }) => paid + bonus)) -
      this.owed(account)
    const usd =
      terms === null ? 0 : this.credit(account, 'usd') + sum(running.map((one) => one.usd))
    if (sats >= 0) return { paid: sats, usd }
    return { paid: 0, usd: Math.max(0, usd - priceOf(-sats, terms?.rate ?? 1)) }
  }
}

const affords = (
  command: HoldCommand,
  pot: { paid: number; usd: number },
  output: number,
): boolean => {
  const { terms } = command
  const par = terms === null || terms.par === null ? null : parOf(terms.par, output)
  return pays(pot, cost(command, output), par, terms)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

const cost = ({ each, fixed }: HoldCommand, output: number): number =>
  Math.ceil((fixed + each * output) / 1_000_000)

function share(limit: Limit, command: HoldCommand, output: number): number {
  if (limit.unit === 'calls') return 1
  return limit.unit === 'tokens' ? command.input + output : cost(command, output)
}

/** The part of the written time that names the window. */
function windowOf({ window }: Limit, at: number): string {
  const length = { min: 16, hour: 13, day: 10, month: 7, total: 0, req: 0 }[window]
  return new Date(at).toISOString().slice(0, length)
}
