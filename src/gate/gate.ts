import type { Terms } from '../dialects/dialect.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { isFree } from '../money/price.ts'
import { asksThePrice, priceAsked } from './ask-price.ts'
import type { Authenticator, PaysFor } from './authenticate.ts'
import {
  type Authenticated,
  begun,
  type Call,
  type Held,
  type Parsed,
  type Priced,
  type Settled,
  toAuthenticated,
  toSettled,
} from './call.ts'
import { Delivery } from './delivery.ts'
import { type Denied, notAuthenticated, refused, unpaidFor } from './denied.ts'
import type { RateNow } from './dollars.ts'
import type { Forwarder } from './forward.ts'
import type { GiveChange } from './give-change.ts'
import { holdFor } from './hold-request.ts'
import { tooDear } from './max-cost.ts'
import type { ModeRule } from './mode.ts'
import { readPriced } from './parse.ts'
import type { PaymentRequired } from './payment-required.ts'
import type { Incoming, Reply } from './ports.ts'
import { withoutPayment } from './presentation.ts'
import type { PriceParts } from './price.ts'
import { DAMAGED, LEDGER, type Refusal, refuse, STOPPING } from './refusal.ts'
import { requestBody } from './request-body.ts'
import type { RequestLog } from './request-log.ts'
import type { Respond } from './respond.ts'
import type { Route } from './route.ts'
import type { Ending, Settler } from './settle.ts'
import { Translating } from './translating.ts'
import { answerRefusal } from './write-response.ts'

export interface GateParts {
  readonly pricing: PriceParts
  readonly rateNow: RateNow
  /** Which fields of a request may pass, and to which kind of backend. */
  terms(): Terms
  readonly authenticator: Authenticator
  readonly paymentRequired: Pick<PaymentRequired, 'sats' | 'short'>
  readonly mode: ModeRule
  readonly forwarder: Forwarder
  readonly settler: Settler
  readonly change: Pick<GiveChange, 'leftAfter' | 'replyTo'>
  readonly respond: Respond
  readonly log: RequestLog
  readonly world: World
  /** False while a commit has failed or is late. No request is let in then. */
  healthy(): boolean
}

/**
 * Serves one request, from its first byte to its last posting. Each step is a plain function that
 * answers at once where nothing has to be waited for. Only the exchange with the backend always
 * waits.
 */
export class Gate {
  readonly #parts: GateParts
  readonly #translating: Translating
  readonly #delivery: Delivery
  #stopping = false

