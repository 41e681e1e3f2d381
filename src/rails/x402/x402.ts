import { type Awaitable, andThen } from '../../floor/awaitable.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { UsdPerBtc } from '../../money/parse.ts'
import type { MicroUsd } from '../../money/usd.ts'
import type { RootKeys } from '../../passes/write.ts'
import type {
  Credited,
  Offer,
  OfferRefused,
  PaidRequest,
  Rail,
  Read,
  Receipt,
  RedeemRefused,
  Want,
} from '../rail.ts'
import { fitting, offeredFor, type X402Terms } from './check.ts'
import { amountOf, offerOf, requirementOf } from './offer.ts'
import { PAYMENT_HEADERS, presentedIn, type X402Presented } from './read.ts'
import { ANSWER_HEADERS } from './receipt.ts'
import { RecentOffers } from './recent-offers.ts'
import { SignedOffers } from './signed-offer.ts'
import { type Confirmed, Taking, type TakingParts } from './taking.ts'

export interface X402Parts extends Omit<TakingParts, 'fitting'> {
  readonly keys: RootKeys
  /** What a bitcoin costs now. Null if nobody can say. Makes no call. */
  usdPerBtc(): UsdPerBtc | null
}

/**
 * Takes dollars: x402 of the scheme `exact` on EVM chains, version 2 and version 1. What is paid is
 * dollars of the account (threats L5). A payment is a proof and never a key, because the chain shows it to
 * everybody (threats L1).
 */
export class X402 implements Rail<X402Presented> {
  readonly name = 'x402'
  readonly reads = PAYMENT_HEADERS
  readonly writes = ['payment-required', ...ANSWER_HEADERS]
  readonly terms: X402Terms
  readonly #parts: X402Parts
  readonly #offers: SignedOffers
  readonly #recent: RecentOffers
  readonly #taking: Taking

  constructor(parts: X402Parts) {
    this.#parts = parts
    const { keys, terms, world } = parts
    this.terms = terms
    const offers = new SignedOffers(keys, world)
    const recent = new RecentOffers(world)
    this.#offers = offers
    this.#recent = recent
    this.#taking = new Taking({
      ...parts,
      fitting: (payment, call) => fitting(payment, call, { terms, offers, recent, world }),
    })
  }

  /** Whether a payment could be taken now. */
  get up(): boolean {
    return this.#parts.facilitator.up && this.#parts.usdPerBtc() !== null
  }

  /** What so many sats cost now. Null if no rate is known. */
  amountOf(sat: number): MicroUsd | null {
    const rate = this.#parts.usdPerBtc()
    if (rate === null) return null
    const amount = amountOf({ sat, least: sat }, rate, this.#bounds())
    return amount.ok ? amount.value : null
  }

  read(rawHeaders: readonly string[]): Read<X402Presented> {
    return presentedIn(rawHeaders)
  }

  offer(want: Want): Awaitable<Result<Offer, OfferRefused>> {
    const { facilitator } = this.#parts
    if (!facilitator.up) return err({ why: 'facilitator_unreachable' })
    const rate = this.#parts.usdPerBtc()
    if (rate === null) return err({ why: 'rate_unavailable' })
    const amount = amountOf(want, rate, this.#bounds())
    if (!amount.ok) return amount
    return andThen(this.#taking.room(), (room) =>
      amount.value > room
        ? err({ why: 'dollars_full' })
        : ok(this.#offer(want, amount.value, rate)),
    )
  }

  redeem(
    presented: X402Presented,
    call: PaidRequest | null,
  ): Promise<Result<Receipt, RedeemRefused>> {
    return this.#taking.redeem(presented, call)
  }

  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#taking.start(learned)
  }

  /** What the operator saw on the chain: see `X402Payments.confirm`. */
  confirm(...about: Parameters<Taking['confirm']>): Confirmed {
    return this.#taking.confirm(...about)
  }

  #bounds() {
    const { facilitator, terms } = this.#parts
    return { leastPayment: facilitator.least, maxPayment: terms.maxPayment }
  }

  #offer(want: Want, amount: MicroUsd, rate: UsdPerBtc): Offer {
    const { terms, world } = this.#parts
    this.#recent.note({ amount, rate })
    const offer = this.#offers.make({ amount, rate }, offeredFor(terms, want))
    return offerOf(requirementOf(terms, want, amount), { terms, rate, offer, now: world.now() })
  }
}
