import type { AccountId, Limit, PaymentId } from '../ledger/ledger.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import { nameOfPass, type Scope } from '../passes/scope.ts'
import type { Keeping } from './stored-answers.ts'

/**
 * Who pays for a request, however they came to be known. Authentication makes this record. The code
 * behind it asks for an account and its limits, and never for a macaroon.
 */
export interface Payer {
  readonly account: AccountId
  /** The limits that the payment must keep. Each is counted at its own meter. */
  readonly limits: readonly Limit[]
  /** What the payer may do with the account, besides paying. */
  readonly scope: Scope
  /**
   * How often the passes of the account were rotated before the one that pays was made. A macaroon that
   * is made for the payer is of the same generation, so it ends with its maker's.
   */
  readonly generation: number
  /**
   * `pass`: a pass was presented. `payment`: a payment was presented with this very request. `free`:
   * nobody has to pay. `operator`: whoever runs the gate.
   */
  readonly via: 'pass' | 'payment' | 'free' | 'operator'
  /** The rate that the payment of this request was offered at, if it is in dollars (threats L5). */
  readonly usdRate?: UsdPerBtc | undefined
  /** Set for a payment whose unspent rest goes back with a whole answer. */
  readonly change?: ChangeDue | undefined
  /** Set if the answer is kept, because a repeat of its payment gets it again (threats L1). */
  readonly keeping?: Keeping | undefined
}

/** The change that a payment is to get. */
export interface ChangeDue {
  readonly payment: PaymentId
  /** The header of the answer that has the token. */
  readonly header: string
  /** False if the payment was presented before, so its change may have been made. */
  readonly first: boolean
}

/**
 * The payer. `carries` are headers of the answer, whatever happens to the request: the pass that
 * its payment has just bought (threats L3), and what the rail adds. Null if there are none.
 */
export type Identified = Payer & { readonly carries: Readonly<Record<string, string>> | null }

/** The name of the narrowed pass that pays; null if all of the account does. */
export const passOf = ({ scope }: Payer): string | null => nameOfPass(scope)
