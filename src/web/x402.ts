import { field } from './json.ts'

/** One entry of `accepts` in PAYMENT-REQUIRED (x402 v2): `exact` on an EVM chain. */
export interface X402Entry {
  /** As it came. The gate compares the copy that is sent back. */
  readonly raw: unknown
  readonly chainId: number
  readonly network: string
  readonly asset: string
  readonly payTo: string
  /** Micro-dollars, as a decimal number. */
  readonly amount: string
  readonly maxTimeoutSeconds: number
  /** The EIP-712 domain of the asset. */
  readonly name: string
  readonly version: string
}

/** What a 402 asks for. */
export interface X402Offer {
  readonly entry: X402Entry
  readonly resource: unknown
}

/** A transfer that anybody may send to the chain, once (EIP-3009). */
export interface Authorization {
  readonly from: string
  readonly to: string
  readonly value: string
  readonly validAfter: string
  readonly validBefore: string
  readonly nonce: string
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** The first offer of PAYMENT-REQUIRED that a wallet of a browser can sign. Null if there is none. */
export function offerIn(header: string | null): X402Offer | null {
  const required = decoded(header ?? '')
  const accepts = field(required, 'accepts')
  const entries = (Array.isArray(accepts) ? accepts : []).map(entryOf)
  const entry = entries.find((one) => one !== null) ?? null
  return entry === null ? null : { entry, resource: field(required, 'resource') }
}

function entryOf(raw: unknown): X402Entry | null {
  const network = text(raw, 'network')
  const chainId = Number(/^eip155:(\d{1,15})$/.exec(network)?.[1])
  const [asset, payTo, amount] = [text(raw, 'asset'), text(raw, 'payTo'), text(raw, 'amount')]
  const [name, version] = ['name', 'version'].map((one) => text(field(raw, 'extra'), one))
  const seconds = field(raw, 'maxTimeoutSeconds')
  const good =
    text(raw, 'scheme') === 'exact' &&
    Number.isSafeInteger(chainId) &&
    ADDRESS.test(asset) &&
    ADDRESS.test(payTo) &&
    /^[1-9]\d{0,17}$/.test(amount) &&
    typeof seconds === 'number' &&
    seconds > 0
  if (!good || name === undefined || version === undefined) return null
  return { raw, chainId, network, asset, payTo, amount, name, version, maxTimeoutSeconds: seconds }
}

/** What the wallet is asked to sign (EIP-712). */
export const typedData = (entry: X402Entry, message: Authorization) => ({
  types: {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'version', type: 'string' },
      { name: 'chainId', type: 'uint256' },
      { name: 'verifyingContract', type: 'address' },
    ],
    TransferWithAuthorization: [
      { name: 'from', type: 'address' },
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'validAfter', type: 'uint256' },
      { name: 'validBefore', type: 'uint256' },
      { name: 'nonce', type: 'bytes32' },
    ],
  },
  primaryType: 'TransferWithAuthorization',
  domain: {
    name: entry.name,
    version: entry.version,
    chainId: entry.chainId,
    verifyingContract: entry.asset,
  },
  message,
})

/** The transfer that pays an entry. `now` is the gate's time in ms, `nonce` 64 hex digits. */
export const authorizationFor = (
  entry: X402Entry,
  from: string,
  { nonce, now }: { readonly now: number; readonly nonce: string },
): Authorization => ({
  from,
  to: entry.payTo,
  value: entry.amount,
  validAfter: '0',
  validBefore: String(Math.floor(now / 1000) + entry.maxTimeoutSeconds),
  nonce: `0x${nonce}`,
})

/** PAYMENT-SIGNATURE. */
export const paymentHeader = (
  { entry, resource }: X402Offer,
  authorization: Authorization,
  signature: string,
): string =>
  encoded({
    x402Version: 2,
    resource,
    accepted: entry.raw,
    payload: { signature, authorization },
  })

/** Whether PAYMENT-RESPONSE says that the payment was settled. */
export const isSettled = (header: string | null): boolean =>
  field(decoded(header ?? ''), 'success') === true

const text = (value: unknown, name: string): string => {
  const found = field(value, name)
  return typeof found === 'string' ? found : ''
}

const encoded = (value: unknown): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))

/** JSON in base64. Null if it is none. */
function decoded(base64: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}
