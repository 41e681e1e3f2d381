import type { World } from '../floor/world.ts'
import { othersShown } from '../money/quantities.ts'
import { shortName } from './account-name.ts'
import type { Authenticated, Call, Held, Settled } from './call.ts'
import type { Payer } from './payer.ts'
import type { GateEvent, Say } from './ports.ts'
import type { Refusal } from './refusal.ts'

type RequestEvent = Extract<GateEvent, { event: 'request' }>

/** How an answer came out. */
export interface Answered {
  readonly status: number
  /** ms from sending to the first byte of output. */
  readonly ttft: number | null
  /** For the operator's eyes: why the upstream failed. */
  readonly detail: string | null
}

/** Logs one event for each request, and does nothing else. */
export class RequestLog {
  readonly #say: Say
  readonly #world: Pick<World, 'now'>

  constructor(say: Say, world: Pick<World, 'now'>) {
    this.#say = say
    this.#world = world
  }

  refused(call: Call, refusal: Refusal): void {
    const end = refusal.stored === null ? 'refused' : 'complete'
    this.#say({ ...this.#base(call, refusal.status, end), reason: reasonOf(refusal) })
  }

  /** Logs a request whose buyer left before anything was sent upstream. */
  left(held: Held): void {
    const held_msat = heldOf(held)
    const base = this.#base(held, 499, 'client_left')
    this.#say({ ...base, usage: 'none', held_msat, charged_msat: 0 })
  }

  /** Logs a request that was sent upstream and is over. */
  ended(settled: Settled, { status, ttft, detail }: Answered): void {
    const { cost, observed } = settled
    this.#say({
      ...this.#base(settled, status, shownEnd(cost.end)),
      ...(detail === null ? {} : { reason: detail }),
      usage: cost.usage,
      prompt_tokens: cost.quantities.input ?? 0,
      completion_tokens: cost.quantities.output ?? 0,
      ...othersShown(cost.quantities),
      held_msat: heldOf(settled),
      charged_msat: Number(cost.charged),
      ...(observed === null ? {} : { would_charge_msat: Number(cost.wouldCharge) }),
      ...(observed === null || observed.refusal === null ? {} : { would_refuse: observed.refusal }),
      ...(cost.owed > 0n ? { owed_msat: Number(cost.owed) } : {}),
      ...(cost.overrun > 0n ? { overrun_msat: Number(cost.overrun) } : {}),
      ...(cost.after === null ? {} : { left_msat: Number(cost.after) }),
      ...(ttft === null ? {} : { ttft_ms: ttft }),
    })
  }

  #base(
    call: Call & Partial<Authenticated>,
    status: number,
    end: RequestEvent['end'],
  ): RequestEvent {
    const { asked, at, id, payer, rate, route } = call
    return {
      event: 'request',
      id,
      account: nameOf(payer ?? null),
      dialect: route.dialect.name,
      model: rate === undefined || asked === undefined ? null : asked.model,
      status,
      end,
      ms: this.#world.now() - at,
    }
  }
}

/**
 * Observed requests without a pass share one account a day. Its id is no secret, so it is shown in
 * full.
 */
function nameOf(payer: Payer | null): string | null {
  if (payer === null) return null
  return payer.via === 'free' ? payer.account : shortName(payer.account)
}

/** An observed request holds nothing of the account: its hold is on a copy (threats L26). */
const heldOf = ({ hold, observed }: Held): number =>
  observed === null ? Number(hold?.amount ?? 0n) : 0

/** The name of a refusal in the log. */
export const reasonOf = ({ status, code }: Refusal): string =>
  status === 402 ? 'payment_required' : code

/** Maps the two ends that are not shown by their own names. */
function shownEnd(end: Settled['cost']['end']): RequestEvent['end'] {
  if (end === 'cut') return 'complete'
  return end === 'outgrown' ? 'upstream_failed' : end
}
