import type { PaymentId } from '../../ledger/ledger.ts'
import type { MicroUsd } from '../../money/usd.ts'

/** A network as CAIP-2 writes it: `eip155:8453`. */
export type Caip2 = string

/** `0x` and 40 hex digits, in lower case. */
export type Address = string

/** What a payer signs: a transfer that anybody may send to the chain, once (EIP-3009). */
export interface Authorization {
  readonly from: Address
  readonly to: Address
  /** In the smallest unit of the asset. */
  readonly value: bigint
  /** Seconds since the epoch: it is valid after the one and before the other. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** `0x` and 64 hex digits, in lower case. An authorization is used once for each payer and nonce. */
  readonly nonce: string
}

/** A payment of the scheme `exact` on an EVM chain, as a request presents it. Nothing in it is believed. */
export interface X402Payment {
  readonly x402Version: 1 | 2
  readonly network: Caip2
  readonly authorization: Authorization
  /** `0x` and hex digits. Those of contracts are longer than 65 bytes (ERC-1271, ERC-6492). */
  readonly signature: string
  /**
   * Version 2 alone: the entry of our offer that the client says it accepted, and the resource that it
   * says it pays for.
   */
  readonly accepted: Readonly<Record<string, unknown>> | null
  readonly resource: string | null
}

/** What a payment is of: the asset of a network, which is worth a dollar. */
export interface X402Asset {
  readonly network: Caip2
  readonly asset: Address
}

/**
 * The name of a payment in the ledger. The same authorization is one payment, in whichever version and
 * beside whichever offer it comes (threats L4).
 */
export const x402PaymentId = (
  { asset, network }: X402Asset,
  { from, nonce }: Authorization,
): PaymentId => `x402:${network}:${asset}:${from}:${nonce}`

/** What is asked for, as a facilitator is told it. Made by the gate, never by a client. */
export interface X402Requirement extends X402Asset {
  readonly amount: MicroUsd
  readonly payTo: Address
  readonly maxTimeoutSeconds: number
  /** `https://host/path`, and what is sold there. */
  readonly resource: string
  readonly description: string
  readonly mimeType: string
  /** The EIP-712 domain of the asset. */
  readonly domain: { readonly name: string; readonly version: string }
}
