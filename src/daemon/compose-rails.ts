import { Authenticator } from '../gate/authenticate.ts'
import { type DepositParts, Deposits } from '../gate/deposits.ts'
import { readerOf } from '../gate/presentation.ts'
import type { Revocations } from '../ledger/revocations.ts'
import { KnownPasses } from '../passes/known.ts'
import { makeRecogniser } from '../passes/recognise.ts'
import { makeVerifier } from '../passes/verify.ts'
import { Cashu } from '../rails/cashu/cashu.ts'
import { Gifts } from '../rails/gifts.ts'
import { L402 } from '../rails/l402.ts'
import { LightningOffers, type LightningOffersParts } from '../rails/lightning/lightning-offers.ts'
import { PaymentScheme } from '../rails/payment/payment.ts'
import type { Rail } from '../rails/rail.ts'
import { X402, type X402Parts } from '../rails/x402/x402.ts'
import type { TokenReceiver } from '../wallets/receiver.ts'

const PASSES_REMEMBERED = 10_000

export interface RailsParts extends DepositParts, LightningOffersParts {
  readonly revocations: Revocations
  /** Takes tokens. Null if none are taken. */
  readonly receiver: TokenReceiver | null
  /** Takes dollars. Null if none are taken. */
  readonly x402: Omit<X402Parts, 'keys' | 'world' | 'background' | 'outstanding'> | null
  /** Ways to be paid, besides those that stand here. */
  readonly more: readonly Rail[]
  /** Whether 402s offer invoices. Passes are read in any case. */
  readonly sellsInvoices: boolean
  /** Whether 402s offer their invoice in the Payment scheme too. */
  readonly offersPayment: boolean
}

/**
 * Makes and starts the rails, and the code that finds out who pays. Only this file names concrete
 * rails.
 */
export function composeRails(parts: RailsParts) {
  const { keys, passes, revocations, world } = parts
  const signed = { keys: keys.all, remember: PASSES_REMEMBERED }
  const known = new KnownPasses(PASSES_REMEMBERED)
  const verify = makeVerifier(signed)
  const lightning = new LightningOffers(parts)
  const gifts = new Gifts(world.random)
  const cashu = parts.receiver === null ? null : new Cashu(parts.receiver, world)
  const payment = parts.offersPayment ? new PaymentScheme({ ...parts, lightning }) : null
  const outstanding = () => parts.ledger.outstandingUsd()
  const x402 = parts.x402 === null ? null : new X402({ ...parts, ...parts.x402, outstanding })
  const others: readonly Rail[] = [payment, cashu, x402, ...parts.more].filter(
    (rail) => rail !== null,
  )
  const besides = new Set(others.flatMap(({ reads }) => reads))
  const read = makeRecogniser({ keys: signed.keys, verify, known, rails: besides })
  const l402 = new L402({ lightning, read })
  const selling = parts.sellsInvoices ? [l402, ...others] : others
  const rails: readonly Rail[] = [l402, ...others, gifts]
  const deposits = new Deposits(parts)
  const started = rails.map((rail) => rail.start((receipt) => deposits.credit(receipt)))
  return {
    ...{ selling, rails, lightning, cashu, x402, gifts, deposits, verify },
    authenticator: new Authenticator({
      ...{ passes, revocations, unpaid: l402, deposits, known, world },
    }),
    readCredentials: readerOf(rails),
    async stop(): Promise<void> {
      await Promise.all(started.map((rail) => rail.stop()))
    },
  }
}
