import type { Result } from '../floor/result.ts'
import type { Limit } from '../ledger/ledger.ts'
import type { CaveatRefused, Rule } from './caveat.ts'

/**
 * What a verified macaroon allows. A pass is a bearer credential whose caveats can only narrow; it
 * names an account through the payment hash in its identifier.
 */
export interface Pass {
  /** Payment hash, 64 hex digits. */
  readonly hash: string
  /** 64 hex digits: must equal the invoice row's. */
  readonly tokenId: string
  /**
   * `account`: a root pass. It has no caveats but the `preimage=` that lnget adds, may withdraw, and
   * sees the whole account. Otherwise the name of this narrowed pass: the hex of sha256(signature at
   * its last narrowing caveat).
   */
  readonly scope: 'account' | { readonly pass: string }
  readonly rules: readonly Rule[]
  /** Each `spend | calls | tokens` caveat at its own meter. */
  readonly limits: readonly Limit[]
}

/** In order of precedence. `expired` is a 402 with offers, the others a 403 without. */
export type Forbidden = 'expired' | 'preimage' | 'path' | 'method' | 'model'

/** The operation a pass is held against. `model` is null where the endpoint has none. */
export interface Operation {
  readonly path: string
  readonly method: string
  readonly model: string | null
  readonly secret: string
  readonly now: number
}

/** A pass that was signed here, and by which key: it must be the key of the row of the pass. */
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
   * What its secret is, if it opens the pass: the preimage of the payment hash, or the settlement
   * secret that this gate gives for a paid invoice. Neither the store nor a wallet was asked.
   */
  readonly opens: 'preimage' | 'settlement' | null
}

/** What one request presents. Its headers are read once, in `present.ts`, so that no later code looks at a header for money. */
export type Presented =
  /** Two different credentials in one request: 400, or one of them could be charged by mistake. */
  | { readonly is: 'conflict' }
  /** A macaroon of ours, and no secret that opens it: 400 where it is paid, else as malformed (K12). */
  | {
      readonly is: 'damaged'
      readonly detail: string
      readonly pass: Pass
      /** Of the root key that signed it. */
      readonly keyId: string
    }
  /** Looks like ours and is not right: 402 with offers. `detail` repeats nothing of it. */
  | { readonly is: 'malformed'; readonly detail: string }
  | { readonly is: 'absent' }
  | PresentedPass

export interface Credential {
  /** The macaroon's bytes, V2. */
  readonly macaroon: Uint8Array
  /** 64 lowercase hex digits: the preimage, or the invoice's settlement secret. */
  readonly secret: string
  /** One name for all spellings of the same credential; a cache key, itself a secret: never logged. */
  readonly text: string
}
