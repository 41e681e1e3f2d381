/** Why a facilitator refuses a payment. `other`: for a reason that the payer cannot change. */
export type Meaning =
  | 'signature'
  | 'funds'
  | 'used'
  | 'expired'
  | 'not_yet_valid'
  | 'amount'
  | 'payee'
  | 'other'

/**
 * The words of the reference libraries (`x402` 1.2, `@x402/evm` 2.27) for what they find before they send
 * anything to the chain.
 */
const WORDS: Readonly<Record<string, Meaning>> = {
  invalid_exact_evm_signature: 'signature',
  invalid_exact_evm_payload_signature: 'signature',
  invalid_exact_evm_failed_to_parse_signature: 'signature',
  invalid_exact_evm_payload_undeployed_smart_wallet: 'signature',
  eip6492_factory_not_allowed: 'signature',
  invalid_exact_evm_insufficient_balance: 'funds',
  insufficient_funds: 'funds',
  invalid_exact_evm_nonce_already_used: 'used',
  invalid_exact_evm_payload_authorization_valid_before: 'expired',
  invalid_exact_evm_payload_authorization_valid_after: 'not_yet_valid',
  invalid_exact_evm_payload_authorization_value: 'amount',
  invalid_exact_evm_payload_authorization_value_mismatch: 'amount',
  invalid_exact_evm_authorization_value: 'amount',
  invalid_exact_evm_recipient_mismatch: 'payee',
  invalid_exact_evm_payload_recipient_mismatch: 'payee',
}

/** Words that begin like a check and are said of something that was sent, or may have been. */
const AFTER_SENDING = new Set([
  'invalid_exact_evm_transaction_failed',
  'invalid_exact_evm_transfer_event_mismatch',
  'invalid_transaction_state',
])

const CHECKED = /^(?:invalid|unsupported|missing|asset_not)_\w+$/

/**
 * In version 1 the reference library says in a text of `viem` what the chain told it when it estimated the
 * gas, which is before it sends.
 */
const REVERTED = /reverted/
const TEXTS: readonly (readonly [RegExp, Meaning])[] = [
  [/authorization is used or canceled/i, 'used'],
  [/transfer amount exceeds balance/i, 'funds'],
  [/authorization is expired/i, 'expired'],
  [/invalid signature/i, 'signature'],
]

/**
 * What a refusal means. Null if it does not say that nothing was sent: the money may have moved, so such
 * a refusal is none (threats F3).
 */
export function meaningOf(reason: unknown): Meaning | null {
  if (typeof reason !== 'string' || AFTER_SENDING.has(reason)) return null
  if (Object.hasOwn(WORDS, reason)) return WORDS[reason] ?? null
  if (CHECKED.test(reason)) return 'other'
  if (!REVERTED.test(reason)) return null
  return TEXTS.find(([text]) => text.test(reason))?.[1] ?? null
}

/** The node of the facilitator took no transaction, because its account cannot pay the gas. */
export const isOutOfGas = (text: unknown): boolean =>
  typeof text === 'string' &&
  /exceeds the balance of the account|insufficient funds for (?:gas|transfer)/i.test(text)

/** A reason that may be logged. Other texts can contain the signature. */
export const loggable = (reason: unknown): string =>
  typeof reason === 'string' && /^\w{1,80}$/.test(reason) ? reason : 'no_reason'
