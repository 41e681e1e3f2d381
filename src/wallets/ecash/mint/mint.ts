/**
 * The port to one Cashu mint, for sats. Behind it (`cashu.ts`) are HTTP, the blinding, and the
 * checks of the answers. The callers decide what is stored and when. Amounts are whole sats.
 */
export interface Mint {
  /** In its normal form: the host in lower case, no slash at the end. */
  readonly url: string
  /**
   * What it offers (NUT-06), with its active keyset for sats. It is asked again after some minutes.
   */
  about(): Promise<MintAbout>
  /** Throws if it does not answer now. */
  alive(): Promise<void>
  /**
   * All keysets for sats that it ever signed with, active or not. Coins of each can be restored.
   * `anew`: asks again, because one is missing that somebody has a coin of.
   */
  keysets(anew?: 'anew'): Promise<readonly string[]>
  /** Asks for an invoice (NUT-04), locked to a key if the mint supports it (NUT-20). */
  createQuote(ask: QuoteAsk): Promise<MintQuote>
  /**
   * The state of a quote. An error is not the end of a quote, because a mint whose node is down
   * also refuses good quotes.
   */
  quoteState(quote: string): Promise<QuoteState>
  /**
   * Tells when one of these quotes is paid (NUT-17), the present state first. Null if the mint
   * cannot do that. It calls `onEnd` once, when the connection is lost. Then the caller connects
   * again, or polls.
   */
  watchQuotes(quotes: readonly string[], told: QuoteWatch): { stop(): void } | null
  /** Gets the outputs of the batch signed for a paid quote. */
  mint(quote: string, key: QuoteKey | null, batch: Batch): Promise<readonly Proof[]>
  /**
   * Swaps inputs for the outputs of the batch (NUT-03). Their sum is the sum of the inputs minus
   * the fee.
   */
  swap(inputs: readonly Proof[], batch: Batch): Promise<readonly Proof[]>
  /** The outputs of the batch that the mint has signed (NUT-09): none, some or all. */
  restore(batch: Batch): Promise<readonly Proof[]>
  /** What it costs to pay an invoice (NUT-05). */
  meltQuote(bolt11: string): Promise<MeltQuote>
  /**
   * Pays a melt quote with these inputs. The unused part of the fee reserve comes back in `change`.
   */
  melt(quote: string, inputs: readonly Proof[], change: Batch): Promise<Melted>
  /** The state of that payment, with its change when it is paid. */
  meltState(quote: string, change: Batch): Promise<Melted>
  /** Whether proofs were spent (NUT-07), in the order of the argument. */
  states(proofs: readonly Proof[]): Promise<readonly ProofState[]>
  /**
   * Whether the mint signed a proof that somebody else gave us, as its DLEQ shows (NUT-12). Takes
   * some ms, and no call once the keys are known.
   */
  isSigned(proof: Proof): Promise<boolean>
  /** The fee in sat for spending these inputs: ⌈Σ input_fee_ppk / 1000⌉ (NUT-02). */
  feeFor(inputs: readonly Pick<Proof, 'keyset'>[]): Promise<number>
  close(): void
}

export interface MintAbout {
  /** The keyset for new outputs, and the amounts that it signs. */
  readonly keyset: string
  readonly amounts: readonly number[]
  /**
   * The smallest and largest invoice in sats (NUT-04). Null if the mint names none. If `most` is 0,
   * it makes no invoices for now and still pays out.
   */
  readonly least: number | null
  readonly most: number | null
  /**
   * Whether it tells of payments by itself (NUT-17), and whether it locks quotes to keys (NUT-20).
   */
  readonly tells: boolean
  readonly locks: boolean
  /** Whether it pays invoices now (NUT-05). Otherwise its coins are worth nothing elsewhere. */
  readonly melts: boolean
}

export interface QuoteAsk {
  readonly sat: number
  readonly memo: string
  readonly key: QuoteKey | null
}

/**
 * The key that a quote is locked to, in hex. Whoever knows only the quote cannot mint its coins.
 */
export interface QuoteKey {
  readonly privateKey: string
}

