import type { Result } from '../floor/result.ts'
import type { Limit } from '../ledger/ledger.ts'
import type { CaveatRefused, Rule } from './caveat.ts'
import type { Scope } from './scope.ts'

/**
 * What a verified macaroon allows. Whoever has a pass can use it, and its caveats can only narrow
 * it. The payment hash in its identifier leads to the account.
 */
export interface Pass {
  /** Payment hash, 64 hex digits. */
  readonly hash: string
  /** 64 hex digits. It must equal the token id of the pass's row. */
  readonly tokenId: string
  readonly scope: Scope
  /**
   * The names of all prefixes of the macaroon, from the one without caveats to the whole: each the hex
   * of sha256(signature there). If one of them is revoked, the pass has ended (threats H9).
   */
  readonly names: readonly string[]
  readonly rules: readonly Rule[]
  /** One limit, with its meter, for each caveat `spend`, `calls` or `tokens`. */
  readonly limits: readonly Limit[]
}

/** In order of precedence. `expired` is a 402 with offers, the others a 403 without. */
export type Forbidden = 'expired' | 'preimage' | 'path' | 'method' | 'model'

/** What a pass is checked against. `model` is null if the endpoint has none. */
export interface Operation {
  readonly path: string
  readonly method: string
  readonly model: string | null
  readonly secret: string
  readonly now: number
}

/**
 * A pass that this gate signed, and the id of the root key. It must be the key id in the row of the
 * pass.
 */
export interface Verified {
  readonly pass: Pass
  readonly keyId: string
}

/** In order of precedence. */
export type PassRefused = 'malformed' | 'bad_signature' | CaveatRefused

/** A pass as a request presents it. */
export interface PresentedPass {
  readonly is: 'credential'
  readonly credential: Credential
  readonly verified: Result<Verified, PassRefused>
  /**
   * How its secret opens the pass: as the preimage of the payment hash, or as the settlement secret
   * that this gate gives for a paid invoice. Null if it does not. Neither the store nor a wallet
   * was asked.
   */
  readonly opens: 'preimage' | 'settlement' | null
  /**
   * The value of the header that it came in, by which `KnownPasses` finds it again. Null if it is
   * known already, came in several headers, or was mended. It contains the secret.
   */
  readonly header: string | null
}

/**
 * The credentials of one request. `present.ts` reads the headers once, so no later code looks at a
 * header for money.
 */
export type Presented =
  /**
   * Two different credentials in one request. It is refused with 400, because the wrong one could
   * be charged.
   */
  | { readonly is: 'conflict' }
  /**
   * A macaroon of this gate without a secret that opens it. It is a 400 if it is paid for,
   * otherwise like `malformed` (K12).
   */
  | {
      readonly is: 'damaged'
      readonly detail: string
      /** The macaroon, in base64. */
      readonly macaroon: string
      readonly pass: Pass
      /** The id of the root key that signed it. */
      readonly keyId: string
    }
  /**
   * It looks like a pass of this gate but is not valid: a 402 with offers. `detail` repeats nothing
   * of it.
   */
  | { readonly is: 'malformed'; readonly detail: string }
  | { readonly is: 'absent' }
  | PresentedPass

export interface Credential {
  /** The bytes of the macaroon, in V2 format. */
  readonly macaroon: Uint8Array
  /** 64 lowercase hex digits: the preimage, or the settlement secret of the invoice. */
  readonly secret: string
  /**
   * The same text for all spellings of a credential, for use as a cache key. It is a secret, so it
   * is never logged.
   */
  readonly text: string
}
