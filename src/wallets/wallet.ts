import type { MoneyKind } from '../ledger/ledger.ts'
import type { WalletAbout } from './about.ts'
import type { Outgoing } from './outgoing.ts'

/**
 * The port to a wallet, which makes invoices and receives sats. A wallet is not a rail: it knows
 * nothing about passes, prices or accounts. Every adapter runs `test/contract/wallet.ts`.
 */
export interface Wallet {
  readonly kind: string
  readonly money: MoneyKind
  /**
   * Names the node or the account behind it, wherever it is reached: its public key, or a hash of
   * its id. No secret. With it, one node at two addresses is one wallet, and two nodes at one
   * address are two. Not set if it is not known now, as while a node is down.
   */
  readonly identity?: string | undefined
  /** One line for the status block: what it is and where it is, without a secret. */
  readonly label: string
  /**
   * Set if its `watch` looks unpaid invoices up by itself, as often as its service allows.
   * Otherwise the gate looks them up, because notifications can be lost (threats C10).
   */
  readonly asksItself?: true
  /**
   * Set if everybody who has seen an invoice can read its preimage by its hash once it is paid, as
   * with many LUD-21 services and LNbits. Then no invoice may be shown to two clients (threats J6).
   */
  readonly preimageIsPublic?: true
  /** How many invoices all strangers together surely get in a minute. Null if there is no limit. */
  strangersAMinute?(): number | null
  /**
   * Makes an invoice for a whole number of sats. Throws `WalletUnreachable` if it cannot answer in
   * time, `WalletBusy` if it has no invoice for this asker now, `AmountRefused` if it makes none of
   * that amount.
   */
  createInvoice(ask: InvoiceAsk): Promise<Invoice>
  /**
   * The state of an invoice. Only `settled` means paid; LND for example shows the preimage before.
   * A service that allows few calls is asked for those who are `waiting` (the default) before a
   * `routine`. If it cannot be asked now, the answer is what is known, and no invoice is called
   * dead without being looked up.
   */
  lookup(paymentHash: string, who?: LookingUp): Promise<InvoiceState>
  /**
   * Called when somebody looks at the page of this invoice. It is looked up earlier in the rounds
   * of the wallet, and there are no more calls for that (threats J5). Only wallets that look
   * invoices up by themselves have it.
   */
  wake?(paymentHash: string): void
  /**
   * Reports each settlement at least once, also those that happened while it was down. It
   * reconnects by itself. `cursor` is the last one that `onSettled` got, in this process or an
   * earlier one.
   */
  watch(cursor: string | null, onSettled: (settled: Settlement) => void): Watch
  /**
   * Called when a dead invoice will never be looked up again. What the wallet stores about it may
   * be removed.
   */
  forget?(paymentHash: string): Promise<void>
  /** Throws `WalletUnreachable` if it could not make an invoice now. Makes none. */
  probe(): Promise<void>
  /**
   * What it can and cannot do, as far as its key lets it see. Asks the wallet, and changes nothing
   * there. Throws `WalletUnreachable` or `WalletRefused`.
   */
  about?(): Promise<WalletAbout>
  /**
   * The parts that make invoices on their own, as the mints of the ecash wallet, for
   * `satgate wallet test`. Not set if there is only the wallet itself.
   */
  parts?(): readonly WalletPart[]
  /** Pays invoices. Not set if the key of the wallet does not allow that. */
  readonly outgoing?: Outgoing | undefined
  close(): Promise<void>
}

/** What can be tested by itself: a wallet, or one mint of the ecash wallet. */
export type WalletPart = Pick<Wallet, 'label' | 'createInvoice' | 'lookup' | 'forget' | 'about'>

/**
 * `waiting`: somebody waits who has paid, as far as can be told. `routine`: nobody in particular
 * waits.
 */
export type LookingUp = 'waiting' | 'routine'

export interface InvoiceAsk {
  readonly sat: number
  readonly memo: string
  /** How long it can be paid. A wallet that belongs to somebody else may choose another time. */
  readonly expirySeconds: number
  /** A stranger unless given. */
  readonly asker?: Asker
}

/** Why there is no invoice now. */
export type InvoiceRefused =
  | { readonly why: 'wallet_unreachable' }
  | { readonly why: 'wallet_busy'; readonly retryAfterSeconds: number }
  | {
      readonly why: 'amount_refused'
      /** Sats; null: no bound is known. */
      readonly least: number | null
      readonly most: number | null
    }

/**
 * For whom an invoice is made. It matters if a wallet can make only so many in a minute: a buyer
 * who has paid before comes before strangers (threats I10), and an invoice for all strangers before
 * one for a single stranger.
 */
export type Asker = 'stranger' | 'shared' | 'buyer'

export interface Invoice {
  readonly bolt11: string
  /** 64 hex digits from the bolt11, which must ask for exactly the requested sats (threats C8). */
  readonly paymentHash: string
  /** In ms since the epoch, from the bolt11. */
  readonly expiresAt: number
}

export type InvoiceState =
  | { readonly is: 'open' }
  | {
      readonly is: 'settled'
      readonly preimage: string | null
      readonly receivedMsat: bigint
      /**
       * Where the sats are now, if the name of the wallet does not say it: `ecash https://mint.example`.
       * They can be paid out of there alone (threats L9).
       */
      readonly source?: string
    }
  /** It expired or was canceled, and was looked up after that. It can no longer be paid. */
  | { readonly is: 'dead' }
  | { readonly is: 'unknown' }

export interface Settlement {
  readonly paymentHash: string
  /** Where to continue. Null if the wallet has no cursor. */
  readonly cursor: string | null
}

export interface Watch {
  stop(): void
}

/**
 * The wallet cannot answer now. `reason` is for the operator. It contains no secret, no invoice,
 * and no body of an answer.
 */
export class WalletUnreachable extends Error {
  override readonly name = 'WalletUnreachable'
  readonly reason: string
  constructor(reason: string, options?: ErrorOptions) {
    super(`wallet unreachable: ${reason}`, options)
    this.reason = reason
  }
}

/** The wallet works, but makes no invoice for this asker for so many ms. It is not an outage. */
export class WalletBusy extends Error {
  override readonly name = 'WalletBusy'
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super(`the wallet makes no more invoices for ${Math.ceil(retryAfterMs / 1000)} s`)
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * The wallet makes no invoice of that amount, but of others. The bounds are in whole sats; null if
 * they are not known.
 */
export class AmountRefused extends Error {
  override readonly name = 'AmountRefused'
  readonly least: number | null
  readonly most: number | null
  constructor(least: number | null, most: number | null) {
    super(`the wallet makes no invoice of that amount`)
    this.least = least
    this.most = most
  }
}

/**
 * Whether an amount is one that offers usually have and that every wallet makes. Anybody may ask
 * for other amounts. An error for one of those says nothing about the usual ones, so it is no
 * outage (threats J13).
 */
export const isUsual = (sat: number): boolean => sat >= 10 && sat <= 1_000

/**
 * The wallet refused, because of a wrong key or a missing permission. Trying again does not help.
 */
export class WalletRefused extends Error {
  override readonly name = 'WalletRefused'
  readonly reason: string
  constructor(reason: string, options?: ErrorOptions) {
    super(`wallet refused: ${reason}`, options)
    this.reason = reason
  }
}
