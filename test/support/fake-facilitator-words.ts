import type { Address, Authorization, Caip2 } from '../../src/rails/x402/payment.ts'
import { checksummed } from './evm.ts'
import { type FakeChain, type Reverted, V1_NETWORKS } from './fake-chain.ts'

/**
 * What a facilitator answers, in the words of the reference library (@x402/core and @x402/evm 2.27.0 with
 * viem 2.57.1), as recorded from it. All are HTTP 200 unless it says otherwise. Addresses are in the
 * capitals of EIP-55.
 *
 * | case | /verify | /settle |
 * |---|---|---|
 * | good | `{isValid:true, payer}` | `{success:true, transaction:"0x…", network, payer}` |
 * | another amount, v2 | `invalid_exact_evm_payload_authorization_value_mismatch` | the same |
 * | another amount, v1 | `invalid_exact_evm_authorization_value` | the same |
 * | another payee | `invalid_exact_evm_recipient_mismatch` | the same |
 * | expired, or in less than 6 s | `invalid_exact_evm_payload_authorization_valid_before` | the same |
 * | not yet valid | `invalid_exact_evm_payload_authorization_valid_after` | the same |
 * | wrong signer, asset, domain | `invalid_exact_evm_signature` | the same |
 * | too little money | `invalid_exact_evm_insufficient_balance` | v2 the same, v1 a text of viem |
 * | used | `invalid_exact_evm_nonce_already_used` | v2 the same, v1 a text of viem |
 * | no gas | valid | v2 `invalid_exact_evm_transaction_failed`, v1 a text of viem |
 * | sent, and no receipt in time | – | as without gas, `transaction` is "" |
 * | unknown network | 500 `{error:"No facilitator registered for scheme: exact and network: …"}` | the same |
 * | no JSON | 400 `{error}` | the same |
 * | its chain is silent | it waits | it waits |
 *
 * A refusal of /verify is `{isValid:false, invalidReason, payer}`, one of /settle `{success:false,
 * errorReason, transaction:"", network, payer}`. `invalidMessage` and `errorMessage` have the text of viem,
 * which contains the signature.
 *
 * The library of version 1 (x402 1.2.0) differs: its /verify calls a used authorization valid, and its
 * /settle answers 500 then; it takes more than was asked for; its words are
 * `invalid_exact_evm_payload_authorization_value` (too little), `insufficient_funds`,
 * `invalid_exact_evm_payload_signature` and `invalid_exact_evm_payload_recipient_mismatch`.
 */

/** What is asked of a facilitator, in either version. */
export interface FacilitatorAsk {
  readonly x402Version: 1 | 2
  readonly network: string
  readonly caip2: Caip2
  readonly asset: Address
  readonly payTo: Address
  readonly amount: bigint
  readonly authorization: Authorization
  readonly signature: string
}

export type Said = { readonly status: number; readonly body: object }

/** Seconds of validity that the reference wants to be left. */
const LEFT = 6n

/** Throws if the body is none: the reference answers 500 then. */
// biome-ignore lint/suspicious/noExplicitAny: whatever came
export function askIn({ paymentPayload, paymentRequirements }: any): FacilitatorAsk {
  const { x402Version, payload } = paymentPayload
  const { from, to, value, validAfter, validBefore, nonce } = payload.authorization
  const network: string = paymentRequirements.network
  return {
    x402Version,
    network,
    caip2: V1_NETWORKS[network] ?? network,
    asset: paymentRequirements.asset.toLowerCase(),
    payTo: paymentRequirements.payTo.toLowerCase(),
    amount: BigInt(paymentRequirements.amount ?? paymentRequirements.maxAmountRequired),
    authorization: {
      from: from.toLowerCase(),
      to: to.toLowerCase(),
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
      nonce: nonce.toLowerCase(),
    },
    signature: payload.signature,
  }
}

/** Why the reference refuses it, in its words. Null: it would settle it. */
export function refusalOf(chain: FakeChain, ask: FacilitatorAsk): string | null {
  const { x402Version, authorization: transfer, amount, payTo } = ask
  if (transfer.value !== amount) return WORDS.amount[x402Version]
  if (transfer.to !== payTo) return WORDS.payee
  if (transfer.validBefore < chain.seconds + LEFT) return WORDS.late
  if (transfer.validAfter > chain.seconds) return WORDS.early
  const reverted = chain.refuses(ask.asset, transfer, ask.signature)
  return reverted === null ? null : WORDS[reverted]
}

export const WORDS = {
  amount: {
    1: 'invalid_exact_evm_authorization_value',
    2: 'invalid_exact_evm_payload_authorization_value_mismatch',
  },
  payee: 'invalid_exact_evm_recipient_mismatch',
  late: 'invalid_exact_evm_payload_authorization_valid_before',
  early: 'invalid_exact_evm_payload_authorization_valid_after',
  signature: 'invalid_exact_evm_signature',
  funds: 'invalid_exact_evm_insufficient_balance',
  used: 'invalid_exact_evm_nonce_already_used',
  failed: 'invalid_exact_evm_transaction_failed',
} as const satisfies Record<Reverted, string> & Record<string, unknown>

export function sayVerified(reason: string | null, ask: FacilitatorAsk): Said {
  const payer = checksummed(ask.authorization.from)
  if (reason === null) return { status: 200, body: { isValid: true, payer } }
  return { status: 200, body: { isValid: false, invalidReason: reason, payer } }
}

export function saySettled(transaction: string, { network, authorization }: FacilitatorAsk): Said {
  const payer = checksummed(authorization.from)
  return { status: 200, body: { success: true, transaction, network, payer } }
}

/** `version` 1 says what only the chain could tell in a text of viem, and not in a word. */
export function sayNotSettled(reason: string, ask: FacilitatorAsk): Said {
  const { x402Version, network, authorization } = ask
  const text = VIEM_TEXTS[reason]?.(ask)
  const words =
    text === undefined
      ? { errorReason: reason }
      : x402Version === 1
        ? { errorReason: text }
        : { errorReason: reason, errorMessage: text }
  const payer = checksummed(authorization.from)
  return { status: 200, body: { success: false, transaction: '', network, payer, ...words } }
}

const call = ({ asset, authorization: sent, signature }: FacilitatorAsk): string =>
  [
    'Contract Call:',
    `  address:   ${checksummed(asset)}`,
    '  function:  transferWithAuthorization(address from, address to, uint256 value, …)',
    `  args:      (${checksummed(sent.from)}, ${checksummed(sent.to)}, ${sent.value}, ${sent.nonce}, ${signature})`,
    '',
    'Docs: https://viem.sh/docs/contract/writeContract',
  ].join('\n')

const reverted = (why: string) => (ask: FacilitatorAsk) =>
  `The contract function "transferWithAuthorization" reverted with the following reason:\n${why}\n\n${call(ask)}\nDetails: execution reverted: ${why}\nVersion: viem@2.57.1`

const VIEM_TEXTS: Readonly<Record<string, (ask: FacilitatorAsk) => string>> = {
  [WORDS.used]: reverted('FiatTokenV2: authorization is used or canceled'),
  [WORDS.funds]: reverted('ERC20: transfer amount exceeds balance'),
  [WORDS.failed]: (ask) =>
    `The total cost (gas * gas fee + value) of executing this transaction exceeds the balance of the account.\n\n${call(ask)}`,
}
