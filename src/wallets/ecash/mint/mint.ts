/**
 * One Cashu mint, unit sat, as the ecash wallet needs it. What crosses the wire, the blinding and the
 * checks of a mint's answers are behind this port (`cashu.ts`); what is kept and when is in front of
 * it. Amounts are whole sats.
 */
export interface Mint {
  /** Normalised: lower case host, no slash at its end. */
  readonly url: string
  /** What it offers (NUT-06), its active sat keyset included; asked again after some minutes. */
  about(): Promise<MintAbout>
  /** Throws unless it answers now. */
  alive(): Promise<void>
  /** Every keyset for sats that it ever signed with, active or not: coins of each can be restored. */
  keysets(): Promise<readonly string[]>
  /** Asks for an invoice (NUT-04), locked to a key where the mint can (NUT-20). */
  createQuote(ask: QuoteAsk): Promise<MintQuote>
  /** Where a quote stands. Never the end of it: a mint whose node is down says no to a good one. */
  quoteState(quote: string): Promise<QuoteState>
  /**
   * Tells when one of these quotes is paid (NUT-17), its present state first. Null where the mint
   * has no such thing. `onEnd` when the line is lost, once: then it is asked again, or polled.
   */
  watchQuotes(quotes: readonly string[], told: QuoteWatch): { stop(): void } | null
  /** Signs the batch's outputs for a paid quote. */
  mint(quote: string, key: QuoteKey | null, batch: Batch): Promise<readonly Proof[]>
  /** Swaps inputs for the batch's outputs (NUT-03); their sum is that of the inputs less the fee. */
  swap(inputs: readonly Proof[], batch: Batch): Promise<readonly Proof[]>
  /** Those of the batch's outputs that the mint has signed (NUT-09): none, some or all. */
  restore(batch: Batch): Promise<readonly Proof[]>
  /** What it costs to pay an invoice (NUT-05). */
  meltQuote(bolt11: string): Promise<MeltQuote>
  /** Pays a melt quote with these inputs; what is left of the fee reserve comes back in `change`. */
  melt(quote: string, inputs: readonly Proof[], change: Batch): Promise<Melted>
  /** Where that payment stands, with its change once it is paid. */
  meltState(quote: string, change: Batch): Promise<Melted>
  /** Whether proofs were spent (NUT-07), in the order asked. */
  states(proofs: readonly Proof[]): Promise<readonly ProofState[]>
  /** The fee in sat for spending these inputs: ⌈Σ input_fee_ppk / 1000⌉ (NUT-02). */
  feeFor(inputs: readonly Pick<Proof, 'keyset'>[]): Promise<number>
  close(): void
}

export interface MintAbout {
  /** The keyset that new outputs are made with, and the amounts that it signs. */
  readonly keyset: string
  readonly amounts: readonly number[]
  /**
   * NUT-04 bolt11 sat: the least and most of one invoice; null where the mint names none. A `most`
   * of 0: it makes no invoices for now, and still pays out.
   */
  readonly least: number | null
  readonly most: number | null
  /** It tells of payments by itself (NUT-17), and locks quotes to keys (NUT-20). */
  readonly tells: boolean
  readonly locks: boolean
}

export interface QuoteAsk {
  readonly sat: number
  readonly memo: string
  readonly key: QuoteKey | null
}

/** The key that a quote is locked to: who knows the quote alone cannot mint it. Hex. */
export interface QuoteKey {
  readonly privateKey: string
}

export interface MintQuote {
  /** A bearer secret where it is not locked: never in an answer, never in a log. */
  readonly quote: string
  readonly bolt11: string
  /** ms since the epoch; null where the mint does not say. */
  readonly expiresAt: number | null
}

export type QuoteState = 'unpaid' | 'paid' | 'issued'

export interface QuoteWatch {
  onState(quote: string, state: QuoteState): void
  onEnd(): void
}

/**
 * Outputs, as they come back from the seed (NUT-13): output i has counter `counter + i`. Blank
 * outputs for change (NUT-08) have amount 0; the mint gives them theirs.
 */
export interface Batch {
  readonly keyset: string
  readonly counter: number
  readonly amounts: readonly number[]
}

/** A coin: whoever knows its secret can spend it. Its DLEQ proof (NUT-12) was checked. */
export interface Proof {
  readonly secret: string
  readonly keyset: string
  readonly amount: number
  /** The mint's signature, hex. */
  readonly c: string
  /** JSON of `{e, s, r}`, for tokens that are given away; null where the mint gave none. */
  readonly dleq: string | null
}

export type ProofState = 'unspent' | 'pending' | 'spent'

export interface MeltQuote {
  readonly quote: string
  readonly sat: number
  readonly feeReserve: number
}

/** `unpaid`: it did not happen, the inputs are free again. */
export type Melted =
  | { readonly is: 'paid'; readonly change: readonly Proof[] }
  | { readonly is: 'pending' }
  | { readonly is: 'unpaid' }

/**
 * No answer, or none that says what happened: what was sent may have been done. `reason` is for the
 * operator, like every text here: no quote, invoice, token or body of an answer in it.
 */
export class MintUnreachable extends Error {
  override readonly name = 'MintUnreachable'
  readonly reason: string
  constructor(reason: string, options?: ErrorOptions) {
    super(`mint unreachable: ${reason}`, options)
    this.reason = reason
  }
}

/**
 * It keeps outputs of an earlier try, unsigned: it is at it, or it died over it and will never sign
 * them (Nutshell).
 */
export class OutputsKept extends MintUnreachable {
  constructor() {
    super('it keeps coins that it has not signed')
  }
}

/** 429: asked too often. Nothing happened; asking on would prolong it (Nutshell). */
export class MintBusy extends Error {
  override readonly name = 'MintBusy'
  /** ms that the mint asked for; null where it did not. */
  readonly retryAfterMs: number | null
  constructor(retryAfterMs: number | null) {
    super('the mint is asked too often')
    this.retryAfterMs = retryAfterMs
  }
}

/** A clear no with a code of the NUTs: it did not happen. Codes differ between mints. */
export class MintRefused extends Error {
  override readonly name = 'MintRefused'
  readonly code: number
  /** What that means, of the codes that mean the same everywhere. */
  readonly means: RefusedMeaning
  constructor(code: number, means: RefusedMeaning) {
    super(`the mint refused: ${means} (${code})`)
    this.code = code
    this.means = means
  }
}

/**
 * `signed`: outputs that it has signed before. `issued`: the quote was minted. `unpaid`: it is not
 * paid. `spent`, `pending`: the inputs. `not_paid`: a melt that failed, the inputs are free.
 * `keyset`: it is unknown or no longer active. `amount`: not within its limits.
 */
export type RefusedMeaning =
  | 'signed'
  | 'issued'
  | 'unpaid'
  | 'spent'
  | 'pending'
  | 'not_paid'
  | 'keyset'
  | 'amount'
  | 'other'

/**
 * It answers what no honest mint answers: another amount, unit or invoice than asked for, a signature
 * that does not check, a redirect, garbage. `what` names it; such a mint is set aside.
 */
export class MintLies extends Error {
  override readonly name = 'MintLies'
  readonly what: string
  constructor(what: string, options?: ErrorOptions) {
    super(`the mint lies: ${what}`, options)
    this.what = what
  }
}

/** It has paid, and what it gives back of the fee reserve does not check. */
export class ChangeLies extends MintLies {}

/** What the port to a mint throws, and not what is wrong with us. */
export const isOfMint = (error: unknown): error is Error =>
  error instanceof MintUnreachable ||
  error instanceof MintBusy ||
  error instanceof MintRefused ||
  error instanceof MintLies
