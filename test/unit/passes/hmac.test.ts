import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hmac } from '../../../src/passes/hmac.ts'

const bytes = (size: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 0xff)

describe('HMAC-SHA256', () => {
  it('is what Node makes, for keys and data of all lengths in use', () => {
    for (const key of [0, 1, 23, 32, 63, 64]) {
      for (const size of [0, 1, 31, 32, 55, 56, 64, 66, 83, 3_000]) {
        const data = bytes(size, key)
        const expected = createHmac('sha256', bytes(key, 7)).update(data).digest('hex')
        expect(hmac(bytes(key, 7), data).toString('hex')).toBe(expected)
      }
    }
  })

  it('is that of RFC 4231, test case 2', () => {
    const made = hmac(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    expect(made.toString('hex')).toBe(expected)
  })

  it('takes no key of more than a block, which would have to be hashed first', () => {
    expect(() => hmac(bytes(65, 1), bytes(1, 1))).toThrow('longer key')
  })
})
