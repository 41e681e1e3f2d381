import type { Meter, Problem } from '../dialects/dialect.ts'
import type { Awaitable } from '../floor/awaitable.ts'
import type { World } from '../floor/world.ts'
import type { Msat } from '../money/msat.ts'
import { seesBalance } from '../passes/scope.ts'
import type { AccountPages } from './account.ts'
import type { Held, Settled } from './call.ts'
import type { Forwarded } from './forward.ts'
import { lacksApi } from './lacks-api.ts'
import type { End } from './outcome.ts'
import { type Refusal, STOPPING } from './refusal.ts'
import type { Relayed } from './relay-owner.ts'
import type { Route } from './route.ts'
import { noApi, otherApi, TOO_LARGE, tooLarge, upstreamRefusal } from './upstream-refusal.ts'
import { answerRefusal, answerWhole, openStream } from './write-response.ts'

/** Writes the end of an answer, as the buyer sees it. */
export class Respond {
  readonly #pages: Pick<AccountPages, 'spendable'>
  readonly #world: Pick<World, 'now'>

  constructor(pages: Pick<AccountPages, 'spendable'>, world: Pick<World, 'now'>) {
    this.#pages = pages
    this.#world = world
  }

  /**
   * The balance that the buyer is told, in msat. For a narrowed pass it is what the pass may still
   * spend. It is null for an observed request.
   */
  balance({ hold, observed, payer }: Held, available: Msat | null): Awaitable<Msat | null> {
    if (observed !== null) return null
    if (available === null || payer === null || seesBalance(payer.scope) || hold === null) {
      return available
    }
    return this.#pages.spendable(payer, available)
  }

  /** Writes the last bytes of the answer, and returns the status that the buyer got. */
  end(settled: Settled, { meter, relayed }: Forwarded, balance: Msat | null): number {
    const { cost, incoming, reply, route } = settled
    if (relayed.end === 'client_left') return reply.headSent ? 200 : 499
    const { head, whole } = relayed
    if (whole !== null && !reply.headSent) {
      answerWhole(settled, reply, {
        ...{ body: whole, head, charged: cost.charged, after: balance },
      })
      return head?.status ?? 200
    }
    if (!reply.headSent && failed(relayed.end)) {
      const refusal = this.#refusal(relayed, cost.charged, route)
      answerRefusal(route.dialect.wire.errors, {
        ...{ incoming, reply, refusal },
        asked: settled.asked,
      })
      return refusal.status
    }
    if (!reply.headSent) openStream(settled, { reply, head, before: balance })
    const trailers = incoming.trailers ? { 'X-Cost-Msat': `${cost.charged}` } : undefined
    const { charged } = cost
    const last =
      whole === null ? lastBytes(relayed.end, meter, charged) : meter.asStream(whole, charged)
    // Sound has no room for an error. A proper end would make half of it look whole.
    if (last.length === 0 && failed(relayed.end)) reply.breakOff()
    else reply.end(last, trailers)
    return 200
  }

  /** The refusal if an answer failed before the buyer saw any of it. */
  #refusal(relayed: Relayed, charged: Msat, route: Route): Refusal {
    const { dialect, path, translated } = route
    const { end, said, detail } = relayed
    if (end === 'outgrown') return tooLarge(charged)
    if (end === 'stopped') return STOPPING
    if (translated === 'off' && lacksApi(relayed)) return noApi(path.text)
    const { instead } = dialect
    if (instead !== undefined && lacksApi(relayed)) return otherApi(path.text, instead)
    return upstreamRefusal(said, { stalled: detail === 'silent', now: this.#world.now() })
  }
}

/** The last bytes of a stream. They tell the cost. */
function lastBytes(end: Exclude<End, 'client_left'>, meter: Meter, cost: Msat): Uint8Array {
  if (failed(end)) return meter.broken(BROKEN[end], cost)
  return end === 'cut' ? meter.cut(cost) : meter.finish(cost)
}

type Failed = Exclude<End, 'complete' | 'cut' | 'client_left'>

const failed = (end: End): end is Failed => Object.hasOwn(BROKEN, end)

/** What the buyer is told if a stream breaks off. */
const BROKEN: Readonly<Record<Failed, Pick<Problem, 'code' | 'message'>>> = {
  outgrown: { code: 'answer_too_large', message: TOO_LARGE },
  upstream_failed: {
    code: 'upstream_error',
    message: 'The model server broke off; only what arrived is charged.',
  },
  stalled: {
    code: 'upstream_timeout',
    message: 'The model server went silent; only what arrived is charged.',
  },
  stopped: { code: 'stopping', message: 'This gate is stopping; nothing is charged. Try again.' },
}
