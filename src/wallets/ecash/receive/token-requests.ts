import { Cache } from '../../../floor/cache.ts'
import type { TokenRequest } from '../../receiver.ts'
import type { AcceptedMints } from './accepted-mints.ts'

/** How many requests are kept. Most 402s ask for one of a few amounts. */
const REQUESTS = 500

/** Makes requests for tokens (NUT-18), and keeps them, because every 402 has one. */
export class TokenRequests {
  readonly #accepted: AcceptedMints
  readonly #made = new Cache<TokenRequest>(REQUESTS)

  constructor(accepted: AcceptedMints) {
    this.#accepted = accepted
  }

  /**
   * A request of the mints that can take that much now, whatever coins the payer has. Null if no mint
   * can.
   */
  get(
    sat: number,
    { requestOf }: Pick<typeof import('../mint/token.ts'), 'requestOf'>,
  ): TokenRequest | null {
    const open = this.#accepted.open().filter(({ room }) => room >= sat)
    if (open.length === 0) return null
    const asked = sat + mostFee(sat, Math.max(...open.map(({ feePpk }) => feePpk)))
    const mints = open.map(({ url }) => url)
    const name = `${asked} ${mints.join(' ')}`
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const made = { ...requestOf(asked, mints), sat: asked, mints }
    this.#made.set(name, made)
    return made
  }
}

/**
 * The most that a payment of so many sats costs in input fees (NUT-02): a wallet that pays with as
 * few coins as possible sends one for each binary digit, and twice as many are allowed for.
 */
function mostFee(sat: number, feePpk: number): number {
  const proofs = 2 * (sat + feePpk).toString(2).length
  return Math.ceil((proofs * feePpk) / 1000)
}
