import { createHash } from 'node:crypto'

const TOKEN = /\s*(?:[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}])|\s+/gu

/**
 * The toy model's tokens: a word or a punctuation mark, each with the white space before it. Joined
 * they are the text again, so what is streamed token by token is what is counted.
 */
export function tokenize(text: string): string[] {
  return text.match(TOKEN) ?? []
}

/** How many tokens a text is. Prompts and answers are counted by this one function. */
export const countTokens = (text: string): number => tokenize(text).length

/** Chance that the same text always gets again: each call picks one of `options`. */
export type Dice = <T>(options: readonly [T, ...T[]]) => T

/** Dice thrown by the SHA-256 of a text; the throws repeat after 32. */
export function dice(seed: string): Dice {
  const bytes = createHash('sha256').update(seed).digest()
  let throws = 0
  return (options) => {
    const byte = bytes[throws++ % bytes.length] ?? 0
    return options[byte % options.length] ?? options[0]
  }
}

const DIMENSIONS = 32

/**
 * A unit vector of 32 numbers: the sum of a fixed direction for each word, so that texts that share
 * words lie near each other. Zeros where there is no word.
 */
export function embed(text: string): number[] {
  const sum = new Array<number>(DIMENSIONS).fill(0)
  for (const token of tokenize(text.toLowerCase())) {
    const direction = createHash('sha256').update(token.trim()).digest()
    for (let i = 0; i < DIMENSIONS; i++) sum[i] = (sum[i] ?? 0) + (direction[i] ?? 0) - 127.5
  }
  const length = Math.hypot(...sum)
  return length === 0 ? sum : sum.map((x) => x / length)
}
