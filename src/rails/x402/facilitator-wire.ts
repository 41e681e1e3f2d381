import { objectIn } from '../../outbound/ask-json.ts'
import { x402Network } from './networks.ts'
import type { Address, X402Payment, X402Requirement } from './payment.ts'

/** What is written to a facilitator, and read of its answers (x402 v2 spec, x402 v1 spec). */

export type Version = 1 | 2

/**
 * The body of /verify and /settle. It is made anew of what was read, so no field of a client passes, and
 * the id of our offer stays here (threats L1).
 */
export function askOf(
  version: Version,
  { authorization, signature }: X402Payment,
  requirement: X402Requirement,
): object {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const times = { validAfter: `${validAfter}`, validBefore: `${validBefore}` }
  const payload = { signature, authorization: { from, to, value: `${value}`, ...times, nonce } }
  const { network, asset, amount, payTo, maxTimeoutSeconds, domain } = requirement
  const { resource, description, mimeType } = requirement
  const asked = { payTo, maxTimeoutSeconds, asset, extra: domain }
  if (version === 2) {
    const accepted = { scheme: 'exact', network, amount: `${amount}`, ...asked }
    const about = { url: resource, description, mimeType }
    return {
      x402Version: 2,
      paymentPayload: { x402Version: 2, payload, resource: about, accepted },
      paymentRequirements: accepted,
    }
  }
  const head = { scheme: 'exact', network: nameOf(network) }
  const about = { resource, description, mimeType, maxAmountRequired: `${amount}` }
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, ...head, payload },
    paymentRequirements: { ...head, ...about, ...asked },
  }
}

/** As version 1 calls it. */
const nameOf = (network: string): string => x402Network(network)?.name ?? network

/** Which versions of x402 it settles on that network, in the scheme `exact`. */
export function versionsIn(json: unknown, network: string): readonly Version[] {
  const kinds = objectIn(json)?.kinds
  const all = Array.isArray(kinds) ? kinds.map(objectIn) : []
  const settles = (version: Version, ...names: readonly string[]) =>
    all.some(
      (kind) =>
        kind?.scheme === 'exact' &&
        kind.x402Version === version &&
        names.includes(String(kind.network)),
    )
  return [
    ...(settles(1, nameOf(network)) ? [1 as const] : []),
    ...(settles(2, network, 'eip155:*') ? [2 as const] : []),
  ]
}

/** Of a transaction that can be on a chain. */
export const isTransaction = (value: unknown): value is string =>
  typeof value === 'string' && /^0x[\da-f]{64}$/i.test(value) && !/^0x0+$/.test(value)

/** Whether an answer that names a network or a payer names the right one. */
export const isAbout = (
  answer: { readonly [name: string]: unknown },
  { from, network }: { readonly from: Address; readonly network: string },
): boolean =>
  (answer.network === undefined || x402Network(String(answer.network))?.network === network) &&
  (answer.payer === undefined || String(answer.payer).toLowerCase() === from)