export interface MintQuote {
  /** If it is not locked, it is a bearer secret, so it never stands in an answer or a log. */
  readonly quote: string
  readonly bolt11: string
  /** In ms since the epoch. Null if the mint does not say. */
  readonly expiresAt: number | null
}

export type QuoteState = 'unpaid' | 'paid' | 'issued'

export interface QuoteWatch {
  onState(quote: string, state: QuoteState): void
  onEnd(): void
}

/**
 * Outputs that can be made again from the seed (NUT-13). Output i has the counter `counter + i`.
 * Blank outputs for change (NUT-08) have the amount 0, and the mint decides their amounts.
 */
export interface Batch {
  readonly keyset: string
  readonly counter: number
  readonly amounts: readonly number[]
}

/** A coin. Whoever knows its secret can spend it. Its DLEQ proof (NUT-12) was checked. */
export interface Proof {
  readonly secret: string
  readonly keyset: string
  readonly amount: number
  /** The signature of the mint, in hex. */
  readonly c: string
  /** JSON of `{e, s, r}`, for tokens that are given away. Null if the mint gave none. */
  readonly dleq: string | null
}

export type ProofState = 'unspent' | 'pending' | 'spent'

export interface MeltQuote {
  readonly quote: string
  readonly sat: number
  readonly feeReserve: number
}

/** `unpaid`: the payment did not happen, and the inputs are free again. */
export type Melted =
  | { readonly is: 'paid'; readonly change: readonly Proof[] }
  | { readonly is: 'pending' }
  | { readonly is: 'unpaid' }

/**
 * The mint gave no answer, or none that says what happened. So it may have done what was asked.
 * `reason` is for the operator, like every text here. It contains no quote, invoice, token or body
 * of an answer.
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
 * The mint keeps outputs of an earlier try and has not signed them. Either it works on them now, or
 * it crashed while doing so and will never sign them (Nutshell).
 */
export class OutputsKept extends MintUnreachable {
  constructor() {
    super('it keeps coins that it has not signed')
  }
}

/**
 * The mint says that the invoice of a melt quote is paid: by this quote, whose answer was lost, or by
 * somebody else, and then never by this quote. The state of the quote tells which.
 */
export class InvoicePaid extends MintUnreachable {
  constructor() {
    super('the invoice was paid before')
  }
}

/**
 * The mint answered 429, because it was called too often. Nothing happened. Further calls would
 * make it longer (Nutshell).
 */
export class MintBusy extends Error {
  override readonly name = 'MintBusy'
  /** The ms that the mint asked to wait. Null if it named none. */
  readonly retryAfterMs: number | null
  constructor(retryAfterMs: number | null) {
    super('the mint is asked too often')
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * The mint refused with an error code of the NUTs, so nothing happened. Codes differ between mints.
 */
export class MintRefused extends Error {
  override readonly name = 'MintRefused'
  readonly code: number
  /** The meaning of the code, if it means the same at every mint. */
  readonly means: RefusedMeaning
  constructor(code: number, means: RefusedMeaning) {
    super(`the mint refused: ${means} (${code})`)
    this.code = code
    this.means = means
  }
}

/**
 * `signed`: it has signed these outputs before. `issued`: the coins of this quote were issued.
 * `unpaid`: the quote is not paid. `spent`, `pending`: the inputs are. `not_paid`: a melt failed,
 * and its inputs are free. `keyset`: the keyset is unknown or not active. `amount`: the amount is
 * not within its limits.
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
 * The mint gave an answer that no honest mint gives: another amount, unit or invoice than was asked
 * for, a wrong signature, a redirect, garbage. `what` names it. Such a mint is set aside.
 */
export class MintLies extends Error {
  override readonly name = 'MintLies'
  readonly what: string
  constructor(what: string, options?: ErrorOptions) {
    super(`the mint lies: ${what}`, options)
    this.what = what
  }
}

/** The mint has paid, and the signatures of the change are wrong. */
export class ChangeLies extends MintLies {}

/** Whether an error comes from the mint and not from our own code. */
export const isOfMint = (error: unknown): error is Error =>
  error instanceof MintUnreachable ||
  error instanceof MintBusy ||
  error instanceof MintRefused ||
  error instanceof MintLies
