import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  keyId,
  macaroonKey,
  sameHex,
  secretMatches,
  settlementSecret,
  statusToken,
} from '../../../src/passes/keys.ts'
import { filled, hex, IDENTIFIER, SECRET } from './fixtures.ts'

const MASTER = filled(0x11)
const OTHER = { ...IDENTIFIER, tokenId: hex(filled(0x34)) }

describe('secrets derived from the master key', () => {
  it('are fixed: passes in use must still open after an upgrade', () => {
    const hmac = (purpose: string, about: string) =>
      createHmac('sha256', MASTER)
        .update(`satgate ${purpose}\0`)
        .update(Buffer.from(about, 'hex'))
        .digest('hex')
    const about = `0000${IDENTIFIER.hash}${IDENTIFIER.tokenId}`
    expect(keyId(MASTER)).toBe(hmac('key id', '').slice(0, 16))
    expect(hex(macaroonKey(MASTER, IDENTIFIER))).toBe(hmac('macaroon', about))
    expect(settlementSecret(MASTER, IDENTIFIER)).toBe(hmac('settlement', about))
    expect(statusToken(MASTER, IDENTIFIER)).toBe(hmac('status', about))
  })

  it('differ by purpose, by invoice and by master key', () => {
    const all = [MASTER, filled(0x12)].flatMap((master) => [
      ...[IDENTIFIER, OTHER].flatMap((identifier) => [
        hex(macaroonKey(master, identifier)),
        settlementSecret(master, identifier),
        statusToken(master, identifier),
      ]),
      keyId(master),
    ])
    expect(new Set(all).size).toBe(all.length)
  })

  it('need a key of 32 bytes', () => {
    expect(() => keyId(new Uint8Array(31))).toThrow('32 bytes')
  })
})

describe('H2 secrets are compared whole, in constant time', () => {
  it('every flipped bit is another secret', () => {
    for (let bit = 0; bit < 256; bit += 1) {
      const flipped = filled(0x22)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(sameHex(hex(flipped), SECRET)).toBe(false)
      expect(secretMatches(hex(flipped), IDENTIFIER.hash)).toBe(false)
    }
    expect(sameHex(SECRET.toUpperCase(), SECRET)).toBe(true)
    expect(secretMatches(SECRET, IDENTIFIER.hash)).toBe(true)
  })

  it.each(['', '22', `${SECRET}22`, SECRET.slice(2), 'g'.repeat(64), `${SECRET.slice(1)}\n`])(
    'what is not 32 bytes in hex is false, and no exception: %j',
    (text) => {
      expect(sameHex(text, SECRET)).toBe(false)
      expect(sameHex(SECRET, text)).toBe(false)
      expect(sameHex(text, text)).toBe(false)
      expect(secretMatches(text, IDENTIFIER.hash)).toBe(false)
      expect(secretMatches(SECRET, text)).toBe(false)
    },
  )
})
