import type { Transform } from 'node:stream'
import zlib from 'node:zlib'

/** Content codings as servers send them. `raw` is `deflate` without its wrapper. */
export const CODINGS = {
  gzip: () => zlib.createGzip(),
  br: () => zlib.createBrotliCompress(),
  deflate: () => zlib.createDeflate(),
  raw: () => zlib.createDeflateRaw(),
  zstd: () => zlib.createZstdCompress(),
} satisfies Record<string, () => Transform & zlib.Zlib>

export type Coding = keyof typeof CODINGS

/** The value of `content-encoding` for it. */
export const labelOf = (coding: Coding): string => (coding === 'raw' ? 'deflate' : coding)

/**
 * Encodes the texts as one body and flushes after each text, so that each piece can be decoded when
 * it arrives.
 */
export async function encoded(coding: Coding, texts: readonly string[]): Promise<Buffer[]> {
  const encoder = CODINGS[coding]()
  const pieces: Buffer[] = []
  let piece: Buffer[] = []
  encoder.on('data', (bytes: Buffer) => piece.push(bytes))
  for (const text of texts) {
    encoder.write(text)
    await new Promise<void>((flushed) => encoder.flush(flushed))
    pieces.push(Buffer.concat(piece))
    piece = []
  }
  const ended = new Promise((then) => encoder.once('end', then))
  encoder.end()
  await ended
  return [...pieces, Buffer.concat(piece)]
}
