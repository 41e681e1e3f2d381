import { createRequire } from 'node:module'

/** The one function of gpt-tokenizer that is used here. */
type Encode = (text: string, options: object) => number

/**
 * Pieces are at most this long: the tokenizer's time grows with the square of a run without a space,
 * and more than four times as long ones cost an honest text only a hundredth less.
 */
const PIECE = 250
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
 * vocabulary may well need twice or half as many. All of it is counted, wherever it stands: samples
 * could be steered (threats J3). Time grows with the length alone, some 4 s for a million characters
 * of the worst kind.
 */
export function countTokens(text: string): number {
  if (text === '') return 0
  const encode = load()
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from)
    tokens += encode(text.slice(from, to), PLAIN)
    from = to
  }
  return tokens
}

/** Where a piece ends: before a space where there is one near, so that few words are cut in two. */
export function pieceEnd(text: string, from: number, size = PIECE): number {
  const most = from + size
  if (most >= text.length) return text.length
  // No further back than it is of use: a long text may have no space at all.
  const half = from + Math.floor(size / 2)
  const space = text.slice(half, most + 1).lastIndexOf(' ')
  if (space > 0) return half + space
  // The halves of a character outside the first plane stay together.
  const code = text.charCodeAt(most)
  return code >= 0xdc00 && code <= 0xdfff ? most - 1 : most
}

/** A text by two measures that no text can be chosen to make small at once. */
export interface Measured {
  readonly tokens: number
  /** Characters that are ASCII white space: any number of them may be one token. */
  readonly white: number
}

export function measure(text: string): Measured {
  let white = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) white += 1
  }
  return { tokens: countTokens(text), white }
}
