import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { UpstreamListener } from '../gate/ports.ts'

/**
 * How the end of an answer is flushed: everything readable is read, and a missing ending is no
 * error.
 */
const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants
/** At most so many encodings are undone, one inside the other. No real backend uses more. */
const MOST = 2

/**
 * The encodings that are undone (RFC 9110, 8.4.1; zstd if this Node has it). The first byte decides
 * between forms of one encoding.
 */
const DECODERS: Readonly<Record<string, (first: number) => Transform>> = {
  gzip: () => zlib.createGunzip({ finishFlush: Z_SYNC_FLUSH }),
  br: () => zlib.createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH }),
  // Many servers send `deflate` without the zlib wrapper that the standard requires.
  deflate: (first) =>
    (first & 0x0f) === 8
      ? zlib.createInflate({ finishFlush: Z_SYNC_FLUSH })
      : zlib.createInflateRaw({ finishFlush: Z_SYNC_FLUSH }),
  ...('createZstdDecompress' in zlib && {
    zstd: () => zlib.createZstdDecompress({ finishFlush: ZSTD_e_flush }),
  }),
}

/**
 * Undoes the encoding of an answer that is encoded although nobody asked for that (threats K17), so
 * that the meter can read it. `more` asks the backend for more. Null if the encoding is not known:
 * then the answer counts as broken.
 */
export function decoderOf(
  encoding: string | readonly string[],
  listener: UpstreamListener,
  more: () => void,
): Decoder | 'none' | null {
  const codings = codingsOf(encoding)
  if (codings === null) return null
  return codings.length === 0 ? 'none' : new Decoder(codings, listener, more)
}

/**
 * The encodings of an answer, in the order in which they are undone. Null if one of them is
 * unknown.
 */
function codingsOf(header: string | readonly string[]): readonly string[] | null {
  const names = String(header)
    .split(',')
    .map((name) =>
      name
        .trim()
        .toLowerCase()
        .replace(/^x-(?=gzip$)/, ''),
    )
    .filter((name) => name !== '' && name !== 'identity')
  const known = names.every((name) => Object.hasOwn(DECODERS, name))
  return known && names.length <= MOST ? names.reverse() : null
}

/**
 * Decodes one answer as it arrives. Everything that can be decoded of a piece is passed on at once,
 * so no event waits. A piece that becomes a thousand times larger is decoded only as fast as the
 * listener takes it, and not further if the listener wants no more. So no answer is ever decoded as
 * a whole.
 */
export class Decoder {
  readonly #listener: UpstreamListener
  readonly #codings: readonly string[]
  /** Asks the backend for more. */
  readonly #more: () => void
  readonly #chain: Transform[] = []
  #waits = false
  #over = false

  constructor(codings: readonly string[], listener: UpstreamListener, more: () => void) {
    this.#codings = codings
    this.#listener = listener
    this.#more = more
  }

  /** Returns false if the backend must wait until it is asked for more. */
  write(piece: Uint8Array): boolean {
    if (this.#over || piece.byteLength === 0) return true
    if (this.#chain.length === 0) this.#open(piece[0] ?? 0)
    const [first] = this.#chain
    if (first === undefined || first.write(piece)) return true
    if (!this.#waits) {
      this.#waits = true
      first.once('drain', () => {
        this.#waits = false
        this.#more()
      })
    }
    return false
  }

  /** Called when the backend has sent everything. `then` is called after the last decoded byte. */
  end(then: () => void): void {
    const [first] = this.#chain
    const last = this.#chain.at(-1)
    const ended = () => {
      if (this.#over) return
      this.#over = true
      then()
    }
    if (last === undefined) ended()
    else last.once('end', ended)
    first?.end()
  }

  resume(): void {
    if (!this.#over) this.#chain.at(-1)?.resume()
  }

  /** Called when nobody listens any more. */
  stop(): void {
    this.#over = true
    for (const decoder of this.#chain) decoder.destroy()
  }

  #open(first: number): void {
    for (const coding of this.#codings) {
      const decoder = DECODERS[coding]?.(first)
      if (decoder === undefined) continue
      decoder.on('error', () => this.#failed())
      this.#chain.at(-1)?.pipe(decoder)
      this.#chain.push(decoder)
    }
    const last = this.#chain.at(-1)
    last?.on('data', (bytes: Uint8Array) => {
      if (!this.#over && !this.#listener.onData(bytes)) last.pause()
    })
  }

  #failed(): void {
    if (this.#over) return
    this.stop()
    this.#listener.onError('broken', 'an answer that does not decode')
  }
}
