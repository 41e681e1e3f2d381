/** Width and height in pixels. Both are above 0. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * Reads how large a picture is from its own header: PNG, JPEG, GIF, WebP and BMP. Where a file can
 * name several sizes, the largest counts, because decoders disagree which of them they take. Never
 * throws; linear in the bytes.
 * @returns null if the bytes are no such picture, or a size of 0
 */
export function sizeOf(bytes: Buffer): Size | null {
  const size = FORMATS.find(({ is }) => is(bytes))?.size(bytes) ?? null
  return size !== null && size.width > 0 && size.height > 0 ? size : null
}

/** One way of writing pictures. */
interface Format {
  is(bytes: Buffer): boolean
  size(bytes: Buffer): Size | null
}

const starts = (bytes: Buffer, text: string, at = 0): boolean =>
  bytes.toString('latin1', at, at + text.length) === text

const FORMATS: readonly Format[] = [
  { is: (bytes) => starts(bytes, '\x89PNG\r\n\x1a\n'), size: png },
  { is: (bytes) => starts(bytes, '\xff\xd8\xff'), size: jpeg },
  { is: (bytes) => starts(bytes, 'GIF87a') || starts(bytes, 'GIF89a'), size: gif },
  { is: (bytes) => starts(bytes, 'RIFF') && starts(bytes, 'WEBP', 8), size: webp },
  { is: (bytes) => starts(bytes, 'BM'), size: bmp },
]

/** The larger of both in each direction. */
const larger = (a: Size | null, width: number, height: number): Size => ({
  width: Math.max(a?.width ?? 0, width),
  height: Math.max(a?.height ?? 0, height),
})

/** Some decoders take a second IHDR before the first IDAT for the size (PNG, "Chunk layout"). */
function png(bytes: Buffer): Size | null {
  let size: Size | null = null
  for (let at = 8; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    if (starts(bytes, 'IDAT', at + 4)) break
    if (starts(bytes, 'IHDR', at + 4))
      size = larger(size, bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12))
    at += 12 + length
  }
  return size
}

/** The start of a frame: 0xc0 to 0xcf without DHT, JPG and DAC (JPEG, table B.1). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** Markers without a length: stuffed and reserved bytes, RST0 to RST7 and SOI. */
const isBare = (marker: number): boolean => marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)

/** Decoders look for the next FF if there is something else between two segments. So does this. */
function jpeg(bytes: Buffer): Size | null {
  let size: Size | null = null
  for (let at = bytes.indexOf(0xff, 2); at >= 0; at = bytes.indexOf(0xff, at)) {
    while (bytes[at] === 0xff) at += 1
    const marker = bytes[at] ?? 0xd9
    at += 1
    if (isBare(marker)) continue
    if (marker === 0xda || marker === 0xd9 || at + 2 > bytes.length) break
    const length = bytes.readUInt16BE(at)
    if (length < 2) break
    if (isFrame(marker) && at + 7 <= bytes.length)
      size = larger(size, bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 3))
    at += length
  }
  return size
}

/** Some decoders make the picture as large as its frames reach, whatever the screen is. */
function gif(bytes: Buffer): Size | null {
  if (bytes.length < 13) return null
  let size = larger(null, bytes.readUInt16LE(6), bytes.readUInt16LE(8))
  let at = 13 + colours(bytes[10] ?? 0)
  while (at < bytes.length) {
    const block = bytes[at]
    if (block === 0x21) at = afterBlocks(bytes, at + 2)
    else if (block !== 0x2c || at + 10 > bytes.length) break
    else {
      const [left, top] = [bytes.readUInt16LE(at + 1), bytes.readUInt16LE(at + 3)]
      const [width, height] = [bytes.readUInt16LE(at + 5), bytes.readUInt16LE(at + 7)]
      size = larger(size, left + width, top + height)
      at = afterBlocks(bytes, at + 11 + colours(bytes[at + 9] ?? 0))
    }
  }
  return size
}

/** The bytes of the table of colours that this flag announces (GIF89a, sections 18 and 20). */
const colours = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

/** The place after a list of blocks, each with its length before it. An empty one ends the list. */
function afterBlocks(bytes: Buffer, from: number): number {
  let at = from
  for (let length = bytes[at]; length; length = bytes[at]) at += 1 + length
  return at + 1
}

/**
 * The canvas and every frame. Some decoders take the canvas, and others the frame, without comparing
 * them (WebP container, "Extended File Format").
 */
function webp(bytes: Buffer): Size | null {
  let size: Size | null = null
  for (let at = 12; at + 18 <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4)
    const length = bytes.readUInt32LE(at + 4)
    const said = chunkSize(name, bytes.subarray(at + 8))
    if (said !== null) size = larger(size, said.width, said.height)
    // The picture of a frame is a chunk inside it.
    at += name === 'ANMF' ? 8 + 16 : 8 + length + (length % 2)
  }
  return size
}

/** The size that a chunk of WebP tells, from its first ten bytes or more; null if it tells none. */
function chunkSize(name: string, data: Buffer): Size | null {
  const pair = (at: number): Size => ({
    width: data.readUIntLE(at, 3) + 1,
    height: data.readUIntLE(at + 3, 3) + 1,
  })
  if (name === 'VP8X') return pair(4)
  if (name === 'ANMF') return data.length < 12 ? null : pair(6)
  if (name === 'VP8L') {
    const bits = data.readUInt32LE(1)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (name !== 'VP8 ' || !starts(data, '\x9d\x01\x2a', 3)) return null
  return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff }
}

/** A negative height means that the rows come from top to bottom. */
function bmp(bytes: Buffer): Size | null {
  if (bytes.length < 26) return null
  if (bytes.readUInt32LE(14) === 12)
    return { width: bytes.readUInt16LE(18), height: bytes.readUInt16LE(20) }
  return { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) }
}
