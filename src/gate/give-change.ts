import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { type Msat, msat, ZERO } from '../money/msat.ts'
import type { ChangeMaker } from '../withdrawals/change.ts'
import { type Settled, withReply } from './call.ts'
import { carrying } from './carrying.ts'
import type { Forwarded } from './forward.ts'
import type { ChangeDue, Identified } from './payer.ts'
import type { Reply } from './ports.ts'

/**
 * Gives back what a payment left unspent, in a header of the answer that it paid for. Only rails that
 * say so do this (`Rail.change`), and only with an answer in one piece: the head of a stream leaves
 * before its cost is known. Otherwise the rest stays on the pass that the payment bought.
 */
export class GiveChange {
  readonly #maker: Pick<ChangeMaker, 'again' | 'make'>

  constructor(maker: Pick<ChangeMaker, 'again' | 'make'>) {
    this.#maker = maker
  }

  /**
   * The reply to whoever pays: with what the payment carries, and with the change that was made when
   * the same payment was presented before (threats B10). It is copied if it is kept for a repeat.
   */
  replyTo({ account, carries, change, keeping }: Identified, reply: Reply): Awaitable<Reply> {
    const kept = keeping?.copying(reply) ?? reply
    const carried = carries === null ? kept : carrying(carries, kept)
    if (change === undefined || change.first) return carried
    return this.#maker
      .again(account, change.payment)
      .then((token) => (token === null ? carried : carrying({ [change.header]: token }, carried)))
  }

  /**
   * Called between settlement and the head of the answer. Makes the change, adds it to the answer,
   * and returns what the account has left. No change is no failure of the answer.
   */
  leftAfter(settled: Settled, { relayed }: Forwarded): Awaitable<Msat | null> {
    const { after } = settled.cost
    const due = settled.payer?.change
    if (due === undefined || after === null || !due.first) return after
    if (relayed.whole === null || settled.reply.headSent || settled.left) return after
    return andThen(this.#make(settled, due), (taken) => msat(after > taken ? after - taken : 0n))
  }

  async #make(settled: Settled, due: ChangeDue): Promise<Msat> {
    const made = await this.#maker.make(settled.payer?.account ?? '', due.payment)
    if (made === null) return ZERO
    withReply(settled, carrying({ [due.header]: made.token }, settled.reply))
    return made.taken
  }
}
