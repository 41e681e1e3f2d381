/** The beginnings of pictures and sound, of any size. Nothing decodes the rest in a test. */

const u16be = (n: number) => [n >> 8, n & 255]
const u16le = (n: number) => [n & 255, n >> 8]
const u32be = (n: number) => [...u16be(Math.floor(n / 65_536)), ...u16be(n % 65_536)]
const u32le = (n: number) => u32be(n).reverse()
const text = (letters: string) => [...Buffer.from(letters, 'latin1')]

const pngChunk = (name: string, data: readonly number[]) => [
  ...u32be(data.length),
  ...text(name),
  ...data,
  ...u32be(0),
]

/** A PNG with these sizes, each in an IHDR of its own. */
export const png = (...sizes: readonly (readonly [number, number])[]): Buffer =>
  Buffer.from([
    ...text('\x89PNG\r\n\x1a\n'),
    ...sizes.flatMap(([w, h]) => pngChunk('IHDR', [...u32be(w), ...u32be(h), 8, 2, 0, 0, 0])),
    ...pngChunk('IDAT', [0, 0, 0, 0]),
    ...pngChunk('IEND', []),
  ])

/** A JPEG; `before` are bytes between its first marker and the start of the frame. */
export const jpeg = (width: number, height: number, before: readonly number[] = [], sof = 0xc0) =>
  Buffer.from([
    ...[0xff, 0xd8, 0xff, 0xe0, ...u16be(16), ...text('JFIF\0'), ...Array(9).fill(0)],
    ...before,
    ...[0xff, sof, ...u16be(11), 8, ...u16be(height), ...u16be(width), 1, 1, 0x11, 0],
    ...[0xff, 0xda, ...u16be(8), 1, 1, 0, 0, 63, 0, 0x12, 0x34, 0xff, 0xd9],
  ])

/** A segment of a JPEG with so many bytes. */
export const segment = (marker: number, bytes: readonly number[]): number[] => [
  ...[0xff, marker, ...u16be(bytes.length + 2)],
  ...bytes,
]

/** A GIF with a screen of this size, and frames of `[left, top, width, height]`. */
export const gif = (
  width: number,
  height: number,
  frames: readonly (readonly [number, number, number, number])[] = [[0, 0, width, height]],
): Buffer =>
  Buffer.from([
    ...[...text('GIF89a'), ...u16le(width), ...u16le(height), 0x80, 0, 0, ...Array(6).fill(0)],
    ...frames.flatMap((frame) => [
      ...[0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, ...frame.flatMap(u16le), 0],
      ...[2, 2, 0x44, 1, 0],
    ]),
    0x3b,
  ])

const riff = (form: string, data: readonly number[]) =>
  Buffer.from([...text('RIFF'), ...u32le(data.length + 4), ...text(form), ...data])

const u24le = (n: number) => u32le(n).slice(0, 3)

export const webp = {
  lossy: (w: number, h: number): Buffer =>
    riff('WEBP', [
      ...[...text('VP8 '), ...u32le(10), 0, 0, 0, 0x9d, 1, 0x2a, ...u16le(w), ...u16le(h)],
    ]),
  lossless: (w: number, h: number): Buffer =>
    riff('WEBP', [
      ...[...text('VP8L'), ...u32le(10), 0x2f, ...u32le((h - 1) * 16_384 + (w - 1))],
      ...[0, 0, 0, 0, 0],
    ]),
  extended: (w: number, h: number): Buffer =>
    riff('WEBP', [...text('VP8X'), ...u32le(10), 0, 0, 0, 0, ...u24le(w - 1), ...u24le(h - 1)]),
}

/** `height` may be negative. */
export const bmp = (width: number, height: number): Buffer =>
  Buffer.from([
    ...[...text('BM'), ...Array(12).fill(0), ...u32le(40)],
    ...[...u32le(width), ...u32le(height < 0 ? 2 ** 32 + height : height), ...Array(28).fill(0)],
  ])

export const dataUrl = (bytes: Buffer, type = 'image/png'): string =>
  `data:${type};base64,${bytes.toString('base64')}`

/** A WAV file whose header says this, with so many bytes of samples. */
export const wav = (
  samples: number,
  { rate = 16_000, channels = 1, bits = 16, format = 1, fmt = 1 } = {},
): Buffer =>
  riff(
    'WAVE',
    [
      ...Array(fmt).fill([
        ...[...text('fmt '), ...u32le(16), ...u16le(format), ...u16le(channels), ...u32le(rate)],
        ...[
          ...u32le((rate * channels * bits) / 8),
          ...u16le((channels * bits) / 8),
          ...u16le(bits),
        ],
      ]),
      ...[...text('data'), ...u32le(samples), ...Array(samples).fill(0)],
    ].flat(),
  )

/** The first frame of an MP3 with 64 kbit/s, and so many bytes in all. */
export const mp3 = (bytes: number, tag: readonly number[] = []): Buffer =>
  Buffer.concat([Buffer.from(tag), Buffer.from([0xff, 0xfb, 0x50, 0xc4]), Buffer.alloc(bytes - 4)])
