import { PROBLEMS } from './problems.ts'

/** How much an event matters, as programs that collect logs name it. */
export type Level = 'info' | 'warn' | 'error'

export interface EventKind {
  readonly level: Level
  /** The quietest `log.level` at which the event is printed. */
  readonly saidFrom: 'error' | 'warn' | 'info'
  readonly means: string
  /**
   * Fields after `time`, `level` and `event`. The names are a contract: more may come, none
   * changes.
   */
  readonly fields: readonly string[]
}

/** Every event of a running gate. `docs/monitoring.md` has the same list. */
export const EVENTS: Readonly<Record<string, EventKind>> = {
  ready: {
    level: 'info',
    saidFrom: 'error',
    means: 'The gate takes requests.',
    fields: [
      'url',
      'public_url',
      'tunnel',
      'tunnel_why',
      'upstream',
      'wallet',
      'wallets',
      'x402',
      'money',
      'mode',
      'data_dir',
    ],
  },
  paid: {
    level: 'info',
    saidFrom: 'info',
    means: 'A payment has arrived and is credited to an account.',
    fields: ['rail', 'account', 'amount_msat', 'amount_usd_micros'],
  },
  withdrawn: {
    level: 'info',
    saidFrom: 'info',
    means: 'A withdrawal of a buyer is over: `state` is `paid` or `failed`.',
    fields: ['account', 'state', 'kind', 'source', 'amount_msat', 'fee_msat'],
  },
  request: {
    level: 'info',
    saidFrom: 'info',
    means: 'A request is over, however it ended.',
    fields: [
      ...['id', 'account', 'dialect', 'model', 'status', 'end', 'reason', 'usage'],
      ...['prompt_tokens', 'completion_tokens', 'held_msat', 'charged_msat'],
      ...['would_charge_msat', 'would_refuse', 'owed_msat', 'overrun_msat'],
      ...['left_msat', 'ttft_ms', 'ms'],
    ],
  },
  payout: {
    level: 'info',
    saidFrom: 'error',
    means: 'Money leaves the ecash wallet: `state` is `sent`, then `paid` or `failed`.',
    fields: ['state', 'sat', 'fee_sat', 'to', 'reason'],
  },
  problem: {
    level: 'warn',
    saidFrom: 'error',
    means: 'Something is wrong; `what` names it. `level` is `error` where nothing can be sold.',
    fields: ['what'],
  },
  solved: {
    level: 'info',
    saidFrom: 'warn',
    means: 'The problem with the same `what` is over.',
    fields: ['what'],
  },
  stopping: {
    level: 'info',
    saidFrom: 'error',
    means: 'The gate takes nothing new and lets running answers finish.',
    fields: [],
  },
  stopped: {
    level: 'info',
    saidFrom: 'error',
    means: 'The gate has ended: answers served and msat charged since its start, holds left open.',
    fields: ['open_holds', 'held_msat', 'answers', 'earned_msat'],
  },
}

/** The level of one event: a problem has its own. */
export function levelOf(event: object): Level {
  const problem = 'what' in event ? PROBLEMS[String(event.what)] : undefined
  if (nameOf(event) === 'problem' && problem !== undefined) return problem.level
  return EVENTS[nameOf(event)]?.level ?? 'info'
}

export const nameOf = (event: object): string => ('event' in event ? String(event.event) : '')
