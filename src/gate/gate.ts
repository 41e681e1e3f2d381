import type { Terms } from '../dialects/dialect.ts'
import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { Roster } from '../floor/roster.ts'
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
  withWanted,
} from './call.ts'
import { type Denied, notAuthenticated, refused, unpaidFor } from './denied.ts'
import type { RateNow } from './dollars.ts'
import type { Forwarded, Forwarder } from './forward.ts'
import type { GiveChange } from './give-change.ts'
import { holdOf } from './hold-request.ts'
import type { ModeRule } from './mode.ts'
import { isWhole } from './outcome.ts'
import { parse } from './parse.ts'
import type { PaymentRequired } from './payment-required.ts'
import type { Incoming, Reply } from './ports.ts'
import { withoutPayment } from './presentation.ts'
import { fitted, type PriceParts, price } from './price.ts'
import { DAMAGED, LEDGER, type Refusal, refuse, STOPPING } from './refusal.ts'
import { requestBody } from './request-body.ts'
import type { RequestLog } from './request-log.ts'
import type { Respond } from './respond.ts'
import type { Route } from './route.ts'
import type { Ending, Settler } from './settle.ts'
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
  readonly #running = new Roster<Held>()
  #stopping = false
  #ended = false
  #allOver: () => void = () => {}

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** Number of requests whose answers are running. */
  get running(): number {
    return this.#running.size
  }

  /** Takes no more requests from now on. */
  stop(): void {
    this.#stopping = true
  }

  /** Ends every answer that still runs. Resolves when the money of each is settled or released. */
  endStreams(): Promise<void> {
    this.#ended = true
    this.#parts.forwarder.stop()
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#allOver = resolve
    })
  }

  /** Begins the record of a request. */
  begin(route: Route, incoming: Incoming, reply: Reply): Call {
    return begun({ id: incoming.id, at: this.#parts.world.now(), route, incoming, reply })
  }

  /**
   * Serves one request: authorizes it, forwards it, settles it. Throws or rejects only if the code is
   * wrong.
   */
  serve(call: Call): Awaitable<void> {
    if (call.incoming.method === 'HEAD') return this.#tellHead(call)
    return andThen(this.authorize(call), (held) =>
      held.ok ? this.#deliver(held.value) : this.refuse(call, held.error),
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
      return andThen(this.#hold(known.value), (held) =>
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

  async #deliver(held: Held): Promise<void> {
    this.#running.add(held)
    try {
      if (held.left) return await this.#leave(held)
      let forwarded: Forwarded | null
      try {
        forwarded = await this.#forward(held)
      } catch (bug) {
        await this.settle(held, NOT_SENT)
        throw bug
      }
      const over = this.#finish(held, forwarded)
      if (isPromise(over)) await over
    } finally {
      this.#running.delete(held)
      held.payer?.keeping?.over()
      if (this.#running.size === 0) this.#allOver()
    }
  }

  /** The buyer left before anything was sent. */
  #leave(held: Held): Awaitable<void> {
    return andThen(this.settle(held, { sent: false, end: 'client_left' }), (settled) =>
      this.#parts.log.left(settled),
    )
  }

  /**
   * Sends the request. The result is null if the request waited for money while the gate stopped,
   * because nobody would end its answer any more. If a bug throws, the caller gives hold and slot
   * back.
   */
  #forward(held: Held): Awaitable<Forwarded | null> {
    const { forwarder, respond } = this.#parts
    return andThen(respond.balance(held, held.hold?.before ?? null), (before) =>
      this.#ended ? null : forwarder.run(held, before),
    )
  }

  /** Settles the money, and only then ends the answer, because its end tells the cost. */
  #finish(held: Held, forwarded: Forwarded | null): Awaitable<void> {
    if (forwarded === null) {
      return andThen(this.settle(held, NOT_SENT), () => this.refuse(held, STOPPING))
    }
    const { change, forwarder, log, respond } = this.#parts
    return andThen(this.settle(held, forwarded.ending), (settled) => {
      forwarder.learn(settled, forwarded)
      return andThen(change.leftAfter(settled, forwarded), (after) =>
        andThen(respond.balance(settled, after), (balance) => {
          if (isWhole(settled.cost.end)) settled.payer?.keeping?.endsWell()
          const status = respond.end(settled, forwarded, balance)
          const { relayed, ttft } = forwarded
          log.ended(settled, { status, ttft, detail: relayed.detail })
        }),
      )
    })
  }

  /** Reads the request, finds its price and finds out who pays. */
  #identify(call: Call): Awaitable<Result<Authenticated, Denied>> {
    return andThen(this.#misread(call), (misread) => {
      if (misread !== null) return err(misread)
      if (asksThePrice(call)) return priceAsked(call, this.#parts.authenticator).then(err)
      const parsed = parse(call, this.#parts.terms())
      if (!parsed.ok) return err(refused(parsed.error))
      return andThen(price(parsed.value, this.#parts.pricing), (priced) =>
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

  /** Takes a slot at a backend and holds the money. */
  #hold(call: Authenticated): Awaitable<Result<Held, Denied>> {
    const { payer } = call
    if (payer !== null) {
      return andThen(fitted(call, call.estimate), (wanted) =>
        holdOf(withWanted(call, wanted), payer, this.#parts),
      )
    }
    return andThen(this.#parts.mode.letIn(call), (free) =>
      free.ok ? free : err(refused(free.error)),
    )
  }
}

const NOT_SENT: Ending = { sent: false, end: 'stopped' }

const CONFLICT = refuse(
  400,
  'conflicting_credentials',
  'This request carries two different credentials or payments, perhaps one in Authorization and one in X-API-Key. Nothing was taken. Send one of them.',
)
