import { createRequire } from 'node:module'

/** The one function of gpt-tokenizer that is used here. */
type Encode = (text: string, options: object) => number

/** Pieces are at most this long: the tokenizer's time grows with the square of a run of letters. */
const PIECE = 1_000
/** At most so many pieces of one text are really counted; a longer text is counted by samples. */
const MOST_PIECES = 32
/** `<|endoftext|>` in somebody's text is text. */
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }

let encoding: Encode | null = null

/** Loads the vocabulary (70 MB, 170 ms) ahead of the first count. Loading it twice costs nothing. */
export async function prepare(): Promise<void> {
  if (encoding !== null) return
  const { countTokens: count } = await import('gpt-tokenizer/encoding/o200k_base')
  encoding ??= (text, options) => count(text, options)
}

function load(): Encode {
  encoding ??= createRequire(import.meta.url)('gpt-tokenizer/encoding/o200k_base')
    .countTokens as Encode
  return encoding
}

/**
 * Tokens of a text in the o200k vocabulary: what is charged where a backend reports nothing. Another
 * vocabulary may well need twice or half as many. Bounded work for any text: past 32,000 characters
 * it is counted by samples spread over it.
 */
export function countTokens(text: string): number {
  if (text === '') return 0
  const encode = load()
  const pieces = Math.ceil(text.length / PIECE)
  if (pieces <= MOST_PIECES) return countAll(encode, text)
  let sampled = 0
  let tokens = 0
  for (let i = 0; i < MOST_PIECES; i += 1) {
    const from = Math.floor((i * (text.length - PIECE)) / (MOST_PIECES - 1))
    const sample = text.slice(from, from + PIECE)
    sampled += sample.length
    tokens += encode(sample, PLAIN)
  }
  return Math.ceil((tokens * text.length) / sampled)
}

function countAll(encode: Encode, text: string): number {
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from)
    tokens += encode(text.slice(from, to), PLAIN)
    from = to
  }
  return tokens
}

/** Where a piece ends: before a space where there is one near, so that few words are cut in two. */
function pieceEnd(text: string, from: number): number {
  const most = from + PIECE
  if (most >= text.length) return text.length
  const space = text.lastIndexOf(' ', most)
  return space > from + PIECE / 2 ? space : most
}
