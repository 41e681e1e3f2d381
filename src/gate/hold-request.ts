import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type Authenticated, type Held, toHeld } from './call.ts'
import { type Denied, notHeld } from './denied.ts'
import type { ModeRule } from './mode.ts'
import { type Payer, passOf } from './payer.ts'

/** Takes a slot at a backend and holds the money that the request may cost its payer. */
export function holdOf(
  call: Authenticated,
  payer: Payer,
  { mode, world }: { readonly mode: ModeRule; readonly world: Pick<World, 'now'> },
): Awaitable<Result<Held, Denied>> {
  const { asked, estimate, rate, route, served } = call
  const { observed, holds } = mode.holdsOf(call)
  const want = {
    request: {
      id: call.id,
      account: payer.account,
      limits: payer.limits,
      what: { model: served, dialect: route.dialect.name, pass: passOf(payer) },
    },
    rate,
    bound: asked.most,
    template: estimate.template(),
    inputEstimate: () => estimate.tokens(),
    least: asked.hasOutput ? asked.choices : 0,
    most: call.wanted * asked.choices,
  }
  return andThen(
    holds.take(want, route.targets, () => call.left),
    (taken) => {
      if (!taken.ok)
        return err(notHeld(call, taken.refused, { now: world.now(), beside: mode.beside }))
      const { hold, slot } = taken
      const limit = asked.hasOutput ? Math.floor(hold.granted / asked.choices) : 0
      return ok(toHeld(call, { holds, hold, limit, slot, observed }))
    },
  )
}
