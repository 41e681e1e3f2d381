import type { Dialect } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import { shortName } from './accounts.ts'
import { answerRefusal } from './answer.ts'
import type { Exchanged } from './exchange.ts'
import type { GateEvent, Incoming, Reply, Say } from './ports.ts'
import type { Refusal } from './refusal.ts'
import type { Admitted, Held, Priced } from './steps.ts'

type RequestEvent = Extract<GateEvent, { event: 'request' }>

/** Says one event for each request, however it ended. */
export class Report {
  readonly #say: Say
  readonly #world: World

  constructor(say: Say, world: World) {
    this.#say = say
    this.#world = world
  }

  begin(incoming: Incoming, dialect: Dialect, at: number): RequestReport {
    return new RequestReport({ say: this.#say, world: this.#world, incoming, dialect, at })
  }
}

/** Two ends have a name for the inside alone. */
function shownEnd(end: Exchanged['close']['end']): RequestEvent['end'] {
  if (end === 'cut') return 'complete'
  return end === 'outgrown' ? 'upstream_failed' : end
}

/** What is known of one request so far. */
export class RequestReport {
  readonly #parts: {
    readonly say: Say
    readonly world: World
    readonly incoming: Incoming
    readonly dialect: Dialect
    readonly at: number
  }
  #model: string | null = null
  #account: string | null = null

  constructor(parts: {
    readonly say: Say
    readonly world: World
    readonly incoming: Incoming
    readonly dialect: Dialect
    readonly at: number
  }) {
    this.#parts = parts
  }

  priced(step: Priced): void {
    this.#model = step.asked.model
  }

  admitted(step: Admitted): void {
    this.#account = step.payer === null ? null : shortName(step.payer.account)
  }

  /** Answers a refusal and says so. */
  refused(reply: Reply, refusal: Refusal): void {
    const { dialect, incoming } = this.#parts
    answerRefusal(dialect.wire.errors, { incoming, reply, refusal })
    this.#parts.say({
      ...this.#base(refusal.status, 'refused'),
      reason: refusal.status === 402 ? 'payment_required' : refusal.code,
    })
  }

  /** The buyer left before anything was sent upstream: free. */
  left(held: Held): void {
    const held_msat = Number(held.hold?.amount ?? 0n)
    this.#parts.say({
      ...this.#base(499, 'client_left'),
      usage: 'none',
      held_msat,
      charged_msat: 0,
    })
  }

  /** The request was sent upstream, and is over. */
  ended(held: Held, exchanged: Exchanged): void {
    const { close, status, ttft, detail } = exchanged
    const end = shownEnd(close.end)
    this.#parts.say({
      ...this.#base(status, end),
      ...(detail === null ? {} : { reason: detail }),
      usage: close.usage,
      prompt_tokens: close.tokens.input,
      completion_tokens: close.tokens.output,
      held_msat: Number(held.hold?.amount ?? 0n),
      charged_msat: Number(close.charged),
      ...(close.owed > 0n ? { owed_msat: Number(close.owed) } : {}),
      ...(close.overrun > 0n ? { overrun_msat: Number(close.overrun) } : {}),
      ...(close.after === null ? {} : { left_msat: Number(close.after) }),
      ...(ttft === null ? {} : { ttft_ms: ttft }),
    })
  }

  #base(status: number, end: RequestEvent['end']): RequestEvent {
    const { incoming, dialect, world, at } = this.#parts
    return {
      event: 'request',
      id: incoming.id,
      account: this.#account,
      dialect: dialect.name,
      model: this.#model,
      status,
      end,
      ms: world.now() - at,
    }
  }
}
