import type { Awaitable } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { AccountId } from '../ledger/ledger.ts'

/** The port to the part of a wallet that takes ecash tokens of buyers (NUT-00). Amounts are sats. */
export interface TokenReceiver {
  /**
   * The mints that can take that much now, and the amount to ask for, with their input fee. Null if
   * none can. Makes no call.
   */
  request(sat: number): TokenRequest | null
  /** The mints whose tokens are taken, also while they are down. In their normal form. */
  readonly mints: readonly string[]
  /**
   * A token that was taken before. The same text costs one hash, and neither a call to a mint nor
   * arithmetic on the curve. Null for any other token.
   */
  known(token: string): ReceivedToken | null
  /**
   * Takes a token: checks it, writes it down, and swaps it for coins of our own (NUT-03). When this
   * resolves with a value, those coins are on the disk, and the token is spent. The same proofs are
   * the same token, however they are written. Safe to repeat, also at the same time.
   */
  receive(token: string, ask: ReceiveAsk): Promise<Result<ReceivedToken, TokenRefused>>
  /** The ledger has credited this token. `given`: its buyer has the pass, if it bought one. */
  credited(payment: string, how: { readonly account: AccountId; readonly given: boolean }): void
  /**
   * From now on, looks after tokens whose swap was not answered, and reports those whose coins are
   * here although nobody has credited them.
   */
  start(received: (token: ReceivedToken) => Promise<void>): { stop(): Promise<void> }
}

/** What a payer needs to know (NUT-18). */
export interface TokenRequest {
  /** The request in CBOR, `creqA…`. */
  readonly creqA: string
  /** The same in bech32m, `CREQB1…`. */
  readonly creqB: string
  readonly sat: number
  readonly mints: readonly string[]
}

export interface ReceiveAsk {
  /** The account that the token tops up. Null: it opens one. */
  readonly account: AccountId | null
  /**
   * Called with what the token would credit, before it is taken. Returns null if that is enough, and
   * otherwise the sats that are needed.
   */
  short(sat: number): Awaitable<number | null>
}

export interface ReceivedToken {
  /** Hex of the sha256 over the sorted Y (NUT-00, hash_to_curve) of its proofs, as hex texts. */
  readonly payment: string
  /** Where the sats are, as deposits name it (threats L9). */
  readonly source: string
  /** The value of its proofs. */
  readonly sat: number
  /** What the mint took for the swap (NUT-02). */
  readonly feeSat: number
  /** The account that it tops up; once its buyer has the pass, the one that has it. Null: it opens one. */
  readonly account: AccountId | null
  /** Whether the ledger has it on disk, and its buyer got the pass. Then there is nothing to do. */
  readonly given: boolean
}

/**
 * Why a token is not taken. Up to `mint_full` it is unspent, and its owner keeps it. In order of
 * precedence.
 */
export type TokenRefused =
  /** It cannot be read. */
  | { readonly why: 'damaged' }
  /** It has more text or proofs than are taken. */
  | { readonly why: 'too_large'; readonly most: number }
  | { readonly why: 'unit' }
  /** Its mint is not one of ours. No other mint is ever called. */
  | { readonly why: 'mint' }
  /** A proof may only be spent with a key or a preimage (NUT-10). */
  | { readonly why: 'locked' }
  /** One proof stands in it twice. */
  | { readonly why: 'duplicates' }
  /** The mint has no such keyset. */
  | { readonly why: 'keyset' }
  /** It is worth no more than its input fee, or most of it is fee. */
  | { readonly why: 'dust'; readonly feeSat: number }
  | { readonly why: 'too_small'; readonly sat: number; readonly needs: number }
  /** The operator keeps no more sats at this mint. */
  | { readonly why: 'mint_full' }
  /** A proof has no DLEQ (NUT-12), so it could be anything. */
  | { readonly why: 'no_dleq' }
  /** The DLEQ of a proof is not one of this mint. */
  | { readonly why: 'forged' }
  /** The mint refuses it for another reason, by that code. */
  | { readonly why: 'refused'; readonly code: number }
  /** Its proofs were spent, and not here. */
  | { readonly why: 'spent' }
  /** Some of its proofs were taken here before, as a part of another token. */
  | { readonly why: 'partly_spent'; readonly known: number; readonly of: number }
  /** It was sent to the mint, which did not answer. It is looked after. */
  | { readonly why: 'pending' }
  /** Nothing was sent, because the mint cannot be used now. */
  | { readonly why: 'mint_silent' }
  /** Nothing was sent, because too much is under way. */
  | { readonly why: 'busy'; readonly retryAfterMs: number }
