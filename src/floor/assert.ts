/** A belief that must hold for money to be right. Stays on in production. */
export function assert(belief: unknown, message: string): asserts belief {
  if (!belief) throw new BrokenBelief(message)
}

/** Thrown where the code itself is wrong. Never caught to carry on with the same money. */
export class BrokenBelief extends Error {
  override readonly name = 'BrokenBelief'
}
