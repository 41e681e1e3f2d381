/**
 * Throws if the belief is false. Use it for what must be true for money to be right. It is active
 * in production too.
 */
export function assert(belief: unknown, message: string): asserts belief {
  if (!belief) throw new BrokenBelief(message)
}

/** Thrown if the code itself is wrong. Nobody catches it in order to go on with the same money. */
export class BrokenBelief extends Error {
  override readonly name = 'BrokenBelief'
}
