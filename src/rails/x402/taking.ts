import type { Awaitable } from '../../floor/awaitable.ts'
import { andThen } from '../../floor/awaitable.ts'
import type { Background } from '../../floor/background.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import { unwritable } from '../../floor/unwritable.ts'
import type { World } from '../../floor/world.ts'
import type { PaymentId } from '../../ledger/ledger.ts'
import { fromSat } from '../../money/msat.ts'
import { formatUsd, type MicroUsd, usdOf } from '../../money/usd.ts'
import type { Credited, PaidRequest, PaymentRefused, Receipt, RedeemRefused } from '../rail.ts'
import { type Fitting, withoutOffer, type X402Terms } from './check.ts'
import type { Facilitator } from './facilitator.ts'
import { requirementOf, satsOf } from './offer.ts'
import { type X402Payment, x402PaymentId } from './payment.ts'
import type { X402Payments, X402Reconciler, X402Row } from './payments.ts'
import { MOST_CHARACTERS, type X402Presented } from './read.ts'
import { answerHeaders, receiptOf } from './receipt.ts'
import { isBuyers, repeated } from './repeat.ts'
import { FacilitatorTurns } from './turns.ts'
import { refusedBy, x402Refused } from './words.ts'

export interface TakingParts {
  readonly terms: X402Terms
  readonly facilitator: Facilitator
  readonly payments: X402Payments
  readonly reconciler: X402Reconciler
  readonly world: World
  readonly background: Background
  /** Dollars that buyers have in the ledger and have not spent. */
  outstanding(): Awaitable<MicroUsd>
  /** Whether a payment is what was offered for that request. */
  fitting(payment: X402Payment, call: PaidRequest): Result<Fitting, PaymentRefused>
}

export type Confirmed = ReturnType<X402Payments['confirm']> | 'busy'

type Taken = Result<Receipt, RedeemRefused>

/** ms after which a settlement that could not be written down is written again. */
const WRITE_AGAIN = { every: 500, longest: 10_000 }

/**
 * Takes payments in dollars. A payment is settled once, and what becomes of it is on disk before the
 * next step is taken: its row, then the call to the facilitator, then the transaction, then the deposit.
 */
export class Taking {
  readonly #parts: TakingParts
  readonly #turns: FacilitatorTurns
  /** The last request of each payment that is being presented: copies wait for each other. */
  readonly #running = new TransientMap<Promise<unknown>>()
  /** Payments whose first answer is under way: it has a receipt, and is not credited yet. */
  readonly #answering = new TransientMap<true>()
  /** Settled payments whose transaction could not be written down yet. */
  readonly #unwritten = new TransientMap<true>()

  constructor(parts: TakingParts) {
    this.#parts = parts
    this.#turns = new FacilitatorTurns(parts.world)
  }

  /** Micro-dollars that may still be taken before buyers have the most that the operator allows. */
  room(): Awaitable<bigint> {
    return andThen(this.#parts.outstanding(), (owed) => this.#room(owed))
  }

  async redeem(presented: X402Presented, call: PaidRequest | null): Promise<Taken> {
    if (presented.is === 'none') return err(call === null ? 'unknown' : this.#unreadable(presented))
    const { payment } = presented
    const id = x402PaymentId(this.#parts.terms.network, payment.authorization)
    if (call === null) return this.#look(id, payment)
    return this.#alone(id, () => this.#redeem(id, payment, call))
  }

  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#parts.reconciler.start({
      busy: (id) => this.#isBusy(id),
      settled: async (row) => {
        await learned(this.#receipt(row, { headers: null, unpresented: true }))
      },
    })
  }

  /** `busy`: a request presents it just now. See `X402Payments.confirm`. */
  confirm(...about: Parameters<X402Payments['confirm']>): Confirmed {
    return this.#isBusy(about[0]) ? 'busy' : this.#parts.payments.confirm(...about)
  }

  #isBusy(id: PaymentId): boolean {
    return this.#running.get(id) !== undefined || this.#unwritten.get(id) !== undefined
  }

