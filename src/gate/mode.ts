import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import { ceilSat } from '../money/msat.ts'
import type { MicroUsd } from '../money/usd.ts'
import { topsUp } from '../passes/scope.ts'
import type { PaymentRefused } from '../rails/rail.ts'
import {
  type Authenticated,
  type Call,
  type Held,
  toAuthenticated,
  toHeld,
  withWanted,
} from './call.ts'
import type { Denied, Unpaid } from './denied.ts'
import type { Holds } from './hold.ts'
import { anonymous } from './observe.ts'
import type { Payer } from './payer.ts'
import { type BesideError, type PaymentRequired, unpaid } from './payment-required.ts'
import type { PaymentState } from './payment-state.ts'
import { fitted } from './price.ts'
import { emptyBody, FULL, LEDGER, type Refusal, refuse } from './refusal.ts'
import { reasonOf } from './request-log.ts'
import type { Targets } from './targets.ts'

/** Where credit is held and charged. Observed requests are held on a copy, which is not stored. */
export interface HoldsByMode {
  readonly real: Holds
  readonly observed: Holds
}

/**
 * Decides what happens to a request that is not paid for, and where the money of a request is held.
 * Everything in which the modes of routes differ is here.
 */
export class ModeRule {
  readonly #parts: {
    readonly paymentRequired: PaymentRequired
    readonly holds: HoldsByMode
    readonly world: Pick<World, 'now'>
    /** False while a commit has failed or is late. */
    healthy(): boolean
    /** How buyers can reach the operator. It is told to those who cannot buy here. */
    readonly contact: string | null
  }

  constructor(parts: {
    readonly paymentRequired: PaymentRequired
    readonly holds: HoldsByMode
    readonly world: Pick<World, 'now'>
    healthy(): boolean
    readonly contact: string | null
  }) {
    this.#parts = parts
  }

  /** Fields of every 402, with an offer or without. */
  get beside(): BesideError {
    return this.#parts.paymentRequired.beside
  }

  /**
   * Where the money of a request is held. An observed request is held on a copy, so no credit moves
   * (threats L26).
   */
  holdsOf({ route }: Call): Pick<Held, 'holds' | 'observed'> {
    const { observed, real } = this.#parts.holds
    if (route.mode === 'observe') return { holds: observed, observed: { refusal: null } }
    return { holds: real, observed: null }
  }

  /** What becomes of a request that is not served as it is: it is let in all the same, or refused. */
  decide(call: Call, denied: Denied): Awaitable<Result<Held, Refusal>> {
    if (denied.is === 'refused') return err(denied.refusal)
    switch (call.route.mode) {
      case 'charge':
        return andThen(denied.refusal ?? this.#offer(call, denied), err)
      case 'control':
        return this.#refuse(call, denied)
      case 'observe':
        return this.#observe(call, denied)
      case 'free': {
        const { priced } = denied
        return priced === null
          ? err(emptyBody(call.route.dialect))
          : this.letIn(toAuthenticated(priced, null))
      }
    }
  }

  /** Lets a request in that nobody's credit is held for. It has a slot like any other. */
  letIn(
    call: Authenticated,
    slots: Pick<Targets, 'take'> = call.route.targets,
  ): Awaitable<Result<Held, Refusal>> {
    return andThen(fitted(call, call.estimate), (wanted) => {
      const slot = slots.take()
      if (slot === null) return err(FULL)
      const { holds, observed } = this.holdsOf(call)
      const free = withWanted(call, wanted)
      return ok(toHeld(free, { holds, hold: null, limit: wanted, observed, slot }))
    })
  }

  #observe(call: Call, denied: Unpaid): Awaitable<Result<Held, Refusal>> {
    const { payer, priced } = denied
    if (priced === null || !mayBeObserved(call, denied)) return this.#refuse(call, denied)
    const refusal = denied.refusal === null ? 'payment_required' : reasonOf(denied.refusal)
    const observed = toAuthenticated(priced, payer ?? anonymous(this.#parts.world.now()))
    return andThen(this.letIn(observed), (held) =>
      held.ok ? ok(toHeld(held.value, { ...held.value, observed: { refusal } })) : held,
    )
  }

  #refuse(call: Call, denied: Unpaid): Awaitable<Result<Held, Refusal>> {
    return andThen(denied.refusal ?? this.#withoutOffer(call, denied), err)
  }

  #offer({ incoming }: Call, denied: Unpaid): Awaitable<Refusal> {
    const { payer, payment, priced, reason, state, unpaid: key } = denied
    const { paymentRequired, healthy } = this.#parts
    // The row of an invoice must be on disk before its offer is sent. While the disk fails, that
    // would wait for ever.
    if (!healthy()) return LEDGER
    if (payment?.offersNothing === true) return this.#nothingElse(payment, state)
    return andThen(paymentRequired.asks(priced, priced?.estimate ?? null), (asks) => {
      const why = reason ?? unpaid(asks.sat, incoming.presented)
      return andThen(this.#debt(payer), (debt) => {
        const sums = { sat: asks.sat + debt, least: asks.least + debt }
        const about = { payer, ...sums, reason: why, state, unpaid: key }
        const offer = paymentRequired.offer(incoming, about)
        return payment === undefined ? offer : andThen(offer, (made) => withReason(made, payment))
      })
    })
  }

  /** The payer must not pay again, so no rail is asked for an offer. */
  #nothingElse(payment: PaymentRefused, state: PaymentState): Refusal {
    const extra = { payment_state: state, ...this.beside }
    return withReason(refuse(402, 'insufficient_quota', payment.message, { extra }), payment)
  }

  /** Dollars of an account that are not spent. They are looked at where they are really kept. */
  dollars(account: AccountId): Awaitable<MicroUsd> {
    return this.#parts.holds.real.dollars(account)
  }

  /** Sats that a top-up pays for old debt before it buys anything. */
  #debt(payer: Payer | null): Awaitable<number> {
    if (payer === null || !topsUp(payer.scope)) return 0
    return andThen(this.#parts.holds.real.owed(payer.account), ceilSat)
  }

  #withoutOffer({ incoming }: Call, { priced, reason, state }: Unpaid): Awaitable<Refusal> {
    const { contact, paymentRequired } = this.#parts
    return andThen(paymentRequired.sats(priced, priced?.estimate ?? null), (sat) => {
      const whom = contact === null ? '' : ` Contact: ${contact}`
      const message = `${reason ?? unpaid(sat, incoming.presented)} This gate sells no credit: ask its operator for a pass.${whom}`
      const extra = { payment_state: state }
      return refuse(402, 'insufficient_quota', message, { extra })
    })
  }
}

/**
 * Observing overlooks missing credit and full limits, and nothing else. It refuses a pass that is
 * not good, and a request without a pass that does not come from this machine (threats L26).
 */
const mayBeObserved = ({ incoming }: Call, { is, payer }: Unpaid): boolean =>
  is !== 'not_good' && (payer !== null || incoming.isLocal())

/**
 * Adds what the rail says of the payment that it refused: its code, and its headers and fields. An offer
 * may have a field of the same name, which says less.
 */
function withReason(refusal: Refusal, { code, fields = {}, headers }: PaymentRefused): Refusal {
  const { offer } = refusal
  return {
    ...refusal,
    headers: { ...refusal.headers, ...headers },
    extra: { reason: code, ...refusal.extra, ...fields },
    offer: offer === null ? null : { ...offer, beside: without(offer.beside, fields) },
  }
}

/** An object as JSON, without the members that the other one has. */
function without(json: string, others: Readonly<Record<string, unknown>>): string {
  const kept = Object.entries(JSON.parse(json)).filter(([name]) => !(name in others))
  return JSON.stringify(Object.fromEntries(kept))
}
