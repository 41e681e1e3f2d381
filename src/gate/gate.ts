import type { Dialect, Terms } from '../dialects/dialect.ts'
import type { Result } from '../floor/result.ts'
import { err, ok } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { ceilSat } from '../money/msat.ts'
import { isFree } from '../money/price.ts'
import type { Pricing } from '../money/pricing.ts'
import type { Credential, Presented } from '../passes/pass.ts'
import type { Doorkeeper, NotAdmitted } from './admit.ts'
import type { Capacity } from './capacity.ts'
import type { Closer } from './close.ts'
import { DAMAGED, type Demand, holdRefusal, LEDGER, PENDING, short, unpaid } from './demand.ts'
import { type Estimating, PromptEstimate } from './estimate.ts'
import type { Exchange } from './exchange.ts'
import { fitted, type Models, type OutputBounds, price, read } from './judge.ts'
import { forbidden, NOT_GOOD } from './not-admitted.ts'
import { type Payer, passOf } from './payer.ts'
import type { Incoming, Reply } from './ports.ts'
import type { Purse } from './purse.ts'
import { type Refusal, refuse, STOPPING } from './refusal.ts'
import type { Report } from './report.ts'
import type { Speeds } from './speeds.ts'
import type { Admitted, Held, Priced } from './steps.ts'

export interface GateParts {
  readonly models: Models
  readonly pricing: Pricing
  readonly bounds: OutputBounds
  /** What passes of a request, and to whom. */
  terms(): Terms
  readonly estimating: Estimating
  readonly doorkeeper: Doorkeeper
  readonly demand: Demand
  readonly purse: Purse
  readonly capacity: Capacity
  readonly exchange: Exchange
  readonly speeds: Speeds
  readonly closer: Closer
  readonly report: Report
  readonly world: World
  /** Why nothing can be delivered now: then nothing is sold either. Null while the backend is there. */
  gone(): Refusal | null
  /** False while a commit has failed or is late: nothing is admitted. */
  healthy(): boolean
}

/** One request from its first byte to its last posting. Every branch of the product is in `serve`. */
export class Gate {
  readonly #parts: GateParts
  #stopping = false

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** Takes no more requests from now on. */
  stop(): void {
    this.#stopping = true
  }

  /** Answers a request that could not even be read: too large, too slow, badly encoded. */
  turnAway(
    incoming: Incoming,
    dialect: Dialect,
    { reply, refusal }: { readonly reply: Reply; readonly refusal: Refusal },
  ): void {
    const { report, world } = this.#parts
    report.begin(incoming, dialect, world.now()).refused(reply, refusal)
  }