  #room(owed: MicroUsd): bigint {
    const { payments, terms } = this.#parts
    return terms.maxOutstanding - owed - payments.outstanding()
  }

  #unreadable(none: Extract<X402Presented, { is: 'none' }>): PaymentRefused {
    const { network, title } = this.#parts.terms.network
    switch (none.why) {
      case 'too_large':
        return x402Refused('x402_too_large', `${MOST_CHARACTERS}`)
      case 'malformed':
        return x402Refused('x402_malformed', none.about)
      case 'scheme':
        return x402Refused('x402_scheme')
      case 'network':
        return x402Refused('x402_network', `${title} (${network})`)
    }
  }

  /** The balance is told to its buyer alone, so version 1 cannot look at it. Takes nothing. */
  #look(id: PaymentId, payment: X402Payment): Taken {
    const row = this.#parts.payments.get(id)
    if (row === null || row.state !== 'given' || !isBuyers(row, payment, null))
      return err('unknown')
    return ok(this.#receipt(row, { headers: null, known: true, repeat: 'pass' }))
  }

  /** One request of a payment at a time. The others find what the first one has done (threats F1). */
  async #alone(id: PaymentId, work: () => Promise<Taken>): Promise<Taken> {
    const before = this.#running.get(id) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#running.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#running.get(id) === mine) this.#running.delete(id)
    }
  }

  async #redeem(id: PaymentId, payment: X402Payment, call: PaidRequest): Promise<Taken> {
    const row = this.#parts.payments.get(id)
    if (row !== null && row.state !== 'refused') return this.#again(row, payment, call)
    // The facilitator may have shown it to the chain, so it is still its buyer's alone.
    if (row !== null && !isBuyers(row, payment, call.body)) return err(x402Refused('x402_used'))
    const fits = this.#parts.fitting(payment, call)
    if (!fits.ok) return fits
    const short = await shortOf(fits.value, call)
    if (short !== null) return err(short)
    return this.#settleOnce(rowOf(id, payment, { ...fits.value, call, parts: this.#parts }), call)
  }

  #again(row: X402Row, payment: X402Payment, call: PaidRequest): Taken {
    const { id } = row
    const how = repeated(row, {
      buyers: isBuyers(row, payment, call.body),
      answering: this.#answering.get(id) !== undefined,
      beside: call.account !== null,
    })
    switch (how) {
      case 'pending':
        return err(x402Refused('x402_pending'))
      case 'lost':
        return err(x402Refused('x402_unknown'))
      case 'paid':
        return err(x402Refused('x402_paid'))
      case 'first':
        return ok(this.#first(row, payment))
      default: {
        const headers = this.#answered(row, payment)
        const known = row.state === 'given' ? { known: true as const } : {}
        return ok(
          this.#receipt(row, { headers, ...known, ...(how === 'beside' ? {} : { repeat: how }) }),
        )
      }
    }
  }

  async #settleOnce(row: X402Row, call: PaidRequest): Promise<Taken> {
    if (!this.#parts.facilitator.up) return err(x402Refused('facilitator_unreachable'))
    return this.#turns.run(call.client, () => this.#settle(row))
  }

  async #settle(row: X402Row): Promise<Taken> {
    const { facilitator, payments } = this.#parts
    const { id, payment, requirement } = row
    const verified = await facilitator.verify(payment, requirement)
    if (verified.is === 'unreachable') return err(x402Refused('facilitator_unreachable'))
    if (verified.is === 'refused') return err(refusedBy(verified.reason))
    const owed = await this.#parts.outstanding()
    // From here to the row nothing else runs, so that all payments together keep the bound.
    if (requirement.amount > this.#room(owed)) return err(x402Refused('x402_full'))
    if (!this.#begin(row)) return err(x402Refused('x402_busy'))
    const settled = await facilitator.settle(payment, requirement)
    if (settled.is === 'unknown') return err(x402Refused('x402_pending'))
    if (settled.is !== 'settled') {
      payments.refused(id)
      const refused =
        settled.is === 'refused'
          ? refusedBy(settled.reason)
          : x402Refused('facilitator_unreachable')
      const headers = this.#headersOf(payment, { errorReason: refused.code })
      return err({ ...refused, headers })
    }
    const { transaction } = settled
    if (!this.#written(id, transaction)) return err(x402Refused('x402_pending'))
    return ok(this.#first({ ...row, state: 'settled', transaction }, payment))
  }

  /** False if it cannot be written down: then nothing may be sent. */
  #begin(row: X402Row): boolean {
    try {
      return this.#parts.payments.begin(row)
    } catch (error) {
      if (unwritable(error) === null) throw error
      return false
    }
  }

  /**
   * Writes the transaction down. If the disk takes nothing, it is written as soon as it does, and the
   * payment is pending until then: nobody may ask the facilitator a second time.
   */
  #written(id: PaymentId, transaction: string): boolean {
    const { background, payments } = this.#parts
    try {
      payments.settled(id, transaction)
      return true
    } catch (error) {
      if (unwritable(error) === null) throw error
      this.#unwritten.set(id, true)
      background.until('settled payments in dollars', WRITE_AGAIN, () => {
        payments.settled(id, transaction)
        this.#unwritten.delete(id)
      })
      return false
    }
  }

  /** The receipt of the first answer. */
  #first(row: X402Row, payment: X402Payment): Receipt {
    this.#answering.set(row.id, true)
    return this.#receipt(row, {
      headers: this.#answered(row, payment),
      keepsAnswer: row.offer === null,
    })
  }

  #answered(row: X402Row, payment: X402Payment): Readonly<Record<string, string>> {
    return this.#headersOf(payment, { ...row, transaction: row.transaction ?? '' })
  }

  #headersOf(payment: X402Payment, answered: Parameters<typeof answerHeaders>[2]) {
    return answerHeaders(payment, this.#parts.terms.network, answered)
  }

  #receipt(row: X402Row, about: Omit<Parameters<typeof receiptOf>[1], 'credited'>): Receipt {
    const { payments } = this.#parts
    const { id } = row
    return receiptOf(row, {
      ...about,
      credited: (account) => {
        payments.credited(id, { account, given: about.unpresented !== true })
        this.#answering.delete(id)
      },
    })
  }
}

function rowOf(
  id: PaymentId,
  payment: X402Payment,
  { amount, call, offer, parts, rate }: Fitting & { call: PaidRequest; parts: TakingParts },
): X402Row {
  const { account, body } = call
  return {
    ...{ id, payment: withoutOffer(payment), account, rate, offer, body: body.hash() },
    requirement: requirementOf(parts.terms, call, amount),
    ...{ state: 'settling', transaction: null, at: parts.world.now() },
  }
}

/** What a payment would credit at the rate of its offer has to admit the request (threats I8). */
async function shortOf(
  { amount, rate }: Fitting,
  call: PaidRequest,
): Promise<PaymentRefused | null> {
  const needs = await call.short(satsOf(amount, rate), amount)
  if (needs === null) return null
  const dollars = formatUsd(usdOf(fromSat(needs), rate))
  return x402Refused('x402_amount', `this request needs ${dollars} dollars`)
}
