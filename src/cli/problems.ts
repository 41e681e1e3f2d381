import { plural } from '../floor/plural.ts'
import { sentence } from '../floor/sentence.ts'

/**
 * A field of a problem's event as safe text on one line. It is empty if the event has no such
 * field.
 */
export type Field = (name: string) => string

export interface Problem {
  readonly level: 'warn' | 'error'
  /** Fields of its event, after `what`. */
  readonly fields: readonly string[]
  /** What is wrong, where, and what helps. */
  readonly begins: (field: Field) => string
  /** The sentence when it is over. Without it the problem has no end, and is printed each time. */
  readonly ends?: (field: Field) => string
}

/**
 * All problems that a gate reports, by `what`, with the sentences for people. The level is `error`
 * if nothing can be sold because of it, or if satgate itself has a bug.
 */
export const PROBLEMS: Readonly<Record<string, Problem>> = {
  upstream_unreachable: {
    level: 'error',
    fields: ['reason', 'since', 'url', 'detail'],
    begins: (field) =>
      `${sentence(field('detail') || `the model server cannot be used (${field('reason')})`)} Nothing is sold until the model server answers; it is asked every 5 s`,
    ends: () => 'the model server answers',
  },
  models_unlisted: {
    level: 'warn',
    fields: ['url', 'detail'],
    begins: (field) =>
      `${sentence(field('detail') || 'the model server lists no models')} Until it lists its models, only those are sold that have a price of their own (pricing.models); it is asked every 5 s`,
    ends: () => 'the model server lists its models',
  },
  wallet_unreachable: {
    level: 'error',
    fields: ['wallet', 'reason', 'since', 'label', 'instead'],
    begins: (field) =>
      field('instead') === ''
        ? `the wallet cannot be used (${field('label') || field('wallet')}): ${sentence(field('reason'))} No credit can be sold until it answers; buyers who have credit are served`
        : `the wallet cannot be used (${field('label') || field('wallet')}): ${sentence(field('reason'))} Invoices come from ${field('instead')} meanwhile; payments of its own are seen when it answers`,
    ends: (field) => `the wallet answers (${field('label') || field('wallet')})`,
  },
  payments_unknown: {
    level: 'warn',
    fields: ['payments', 'usd', 'since'],
    begins: (field) =>
      `nobody knows whether ${counted(field('payments'), 'payment')} in dollars arrived ($${field('usd')}, the oldest since ${field('since')}). The facilitator is asked again by itself, and their buyers are told not to pay again`,
    ends: () => 'it is known of every payment in dollars whether it arrived',
  },
  payments_unwatched: {
    level: 'warn',
    fields: ['payments', 'usd'],
    begins: (field) =>
      `${counted(field('payments'), 'payment')} in dollars ($${field('usd')}) had no end or were not credited yet when rails.x402 was turned off. Nobody looks after them now, and their buyers get nothing. Turn it on again until they have an end; what the facilitator never tells: satgate wallet confirm --payments`,
  },
  rate_unavailable: {
    level: 'warn',
    fields: ['reason'],
    begins: (field) =>
      `nobody can say what a bitcoin costs in dollars: ${sentence(field('reason'))} Models with a price in dollars answer 503, and no dollars are asked for. Another source: pricing.rate`,
    ends: () => 'the price of a bitcoin in dollars is known again',
  },
  ledger_commit: {
    level: 'error',
    fields: ['detail'],
    begins: (field) =>
      `the ledger cannot be written: ${sentence(field('detail'))} Nothing is sold until it can be. Look whether the disk is full or read-only`,
    ends: () => 'the ledger is written again',
  },
  ledger_damaged: {
    level: 'error',
    fields: ['detail'],
    begins: (field) =>
      `the ledger is damaged: ${sentence(field('detail'))} No request is admitted any more. Stop the gate, keep a copy of its folder, and put a backup in its place`,
  },
  seed_elsewhere: {
    level: 'error',
    fields: ['fix'],
    begins: (field) =>
      `another gate uses the same ecash wallet, or this data folder is an older backup. Nothing is sold or sent. Stop the other gate, then run: ${field('fix')}`,
  },
  mint_unreachable: {
    level: 'warn',
    fields: ['mint', 'reason'],
    begins: (field) => `the mint ${field('mint')} cannot be used: ${field('reason')}`,
    ends: (field) => `the mint ${field('mint')} answers`,
  },
  mint_busy: {
    level: 'warn',
    fields: ['mint', 'reason'],
    begins: (field) =>
      `the mint ${field('mint')} says that it is asked too often. It is asked less for a while; a second mint in wallet.mints helps`,
    ends: (field) => `the mint ${field('mint')} answers`,
  },
  mint_refuses: {
    level: 'warn',
    fields: ['mint', 'reason'],
    begins: (field) =>
      `the mint ${field('mint')} refuses: ${sentence(field('reason'))} Other mints are asked meanwhile; a second one in wallet.mints helps`,
    ends: (field) => `the mint ${field('mint')} answers`,
  },
  mint_lies: {
    level: 'warn',
    fields: ['mint', 'reason'],
    begins: (field) =>
      `the mint ${field('mint')} answers as no honest mint does: ${sentence(field('reason'))} It is asked for no invoice for an hour. Take out what it holds: satgate wallet balance`,
    ends: (field) => `the mint ${field('mint')} answers as it should`,
  },
  mint_pays_nothing: {
    level: 'warn',
    fields: ['mint', 'reason'],
    begins: (field) =>
      `the mint ${field('mint')} is not used: ${sentence(field('reason'))} Take out what it holds as a token: satgate wallet export`,
    ends: (field) => `the mint ${field('mint')} pays invoices again`,
  },
  mint_short: {
    level: 'warn',
    fields: ['mint', 'holds_sat', 'owed_sat'],
    begins: (field) =>
      `the mint ${field('mint')} holds ${field('holds_sat')} sat, and buyers who paid in there are owed ${field('owed_sat')} sat. They cannot all be paid back: satgate wallet balance`,
    ends: (field) => `the mint ${field('mint')} holds what buyers who paid in there are owed`,
  },
  payout: {
    level: 'warn',
    fields: ['to', 'reason'],
    begins: (field) =>
      `earnings were not sent to ${field('to')}: ${sentence(field('reason'))} It is tried again. To look: satgate wallet balance`,
    ends: (field) => `earnings were sent to ${field('to')}`,
  },
  tunnel_down: {
    level: 'warn',
    fields: [],
    begins: () =>
      'the tunnel has no address: only this machine reaches the gate. It is opened again by itself, and a line says the new address',
    ends: (field) => `the tunnel is up, the public address is ${field('public_url')}`,
  },
  invoices_unanswered: {
    level: 'warn',
    fields: ['wallet', 'invoices', 'until'],
    begins: (field) =>
      `another wallet (${field('wallet')}) made ${counted(field('invoices'), 'invoice')} that can be paid until ${field('until')}, and this gate would not see the payment`,
  },
  log_dropped: {
    level: 'warn',
    fields: ['lines', 'since'],
    begins: (field) =>
      `${counted(field('lines'), 'line')} of this log ${field('lines') === '1' ? 'is' : 'are'} missing here, from ${field('since')} on: whatever reads it had stopped, or its disk was full. The books have every charge`,
  },
  clients_look_alike: {
    level: 'warn',
    fields: ['fix'],
    begins: (field) =>
      `requests come through a proxy on this machine that satgate was not told of, so all its clients share the limits of one. Name the proxy in ${field('fix')}`,
  },
  holds_recovered: {
    level: 'warn',
    fields: ['holds'],
    begins: (field) =>
      `the gate did not end as it should: ${counted(field('holds'), 'request')} still ran. What was delivered is charged, the rest went back`,
  },
  holds_expired: {
    level: 'warn',
    fields: ['holds'],
    begins: (field) =>
      `${counted(field('holds'), 'hold')} outlived any request. What was delivered is charged, the rest went back`,
  },
  background_failed: {
    level: 'warn',
    fields: ['work', 'reason'],
    begins: (field) => `work in the background fails (${field('work')}): ${field('reason')}`,
    ends: (field) => `work in the background goes on (${field('work')})`,
  },
  facilitator_unreachable: {
    level: 'warn',
    fields: ['facilitator', 'reason', 'since'],
    begins: (field) =>
      `payments in dollars cannot be settled by ${field('facilitator')}: ${field('reason')}. They are not offered until it works`,
    ends: (field) => `${field('facilitator')} settles payments in dollars again`,
  },
  x402_unknown: {
    level: 'warn',
    fields: ['payment', 'usd', 'network'],
    begins: (field) =>
      `nobody knows whether a payment of $${field('usd')} on ${field('network')} arrived (its id begins with ${field('payment')}). Its buyer got no credit. Look for it on the chain, and if it arrived: satgate wallet confirm --payments`,
  },
  withdrawal_open: {
    level: 'warn',
    fields: ['account', 'source', 'since'],
    begins: (field) =>
      `a withdrawal of the account ${field('account')} out of ${field('source')} has no end since ${field('since')}. It stays set aside until the wallet says how it ended, and is asked about every minute. Look for it in the wallet`,
    ends: (field) => `the withdrawal of the account ${field('account')} has ended`,
  },
  withdrawals_paused: {
    level: 'warn',
    fields: ['source', 'fix'],
    begins: (field) =>
      `this folder was restored, and ${field('source')} cannot say what was withdrawn since the backup. Buyers withdraw nothing out of it until you run: ${field('fix')}`,
    ends: (field) => `buyers may withdraw again out of ${field('source')}`,
  },
  withdrawal_recovered: {
    level: 'warn',
    fields: ['account', 'amount_msat', 'source'],
    begins: (field) =>
      `${field('source')} paid a withdrawal of ${field('amount_msat')} msat that this ledger did not know, because it was restored from a backup. It is taken from the account ${field('account')}`,
  },
  internal_error: {
    level: 'error',
    fields: ['error', 'at'],
    begins: (field) =>
      `a mistake in satgate ended a request: ${field('error')} at ${field('at')}. Please report it`,
  },
  fatal: {
    level: 'error',
    fields: ['reason'],
    begins: (field) =>
      `a mistake in satgate ends this gate: ${sentence(field('reason'))} Running answers finish first. Please report it`,
  },
}

const counted = (count: string, noun: string): string => plural(Number(count), noun)

type ProblemEvent = { readonly what: string; readonly [field: string]: unknown }

/** The sentence for a problem or its end. For an unknown problem it lists the fields. */
export function sentenceOf(event: ProblemEvent, over: boolean, safe: (text: string) => string) {
  const field: Field = (name) => (event[name] === undefined ? '' : safe(String(event[name])))
  const known = Object.hasOwn(PROBLEMS, event.what) ? PROBLEMS[event.what] : undefined
  const words = over ? known?.ends : known?.begins
  if (words !== undefined) return words(field)
  const named = Object.keys(event).filter((name) => name !== 'event' && name !== 'what')
  const details = named.map((name) => `${safe(name)} ${field(name)}`)
  return [safe(event.what.replaceAll('_', ' ')), ...details].join('  ')
}
