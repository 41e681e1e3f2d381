import { describe, expect, it } from 'vitest'
import { addressOf, checksummed, keccak, signerOf, signHash, transferHash } from '../support/evm.ts'

/** What viem 2.57.1 makes of a transfer (`hashTypedData`, `signTypedData`). */
const VIEM = {
  key: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  domain: {
    name: 'USDC',
    version: '2',
    chainId: 84532,
    verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  },
  transfer: {
    from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    value: 12345n,
    validAfter: 0n,
    validBefore: 1795737600n,
    nonce: `0x${'ab'.repeat(32)}`,
  },
  hash: 'c4bd9b4f86f1b5cc1170a3f4098af5ec2450015e09da2fc4a9b880234e09819b',
  signature:
    '0xc4cb2e7faad4111cdbdd7f0df64d0e08a3ff25b9bde20173374ac2fd88e1029d4e861dd14fcb65301d0ecfbeb0679bcd1b3cf8f1f752c40021786f5f8134df461b',
} as const

const hash = transferHash(VIEM.domain, VIEM.transfer)

describe('a transfer that anybody may send (EIP-3009)', () => {
  it('has the hash and the signature that viem makes', () => {
    expect(hash.toString('hex')).toBe(VIEM.hash)
    expect(signHash(hash, VIEM.key)).toBe(VIEM.signature)
  })

  it('shows who signed it', () => {
    expect(signerOf(hash, VIEM.signature)).toBe(VIEM.address.toLowerCase())
    const more = transferHash(VIEM.domain, { ...VIEM.transfer, value: 12346n })
    expect(signerOf(more, VIEM.signature)).not.toBe(VIEM.address.toLowerCase())
  })

  it.each([
    ['too short', '0x1234'],
    ['with another v', VIEM.signature.replace(/1b$/, '1d')],
    ['with an r that is on no curve', `0x${'ff'.repeat(32)}${VIEM.signature.slice(66)}`],
    [
      // The other s of the same signature: n − s, and the other v.
      'with a high s',
      `${VIEM.signature.slice(0, 66)}b179e22eb0349acfe2f130414f9864319f71e3f4b7f5dc3b9e59ef2d4f0161fb1c`,
    ],
  ])('%s: nobody signed it', (_, signature) => {
    expect(signerOf(hash, signature)).toBeNull()
  })
})

describe('an address', () => {
  it('is made of the key, and written in the capitals of EIP-55', () => {
    expect(addressOf(VIEM.key)).toBe(VIEM.address.toLowerCase())
    expect(checksummed(addressOf(VIEM.key))).toBe(VIEM.address)
  })

  it('Keccak-256 is not SHA-3', () => {
    expect(keccak('').toString('hex')).toMatch(/^c5d2460186f7233c/)
  })
})
