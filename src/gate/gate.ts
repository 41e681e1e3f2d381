import type { Terms } from '../dialects/dialect.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { isFree } from '../money/price.ts'
import type { Authenticator } from './authenticate.ts'
import {
  type Authenticated,
  type Call,
  grow,
  type Held,
  type Parsed,
  type Priced,
  type Settled,
} from './call.ts'
import { carrying } from './carrying.ts'
import { type Denied, notAuthenticated, notHeld, refused, unpaidFor } from './denied.ts'
import type { Forwarded, Forwarder } from './forward.ts'
import type { ModeRule } from './mode.ts'
import { parse } from './parse.ts'
import { passOf } from './payer.ts'
import type { PaymentRequired } from './payment-required.ts'
import type { Incoming, Reply } from './ports.ts'
import { fitted, type PriceParts, price } from './price.ts'
import {
  DAMAGED,
  emptyBody,
  LEDGER,
  methodNotAllowed,
  type Refusal,
  refuse,
  STOPPING,
} from './refusal.ts'
import type { RequestLog } from './request-log.ts'
import type { Respond } from './respond.ts'
import type { Route } from './route.ts'
import type { Ending, Settler } from './settle.ts'
import { answerRefusal } from './write-response.ts'

export interface GateParts {
  readonly pricing: PriceParts
  /** Which fields of a request may pass, and to which kind of backend. */
  terms(): Terms
  readonly authenticator: Authenticator
  readonly paymentRequired: Pick<PaymentRequired, 'sats'>
  readonly mode: ModeRule
  readonly forwarder: Forwarder
  readonly settler: Settler
  readonly respond: Respond
  readonly log: RequestLog
  readonly world: World
  /** False while a commit has failed or is late. No request is let in then. */
  healthy(): boolean
}

