import type { MicroUsd } from '../../money/usd.ts'
import type { X402Payment, X402Requirement } from './payment.ts'

/**
 * Settles payments on a chain. The rail never believes anything but a transaction that its own `settle`
 * returned (threats L15).
 */
export interface Facilitator {
  /** For the operator: `facilitator.example`, or `this gate`. */
  readonly name: string
  /** Whether it answered when it was last asked. Offers are made only while it does. Makes no call. */
  readonly up: boolean
  /**
   * The smallest payment that it settles now, in micro-dollars. Offers ask for no less. 0 if it names no
   * bound. Makes no call.
   */
  readonly least: MicroUsd
  /**
   * Whether the payment could be settled now. Changes nothing. A valid answer is no proof that it can be
   * settled later.
   */
  verify(payment: X402Payment, requirement: X402Requirement): Promise<Verified>
  /**
   * Sends the payment to the chain, and resolves when it is there. `unknown` is never `refused`: the
   * payment may be settled. May be called again with the same payment after `unknown`, with `again`:
   * then `refused` means that no earlier call has settled it either.
   */
  settle(payment: X402Payment, requirement: X402Requirement, again?: 'again'): Promise<Settlement>
  /** Begins to ask from time to time whether it works. */
  start(): { stop(): Promise<void> }
}

/** `unreachable`: nothing was asked of anybody, or no answer came that can be read. */
export type Verified =
  | { readonly is: 'valid' }
  | { readonly is: 'refused'; readonly reason: string }
  | { readonly is: 'unreachable'; readonly reason: string }

/**
 * `refused`: it certainly was not settled by this call. `unreachable`: that is certain too, because
 * nothing was sent, and the same payment may be good later. `unknown`: no answer, one that cannot be
 * read, or success without a transaction (threats F2, F3, F9).
 */
export type Settlement =
  | { readonly is: 'settled'; readonly transaction: string }
  | { readonly is: 'refused'; readonly reason: string }
  | { readonly is: 'unreachable'; readonly reason: string }
  | { readonly is: 'unknown'; readonly reason: string }
