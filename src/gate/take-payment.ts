import { err, ok, type Result } from '../floor/result.ts'
import { sleep, type World } from '../floor/world.ts'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { Passes } from '../ledger/passes.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import { passNameOf } from '../passes/write.ts'
import type {
  PaidRequest,
  PaymentRefused,
  Presentation,
  Receipt,
  RedeemRefused,
} from '../rails/rail.ts'
import type { Deposits } from './deposits.ts'
import type { Identified } from './payer.ts'
import type { StoredAnswer, StoredAnswers } from './stored-answers.ts'

/**
 * ms in which a right payment that the wallet does not see yet is looked up, and ms between two
 * such look-ups.
 */
const WALLET_WITHIN = 15_000
const ASK_AGAIN = 500

/** A payment that a request presents. */
export type Payment = Extract<Presentation, { readonly is: 'payment' }>

/** The account of a payment, and what it is owed with the answer. */
interface Taken extends Pick<Identified, 'account' | 'carries' | 'change' | 'keeping' | 'usdRate'> {
  /** Set for a repeat by its buyer: the pass, which is shown again, and pays (threats L1). */
  readonly again?: string | undefined
}

/** Why nothing was taken. `stored`: the payment bought that answer before. */
export type NotTaken = RedeemRefused | { readonly stored: StoredAnswer }

/** Takes payments that requests present: asks their rail, and has them credited. */
export class PaymentTaker {
  readonly #deposits: Pick<Deposits, 'credit' | 'passAgain'>
  readonly #passes: Pick<Passes, 'get'>
  readonly #answers: StoredAnswers
  readonly #world: World

  constructor(parts: {
    readonly deposits: Pick<Deposits, 'credit' | 'passAgain'>
    readonly passes: Pick<Passes, 'get'>
    readonly answers: StoredAnswers
    readonly world: World
  }) {
    this.#answers = parts.answers
    this.#passes = parts.passes
    this.#deposits = parts.deposits
    this.#world = parts.world
  }

