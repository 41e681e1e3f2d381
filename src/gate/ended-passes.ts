import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { PassRow } from '../ledger/passes.ts'
import { generationOf, type Revocations } from '../ledger/revocations.ts'
import type { Pass } from '../passes/pass.ts'
import type { Payer } from './payer.ts'

/** `was`: whom the pass made known before it ended. It gives no right to anything. */
export interface Ended {
  readonly why: 'revoked'
  readonly was: Payer
  readonly by: 'revocation' | 'rotation'
}

/** Which passes have ended before their time. Answers from memory, for every request. */
export class EndedPasses {
  readonly #revocations: Revocations
  readonly #world: Pick<World, 'now'>

  constructor(revocations: Revocations, world: Pick<World, 'now'>) {
    this.#revocations = revocations
    this.#world = world
  }

  /** Why a pass has ended. Null if it has not. */
  find(row: PassRow, pass: Pass): Ended | null {
    const revoked = this.#revocations.isRevoked(pass.names)
    if (!revoked && row.generation === generationOf(this.#revocations, row.account)) return null
    const by = revoked ? 'revocation' : 'rotation'
    return { why: 'revoked', was: payerOf(row, pass), by }
  }

  /** Whether the passes of this account were never rotated. */
  isFirst(account: AccountId): boolean {
    return generationOf(this.#revocations, account) === 0
  }

  /**
   * A pass that has not ended is used. If a rotation made it, or the pass that it is a child of, the
   * old root pass may not ask for another any more.
   */
  used({ account, hash }: PassRow): void {
    const rotation = this.#revocations.rotation(account)
    if (rotation?.pass !== hash || rotation.usedAt !== null) return
    this.#revocations.confirm(account, this.#world.now())
  }
}

/** The payer that a pass makes known. */
export const payerOf = ({ account, generation }: PassRow, { limits, scope }: Pass): Payer => ({
  account,
  limits,
  scope,
  generation,
  via: 'pass',
})
