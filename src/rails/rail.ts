import type { Awaitable } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { Deposit, SatCredit, UsdCredit } from '../ledger/deposit.ts'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { Msat } from '../money/msat.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { Operation, Presented, PresentedPass } from '../passes/pass.ts'
import type { InvoiceRefused } from '../wallets/wallet.ts'

/**
 * A way in which money arrives. A rail asks for money (`offer`) and turns what a client presents into a
 * receipt (`redeem`). It never posts to the ledger, and it knows neither the backend nor another rail.
 * Each rail runs `test/contract/rail.ts`.
 */
export interface Rail<Payment = unknown> {
  /** In lower case. The drawer `rail:<name>` of the ledger has it. */
  readonly name: string
  /** The headers that its payments stand in, in lower case. No dialect and no backend gets them. */
  readonly reads: readonly string[]
  /** The headers of its offers and receipts, in lower case. CORS lets web pages read them. */
  readonly writes: readonly string[]
  /**
   * Reads what the headers present to this rail; `rawHeaders` are names and values in turn. Pure,
   * and never throws.
   */
  read(rawHeaders: readonly string[]): Read<Payment>
  /** Asks for money, for a 402. A rail that asks for none answers `nothing`. */
  offer(want: Want): Awaitable<Result<Offer, OfferRefused>>
  /**
   * Takes a payment. No other function consumes one. Safe to repeat: the same payment gives the
   * same receipt again, or is refused if it buys once. `call` is the request that is paid for. If it is null, the client only looks
   * at its balance: a payment that is made by presenting it is not taken, and is answered only if it
   * was credited before.
   */
  redeem(payment: Payment, call: PaidRequest | null): Promise<Result<Receipt, RedeemRefused>>
  /**
   * The header of the answer in which the unspent rest of this payment goes back as a token, in lower
   * case. Null: the rest stays on the pass. Not set if that is so for all payments of the rail.
   */
  change?(payment: Payment): string | null
  /**
   * From now on, reports payments that nobody presents. `learned` resolves when the payment is
   * credited on disk. A payment that is reported twice is credited once.
   */
  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> }
}

/** The request that a payment pays for. */
export interface PaidRequest extends Pick<Operation, 'path' | 'method' | 'model'> {
  /** Who sends it, as `Incoming` names clients. */
  readonly client: string
  /**
   * The account that the payment tops up, because a pass of it was sent too (threats L16). Null: the
   * payment opens an account.
   */
  readonly account: AccountId | null
  /** `https://host`, by which the client reaches this gate. */
  readonly origin: string
  readonly body: RequestBody
  /**
   * Called with the sats that a payment would credit, before it is taken, and with its dollars if it is
   * in dollars: they pay a price in dollars at par, whatever the rate did since the offer (threats L5).
   * Returns null if it admits this request, and otherwise the sats that are needed (threats I8).
   */
  short(sat: number, usd?: MicroUsd): Awaitable<number | null>
}

/** What a rail may know of the body of a request. */
export interface RequestBody {
  readonly empty: boolean
  /** SHA-256 of its bytes, in hex. */
  hash(): string
}

/**
 * What one rail finds in the headers. Only L402 reads passes, so a pass is spent through L402,
 * whichever rail sold it. Something like a key is `malformed` and not `absent`, because whoever
 * sends it is told what is wrong with it.
 */
export type Read<Payment> = Presented | { readonly is: 'payment'; readonly payment: Payment }

/** What all rails together find in the headers of one request. */
export type Presentation =
  | Presented
  | {
      readonly is: 'payment'
      readonly rail: Rail
      readonly payment: unknown
      /** The pass that was sent beside it (threats L16). */
      readonly pass: PresentedPass | null
    }

/** What an offer should ask for. */
export interface Want {
  readonly sat: number
  /** The fewest sats that admit this request. */
  readonly least: number
  /** The account to top up. Null opens a new one. */
  readonly account: AccountId | null
  /**
   * Whether the payer gets a macaroon. The holder of a spending key does not: a macaroon of its
   * account would be a root pass (threats L14).
   */
  readonly macaroon: boolean
  /** The generation of the pass that asks (`PassRow`). 0 opens a new account. */
  readonly generation: number
  readonly quota: InvoiceQuotaKey
  /** `https://host`, where the buyer reaches this gate. */
  readonly origin: string
  /** The path of the request that is to be paid for, without its query. */
  readonly path: string
  readonly method: string
  readonly body: RequestBody
  /**
   * `Accept-Payment` of the request: the payment methods that its client can use, with their weights.
   * Null if it has none.
   */
  readonly acceptPayment: string | null
  /** The key of the request, if its invoice is not paid: that invoice is offered again. */
  readonly unpaid: UnpaidKey | null
}

/** A key whose invoice is not paid. */
export interface UnpaidKey {
  /** The payment hash of the invoice. */
  readonly hash: string
  /** As it was presented, in base64. This gate signed it. */
  readonly macaroon: string
  /** It has no caveat. */
  readonly bare: boolean
}

