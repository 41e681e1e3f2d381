import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'

/** The public key of a secret key of 32 bytes: 64 hex digits, the x of a point (BIP-340). */
export const publicKeyOf = (secretKey: Uint8Array): string =>
  Buffer.from(schnorr.getPublicKey(secretKey)).toString('hex')

/** Whether these 64 hex digits are the x of a point of the curve. */
export function isPublicKey(hex: string): boolean {
  try {
    secp256k1.Point.fromHex(`02${hex}`)
    return true
  } catch {
    return false
  }
}

/** The x of the point that a secret key shares with the public key of somebody else, 32 bytes. */
export const sharedWith = (secretKey: Uint8Array, publicKey: string): Uint8Array =>
  secp256k1.getSharedSecret(secretKey, Buffer.from(`02${publicKey}`, 'hex')).subarray(1, 33)

/** Signs a hash (BIP-340), in hex. `random` has 32 bytes. */
export const sign = (hash: string, secretKey: Uint8Array, random: Uint8Array): string =>
  Buffer.from(schnorr.sign(Buffer.from(hash, 'hex'), secretKey, random)).toString('hex')

/** Whether the owner of the public key has signed the hash. All are in hex, and of the right length. */
export const isSigned = (signature: string, hash: string, publicKey: string): boolean =>
  schnorr.verify(
    Buffer.from(signature, 'hex'),
    Buffer.from(hash, 'hex'),
    Buffer.from(publicKey, 'hex'),
  )
