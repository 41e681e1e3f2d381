import type { World } from '../floor/world.ts'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { WithdrawalBook } from '../ledger/withdrawals.ts'
import { fromSat, type Msat, msat } from '../money/msat.ts'
import { largestToken } from './amounts.ts'
import { restsOf } from './choose.ts'
import { changeOfPayment } from './names.ts'
import type { RestoreCheck } from './restore-check.ts'
import { CHANGE, type Sending } from './sending.ts'
import type { WithdrawalSource } from './source.ts'

/**
 * ms in which the change of a payment is given again to whoever presents that payment again: its
 * answer may have got lost. Later nothing is given on the word of a token that others knew (threats
 * L2).
 */
const GIVEN_AGAIN = 3_600_000

/** What went back to the buyer. */
export interface Change {
  readonly token: string
  /** What the account has less now: the token and its fee. */
  readonly taken: Msat
}

export interface ChangeParts {
  readonly book: Pick<WithdrawalBook, 'withdrawable' | 'withdrawal'>
  readonly sources: readonly WithdrawalSource[]
  readonly restored: Pick<RestoreCheck, 'paused'>
  readonly sending: Sending
  readonly world: Pick<World, 'now'>
  /** False while the ledger cannot write, or the gate stops. */
  readonly open: () => boolean
}

/**
 * Gives back what a payment leaves unspent, as a token of the mint that it came into. It is a
 * withdrawal by another name: the same book, the same sources. Whatever prevents it, the rest stays
 * on the pass.
 */
export class ChangeMaker {
  readonly #parts: ChangeParts

  constructor(parts: ChangeParts) {
    this.#parts = parts
  }

  /**
   * Makes the change of a payment that opened this account. It is in the store of the mint before it
   * is returned. Null if there is none, or it cannot be made now.
   */
  async make(account: AccountId, payment: PaymentId): Promise<Change | null> {
    const { book, open, restored, sending, sources } = this.#parts
    if (!open()) return null
    const rests = restsOf((await book.withdrawable(account)) ?? [], sources)
    const rest = rests.find(({ source }) => source.ecash !== null)
    const ecash = rest?.source.ecash ?? null
    if (rest === undefined || ecash === null || restored.paused(rest.source.source) !== null) {
      return null
    }
    const size = await largestToken(ecash, rest.amount).catch(() => null)
    if (size === null) return null
    const sent = await sending.send({
      request: {
        ...{ id: changeOfPayment(payment), account, source: rest.source.source, kind: CHANGE },
        ...{ amount: fromSat(size.sat), fee: fromSat(size.feeSat) },
      },
      way: { by: 'ecash', ecash },
      note: async () => {},
    })
    if (!sent.ok || sent.value.token === null) return null
    const { token, withdrawal } = sent.value
    return { token, taken: msat(withdrawal.amount + (withdrawal.paidFee ?? withdrawal.fee)) }
  }

  /** The change that was made of that payment within the last hour. Null if there is none. */
  async again(account: AccountId, payment: PaymentId): Promise<string | null> {
    const { sending, world } = this.#parts
    const known = await sending.known(changeOfPayment(payment), account)
    if (known?.ok !== true) return null
    const { token, withdrawal } = known.value
    return world.now() - withdrawal.at < GIVEN_AGAIN ? token : null
  }
}
