import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Sent, UpstreamListener } from '../gate/ports.ts'

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
 * Sends a request, and undoes the encoding of an answer that is encoded although nobody asked for
 * that (threats K17), so that the meter can read it. If the encoding is unknown or broken, the
 * answer counts as broken.
 */
export function decoding(
  listener: UpstreamListener,
  send: (listener: UpstreamListener) => Sent,
): Sent {
  let decoder: Decoder | null = null
  const sent = send({
    onHead(status, headers) {
      listener.onHead(status, headers)
      const codings = codingsOf(headers['content-encoding'])
      if (codings?.length === 0) return
      if (codings !== null) {
        decoder = new Decoder(codings, listener, () => sent.resume())
        return
      }
      sent.abort()
      listener.onError('broken', 'an answer in an encoding that is not known')
    },
    onData: (chunk) => (decoder === null ? listener.onData(chunk) : decoder.write(chunk)),
    onEnd: () => (decoder === null ? listener.onEnd() : decoder.end(() => listener.onEnd())),
    onError(kind, detail) {
      if (decoder === null) listener.onError(kind, detail)
      else decoder.end(() => listener.onError(kind, detail))
    },
  })
  return {
    released: sent.released,
    resume: () => (decoder === null ? sent.resume() : decoder.resume()),
    abort() {
      decoder?.stop()
      sent.abort()
    },
  }
}

/**
 * The encodings of an answer, in the order in which they are undone. Null if one of them is
 * unknown.
 */
function codingsOf(header: string | readonly string[] | undefined): readonly string[] | null {
  if (header === undefined) return []
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
class Decoder {
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
