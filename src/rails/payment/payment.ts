import { type Awaitable, andThen } from '../../floor/awaitable.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import type { World } from '../../floor/world.ts'
import type { Invoices } from '../../ledger/invoices.ts'
import { floorSat } from '../../money/msat.ts'
import { paymentKey, secretMatches } from '../../passes/keys.ts'
import type { RootKeys } from '../../passes/write.ts'
import type { LightningOffers, OfferedInvoice, SoldPass } from '../lightning/lightning-offers.ts'
import type {
  Offer,
  OfferRefused,
  PaidRequest,
  PaymentRefused,
  Rail,
  Receipt,
  RedeemRefused,
  Want,
} from '../rail.ts'
import { refuses } from './accept-payment.ts'
import { type Challenge, isMadeWith, writeChallenge } from './challenge.ts'
import { type Charge, challengeOf, chargeIn, rfc3339 } from './charge.ts'
import * as problems from './problems.ts'
import { PAYMENT_HEADERS, type Presented, readPayment } from './read.ts'
import { writeReceipt } from './receipt.ts'

export interface PaymentParts {
  readonly lightning: LightningOffers
  /** Where charges that were used are written down. */
  readonly invoices: Pick<Invoices, 'remember' | 'recall'>
  readonly keys: RootKeys
  readonly world: Pick<World, 'now'>
}

/** What a credential proves to have paid. */
interface Proved {
  readonly charge: Charge
  readonly challenge: Challenge
  readonly preimage: string
}

/**
 * The Payment scheme (draft-httpauth-payment) with one method: a charge over Lightning
 * (draft-lightning-charge). A challenge charges the very invoice that L402 offers in the same 402. A
 * credential pays for one request, and what that does not use is credit on the pass of the invoice.
 */
export class PaymentScheme implements Rail<Presented> {
  readonly name = 'payment'
  readonly reads = PAYMENT_HEADERS
  readonly writes = ['payment-receipt', 'x-satgate-pass']
  readonly read = readPayment
  readonly #parts: PaymentParts
  /** The current key first. */
  readonly #challengeKeys: readonly Uint8Array[]
  /** By payment hash: the last credential that is being judged. */
  readonly #judging = new TransientMap<Promise<unknown>>()
  /** Payment hashes of the charges that are used, and not yet written down. */
  readonly #granted = new TransientMap<true>()

  constructor(parts: PaymentParts) {
    this.#parts = parts
    this.#challengeKeys = parts.keys.all.map(({ master }) => paymentKey(master))
  }

  offer(want: Want): Awaitable<Result<Offer, OfferRefused>> {
    if (refuses(want.acceptPayment, LIGHTNING_CHARGE)) return NOTHING
    return andThen(this.#parts.lightning.offer(want), (offered) =>
      offered.ok ? this.#offerOf(offered.value, want) : offered,
    )
  }

  /**
   * Takes a credential once (threats C6): while it is being judged, its copies wait. Whether its
   * invoice is paid, only the word of the wallet says.
   */
  async redeem(
    presented: Presented,
    call: PaidRequest | null,
  ): Promise<Result<Receipt, RedeemRefused>> {
    if (presented.is === 'unreadable') return err(problems.unreadable(presented.detail))
    if (presented.is === 'unsupported') return err(problems.UNSUPPORTED)
    if (call === null) return err(problems.NO_KEY)
    const { challenge, preimage } = presented
    const charge = isMadeWith(this.#challengeKeys, challenge) ? chargeIn(challenge) : null
    if (charge === null) return err(problems.INVALID)
    if (!secretMatches(preimage, charge.hash)) return err(problems.WRONG_PREIMAGE)
    const proved = { charge, challenge, preimage }
    return this.#alone(charge.hash, () => this.#take(proved, call))
  }

  /** Payments that nobody presents are reported by L402, for all rails that offer Lightning. */
  start() {
    return { stop: async () => {} }
  }

  #offerOf({ is, issued, tokenId }: OfferedInvoice, want: Want): Result<Offer, OfferRefused> {
    // That 402 is for the unpaid macaroon in the request, which other people may have seen.
    if (is === 'same') return NOTHING
    const realm = new URL(want.origin).host
    const [key = new Uint8Array()] = this.#challengeKeys
    const challenge = challengeOf(issued.row, { key, realm, tokenId })
    return challenge === null ? NOTHING : ok({ ...OFFER, challenges: [writeChallenge(challenge)] })
  }

