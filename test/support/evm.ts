import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Address, Authorization } from '../../src/rails/x402/payment.ts'

/**
 * The part of Ethereum that a payer of x402 needs: addresses, and signatures of transfers that anybody
 * may send to the chain (EIP-712, EIP-3009). `test/unit/evm.test.ts` compares it with viem.
 */

/** The token that is paid with, as EIP-712 names it. */
export interface TokenDomain {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Address
}

/** Keccak-256 of bytes, or of the UTF-8 bytes of a text. */
export const keccak = (data: Uint8Array | string): Buffer =>
  Buffer.from(keccak_256(typeof data === 'string' ? Buffer.from(data) : data))

/** The address of a secret key of `0x` and 64 hex digits. In lower case. */
export const addressOf = (key: string): Address =>
  addressOfPoint(secp256k1.getPublicKey(bytesOf(key), false))

/** An address in the capitals of EIP-55, as wallets and libraries write it. */
export function checksummed(address: Address): string {
  const digits = address.slice(2).toLowerCase()
  const hash = keccak(digits).toString('hex')
  const cased = [...digits].map((one, at) => ('89abcdef'.includes(hash[at] ?? '') ? up(one) : one))
  return `0x${cased.join('')}`
}

/** The hash that a payer signs, 32 bytes. */
export function transferHash(domain: TokenDomain, transfer: Authorization): Buffer {
  const separator = keccak(
    Buffer.concat([
      keccak('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
      ...[keccak(domain.name), keccak(domain.version)],
      ...[word(domain.chainId), word(domain.verifyingContract)],
    ]),
  )
  const { from, to, value, validAfter, validBefore, nonce } = transfer
  const message = keccak(
    Buffer.concat([
      keccak(
        'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
      ),
      ...[from, to, value, validAfter, validBefore, nonce].map(word),
    ]),
  )
  return keccak(Buffer.concat([Buffer.from('1901', 'hex'), separator, message]))
}

/** Signs a hash. Returns r, s and v, 65 bytes, in hex behind `0x`. */
export function signHash(hash: Uint8Array, key: string): string {
  const signed = secp256k1.sign(hash, bytesOf(key), { prehash: false, format: 'recovered' })
  const [recovery = 0, ...rs] = signed
  return `0x${Buffer.from([...rs, 27 + recovery]).toString('hex')}`
}

/**
 * The address that signed the hash. Null if the signature is none: it has another length, another `v`
 * than 27 and 28, or an `s` that USDC does not take.
 */
export function signerOf(hash: Uint8Array, signature: string): Address | null {
  if (!/^0x[0-9a-f]{130}$/i.test(signature)) return null
  const bytes = bytesOf(signature)
  const recovery = (bytes[64] ?? 0) - 27
  if (recovery !== 0 && recovery !== 1) return null
  try {
    const signed = Uint8Array.from([recovery, ...bytes.subarray(0, 64)])
    const parsed = secp256k1.Signature.fromBytes(signed, 'recovered')
    return parsed.hasHighS() ? null : addressOfPoint(parsed.recoverPublicKey(hash).toBytes(false))
  } catch {
    return null
  }
}

const addressOfPoint = (point: Uint8Array): Address =>
  `0x${keccak(point.subarray(1)).subarray(12).toString('hex')}`

const bytesOf = (hex: string): Buffer => Buffer.from(hex.slice(2), 'hex')

/** A number, an address or 32 bytes as the 32 bytes of the ABI. */
const word = (value: bigint | number | string): Buffer =>
  Buffer.from(BigInt(value).toString(16).padStart(64, '0'), 'hex')

const up = (text: string): string => text.toUpperCase()
