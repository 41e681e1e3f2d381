import { readVocabulary, type Vocabulary } from './vocabulary.ts'

/**
 * A text is counted in pieces of at most so many characters, because the time of the tokenizer
 * grows with the square of a run without spaces. Pieces that are four times as long would lower the
 * count of ordinary text by only one percent.
 */
const PIECE = 250

/** Null until the first text is counted. */
let vocabulary: Vocabulary | null = null

/**
 * Counts the tokens of a text in the vocabulary o200k. This number is charged if a backend reports
 * nothing. Another vocabulary may need twice or half as many. The whole text is counted, because a
 * buyer could steer samples (threats J3). The time is linear in the length, about 1 s for a million
 * characters of the worst kind.
 */
export function countTokens(text: string): number {
  if (text === '') return 0
  vocabulary ??= readVocabulary()
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from)
    tokens += vocabulary.count(text.slice(from, to))
    from = to
  }
  return tokens
}

/** Where a piece ends: before a space if there is one near, so that few words are divided. */
export function pieceEnd(text: string, from: number, size = PIECE): number {
  const most = from + size
  if (most >= text.length) return text.length
  // Looks back only a little, because a long text may have no space at all.
  const half = from + Math.floor(size / 2)
  const space = text.slice(half, most + 1).lastIndexOf(' ')
  if (space > 0) return half + space
  // The two halves of a surrogate pair stay together.
  const code = text.charCodeAt(most)
  return code >= 0xdc00 && code <= 0xdfff ? most - 1 : most
}

/** Two measures of a text. No text can make both of them small. */
export interface Measured {
  readonly tokens: number
  /** The number of ASCII white space characters. Any number of them may be one token. */
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
