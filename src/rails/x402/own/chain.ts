import type { Verified } from '../facilitator.ts'
import type { X402Payment, X402Requirement } from '../payment.ts'

/** A node of the chain, and the account that pays the gas. Each call asks the node, and none throws. */
export interface Chain {
  /** Why nothing can be settled now. Null if it can. */
  trouble(): Promise<string | null>
  /**
   * The most that the gas of a usual payment costs now, in the smallest unit of the coin of the network.
   * Null if the node did not answer.
   */
  gas(): Promise<bigint | null>
  /** Checks the payment, and runs its transaction on the node without sending it. */
  verify(payment: X402Payment, requirement: X402Requirement): Promise<Verified>
  /** Makes the transaction of a payment. Sends nothing. Null if the node did not answer, or would not run it. */
  sign(payment: X402Payment, requirement: X402Requirement): Promise<Signed | null>
  /** May be called again with the same bytes. */
  send(raw: string): Promise<Sent>
  /** What became of a transaction that may have been sent. */
  end(transaction: Pick<Signed, 'hash' | 'nonce'>, of: Transfer): Promise<Ended>
}

export interface Transfer {
  readonly payment: X402Payment
  readonly requirement: X402Requirement
}

/** A transaction, signed with the key of the account. */
export interface Signed {
  /** `0x` and 64 hex digits, in lower case. Known before it is sent. */
  readonly hash: string
  readonly raw: string
  /** The number of the transaction in the account. Each is used once. */
  readonly nonce: number
  /** The most that its gas costs, in the smallest unit of the coin of the network. */
  readonly wei: bigint
}

/**
 * `out_of_gas`: the account cannot pay for it. `stale`: another transaction has its number. In both cases
 * it was not taken. `unknown`: no answer that says whether it was.
 */
export type Sent = 'sent' | 'out_of_gas' | 'stale' | 'unknown'

/**
 * `settled`: on the chain, and the money moved as was asked. `reverted`: on the chain, and nothing moved.
 * `gone`: another transaction took its number, so it can never be on the chain. `open`: not on the chain
 * yet. `unknown`: the node did not answer.
 */
export type Ended = 'settled' | 'reverted' | 'gone' | 'open' | 'unknown'