/** Serves one request, from its first byte to its last posting. */
export class Gate {
  readonly #parts: GateParts
  readonly #running = new Set<Promise<void>>()
  #stopping = false
  #ended = false

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
  async endStreams(): Promise<void> {
    this.#ended = true
    this.#parts.forwarder.stop()
    await Promise.all(this.#running)
  }

  /** Begins the record of a request. */
  begin(route: Route, incoming: Incoming, reply: Reply): Call {
    const at = this.#parts.world.now()
    const call = { id: incoming.id, at, route, incoming, reply, left: false }
    reply.onGone(() => {
      call.left = true
    })
    return call
  }

  /**
   * Serves one request: authorizes it, forwards it, settles it. Rejects only if the code is wrong.
   */
  async serve(call: Call): Promise<void> {
    if (call.incoming.method === 'HEAD') return this.#tellHead(call)
    const held = await this.authorize(call)
    if (!held.ok) return this.refuse(call, held.error)
    const over = this.#deliver(held.value)
    this.#running.add(over)
    return over.finally(() => this.#running.delete(over))
  }

  /**
   * Admits a request: its money is held and it has a slot at a backend. The caller who gets a
   * `Held` must call `settle` with it exactly once, however the request ends.
   */
  async authorize(call: Call): Promise<Result<Held, Refusal>> {
    const known = await this.#identify(call)
    const undeliverable = this.#undeliverable(call, known)
    if (undeliverable !== null) return err(undeliverable)
    if (!known.ok) return this.#parts.mode.decide(call, known.error)
    const held = await this.#hold(known.value)
    return held.ok ? held : this.#parts.mode.decide(call, held.error)
  }

  /** Settles or releases the money of a request that was let in, and gives its slot back. */
  async settle(held: Held, how: Ending): Promise<Settled> {
    held.slot.letGo()
    return grow(held, { cost: await this.#parts.settler.close(held, how) })
  }

  /** Answers a request that is not served, and logs it. */
  refuse(call: Call & Partial<Pick<Parsed, 'asked'>>, refusal: Refusal): void {
    const { asked, incoming, reply, route } = call
    answerRefusal(route.dialect.wire.errors, { asked, incoming, reply, refusal })
    this.#parts.log.refused(call, refusal)
  }

  async #deliver(held: Held): Promise<void> {
    const { forwarder, log, respond } = this.#parts
    if (held.left) {
      await this.settle(held, { sent: false, end: 'client_left' })
      return log.left(held)
    }
    const forwarded = await this.#forward(held)
    if (forwarded === null) {
      await this.settle(held, NOT_SENT)
      return this.refuse(held, STOPPING)
    }
    const settled = await this.settle(held, forwarded.ending)
    forwarder.learn(settled, forwarded)
    const balance = await respond.balance(settled, settled.cost.after)
    const status = respond.end(settled, forwarded, balance)
    log.ended(settled, { status, ttft: forwarded.ttft, detail: forwarded.relayed.detail })
  }

  /**
   * Sends the request. Returns null if it waited for money while the gate stopped, because nobody
   * would end its answer any more. If a bug throws, hold and slot are given back.
   */
  async #forward(held: Held): Promise<Forwarded | null> {
    const { forwarder, respond } = this.#parts
    try {
      const before = await respond.balance(held, held.hold?.before ?? null)
      return this.#ended ? null : await forwarder.run(held, before)
    } catch (bug) {
      await this.settle(held, NOT_SENT)
      throw bug
    }
  }

  /** Reads the request, finds its price and finds out who pays. */
  async #identify(call: Call): Promise<Result<Authenticated, Denied>> {
    const misread = await this.#misread(call)
    if (misread !== null) return err(misread)
    if (asksThePrice(call)) return err(await this.#priceAsked(call))
    const parsed = parse(call, this.#parts.terms())
    if (!parsed.ok) return err(refused(parsed.error))
    const priced = await price(parsed.value, this.#parts.pricing)
    return priced.ok ? this.#authenticate(priced.value) : err(refused(priced.error))
  }

  /** Refuses two different credentials, and a damaged credential that was paid for. */
  async #misread({ incoming: { presented } }: Call): Promise<Denied | null> {
    if (presented.is === 'conflict') return refused(CONFLICT)
    if (presented.is !== 'damaged') return null
    return (await this.#parts.authenticator.wasPaid(presented)) ? refused(DAMAGED) : null
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

  /**
   * Answers a GET or an empty body: with a 402 if no pass is presented, with 405 or 400 if a good
   * pass is.
   */
  async #priceAsked({ incoming, route }: Call): Promise<Denied> {
    const { method, path, presented } = incoming
    const allowed = method === 'GET' || method === route.method
    const other = refused(methodNotAllowed(route.method, route.dialect))
    // There is nothing to answer, so the payment is not taken.
    if (presented.is === 'payment')
      return method === route.method ? refused(emptyBody(route.dialect)) : other
    if (presented.is !== 'credential') return allowed ? unpaidFor(incoming, null) : other
    const operation = { path, method, model: null }
    const identified = await this.#parts.authenticator.authenticate(presented, operation)
    if (!identified.ok) return notAuthenticated(incoming, identified.error, null)
    return method === route.method ? refused(emptyBody(route.dialect)) : other
  }

  async #authenticate(call: Priced): Promise<Result<Authenticated, Denied>> {
    if (this.#stopping) return err(refused(STOPPING))
    if (!this.#parts.healthy()) return err(refused(LEDGER))
    const { asked, estimate, incoming, rate } = call
    const { method, path, presented } = incoming
    if (presented.is !== 'credential' && presented.is !== 'payment') {
      if (presented.is === 'absent' && isFree(rate)) return ok(grow(call, { payer: null }))
      return err(unpaidFor(incoming, call))
    }
    // A payment cannot be given back, so it is taken only if the route sells and the backend is
    // there.
    if (presented.is === 'payment') {
      const gone = call.route.targets.gone()
      if (gone !== null) return err(refused(gone))
      if (call.route.mode !== 'charge') return err(unpaidFor(incoming, call))
    }
    const operation = { path, method, model: asked.model }
    const identified = await this.#parts.authenticator.authenticate(presented, operation)
    if (!identified.ok) return err(notAuthenticated(incoming, identified.error, call))
    const payer = identified.value
    estimate.of(payer.account)
    if (payer.carries === null) return ok(grow(call, { payer }))
    return ok(grow(call, { payer, reply: carrying(payer.carries, call.reply) }))
  }

  /** Takes a slot at a backend and holds the money. */
  async #hold(call: Authenticated): Promise<Result<Held, Denied>> {
    const { asked, estimate, payer, rate, route, served } = call
    if (payer === null) {
      const free = await this.#parts.mode.letIn(call)
      return free.ok ? free : err(refused(free.error))
    }
    const wanted = await fitted(call, estimate)
    const { account, limits } = payer
    const what = { model: served, dialect: route.dialect.name, pass: passOf(payer) }
    const { observed, holds } = this.#parts.mode.holdsOf(call)
    const want = {
      request: { id: call.id, account, limits, what },
      rate,
      bound: asked.most,
      template: estimate.template(),
      inputEstimate: () => estimate.tokens(),
      least: asked.hasOutput ? asked.choices : 0,
      most: wanted * asked.choices,
    }
    const taken = await holds.take(want, route.targets, () => call.left)
    if (!taken.ok)
      return err(notHeld(grow(call, { wanted }), taken.refused, this.#parts.world.now()))
    const { hold, slot } = taken
    const limit = asked.hasOutput ? Math.floor(hold.granted / asked.choices) : 0
    return ok(grow(call, { wanted, holds, hold, limit, slot, observed }))
  }
}

/** A GET or an empty body asks for the price. */
const asksThePrice = ({ incoming, route }: Call): boolean =>
  route.tellsPrice && (incoming.method !== route.method || incoming.body.length === 0)

const NOT_SENT: Ending = { sent: false, end: 'stopped' }

const CONFLICT = refuse(
  400,
  'conflicting_credentials',
  'This request carries two different credentials, perhaps one in Authorization and one in X-API-Key. Send one of them.',
)
