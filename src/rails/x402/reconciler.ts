import { backOff } from '../../floor/back-off.ts'
import type { Background } from '../../floor/background.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import type { World } from '../../floor/world.ts'
import type { PaymentId } from '../../ledger/ledger.ts'
import type { Facilitator, Settlement } from './facilitator.ts'
import type { X402Payments, X402Reconciler, X402Row } from './payments.ts'

const ROUND = 5_000
/** ms between two tries to learn of one payment: 5 s, and twice as long each time. */
const FIRST = 5_000
const LONGEST = 10 * 60_000
/** So many rows are looked at in a round. */
const MOST = 1_000
/**
 * ms after the end of its validity in which a facilitator that answers is asked once more, because it may
 * still tell of a transaction that it sent before. Then it is given up.
 */
const AFTER_ITS_END = 2 * 60_000
/** The same for a facilitator that does not answer. */
const AT_LAST = 24 * 60 * 60_000

/** Told of a payment of which nobody will learn whether it arrived. Once for each. */
export type OnLost = (row: X402Row) => void

export interface ReconcilerParts {
  readonly payments: X402Payments
  readonly facilitator: Facilitator
  readonly world: World
  readonly background: Background
  readonly onLost: OnLost
}

interface Tried {
  readonly times: number
  /** In `elapsed` time. */
  readonly due: number
}

/**
 * Asks again what became of payments whose settlement nobody answered, one after the other, ever more
 * slowly. It believes a transaction that our own settlement returns and nothing else, so a payment that
 * somebody else sent to the chain is never credited (threats F3, L15).
 */
export class Reconciler implements X402Reconciler {
  readonly #parts: ReconcilerParts
  readonly #tried = new TransientMap<Tried>()

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
  }

  start(of: Parameters<X402Reconciler['start']>[0]): { stop(): Promise<void> } {
    const { background } = this.#parts
    const work = { every: ROUND, longest: LONGEST, first: ROUND }
    return background.repeat('payments in dollars', work, () => this.#round(of))
  }

  async #round(of: Parameters<X402Reconciler['start']>[0]): Promise<void> {
    const { payments } = this.#parts
    const failures: unknown[] = []
    for (const { id, state } of payments.open(MOST)) {
      if (of.busy(id) || (state === 'settling' && !this.#isDue(id))) continue
      // A request may have changed it meanwhile.
      const row = payments.get(id)
      if (row === null) continue
      try {
        await this.#learn(row, of)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #isDue(id: PaymentId): boolean {
    const tried = this.#tried.get(id)
    return tried === undefined || this.#parts.world.elapsed() >= tried.due
  }

  async #learn(row: X402Row, of: Parameters<X402Reconciler['start']>[0]): Promise<void> {
    if (row.state === 'settled') return await this.#report(row, of)
    if (row.state !== 'settling') return this.#tried.delete(row.id)
    this.#wait(row.id)
    const { facilitator, payments } = this.#parts
    const settlement = facilitator.up
      ? await facilitator.settle(row.payment, row.requirement, 'again')
      : ASLEEP
    // Meanwhile the operator may have confirmed it. The next round reports it.
    if (payments.get(row.id)?.state !== 'settling') return
    switch (settlement.is) {
      case 'settled':
        payments.settled(row.id, settlement.transaction)
        return await this.#report(
          { ...row, state: 'settled', transaction: settlement.transaction },
          of,
        )
      case 'refused':
        this.#tried.delete(row.id)
        return payments.refused(row.id)
      default:
        if (this.#isOver(row, settlement)) this.#giveUp(row)
    }
  }

  async #report(row: X402Row, of: Parameters<X402Reconciler['start']>[0]): Promise<void> {
    await of.settled(row)
    this.#tried.delete(row.id)
  }

  #wait(id: PaymentId): void {
    const times = this.#tried.get(id)?.times ?? 0
    const due = this.#parts.world.elapsed() + backOff(FIRST, times, LONGEST)
    this.#tried.set(id, { times: times + 1, due })
  }

  /** Its authorization ended long ago, so that no transaction can use it any more. */
  #isOver({ payment }: X402Row, { is }: Settlement): boolean {
    const late = is === 'unreachable' ? AT_LAST : AFTER_ITS_END
    const { validBefore } = payment.authorization
    return BigInt(this.#parts.world.now() - late) >= validBefore * 1000n
  }

  #giveUp(row: X402Row): void {
    this.#parts.payments.lost(row.id)
    this.#tried.delete(row.id)
    this.#parts.onLost(row)
  }
}

const ASLEEP: Settlement = { is: 'unreachable', reason: 'it cannot be used' }
