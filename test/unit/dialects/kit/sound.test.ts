import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { soundTokens } from '../../../../src/dialects/kit/sound.ts'
import { mp3, wav } from '../../../support/pictures.ts'

const tokens = (bytes: Buffer): number | string => {
  const read = soundTokens(bytes.toString('base64'), UNKNOWN_TERMS.media, 'p')
  return read.ok ? read.value : read.error.code
}

const WINDOW = 30 * 32

/** WAV whose format stands in a field of its own. */
function extensible(format: number): Buffer {
  const plain = wav(1_000, { format: 0xfffe })
  const fmt = Buffer.concat([plain.subarray(12, 36), Buffer.alloc(24)])
  fmt.writeUInt32LE(40, 4)
  fmt.writeUInt16LE(format, 8 + 24)
  return Buffer.concat([plain.subarray(0, 12), fmt, plain.subarray(36)])
}

describe('L19 the bound of sound in a prompt comes from its bytes', () => {
  it.each([
    ['a moment of WAV: one window', wav(10), WINDOW],
    ['eight bytes of WAV for each of 1,000 seconds', wav(100_000), WINDOW],
    ['31 seconds of WAV at the lowest rate: two windows', wav(31 * 8_000), 2 * WINDOW],
    ['the same, whatever rate the header says', wav(31 * 8_000, { rate: 192_000 }), 2 * WINDOW],
    ['floating point', wav(100, { format: 3, bits: 32 }), WINDOW],
    ['PCM that names its channels', extensible(1), WINDOW],
    ['MP3: a second has 1,000 bytes at least', mp3(31_000), 2 * WINDOW],
    ['MP3 behind a tag', mp3(2_000, [...Buffer.from('ID3'), 4, 0, 0, 0, 0, 0, 3, 1, 2, 3]), WINDOW],
  ] as const)('%s', (_, bytes, most) => {
    expect(tokens(bytes)).toBe(most)
  })

  it.each([
    ['WAV of one sample a second, which lasts for days', wav(1_000, { rate: 1 })],
    ['WAV of four bits', wav(1_000, { bits: 4, format: 17 })],
    ['WAV with MP3 in it', wav(1_000, { format: 0x55 })],
    ['WAV that names its channels, with FLAC in it', extensible(0xf1ac)],
    ['WAV that names its channels, and no format', wav(1_000, { format: 0xfffe })],
    ['WAV without channels', wav(1_000, { channels: 0 })],
    ['WAV without a format', wav(1_000, { fmt: 0 })],
    ['FLAC', Buffer.from('fLaC\0\0\0\x22')],
    ['FLAC behind a tag', Buffer.from('ID3\x04\0\0\0\0\0\0fLaC\0\0\0\x22')],
    ['Ogg', Buffer.from('OggS\0\x02')],
    ['MP3 of a free rate', Buffer.from([0xff, 0xfb, 0x00, 0xc4, 0, 0])],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['text', Buffer.from('hello')],
  ])('refuses %s', (_, bytes) => {
    expect(tokens(bytes)).toBe('unsupported_content')
  })

  it('believes no format if a second one says something else', () => {
    const both = wav(1_000, { fmt: 2 })
    expect(tokens(both)).toBe(WINDOW)
    both.writeUInt32LE(1, 12 + 24 + 12)
    expect(tokens(both)).toBe('unsupported_content')
  })

  it.each(['', 'a', '####', 'YWJj\n'])('refuses %j, which is no base64', (data) => {
    const read = soundTokens(data, UNKNOWN_TERMS.media, 'p')
    expect(read.ok ? '' : read.error.code).toBe('invalid_value')
  })

  it('never throws, and is never below what 8 kbit/s come to', () => {
    const starts = [wav(4), mp3(8), Buffer.from('ID3\x04\0\0\0\0\0\x03'), Buffer.from('RIFF')]
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.nat(60), fc.uint8Array(), (start, cut, rest) => {
        const bytes = Buffer.concat([start.subarray(0, cut), rest])
        const bound = tokens(bytes)
        if (typeof bound === 'number') expect(bound).toBeGreaterThanOrEqual(WINDOW)
      }),
      { numRuns: 3_000 },
    )
  })
})