/** One rail's part of a 402. */
export interface Offer {
  /** Values of WWW-Authenticate. Each becomes a header line of its own. */
  readonly challenges: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Fields beside `error` in the body. */
  readonly body: Readonly<Record<string, unknown>>
  /**
   * Entries of `accepts` in the body. Each must be valid in x402 version 1, because its clients
   * reject the whole list if one entry is not.
   */
  readonly accepts: readonly unknown[]
  /** A sentence of `error.message`. Some clients show nothing else. */
  readonly say: string
  /** The whole way to pay, for the field `how_to_pay`. */
  readonly howToPay: string
  /**
   * Set if many clients are shown this offer: `of` is one object for all of them, and `own` the one
   * text in which they differ. It needs no escape in JSON, and stands in the body once.
   */
  readonly copy?: { readonly of: object; readonly own: string } | undefined
}

/**
 * In whose quota an unpaid invoice counts. `owner` has a root pass of the account, `spender` a
 * spending key or a payment, `holder` another narrowed pass. They are counted apart, so that nobody
 * can use up the owner's quota (threats J17), or be shown an invoice that was made for the owner.
 */
export type InvoiceQuotaKey =
  | { readonly is: 'stranger'; readonly client: string; readonly site: string }
  | { readonly is: 'owner' | 'spender' | 'holder'; readonly account: AccountId }

/**
 * `nothing`: this rail never asks for money. `dollars_full`: buyers have as many dollars unspent as the
 * operator allows.
 */
export type OfferRefused =
  | { readonly why: 'nothing' }
  | { readonly why: 'facilitator_unreachable' | 'rate_unavailable' | 'dollars_full' }
  | { readonly why: 'too_many_open'; readonly retryAfterSeconds: number }
  | InvoiceRefused

/** A payment that has arrived and cannot be taken back. */
export type Receipt = ReceiptHead &
  ((Pick<SatCredit, 'amount' | 'credit' | 'source'> & Promised) | (UsdCredit & UsdRate))

interface Promised {
  /** The bonus that its buyer was promised, if that is more than the tiers of now give. */
  readonly promised?: Msat | undefined
}

interface UsdRate {
  /**
   * The rate that its buyer was offered. The request that presents the payment is held at this rate,
   * so that what was asked for is enough (threats I8, L5).
   */
  readonly rate: UsdPerBtc
}

interface ReceiptHead extends Pick<Deposit, 'rail' | 'native'> {
  /**
   * Names the payment and not the rail: if two rails present one payment, it is credited once
   * (threats L4).
   */
  readonly payment: PaymentId
  /**
   * The account that the payment was made for. Or the payment opens an account, and its first
   * answer carries a pass of it with these canonical caveats (threats L3).
   */
  readonly account: AccountId | { readonly opens: readonly string[] }
  /**
   * Set if the rail wrote down whose account it is when the payment was first presented. A pass beside
   * the same payment changes nothing then, so that two requests never credit two accounts.
   */
  readonly decided?: true
  /**
   * Set if the rail has found that the payment may pay for its request out of that account. Otherwise
   * only a payment that opened the account may, or one beside a pass of it.
   */
  readonly pays?: true
  /** Headers of each answer to somebody who presents this payment. Null if there are none. */
  readonly headers: Readonly<Record<string, string>> | null
  /** What the rail itself writes in the commit of the deposit. Null if nothing. */
  readonly record: ((at: number) => Promise<void>) | null
  /**
   * Set if nobody has presented the payment. The pass of the account that it opens is then kept for
   * the first who does.
   */
  readonly unpresented?: true
  /** Called when the deposit is on disk, and the pass that it bought too. */
  readonly credited?: (account: AccountId) => void
  /**
   * Set if the deposit has been on disk for some time, and its pass was given. Nothing is left to do,
   * and `account` is the one that has it.
   */
  readonly known?: true
  /**
   * What a repeat of a payment that opened an account gets (threats L1). `pass`: it proved something that
   * only its buyer knows, so it is shown the pass again, and is served. `answer`: everybody may know it,
   * so it gets the answer of before if that is still kept, and buys nothing. Not set for a first
   * presentation, and for payments that buy as often as they are presented.
   */
  readonly repeat?: 'pass' | 'answer'
  /** True for a first presentation whose repeats are `answer`: its answer is kept for them. */
  readonly keepsAnswer?: boolean
}

/** The result of crediting a receipt. */
export interface Credited {
  readonly account: AccountId
  /**
   * `<macaroon>:<secret>`, only the first time that a payment opens an account. The pass is given
   * out this once.
   */
  readonly pass: string | null
}

/**
 * In order of precedence. `unknown`: not a payment of this gate. `bad_secret`: the secret does not
 * open it. `pending`: the secret is right, but the wallet does not see the payment yet; such a
 * client must never be asked to pay again. `unreachable`: the wallet cannot say.
 */
export type RedeemRefused = 'unknown' | 'bad_secret' | 'pending' | 'unreachable' | PaymentRefused

/**
 * A refusal in words of the rail. `400`: the payment is not one that is taken; it was not touched.
 * `402`: it was spent, and the answer offers other ways to pay. `429` and `503`: it may be good later,
 * so no other payment is asked for.
 */
export interface PaymentRefused {
  readonly status: 400 | 402 | 429 | 503
  /** The code of the error: `token_spent`. */
  readonly code: string
  /** For the payer: what is wrong, what became of the payment, and what to do. */
  readonly message: string
  readonly retryAfterSeconds?: number
  /** Set with a 402 that offers nothing: its payer must not pay again. */
  readonly offersNothing?: true
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Fields of the body, beside `error`. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** It may be known in a moment, so it is redeemed again for some seconds before this is said. */
  readonly soon?: true
}
