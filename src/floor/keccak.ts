import { keccak_256 } from '@noble/hashes/sha3.js'

/** The hash of Ethereum, 32 bytes. It is older than the SHA-3 standard, and differs from it. */
export const keccak256 = (bytes: Uint8Array): Uint8Array => keccak_256(bytes)