  /** Serves one request on a dialect's path, whatever its method. Rejects on a bug alone. */
  async serve(incoming: Incoming, dialect: Dialect, reply: Reply): Promise<void> {
    const { report, world } = this.#parts
    const at = world.now()
    const request = report.begin(incoming, dialect, at)
    const { presented } = incoming
    if (presented.is === 'conflict') return request.refused(reply, CONFLICT)
    if (presented.is === 'damaged' && (await this.#parts.doorkeeper.wasPaid(presented))) {
      return request.refused(reply, DAMAGED)
    }
    if (incoming.method === 'HEAD') {
      const gone = this.#parts.gone()
      return gone === null ? this.#priceOnly(incoming, reply) : request.refused(reply, gone)
    }
    if (asksThePrice(incoming)) {
      return request.refused(reply, await this.#askPrice(incoming, presented))
    }
    const priced = await this.#price(incoming, dialect, at)
    if (!priced.ok) {
      // What a backend that is gone does not list may be there again when it is back.
      const gone = priced.error.status === 404 ? this.#parts.gone() : null
      return request.refused(reply, gone ?? priced.error)
    }
    request.priced(priced.value)
    const { asked, served } = priced.value
    const prompt = { ...asked, model: served }
    const estimate = new PromptEstimate(prompt, incoming.client, this.#parts.estimating)
    const admitted = await this.#admit(priced.value, presented, estimate)
    if (!admitted.ok) return request.refused(reply, admitted.error)
    request.admitted(admitted.value)
    const undeliverable = this.#parts.gone()
    if (undeliverable !== null) return request.refused(reply, undeliverable)
    let gone = false
    reply.onGone(() => {
      gone = true
    })
    const step = await fitted(admitted.value, estimate)
    const held = await this.#hold(step, estimate, () => gone)
    if (!held.ok) return request.refused(reply, held.error)
    if (gone) {
      await this.#parts.closer.giveBack(held.value, 'client_left')
      return request.left(held.value)
    }
    const letGo = this.#parts.capacity.take()
    if (letGo === null) {
      await this.#parts.closer.giveBack(held.value, 'refused')
      return request.refused(reply, FULL)
    }
    const exchanged = await this.#parts.exchange.run(held.value, reply, { estimate, letGo })
    request.ended(held.value, exchanged)
  }

  /** A price probe: no challenge, no invoice (threats D4). */
  async #priceOnly(incoming: Incoming, reply: Reply): Promise<void> {
    const sats = await this.#parts.demand.sats(null, null)
    reply.head(402, {
      'x-l402-price-sats': `${sats}`,
      'cache-control': 'no-store',
      'x-request-id': incoming.id,
    })
    reply.end()
  }

  /** GET, or a POST with nothing in it: a 402 to whoever has not paid, 405 or 400 to who has. */
  async #askPrice(incoming: Incoming, presented: Presented): Promise<Refusal> {
    if (presented.is === 'credential') {
      const operation = { path: incoming.path, method: incoming.method, model: null }
      const admitted = await this.#parts.doorkeeper.admit(presented.credential, operation)
      if (admitted.ok) return incoming.method === 'POST' ? EMPTY : METHOD
      return this.#notAdmitted(incoming, admitted.error, null, null)
    }
    if (incoming.method !== 'GET' && incoming.method !== 'POST') return METHOD
    return this.#offer(incoming, { payer: null, step: null, estimate: null, reason: null })
  }

  async #price(incoming: Incoming, dialect: Dialect, at: number): Promise<Result<Priced, Refusal>> {
    const { models, pricing, bounds } = this.#parts
    const step = read(incoming, dialect, { at, terms: this.#parts.terms() })
    if (!step.ok) return step
    const priced = await price(step.value, { pricing, models, bounds })
    return priced.ok ? ok(this.#inTime(priced.value)) : priced
  }

  /** An answer that is not streamed asks for no more than comes in time (threats J14). */
  #inTime(step: Priced): Priced {
    const { stream, hasOutput, choices } = step.asked
    if (stream || !hasOutput) return step
    return { ...step, wanted: Math.min(step.wanted, this.#parts.speeds.most(step.served, choices)) }
  }

  async #admit(
    step: Priced,
    presented: Presented,
    estimate: PromptEstimate,
  ): Promise<Result<Admitted, Refusal>> {
    if (!this.#parts.healthy() || this.#stopping) return err(this.#stopping ? STOPPING : LEDGER)
    if (presented.is !== 'credential') {
      if (presented.is === 'absent' && isFree(step.rate)) return ok({ ...step, payer: null })
      const about = { payer: null, step, estimate, reason: null }
      return err(await this.#offer(step.incoming, about))
    }
    const { path } = step.dialect
    const operation = { path, method: step.incoming.method, model: step.asked.model }
    const admitted = await this.#identify(presented.credential, operation)
    if (admitted.ok) {
      estimate.of(admitted.value.account)
      return ok({ ...step, payer: admitted.value })
    }
    return err(await this.#notAdmitted(step.incoming, admitted.error, step, estimate))
  }

  #identify(
    credential: Credential,
    operation: { readonly path: string; readonly method: string; readonly model: string | null },
  ): Promise<Result<Payer, NotAdmitted>> {
    return this.#parts.doorkeeper.admit(credential, operation)
  }

  async #notAdmitted(
    incoming: Incoming,
    not: NotAdmitted,
    step: Priced | null,
    estimate: PromptEstimate | null,
  ): Promise<Refusal> {
    if (not.why === 'forbidden') {
      return forbidden(incoming, not, step?.asked.model ?? null)
    }
    if (not.why === 'pending' || not.why === 'unreachable') return PENDING
    return this.#offer(incoming, { payer: null, step, estimate, reason: NOT_GOOD[not.why] })
  }

  async #offer(
    incoming: Incoming,
    about: {
      readonly payer: Payer | null
      readonly step: Priced | null
      readonly estimate: PromptEstimate | null
      readonly reason: string | null
    },
  ): Promise<Refusal> {
    const { demand, gone, healthy } = this.#parts
    // The row of an invoice is on disk before its offer leaves: there it would wait for the disk.
    if (!healthy()) return LEDGER
    const undeliverable = gone()
    if (undeliverable !== null) return undeliverable
    const asks = await demand.asks(about.step, about.estimate)
    const debt = about.payer?.scope === 'account' ? await this.#debt(about.payer) : 0
    const reason = about.reason ?? unpaid(asks.sat, incoming.presented)
    const sums = { sat: asks.sat + debt, least: asks.least + debt }
    return demand.offer(incoming, { payer: about.payer, ...sums, reason })
  }

  /** Sats that a top-up pays before it buys anything. */
  async #debt({ account }: Payer): Promise<number> {
    return ceilSat(await this.#parts.purse.owed(account))
  }

  async #hold(
    step: Admitted,
    estimate: PromptEstimate,
    gone: () => boolean,
  ): Promise<Result<Held, Refusal>> {
    const { purse, world } = this.#parts
    const { payer, asked, wanted, rate, incoming, dialect } = step
    if (payer === null) return ok({ ...step, hold: null, limit: wanted })
    const { account, limits } = payer
    const what = { model: step.served, dialect: dialect.name, pass: passOf(payer) }
    const taken = await purse.take(
      {
        request: { id: incoming.id, account, limits, what },
        rate,
        inputBound: asked.inputBound,
        template: estimate.template(),
        inputEstimate: () => estimate.tokens(),
        least: asked.hasOutput ? asked.choices : 0,
        most: wanted * asked.choices,
      },
      gone,
    )
    if (taken.ok) {
      const limit = asked.hasOutput ? Math.floor(taken.hold.output / asked.choices) : 0
      return ok({ ...step, hold: taken.hold, limit })
    }
    const refusal = holdRefusal(taken.refused, world.now())
    if (refusal !== null) return err(refusal)
    const reason =
      taken.refused.why === 'insufficient_funds'
        ? short(taken.refused.needed, taken.refused.balance)
        : null
    return err(await this.#offer(incoming, { payer, step, estimate, reason }))
  }
}

/** GET asks what it costs; so does a POST with an empty body. */
const asksThePrice = (incoming: Incoming): boolean =>
  incoming.method !== 'POST' || incoming.body.length === 0

const CONFLICT = refuse(
  400,
  'conflicting_credentials',
  'This request carries two different credentials, perhaps one in Authorization and one in X-API-Key. Send one of them.',
)
const METHOD = refuse(
  405,
  'method_not_allowed',
  'Send a POST with a JSON body to this path. A GET without a pass is answered 402, with an invoice for credit.',
)
const EMPTY = refuse(
  400,
  'invalid_request_error',
  'The body is empty: send a JSON object with the model and the prompt.',
)
const FULL = refuse(
  503,
  'capacity',
  'All slots of the model server are taken; nothing was charged. Try again in some seconds.',
  {
    retryAfterSeconds: 5,
  },
)