  constructor(parts: GateParts) {
    this.#parts = parts
    this.#translating = new Translating(parts)
    this.#delivery = new Delivery({
      ...parts,
      translating: this.#translating,
      settle: (held, how) => this.settle(held, how),
      refuse: (held, refusal) => this.refuse(held, refusal),
    })
  }

  /** Number of requests whose answers are running. */
  get running(): number {
    return this.#delivery.running
  }

  /** Takes no more requests from now on. */
  stop(): void {
    this.#stopping = true
  }

  /** Ends every answer that still runs. Resolves when the money of each is settled or released. */
  endStreams(): Promise<void> {
    return this.#delivery.endAll()
  }

  /** Begins the record of a request. */
  begin(route: Route, incoming: Incoming, reply: Reply): Call {
    const served = this.#translating.routeOf(route)
    return begun({ id: incoming.id, at: this.#parts.world.now(), route: served, incoming, reply })
  }

  /**
   * Serves one request: authorizes it, forwards it, settles it. Throws or rejects only if the code is
   * wrong.
   */
  serve(call: Call): Awaitable<void> {
    if (call.incoming.method === 'HEAD') return this.#tellHead(call)
    return andThen(this.authorize(call), (held) =>
      held.ok ? this.#delivery.deliver(held.value) : this.refuse(call, held.error),
    )
  }

  /**
   * Admits a request: its money is held and it has a slot at a backend. The caller who gets a
   * `Held` must call `settle` with it exactly once, however the request ends.
   */
  authorize(call: Call): Awaitable<Result<Held, Refusal>> {
    const { mode } = this.#parts
    return andThen(this.#identify(call), (known) => {
      const undeliverable = this.#undeliverable(call, known)
      if (undeliverable !== null) return err(undeliverable)
      if (!known.ok) return mode.decide(call, known.error)
      return andThen(holdFor(known.value, known.value.payer, this.#parts), (held) =>
        held.ok ? held : mode.decide(call, held.error),
      )
    })
  }

  /** Settles or releases the money of a request that was let in, and gives its slot back. */
  settle(held: Held, how: Ending): Awaitable<Settled> {
    held.slot.letGo()
    return andThen(this.#parts.settler.close(held, how), (cost) => toSettled(held, cost))
  }

  /** Answers a request that is not served, and logs it. */
  refuse(call: Call & Partial<Pick<Parsed, 'asked'>>, refusal: Refusal): void {
    const { asked, incoming, reply, route } = call
    answerRefusal(route.dialect.wire.errors, { asked, incoming, reply, refusal })
    this.#parts.log.refused(call, refusal)
  }

  /** Reads the request, finds its price and finds out who pays. */
  #identify(call: Call): Awaitable<Result<Authenticated, Denied>> {
    return andThen(this.#misread(call), (misread) => {
      if (misread !== null) return err(misread)
      if (asksThePrice(call)) return priceAsked(call, this.#parts.authenticator).then(err)
      return andThen(readPriced(call, this.#parts), (priced) =>
        priced.ok ? this.#authenticate(priced.value) : err(refused(priced.error)),
      )
    })
  }

  /** Refuses two different credentials, and a damaged credential that was paid for. */
  #misread({ incoming: { presented } }: Call): Awaitable<Denied | null> {
    if (presented.is === 'conflict') return refused(CONFLICT)
    if (presented.is !== 'damaged') return null
    return andThen(this.#parts.authenticator.wasPaid(presented), (paid) =>
      paid ? refused(DAMAGED) : null,
    )
  }

  /**
   * The refusal if nothing can be delivered; it replaces an offer, a 404 or an answer. Other
   * refusals stay as they are. A 404 is replaced because a model that is missing now may be there
   * again when the backend is back.
   */
  #undeliverable(call: Call, known: Result<unknown, Denied>): Refusal | null {
    const settled = !known.ok && known.error.is === 'refused' && known.error.refusal.status !== 404
    return settled ? null : call.route.targets.gone()
  }

  /**
   * Answers a HEAD with the price, without a challenge, an invoice or a line in the log (threats
   * D4).
   */
  async #tellHead(call: Call): Promise<void> {
    const { id, reply } = call
    const denied = (await this.#misread(call)) ?? unpaidFor(call.incoming, null)
    const undeliverable = this.#undeliverable(call, err(denied))
    if (undeliverable !== null) return this.refuse(call, undeliverable)
    if (denied.is === 'refused') return this.refuse(call, denied.refusal)
    const sats = await this.#parts.paymentRequired.sats(null, null)
    const price = ['x-l402-price-sats', `${sats}`]
    reply.head(402, [...price, 'cache-control', 'no-store', 'x-request-id', id])
    reply.end()
  }

  #authenticate(call: Priced): Awaitable<Result<Authenticated, Denied>> {
    if (this.#stopping) return err(refused(STOPPING))
    if (!this.#parts.healthy()) return err(refused(LEDGER))
    const { asked, incoming, rate, route } = call
    const { client, method, path } = incoming
    // Only a route that sells takes payments. A pass beside one is good everywhere.
    const sells = route.mode === 'charge'
    const presented = sells ? incoming.presented : withoutPayment(incoming.presented)
    if (presented.is !== 'credential' && presented.is !== 'payment') {
      if (presented.is === 'absent' && isFree(rate)) return ok(toAuthenticated(call, null))
      return err(unpaidFor(incoming, call))
    }
    // A payment cannot be given back: only a route that sells takes it, if its backend is there.
    if (presented.is === 'payment') {
      const gone = route.targets.gone()
      if (gone !== null) return err(refused(gone))
      if (!sells) return err(unpaidFor(incoming, call))
      const dear = tooDear(call, this.#parts.mode.beside)
      if (dear !== null) return err(refused(dear))
    }
    const operation = { path, method, model: asked.model }
    const { authenticator, paymentRequired } = this.#parts
    const paying: PaysFor = {
      ...{ client, origin: incoming.origin, body: requestBody(incoming) },
      short: (sat, usd) => paymentRequired.short(call, call.estimate, { sat, usd }),
    }
    return andThen(authenticator.authenticate(presented, operation, paying), (identified) => {
      if (!identified.ok) return err(notAuthenticated(incoming, identified.error, call))
      const payer = identified.value
      call.estimate.of(payer.account)
      return andThen(this.#parts.change.replyTo(payer, call.reply), (reply) =>
        ok(toAuthenticated(call, payer, reply)),
      )
    })
  }
}

const CONFLICT = refuse(
  400,
  'conflicting_credentials',
  'This request carries two different credentials or payments, perhaps one in Authorization and one in X-API-Key. Nothing was taken. Send one of them.',
)