  async #take(proved: Proved, call: PaidRequest): Promise<Result<Receipt, RedeemRefused>> {
    const { charge, preimage } = proved
    const { lightning, world } = this.#parts
    const { hash, tokenId, expires } = charge
    const [sold, receipt] = await Promise.all([
      lightning.sold(hash, tokenId),
      lightning.receipt(hash),
    ])
    if (sold === null) return err(problems.INVALID)
    if (!receipt.ok) return receipt.error === 'unknown' ? err(problems.INVALID) : receipt
    // Who has used the pass has it. Nobody else learns it by this credential.
    if (sold.used) return err(problems.used(null))
    const pass = sold.macaroon === null ? null : `${sold.macaroon}:${preimage}`
    if (await this.#isUsed(hash)) return err(problems.used(pass))
    if (world.now() >= expires) return err(problems.expired(pass))
    const refused = await unfit(call, sold, receipt.value)
    if (refused !== null) return err(refused)
    const mine = tokenId === null || (await lightning.claim(hash, tokenId))
    return mine ? ok(this.#grant(proved, receipt.value, pass)) : err(problems.INVALID)
  }

  #grant({ charge: { hash }, challenge }: Proved, receipt: Receipt, pass: string | null): Receipt {
    const { invoices, world } = this.#parts
    this.#granted.set(hash, true)
    const said = writeReceipt({
      ...{ status: 'success', method: 'lightning', timestamp: rfc3339(world.now()) },
      ...{ reference: hash, challengeId: challenge.id },
    })
    return {
      ...receipt,
      rail: this.name,
      pays: true,
      headers: { 'payment-receipt': said, ...(pass === null ? {} : { 'x-satgate-pass': pass }) },
      record: async (at) => {
        await Promise.all([receipt.record?.(at), invoices.remember(usedKey(hash), `${at}`)])
      },
      credited: () => this.#granted.delete(hash),
    }
  }

  async #isUsed(hash: string): Promise<boolean> {
    if (this.#granted.get(hash) !== undefined) return true
    return (await this.#parts.invoices.recall(usedKey(hash))) !== null
  }

  /** Runs the job when those before it, for the same hash, have ended. */
  #alone<T>(hash: string, job: () => Promise<T>): Promise<T> {
    const mine = (this.#judging.get(hash) ?? Promise.resolve()).then(job, job)
    this.#judging.set(hash, mine)
    const over = () => {
      if (this.#judging.get(hash) === mine) this.#judging.delete(hash)
    }
    mine.then(over, over)
    return mine
  }
}

/** Why a paid charge cannot pay for this request. It is not used up. Null if it can. */
async function unfit(
  call: PaidRequest,
  sold: SoldPass,
  receipt: Receipt,
): Promise<PaymentRefused | null> {
  if (call.account !== null) return call.account === sold.account ? null : problems.ELSEWHERE
  if (!sold.alone) return problems.TOPS_UP
  const sat = receipt.credit === 'usd' ? 0 : floorSat(receipt.amount)
  const needs = await call.short(sat)
  return needs === null ? null : problems.insufficient(sat, needs)
}

const usedKey = (hash: string): string => `charged:${hash}`

const LIGHTNING_CHARGE = { method: 'lightning', intent: 'charge' } as const
const NOTHING = err({ why: 'nothing' } as const)

const DETAIL = 'Pay the invoice of a challenge in WWW-Authenticate, and send the request again.'

/** What all challenges have in common. It is one object, so that 402s can be told to be alike. */
const OFFER: Offer = {
  challenges: [],
  headers: {},
  body: problems.problem('payment-required', 402, DETAIL),
  accepts: [],
  say: 'Or pay the invoice of this answer with a client of the Payment scheme.',
  howToPay:
    'With the Payment scheme: pay the invoice of its challenge in WWW-Authenticate, and send this request again with the header "Authorization: Payment …", which has that challenge and the preimage. It is good for one request. The header X-Satgate-Pass of that answer is the pass for the rest.',
}
