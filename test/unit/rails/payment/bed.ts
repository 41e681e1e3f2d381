import type { AccountId } from '../../../../src/ledger/ledger.ts'
import { rootKeysOf } from '../../../../src/passes/write.ts'
import { PaymentScheme } from '../../../../src/rails/payment/payment.ts'
import type { PaidRequest, Receipt, Want } from '../../../../src/rails/rail.ts'
import {
  challengesIn,
  credentialFor,
  type Params,
  requestIn,
} from '../../../support/payment-client.ts'
import { type RailOptions, rail, want } from '../rail.ts'

/** A request that costs nothing much. */
const CALL: PaidRequest = {
  ...{ path: '/v1/chat/completions', method: 'POST', model: 'fake' },
  ...{ client: 'a', account: null, origin: 'https://gate.example', short: () => null },
  body: { empty: false, hash: () => '' },
}

/** The Payment rail beside L402, on one play wallet. */
export function paymentBed(options: RailOptions = {}) {
  const bed = rail(options)
  const { deposits, keys, ledger, lightning, l402, play, store: invoices, world } = bed
  const payment = new PaymentScheme({ lightning, invoices, keys, world })

  /** The challenge of a 402, with the macaroon that L402 offers in it. */
  async function challenged(asked: Want = want('a')) {
    const [l402Offer, offer] = await Promise.all([l402.offer(asked), payment.offer(asked)])
    if (!l402Offer.ok || !offer.ok) throw new Error('no offer')
    const [challenge = {}] = challengesIn(...offer.value.challenges)
    const { macaroon, invoice } = l402Offer.value.body.l402 as Readonly<Record<string, string>>
    return { challenge, macaroon, invoice, hash: requestIn(challenge).methodDetails.paymentHash }
  }
  async function pay(hash: string): Promise<string> {
    const paid = await play.pay(hash)
    if (!paid.ok) throw new Error(paid.error)
    return paid.value
  }
  function presented(challenge: Params, preimage: string) {
    const read = payment.read(['authorization', credentialFor(challenge, preimage)])
    if (read.is !== 'payment') throw new Error(read.is)
    return read.payment
  }
  const redeem = (challenge: Params, preimage: string, call: Partial<PaidRequest> | null = {}) =>
    payment.redeem(presented(challenge, preimage), call === null ? null : { ...CALL, ...call })
  /** Redeems and credits. */
  async function take(challenge: Params, preimage: string, call: Partial<PaidRequest> = {}) {
    const redeemed = await redeem(challenge, preimage, call)
    if (redeemed.ok) await deposits.credit(redeemed.value)
    return redeemed
  }
  const credit = async (account: AccountId) =>
    Number((await ledger.balance(account))?.available ?? 0)
  /** The rail as after a restart. `older` keys are good, and make nothing new. */
  const restarted = (current = bed.master) =>
    new PaymentScheme({
      ...{ lightning, invoices, world },
      keys: current === bed.master ? keys : rootKeysOf(current, bed.master),
    })
  return { ...bed, payment, challenged, pay, presented, redeem, take, credit, restarted }
}

/** The headers of a receipt. */
export const headersOf = (receipt: Receipt) => receipt.headers ?? {}
