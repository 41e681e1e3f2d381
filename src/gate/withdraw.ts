import { err, ok, type Result } from '../floor/result.ts'
import type { AccountId, Ledger } from '../ledger/ledger.ts'
import { floorSat, msat } from '../money/msat.ts'
import { ownsAccount } from '../passes/scope.ts'
import type { Presentation } from '../rails/rail.ts'
import type { Withdrawn } from '../withdrawals/sending.ts'
import type { Withdrawals } from '../withdrawals/withdrawals.ts'
import type { Authenticator } from './authenticate.ts'
import { DAMAGED, PENDING, type Refusal, refuse } from './refusal.ts'
import { readIdempotencyKey, readWithdrawAsk } from './withdraw-ask.ts'
import { notSent, withdrawRefusal } from './withdraw-refusals.ts'

export interface WithdrawingParts {
  readonly withdrawals: Pick<Withdrawals, 'byEcash' | 'byInvoice' | 'withdrawable'>
  readonly authenticator: Authenticator
  readonly ledger: Pick<Ledger, 'balance'>
  /** False in mode `observe`: no credit moves there. */
  readonly pays: boolean
}

export interface WithdrawAnswer {
  /** It is under way. The same request again tells how it ended. */
  readonly pending: boolean
  readonly body: Readonly<Record<string, unknown>>
}

/** `POST /v1/withdraw`: the owner of an account takes out what was paid in and not spent. */
export class Withdrawing {
  readonly #parts: WithdrawingParts

  constructor(parts: WithdrawingParts) {
    this.#parts = parts
  }

  /**
   * Withdraws what the body asks for. Only a root pass may: a narrowed pass, a spending key and a
   * payment that was presented as a key may buy, and take nothing out (threats I4, L2, L14).
   */
  async withdraw(
    body: unknown,
    presented: Presentation,
    idempotencyKey: string | undefined,
  ): Promise<Result<WithdrawAnswer, Refusal>> {
    if (!this.#parts.pays) return err(NO_WITHDRAWALS)
    const ask = readWithdrawAsk(body)
    if (!ask.ok) return ask
    const key = readIdempotencyKey(idempotencyKey)
    if (!key.ok) return key
    const owner = await this.#owner(presented)
    if (!owner.ok) return owner
    const account = owner.value
    const { withdrawals } = this.#parts
    const asked = ask.value
    const done =
      asked.by === 'invoice'
        ? await withdrawals.byInvoice(account, asked.invoice, key.value)
        : await withdrawals.byEcash(account, asked, key.value)
    const shown = (await withdrawals.withdrawable(account)) ?? []
    if (!done.ok) return err(withdrawRefusal(done.error, shown))
    const { withdrawal } = done.value
    if (withdrawal.state === 'failed') return err(notSent(withdrawal.reason))
    const balance = await this.#balance(account)
    return ok({
      pending: withdrawal.state === 'open',
      body: { ...bodyOf(done.value), balance_msat: balance, withdrawable: shown },
    })
  }

  /** What is there, with what running requests hold. */
  async #balance(account: AccountId): Promise<number> {
    const balance = await this.#parts.ledger.balance(account)
    if (balance === null) return 0
    const all = balance.available + balance.held
    return Number(msat(all > balance.owed ? all - balance.owed : 0n))
  }

  async #owner(presented: Presentation): Promise<Result<AccountId, Refusal>> {
    const { authenticator } = this.#parts
    if (presented.is === 'payment') return err(ROOT_PASS_NEEDED)
    if (presented.is === 'damaged' && (await authenticator.wasPaid(presented))) return err(DAMAGED)
    if (presented.is !== 'credential') return err(NO_PASS)
    const identified = await authenticator.authenticate(presented, null)
    if (identified.ok) {
      const { account, scope } = identified.value
      return ownsAccount(scope) ? ok(account) : err(ROOT_PASS_NEEDED)
    }
    const { why } = identified.error
    return err(why === 'pending' || why === 'unreachable' ? PENDING : NO_PASS)
  }
}

/** The fields that say how the withdrawal stands. */
function bodyOf({ mint, token, withdrawal }: Withdrawn): Readonly<Record<string, unknown>> {
  const { amount, fee, id, kind, paidFee, source, state } = withdrawal
  return {
    id,
    state: state === 'sent' ? 'paid' : 'pending',
    kind,
    source,
    amount_sats: floorSat(amount),
    amount_msat: Number(amount),
    // What it costs at most, until it is known.
    fee_msat: Number(paidFee ?? fee),
    ...(token === null ? {} : { token }),
    ...(mint === null ? {} : { mint }),
  }
}

/** This refusal carries no challenge, because a client would pay for it. */
const NO_PASS = refuse(
  402,
  'insufficient_quota',
  'Send the pass whose sats are to leave: Authorization: Bearer <macaroon>:<secret>.',
)
const ROOT_PASS_NEEDED = refuse(
  403,
  'root_pass_needed',
  'Only the root pass of an account may withdraw: the one that came with its first payment, without caveats. A narrowed pass, a spending key or a payment may not.',
)
const NO_WITHDRAWALS = refuse(
  404,
  'no_withdrawals',
  'This gate charges nobody, so there is nothing to withdraw.',
)
