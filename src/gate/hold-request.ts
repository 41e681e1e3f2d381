import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Limit } from '../ledger/ledger.ts'
import { formatSat } from '../money/msat.ts'
import { type Authenticated, type Held, toHeld, withWanted } from './call.ts'
import { type Denied, notHeld, refusedFor, refused as refusedWith } from './denied.ts'
import {
  bothBalances,
  type DollarTerms,
  dollarTerms,
  NO_USD_RATE,
  type RateNow,
} from './dollars.ts'
import type { NotHeld } from './hold.ts'
import { isMaxCost, leastCost, maxCostOf, maxCostRefusal } from './max-cost.ts'
import type { ModeRule } from './mode.ts'
import { type Payer, passOf } from './payer.ts'
import { fitted } from './price.ts'
import type { Targets } from './targets.ts'

export interface HoldParts {
  readonly mode: ModeRule
  readonly rateNow: RateNow
  readonly world: Pick<World, 'now'>
  /** For a request that is held once more: the id of that hold, and where it takes its slot. */
  readonly place?: { readonly id: string; readonly slots: Pick<Targets, 'take'> }
}

/** Takes a slot at a backend, and holds the money if somebody pays. */
export function holdFor(
  call: Authenticated,
  payer: Payer | null,
  parts: HoldParts,
): Awaitable<Result<Held, Denied>> {
  if (payer !== null) {
    return andThen(fitted(call, call.estimate), (wanted) =>
      holdOf(withWanted(call, wanted), payer, parts),
    )
  }
  return andThen(parts.mode.letIn(call, parts.place?.slots), (free) =>
    free.ok ? free : err(refusedWith(free.error)),
  )
}

/** Takes a slot at a backend and holds the money that the request may cost its payer. */
function holdOf(
  call: Authenticated,
  payer: Payer,
  parts: HoldParts,
): Awaitable<Result<Held, Denied>> {
  const { asked, estimate, rate, route, served } = call
  const { mode, place, rateNow } = parts
  const { observed, holds } = mode.holdsOf(call)
  const dollars = dollarTerms(call, payer, rateNow)
  const want = {
    request: {
      id: place?.id ?? call.id,
      account: payer.account,
      limits: limitsOf(call, payer),
      what: { model: served, dialect: route.dialect.name, pass: passOf(payer) },
    },
    rate,
    dollars,
    bound: asked.most,
    template: estimate.template(),
    inputEstimate: () => estimate.tokens(),
    least: asked.hasOutput ? asked.choices : 0,
    most: call.wanted * asked.choices,
  }
  return andThen(
    holds.take(want, place?.slots ?? route.targets, () => call.left),
    (taken) => {
      if (!taken.ok)
        return andThen(refusalOf(call, taken.refused, { ...parts, dollars, payer }), err)
      const { hold, slot } = taken
      const limit = asked.hasOutput ? Math.floor(hold.granted / asked.choices) : 0
      return ok(toHeld(call, { holds, hold, limit, slot, observed }))
    },
  )
}

/** The limits of the payer, and the one that the client names for this request. */
function limitsOf({ incoming }: Authenticated, { limits }: Payer): readonly Limit[] {
  const own = maxCostOf(incoming)
  return own.ok && own.value !== null ? [...limits, own.value] : limits
}

/**
 * Why the money is not held. A pass that has dollars is told both balances; if they have no rate, they
 * can be spent later, so nobody is asked to pay again.
 */
function refusalOf(
  call: Authenticated,
  refused: NotHeld,
  about: {
    readonly mode: ModeRule
    readonly world: Pick<World, 'now'>
    readonly dollars: DollarTerms | null
    readonly payer: Payer
  },
): Awaitable<Denied> {
  const { dollars, mode, payer, world } = about
  const said = { now: world.now(), beside: mode.beside }
  if (refused.why === 'limit_reached' && isMaxCost(refused.limit)) {
    return refusedFor(call, maxCostRefusal(refused.limit, leastCost(call), mode.beside))
  }
  if (refused.why !== 'insufficient_funds') return notHeld(call, refused, said)
  return andThen(mode.dollars(payer.account), (usd) => {
    if (usd === 0n) return notHeld(call, refused, said)
    if (dollars === null) return refusedWith(NO_USD_RATE)
    const [sats, text] = bothBalances(refused.balance, usd, dollars.rate)
    return notHeld(call, refused, { ...said, has: `${formatSat(sats)} sat and ${text}` })
  })
}
