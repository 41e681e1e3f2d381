import type { MoneyKind } from '../ledger/ledger.ts'

/**
 * Where sats land and invoices come from. A wallet is not a rail: it knows nothing of passes,
 * prices or accounts. Every adapter runs `test/contract/wallet.ts`.
 */
export interface Wallet {
  readonly kind: string
  readonly money: MoneyKind
  /** One line for the status block: what it is and where, without a secret. */
  readonly label: string
  /**
   * Its watch asks after unpaid invoices by itself, as often as whoever makes them bears. Otherwise
   * the gate looks them up: notifications get lost (threats C10).
   */
  readonly asksItself?: true
  /**
   * Who has seen an invoice can read its preimage once it is paid, by its hash (many LUD-21 services,
   * LNbits): no invoice of it may be shown to two (threats J6).
   */
  readonly preimageIsPublic?: true
  /** Invoices that strangers together are sure to get in a minute; null: as many as they ask for. */
  strangersAMinute?(): number | null
  /**
   * Asks for a whole number of sats. Throws `WalletUnreachable` where it cannot answer in time,
   * `WalletBusy` where it has no invoice to give to this asker now, `AmountRefused` where it makes
   * none of that amount.
   */
  createInvoice(ask: InvoiceAsk): Promise<Invoice>
  /**
   * Where an invoice stands. Only `settled` means paid, whatever preimage is seen before (LND). A
   * service that bears few questions is asked for who is `waiting` (the usual) before a `routine`;
   * where it cannot be asked now, what is known is the answer, and nothing is called dead unseen.
   */
  lookup(paymentHash: string, who?: LookingUp): Promise<InvoiceState>
  /**
   * Somebody looks at this invoice's page: it comes sooner in the wallet's own round, and the round
   * asks no more often for that (threats J5). Wallets that ask by themselves have it.
   */
  wake?(paymentHash: string): void
  /**
   * Tells of settlements as they happen, also of those missed while it was down, each at least
   * once. It reconnects by itself. `cursor` is what `onSettled` last gave, from any process.
   */
  watch(cursor: string | null, onSettled: (settled: Settlement) => void): Watch
  /** It will not be asked for an invoice again that it has called dead: what it keeps of it may go. */
  forget?(paymentHash: string): Promise<void>
  /** Throws `WalletUnreachable` unless it could make an invoice now. Makes none. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** `waiting`: somebody who has paid, as far as can be told. `routine`: nobody, or anybody. */
export type LookingUp = 'waiting' | 'routine'

export interface InvoiceAsk {
  readonly sat: number
  readonly memo: string
  /** How long it may be paid. A wallet of somebody else's makes them live as long as it likes. */
  readonly expirySeconds: number
  /** Unless said: a stranger. */
  readonly asker?: Asker
}

/**
 * Who asks, where a wallet can make only so many invoices a minute: a buyer who has paid before comes
 * before strangers (threats I10), and an invoice that is shown to all of them before that of one.
 */
export type Asker = 'stranger' | 'shared' | 'buyer'

export interface Invoice {
  readonly bolt11: string
  /** 64 hex digits, read out of the bolt11, which must ask for exactly the sats of the ask (C8). */
  readonly paymentHash: string
  /** ms since the epoch, as the bolt11 says. */
  readonly expiresAt: number
}

export type InvoiceState =
  | { readonly is: 'open' }
  | { readonly is: 'settled'; readonly preimage: string | null; readonly receivedMsat: bigint }
  /** Expired or canceled, and seen to be unpaid after that: it can no longer be paid. */
  | { readonly is: 'dead' }
  | { readonly is: 'unknown' }

export interface Settlement {
  readonly paymentHash: string
  /** Resume from here; null where the wallet has no such thing. */
  readonly cursor: string | null
}

export interface Watch {
  stop(): void
}

/**
 * The wallet cannot answer now. `reason` is for the operator: no secret, no invoice, no body of an
 * answer in it.
 */
export class WalletUnreachable extends Error {
  override readonly name = 'WalletUnreachable'
  readonly reason: string
  constructor(reason: string, options?: ErrorOptions) {
    super(`wallet unreachable: ${reason}`, options)
    this.reason = reason
  }
}

/** It works, but makes no invoice for this asker before that many ms are over. Not an outage. */
export class WalletBusy extends Error {
  override readonly name = 'WalletBusy'
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super(`the wallet makes no more invoices for ${Math.ceil(retryAfterMs / 1000)} s`)
    this.retryAfterMs = retryAfterMs
  }
}

/** It makes no invoice of that amount, and others it does. Whole sats; null: no bound is known. */
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
 * Amounts that offers mostly ask for, and that every wallet makes. What comes of asking for another one,
 * as anybody may, says nothing of these: it is no outage (threats J13).
 */
export const isUsual = (sat: number): boolean => sat >= 10 && sat <= 1_000

/** The wallet answered no: wrong key, wrong permission. Trying again is no use. */
export class WalletRefused extends Error {
  override readonly name = 'WalletRefused'
  readonly reason: string
  constructor(reason: string, options?: ErrorOptions) {
    super(`wallet refused: ${reason}`, options)
    this.reason = reason
  }
}
