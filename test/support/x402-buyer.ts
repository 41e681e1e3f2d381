import { randomBytes } from 'node:crypto'
import type { Authorization } from '../../src/rails/x402/payment.ts'
import { checksummed, signHash, transferHash } from './evm.ts'
import { chainIdOf, V1_NETWORKS } from './fake-chain.ts'

/** Where a 402 stands: the answer of a gate, or the offer of a rail alone. */
export interface Refused402 {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly json?: any
  readonly accepts?: readonly unknown[]
}

export interface X402Payer {
  readonly key: string
  readonly address: string
}

/** What a buyer does otherwise than a good one. All of it is signed, unless `signed` is given. */
export interface Otherwise {
  readonly network?: string
  readonly asset?: string
  /** In micro-dollars. Without it the payer pays what the offer asks for. */
  readonly amount?: bigint
  readonly payTo?: string
  /** Seconds since the epoch. */
  readonly validAfter?: bigint
  readonly validBefore?: bigint
  /** `0x` and 64 hex digits. Without it a random one. */
  readonly nonce?: string
  /** A secret key that is not the payer's. */
  readonly signer?: string
  readonly signature?: string
  /** A transfer that was signed before, such as one that stands on the chain. */
  readonly signed?: { readonly authorization: Authorization; readonly signature: string }
  /** Version 2 alone: the resource, and the offer's id in `accepted.extra` (null takes it out). */
  readonly resource?: string
  readonly offer?: string | null
  /** Version 2 alone: other fields of `accepted`, such as `amount`. */
  readonly accepted?: Readonly<Record<string, unknown>>
  readonly scheme?: string
  /** ms since the epoch. The default is the clock of the machine. */
  readonly now?: number
}

/** A payment in the header of a request. */
export interface Paying {
  readonly headers: Readonly<Record<string, string>>
  readonly authorization: Authorization
  readonly signature: string
}

/** The content of a header of x402. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
export const read402 = (text: unknown): any =>
  JSON.parse(Buffer.from(String(text), 'base64').toString('utf8'))

/** PAYMENT-REQUIRED of a 402, which is version 2. */
export function requiredV2({ headers }: Refused402) {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'payment-required')
  return found === undefined ? null : read402(found[1])
}

/**
 * Signs a payment as @x402/fetch does: takes the first entry of PAYMENT-REQUIRED that it can pay, and
 * sends that entry and the resource back.
 */
export function payV2(refused: Refused402, payer: X402Payer, otherwise: Otherwise = {}): Paying {
  const required = requiredV2(refused)
  const entry = required?.accepts.find(isExact)
  if (entry === undefined) throw new Error('the 402 has no offer of x402 version 2')
  const paid = paidBy(payer, { ...entry, caip2: entry.network }, otherwise, 0n)
  const { offer, scheme = entry.scheme, resource = required.resource.url } = otherwise
  const { offer: theirs, ...extra } = entry.extra
  const kept = offer === undefined ? theirs : offer
  const accepted = {
    ...{ ...entry, scheme, network: otherwise.network ?? entry.network },
    ...{ asset: otherwise.asset ?? entry.asset, payTo: otherwise.payTo ?? entry.payTo },
    extra: kept === null || kept === undefined ? extra : { ...extra, offer: kept },
    ...otherwise.accepted,
  }
  const payload = { signature: paid.signature, authorization: written(paid.authorization) }
  const about = { ...required.resource, url: resource }
  const whole = { x402Version: 2, payload, resource: about, accepted }
  return { headers: { 'payment-signature': coded(whole) }, ...paid }
}

/** Signs a payment as x402-fetch does: takes the first entry of `accepts` in the body. */
export function payV1(refused: Refused402, payer: X402Payer, otherwise: Otherwise = {}): Paying {
  const entry = (refused.json?.accepts ?? refused.accepts ?? []).find(isExact)
  if (entry === undefined) throw new Error('the 402 has no offer of x402 version 1')
  const caip2 = V1_NETWORKS[entry.network] ?? entry.network
  // Clients of version 1 date ten minutes back.
  const since = secondsOf(otherwise) - 600n
  const paid = paidBy(payer, { ...entry, caip2, amount: entry.maxAmountRequired }, otherwise, since)
  const { network = entry.network, scheme = entry.scheme } = otherwise
  const payload = { signature: paid.signature, authorization: written(paid.authorization) }
  return { headers: { 'x-payment': coded({ x402Version: 1, scheme, network, payload }) }, ...paid }
}

interface Asked {
  readonly caip2: string
  readonly amount: string
  readonly asset: string
  readonly payTo: string
  readonly maxTimeoutSeconds: number
  readonly extra: { readonly name: string; readonly version: string }
}

function paidBy(
  payer: X402Payer,
  asked: Asked,
  otherwise: Otherwise,
  since: bigint,
): Pick<Paying, 'authorization' | 'signature'> {
  if (otherwise.signed !== undefined) return otherwise.signed
  const authorization: Authorization = {
    from: payer.address.toLowerCase(),
    to: (otherwise.payTo ?? asked.payTo).toLowerCase(),
    value: otherwise.amount ?? BigInt(asked.amount),
    validAfter: otherwise.validAfter ?? since,
    validBefore: otherwise.validBefore ?? secondsOf(otherwise) + BigInt(asked.maxTimeoutSeconds),
    nonce: otherwise.nonce ?? `0x${randomBytes(32).toString('hex')}`,
  }
  const caip2 = V1_NETWORKS[otherwise.network ?? ''] ?? otherwise.network ?? asked.caip2
  const domain = {
    ...{ name: asked.extra.name, version: asked.extra.version, chainId: chainIdOf(caip2) },
    verifyingContract: otherwise.asset ?? asked.asset,
  }
  const hash = transferHash(domain, authorization)
  const signature = otherwise.signature ?? signHash(hash, otherwise.signer ?? payer.key)
  return { authorization, signature }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever came
const isExact = ({ scheme, network }: any): boolean =>
  scheme === 'exact' && (V1_NETWORKS[network] ?? network).startsWith('eip155:')

const secondsOf = ({ now = Date.now() }: Otherwise): bigint => BigInt(Math.floor(now / 1000))

/** As clients write it: numbers as text, and addresses in the capitals of EIP-55. */
const written = ({ from, to, value, validAfter, validBefore, nonce }: Authorization) => ({
  ...{ from: checksummed(from), to: checksummed(to), value: `${value}` },
  ...{ validAfter: `${validAfter}`, validBefore: `${validBefore}`, nonce },
})

const coded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
