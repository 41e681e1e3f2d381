import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sizeOf } from '../../../../src/dialects/kit/picture-size.ts'
import { bmp, gif, jpeg, png, segment, webp } from '../../../support/pictures.ts'

const PICTURES: readonly [string, Buffer, readonly [number, number] | null][] = [
  ['PNG', png([640, 480]), [640, 480]],
  ['PNG whose second header is larger', png([1, 1], [70_000, 60_000]), [70_000, 60_000]],
  ['PNG whose first header is larger', png([70_000, 60_000], [1, 1]), [70_000, 60_000]],
  ['PNG of no width', png([0, 480]), null],
  ['PNG without a header', png(), null],
  ['JPEG, baseline', jpeg(640, 480), [640, 480]],
  ['JPEG, progressive', jpeg(640, 480, [], 0xc2), [640, 480]],
  ['JPEG, arithmetic', jpeg(640, 480, [], 0xca), [640, 480]],
  ['JPEG after filling bytes', jpeg(640, 480, [0xff, 0xff, 0xff]), [640, 480]],
  ['JPEG after bytes that are no segment', jpeg(640, 480, [1, 2, 3, 0xff, 0, 7]), [640, 480]],
  ['JPEG after a restart marker', jpeg(640, 480, [0xff, 0xd0, 0xff, 0x01]), [640, 480]],
  ['JPEG after tables', jpeg(640, 480, segment(0xc4, [0, 1, 2])), [640, 480]],
  [
    'JPEG whose thumbnail has a frame of its own',
    jpeg(640, 480, segment(0xe1, [...jpeg(9_000, 9_000)])),
    [640, 480],
  ],
  [
    'JPEG with two frames',
    jpeg(640, 480, segment(0xc0, [8, 0x40, 0, 0x30, 0, 1, 1, 0x11, 0])),
    [12_288, 16_384],
  ],
  ['JPEG whose height comes later', jpeg(640, 0), null],
  ['JPEG that ends early', jpeg(640, 480).subarray(0, 24), null],
  ['GIF', gif(640, 480), [640, 480]],
  [
    'GIF with a larger frame',
    gif(1, 1, [
      [0, 0, 1, 1],
      [100, 200, 5_000, 6_000],
    ]),
    [5_100, 6_200],
  ],
  ['GIF without frames', gif(640, 480, []), [640, 480]],
  ['WebP, lossy', webp.lossy(640, 480), [640, 480]],
  ['WebP, lossless', webp.lossless(640, 480), [640, 480]],
  ['WebP, lossless, largest', webp.lossless(16_384, 16_384), [16_384, 16_384]],
  ['WebP, extended', webp.extended(640, 480), [640, 480]],
  [
    'L19 WebP whose frame is larger than its canvas',
    Buffer.concat([webp.extended(1, 1), webp.lossy(16_000, 12_000).subarray(12)]),
    [16_000, 12_000],
  ],
  [
    'L19 WebP with a frame inside an animation',
    Buffer.concat([
      webp.extended(1, 1),
      Buffer.from('ANMF\x22\0\0\0'),
      Buffer.alloc(16),
      webp.lossless(9_000, 8_000).subarray(12),
    ]),
    [9_000, 8_000],
  ],
  ['BMP', bmp(640, 480), [640, 480]],
  ['BMP from top to bottom', bmp(640, -480), [640, 480]],
  ['SVG', Buffer.from('<svg width="640" height="480"/>'), null],
  ['PDF', Buffer.from('%PDF-1.7 640 480'), null],
  ['MP4', Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2avc1mp41'), null],
  ['text', Buffer.from('hello'), null],
  ['nothing', Buffer.alloc(0), null],
]

describe('the size of a picture is read from its own header', () => {
  it.each(PICTURES)('%s', (_, bytes, size) => {
    const [width, height] = size ?? []
    expect(sizeOf(bytes)).toEqual(size === null ? null : { width, height })
  })

  const STARTS = PICTURES.map(([, bytes]) => bytes)

  it('never throws, whatever follows a beginning, and wherever it is cut', () => {
    const hostile = fc.tuple(fc.constantFrom(...STARTS), fc.nat(64), fc.uint8Array())
    fc.assert(
      fc.property(hostile, ([start, cut, rest]) => {
        const size = sizeOf(Buffer.concat([start.subarray(0, cut), rest]))
        if (size === null) return
        expect(size.width).toBeGreaterThan(0)
        expect(size.height).toBeGreaterThan(0)
      }),
      { numRuns: 5_000 },
    )
  })

  it('finds at least the size that a PNG, JPEG or GIF names, whatever stands before it', () => {
    const side = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(side, side, fc.uint8Array({ maxLength: 80 }), (width, height, junk) => {
        const between = segment(0xe2, [...junk])
        for (const bytes of [
          png([width, height]),
          jpeg(width, height, between),
          gif(width, height),
        ])
          expect(sizeOf(bytes)).toEqual({ width, height })
      }),
    )
  })
})
