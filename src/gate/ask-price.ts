import type { Authenticator } from './authenticate.ts'
import type { Call } from './call.ts'
import { type Denied, notAuthenticated, refused, unpaidFor } from './denied.ts'
import { withoutPayment } from './presentation.ts'
import { emptyBody, methodNotAllowed } from './refusal.ts'

/** A GET or an empty body asks for the price. */
export const asksThePrice = ({ incoming, route }: Call): boolean =>
  route.tellsPrice && (incoming.method !== route.method || incoming.body.length === 0)

/**
 * Answers a request that asks for the price: with a 402 if no pass is presented, with 405 or 400 if a
 * good pass is.
 */
export async function priceAsked(
  { incoming, route }: Call,
  authenticator: Authenticator,
): Promise<Denied> {
  const { method, path } = incoming
  const presented = withoutPayment(incoming.presented)
  const allowed = method === 'GET' || method === route.method
  const other = refused(methodNotAllowed(route.method, route.dialect))
  // There is nothing to answer, so the payment is not taken.
  if (presented.is === 'payment')
    return method === route.method ? refused(emptyBody(route.dialect)) : other
  if (presented.is !== 'credential') return allowed ? unpaidFor(incoming, null) : other
  const identified = await authenticator.authenticate(presented, { path, method, model: null })
  if (!identified.ok) return notAuthenticated(incoming, identified.error, null)
  return method === route.method ? refused(emptyBody(route.dialect)) : other
}