  /** Finds the account of a payment that was credited before. Takes nothing. */
  async look({ rail, payment }: Payment): Promise<Result<Identified, RedeemRefused>> {
    const receipt = await rail.redeem(payment, null)
    if (!receipt.ok) return receipt
    const { account, known, payment: id } = receipt.value
    if (known !== true || typeof account !== 'string') return err('unknown')
    return (await this.#opened(id, account)) ? ok(paidBy(account, null)) : err(NO_KEY)
  }

  /**
   * Takes a payment. If it opens an account, its pass is given out only once, so we wait for the
   * deposit however long the disk takes. Without an account to top up it is a key, and only to the
   * account that it opened.
   */
  async take(given: Payment, call: PaidRequest): Promise<Result<Taken, NotTaken>> {
    const taken = await this.#take(given, call)
    if (!taken.ok || call.account !== null) return taken
    const { account, id, pays } = taken.value
    if (!pays && !(await this.#opened(id, account))) return err(NO_KEY)
    return taken.value.repeats ? this.#again(taken.value) : taken
  }

  /** The buyer presents a payment again that opened an account: its pass comes again. */
  async #again(taken: Taken & { readonly id: PaymentId }): Promise<Result<Taken, NotTaken>> {
    const again = await this.#deposits.passAgain(taken.id)
    if (again === null) return err(NO_KEY)
    return ok({ ...taken, again, carries: { ...taken.carries, 'x-satgate-pass': again } })
  }

  /**
   * Whether this payment opened that account. If it only topped it up, it buys nothing there: its giver
   * knows it too, and the account may have more from others, and belong to others (threats L2, I4).
   */
  async #opened(payment: PaymentId, account: AccountId): Promise<boolean> {
    return (await this.#passes.get(passNameOf(payment)))?.account === account
  }

  async #take({ rail, payment }: Payment, call: PaidRequest): Promise<Result<Redeemed, NotTaken>> {
    const redeemed = await this.patiently(() => rail.redeem(payment, call))
    if (!redeemed.ok) return redeemed
    const { repeat } = redeemed.value
    if (repeat === 'answer') return this.#answerOf(redeemed.value, call)
    const repeats = repeat === 'pass'
    const { decided, headers, known, pays = false, account: named, payment: id } = redeemed.value
    const header = rail.change?.(payment) ?? null
    const usdRate = rateOf(redeemed.value)
    const dueTo = (first: boolean) => (header === null ? undefined : { payment: id, header, first })
    if (known === true && typeof named === 'string') {
      return ok({
        id,
        pays,
        repeats,
        account: named,
        carries: headers,
        change: dueTo(false),
        usdRate,
      })
    }
    // A rail that does not know of accounts lets each payment open one.
    const isNamed = typeof named === 'string' || decided === true
    const receipt = isNamed ? redeemed.value : toppingUp(redeemed.value, call)
    const { account, pass } = await this.#deposits.credit(receipt)
    const keeps = receipt.keepsAnswer === true && call.account === null && pass !== null
    const keeping = keeps ? (this.#answers.begin(account, id, call) ?? undefined) : undefined
    return ok({
      id,
      keeping,
      pays,
      repeats,
      account,
      carries: pass === null ? headers : { ...headers, 'x-satgate-pass': pass },
      change: dueTo(pass !== null),
      usdRate,
    })
  }

  /**
   * What a repeat gets that buys nothing: the answer of before, if it is kept for this request. If there
   * was none, the request is answered anew, and its cost taken from what was paid. The pass does not come
   * again.
   */
  #answerOf(
    { account, headers, known, payment }: Receipt,
    call: PaidRequest,
  ): Result<Redeemed, NotTaken> {
    if (known !== true || typeof account !== 'string') return err(ANSWERING)
    const found = this.#answers.find(account, payment, call)
    if (found === 'running') return err(ANSWERING)
    if (found === null) return err(PAID)
    if (found !== 'lost') return err({ stored: found })
    const keeping = this.#answers.begin(account, payment, call) ?? undefined
    const anew = { keeping, pays: false, repeats: false, usdRate: undefined, change: undefined }
    return ok({ ...anew, id: payment, account, carries: headers })
  }

  /**
   * Redeems a payment. While its secret is right but the wallet does not see the payment, asks
   * again for about 15 s.
   */
  async patiently(
    redeem: () => Promise<Result<Receipt, RedeemRefused>>,
  ): Promise<Result<Receipt, RedeemRefused>> {
    const until = this.#world.elapsed() + WALLET_WITHIN
    for (;;) {
      const redeemed = await redeem()
      if (redeemed.ok || !isSoon(redeemed.error)) return redeemed
      if (this.#world.elapsed() >= until) return redeemed
      await sleep(this.#world, ASK_AGAIN)
    }
  }
}

/**
 * The rate of the offer, for the request that it was made for. A payment that was credited before brings
 * it back to nobody: whoever keeps one, or reads it on the chain, would choose the rate (threats L5).
 */
const rateOf = (receipt: Receipt): UsdPerBtc | undefined =>
  receipt.credit === 'usd' && receipt.known !== true && receipt.repeat === undefined
    ? receipt.rate
    : undefined

type Redeemed = Taken & {
  readonly id: PaymentId
  readonly pays: boolean
  readonly repeats: boolean
}

/** Whoever presents a payment pays out of the account that it opened, and may no more (threats L2). */
export const paidBy = (account: AccountId, carries: Identified['carries']): Identified => ({
  ...{ account, limits: [], scope: { is: 'request' }, generation: 0, via: 'payment', carries },
})

const toppingUp = (receipt: Receipt, { account }: PaidRequest): Receipt =>
  account === null ? receipt : { ...receipt, account }

const NO_KEY: PaymentRefused = {
  status: 402,
  code: 'token_used',
  message:
    'Insufficient credits: this payment was credited to an account that had a pass before. Send that pass, or another payment.',
}

/** Anybody may know the payment by now, so it buys nothing (threats L1). */
const PAID: PaymentRefused = {
  status: 402,
  code: 'x402_paid',
  message:
    'Insufficient credits: this payment was credited before, and bought its answer. Do not pay again: send its pass as the key, which came in X-Satgate-Pass with that answer.',
  offersNothing: true,
}
/** Another request presents the same payment, and is being answered (threats F1). */
const ANSWERING: PaymentRefused = {
  status: 503,
  code: 'x402_answering',
  message:
    'This payment pays for a request that is being answered now. Do not pay again: wait for that answer, and use the pass in its X-Satgate-Pass.',
  retryAfterSeconds: 5,
  fields: { payment_state: 'pending' },
}

const isSoon = (refused: RedeemRefused): boolean =>
  typeof refused === 'string'
    ? refused === 'pending' || refused === 'unreachable'
    : refused.soon === true
