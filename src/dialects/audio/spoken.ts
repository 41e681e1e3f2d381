/** Letters that are spoken in a second at `speed` 1. */
const LETTERS_A_SECOND = 15
/** A digit is a word. A character of these scripts and signs is a syllable or more. */
const DIGIT_LETTERS = 6
const WIDE_LETTERS = 3
const WIDE_FROM = 0x800
/** Nobody speaks slower than this part of that, and pauses take so many seconds more. */
const SLOWEST = 4
const PAUSES = 10

/**
 * The seconds that a text is said to take when it is read aloud, at least 1. It is a definition, and the
 * same figure is held and charged: nobody knows the length of a speech before it is made (threats L19).
 * @param speed how fast it is read: it divides
 */
export const spokenSeconds = (text: string, speed: number): number =>
  Math.max(1, Math.ceil(lettersOf(text) / LETTERS_A_SECOND / speed))

/** The most seconds that any voice takes. Only the size of an answer is bounded by it. */
export const slowestSeconds = (text: string, speed: number): number =>
  SLOWEST * spokenSeconds(text, speed) + PAUSES

function lettersOf(text: string): number {
  let letters = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    const isDigit = unit >= 0x30 && unit <= 0x39
    letters += isDigit ? DIGIT_LETTERS : unit >= WIDE_FROM ? WIDE_LETTERS : 1
  }
  return letters
}

/** Characters as people count them: a pair of surrogates is one. */
export function charactersOf(text: string): number {
  let characters = 0
  for (const _ of text) characters += 1
  return characters
}
