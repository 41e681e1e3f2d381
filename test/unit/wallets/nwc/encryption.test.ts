import { describe, expect, it } from 'vitest'
import { publicKeyOf } from '../../../../src/wallets/nwc/curve.ts'
import { channelOf } from '../../../../src/wallets/nwc/encryption.ts'
import { eventIn, signed } from '../../../../src/wallets/nwc/event.ts'
import { real } from '../../../support/world.ts'

/** The keys and the nonce of the first vector of NIP-44. */
const ONE = Buffer.from(`${'0'.repeat(63)}1`, 'hex')
const TWO = Buffer.from(`${'0'.repeat(63)}2`, 'hex')
const fixed = { random: () => Uint8Array.from(ONE) }

/** Written by nostr-tools 2.25.2. The first one is a vector of NIP-44. */
const SEALED = [
  [
    'a',
    'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb',
  ],
  [
    '🍕🫃',
    'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABeeSXetkfI2DzSZIObAtDKfYEAjD35uVkHyB0F4DwrcNaCR0AvOpo7GYvRGU8JOtvj1hrnsfuiBM/JReeSPestO1Y',
  ],
  [
    'x'.repeat(33),
    'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABec0fnSzyq4cgsup2FHM7UY58ekiPnp0cZ1gMb/iI1bsiccJrdmPu0c1VY0Evv73AKLQvoaGRmont0jN/cajVSQha5Ia1EFGWfrZwRZFeOvOpbzaEVNxDVh1to1fcx2j/HAs=',
  ],
] as const
const SEALED_04 = '7oK4tX7+h3+i3A1bh6H6zA==?iv=wx7d42r+ILEiyFa9Q0nAjQ=='

describe('NIP-44 and NIP-04', () => {
  const channel = channelOf(ONE, publicKeyOf(TWO), fixed)
  const other = channelOf(TWO, publicKeyOf(ONE), real)

  it.each(SEALED)('%j is sealed as others seal it, and opened at both ends', (text, sealed) => {
    expect(channel.seal('nip44_v2', text)).toBe(sealed)
    expect(channel.open(sealed)).toBe(text)
    expect(other.open(sealed)).toBe(text)
  })

  it('opens what others sealed with NIP-04', () => {
    expect(other.open(SEALED_04)).toBe('hello ☕')
  })

  it.each(['nip44_v2', 'nip04'] as const)(
    '%s of every length comes back, never the same twice',
    (scheme) => {
      for (const length of [1, 31, 32, 33, 64, 65, 256, 257, 320, 1000, 1025, 5000, 65_535]) {
        const text = 'é'.repeat(Math.floor(length / 2)) + 'x'.repeat(length % 2)
        const sealed = other.seal(scheme, text)
        expect(other.seal(scheme, text)).not.toBe(sealed)
        expect(channel.open(sealed)).toBe(text)
      }
    },
  )

  it('what was changed by one bit is not opened', () => {
    const bytes = Buffer.from(SEALED[0][1], 'base64')
    for (const at of [0, 1, 33, 60, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(channel.open(changed.toString('base64'))).toBeNull()
    }
  })

  it.each(['', 'AAAA', '#', 'not base64!', '?iv=', 'AAAA?iv=AAAA', 'A'.repeat(132)])(
    '%j is no message',
    (content) => {
      expect(channel.open(content)).toBeNull()
    },
  )

  it('a key that is no point of the curve makes no channel', () => {
    expect(() => channelOf(ONE, 'f'.repeat(64), real)).toThrow()
  })
})

describe('events (NIP-01)', () => {
  /** Written and signed by nostr-tools 2.25.2. */
  const THEIRS = {
    ...{ kind: 23195, created_at: 1_700_000_000, content: 'ü\u0001' },
    tags: [
      ['p', 'ab'],
      ['e', '\u2028"\\\n'],
    ],
    pubkey: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    id: '9819d9eec68a3a7f361cf96a6ed6881e6253e95e2413b8f85e385ef5b6c51479',
    sig: '729d397517085ee003b4bd6660e36f4c3e8bc4256eba02aee6f614c02a48be35f33b77d754ca8ec2f6c9c7fed96707f1319d621e1b8a8bd428db2bd82d91a995',
  }

  it('reads what others signed, and hashes as they do', () => {
    expect(eventIn(THEIRS)).toEqual(THEIRS)
    const { kind, created_at, tags, content } = THEIRS
    const ours = signed({ kind, created_at, tags, content }, ONE, real)
    expect(ours.id).toBe(THEIRS.id)
    expect(eventIn(ours)).toEqual(ours)
  })

  it.each([
    { content: 'other' },
    { created_at: 1_700_000_001 },
    { pubkey: publicKeyOf(TWO) },
    { id: '0'.repeat(64) },
    { sig: '0'.repeat(128) },
    { sig: 'x' },
    { tags: 'none' },
    { tags: [[1]] },
    { kind: 1.5 },
  ])('with %j it is none', (change) => {
    expect(eventIn({ ...THEIRS, ...change })).toBeNull()
  })

  it.each([null, [], 'event', 1])('%j is none', (json) => {
    expect(eventIn(json)).toBeNull()
  })
})
