import type { Terms } from '../dialects/dialect.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type Held, type Priced, toAuthenticated, toHeld, withRoute } from './call.ts'
import type { RateNow } from './dollars.ts'
import type { Forwarded } from './forward.ts'
import { holdFor } from './hold-request.ts'
import type { ModeRule } from './mode.ts'
import { readPriced } from './parse.ts'
import type { PriceParts } from './price.ts'
import type { Refusal } from './refusal.ts'
import type { Route } from './route.ts'
import type { Settler } from './settle.ts'

/** ms for which a backend that lacks an API is not asked for it again. It may be replaced by another. */
const REMEMBERED = 3_600_000

export interface TranslatingParts {
  readonly pricing: PriceParts
  terms(): Terms
  readonly rateNow: RateNow
  readonly mode: ModeRule
  readonly settler: Pick<Settler, 'close'>
  readonly world: World
}

/**
 * Serves a request in a translation if its backend lacks the API (`Route.translated`). The first time
 * it is asked in its own API; if the backend says that the path is not there, the same request is read,
 * priced, held and sent once more as its translation, for the payer who is known already.
 */
export class Translating {
  readonly #parts: TranslatingParts
  /** Until when the backend of a route is known to lack its API. There are as many as routes. */
  readonly #lacking = new Map<Route, number>()

  constructor(parts: TranslatingParts) {
    this.#parts = parts
  }

  /** The route by which a request is served from its beginning: the translation if it is needed. */
  routeOf(route: Route): Route {
    const { translated } = route
    if (translated === undefined || translated === 'off') return route
    const until = this.#lacking.get(route) ?? 0
    return this.#parts.world.now() < until ? translated : route
  }

  /**
   * Serves a request anew whose backend lacks its API: what was held is released, and the translation
   * is held. The caller who gets a `Held` must settle it, as after `Gate.authorize`. If it is refused,
   * nothing is held and the slot is free.
   */
  again(held: Held, { ending }: Forwarded): Awaitable<Result<Held, Refusal>> {
    const { translated } = held.route
    if (translated === undefined || translated === 'off') return ok(held)
    return andThen(this.#parts.settler.close(held, ending), () => {
      withRoute(held, translated)
      return andThen(readPriced(held, this.#parts), (priced) =>
        priced.ok ? this.#hold(priced.value, held) : this.#refused(held, priced.error),
      )
    })
  }

  #hold(priced: Priced, before: Held): Awaitable<Result<Held, Refusal>> {
    const { hold, observed, payer, slot } = before
    const { mode } = this.#parts
    if (payer !== null) priced.estimate.of(payer.account)
    const call = toAuthenticated(priced, payer)
    const place = { id: `${call.id}-translated`, slots: slot.first(call.route.targets) }
    // Nobody's credit was held for the first either.
    const paying = hold === null ? null : payer
    return andThen(holdFor(call, paying, { ...this.#parts, place }), (taken) => {
      if (!taken.ok) return mode.decide(call, taken.error)
      const { value } = taken
      return ok(hold === null ? toHeld(value, { ...value, observed }) : value)
    })
  }

  #refused({ slot }: Held, refusal: Refusal): Result<Held, Refusal> {
    slot.letGo()
    return err(refusal)
  }

  /** A translation was answered, so the backend has chat completions, and lacks the other API. */
  answered(route: Route): void {
    this.#lacking.set(route, this.#parts.world.now() + REMEMBERED)
  }
}
