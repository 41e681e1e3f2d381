import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { O200K_TOKEN_SPLIT_REGEX as PIECES } from 'gpt-tokenizer/encodingParams/constants'

/** Greater than every rank: these bytes are no token. */
const NONE = 0x7fffffff
/** Places of the hash table, a power of two. Less than half of them are taken. */
const PLACES = 2 ** 19
/** Bytes of the longest piece for which there is room from the start. */
const USUAL = 1_024

/** The two characters that end something in the file. */
const SPACE = 0x20
const LINE_END = 0x0a

/** The value of each character of base64. */
const SIX_BITS = new Uint8Array(128)
for (const [value, letter] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries())
  SIX_BITS[letter.charCodeAt(0)] = value

/**
 * The vocabulary o200k in 5 MB, which can count and do nothing else. As strings and arrays in a
 * `Map` the same 199,998 tokens take 70 MB. The tokens lie one after the other in one array of
 * bytes, in the order of their ranks, and a hash table finds the rank of given bytes.
 */
export class Vocabulary {
  readonly #bytes: Uint8Array
  /** Where each token ends in `#bytes`. It begins where the one before ends. */
  readonly #ends: Uint32Array
  /** A rank plus one in each place, or zero. */
  readonly #places = new Int32Array(PLACES)
  /** The bytes of the piece that is counted. */
  #piece = new Uint8Array(USUAL)
  /** Where each part of the piece begins, and the rank of that part together with the next one. */
  #starts = new Int32Array(USUAL + 1)
  #ranks = new Int32Array(USUAL + 1)
  readonly #encoder = new TextEncoder()

  /** `file` has on each line a token in base64 and its rank. The ranks count up from 0. */
  constructor(file: Uint8Array) {
    const bytes = new Uint8Array(file.length)
    const ends: number[] = []
    let size = 0
    for (let at = 0; at < file.length; at += 1) {
      const from = size
      let bits = 0
      let held = 0
      for (; at < file.length && file[at] !== SPACE; at += 1) {
        const letter = file[at] ?? 0
        if (letter === 0x3d) continue
        bits = ((bits << 6) | (SIX_BITS[letter] ?? 0)) & 0xffff
        held += 6
        if (held < 8) continue
        held -= 8
        bytes[size++] = bits >> held
      }
      while (at < file.length && file[at] !== LINE_END) at += 1
      if (!beginsWithMark(bytes, from)) this.#place(bytes, { from, to: size, rank: ends.length })
      ends.push(size)
    }
    this.#bytes = bytes.slice(0, size)
    this.#ends = Uint32Array.from(ends)
  }

  /** How many tokens a text has. Special tokens such as `<|endoftext|>` are ordinary text. */
  count(text: string): number {
    let tokens = 0
    for (const piece of text.match(PIECES) ?? []) tokens += this.#tokensOf(piece)
    return tokens
  }

  /** A piece that is a token counts as one. Any other is put together from its bytes. */
  #tokensOf(piece: string): number {
    const size = this.#write(piece)
    if (size === 1) return 1
    // A half of a surrogate pair becomes U+FFFD, which it is not.
    if (this.#rank(0, size) !== NONE && (size === piece.length || piece.isWellFormed())) return 1
    return this.#parts(size)
  }

  /** Writes the piece as UTF-8. Returns how many bytes that are. */
  #write(piece: string): number {
    if (piece.length * 3 > this.#piece.length) {
      this.#piece = new Uint8Array(piece.length * 3)
      this.#starts = new Int32Array(piece.length * 3 + 1)
      this.#ranks = new Int32Array(piece.length * 3 + 1)
    }
    const into = this.#piece
    for (let at = 0; at < piece.length; at += 1) {
      const code = piece.charCodeAt(at)
      if (code > 0x7f) return this.#encoder.encodeInto(piece, into).written
      into[at] = code
    }
    return piece.length
  }

  /**
   * Joins again and again the two neighbours which together are the token of the lowest rank, the
   * first of several. Returns how many parts are left.
   */
  #parts(size: number): number {
    const starts = this.#starts
    const ranks = this.#ranks
    for (let at = 0; at <= size; at += 1) {
      starts[at] = at
      ranks[at] = at + 2 <= size ? this.#rank(at, at + 2) : NONE
    }
    let parts = size
    for (;;) {
      let lowest = NONE
      let at = -1
      for (let one = 0; one < parts - 1; one += 1) {
        const rank = ranks[one] ?? NONE
        if (rank >= lowest) continue
        lowest = rank
        at = one
      }
      if (at === -1) return parts
      starts.copyWithin(at + 1, at + 2, parts + 1)
      ranks.copyWithin(at + 1, at + 2, parts)
      parts -= 1
      ranks[at] = at + 2 <= parts ? this.#rank(starts[at] ?? 0, starts[at + 2] ?? 0) : NONE
      if (at > 0) ranks[at - 1] = this.#rank(starts[at - 1] ?? 0, starts[at + 1] ?? 0)
    }
  }

  #place(bytes: Uint8Array, { from, to, rank }: { from: number; to: number; rank: number }): void {
    let place = placeOf(bytes, from, to)
    while (this.#places[place] !== 0) place = (place + 1) % PLACES
    this.#places[place] = rank + 1
  }

  /** The rank of the token that these bytes of the piece are, or `NONE`. */
  #rank(from: number, to: number): number {
    const places = this.#places
    for (let place = placeOf(this.#piece, from, to); ; place = (place + 1) % PLACES) {
      const rank = (places[place] ?? 0) - 1
      if (rank === -1) return NONE
      if (this.#is(rank, from, to)) return rank
    }
  }

  #is(rank: number, from: number, to: number): boolean {
    const start = rank === 0 ? 0 : (this.#ends[rank - 1] ?? 0)
    if ((this.#ends[rank] ?? 0) - start !== to - from) return false
    const [bytes, piece] = [this.#bytes, this.#piece]
    for (let at = from; at < to; at += 1) {
      if (bytes[start + at - from] !== piece[at]) return false
    }
    return true
  }
}

/**
 * Whether a token begins with a byte order mark. Such a token is not used, because gpt-tokenizer does
 * not find it either: so a text costs what it has always cost.
 */
const beginsWithMark = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf

/** FNV-1a, folded. */
function placeOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return (hash ^ (hash >>> 15)) & (PLACES - 1)
}

/** Reads the vocabulary from the package in which it comes (100 ms). */
export function readVocabulary(): Vocabulary {
  const file = createRequire(import.meta.url).resolve('gpt-tokenizer/data/o200k_base.tiktoken')
  return new Vocabulary(readFileSync(file))
}
