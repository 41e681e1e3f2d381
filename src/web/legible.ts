/**
 * Control characters are invisible, and code is copied from here into terminals, where an escape
 * sequence can end a paste and begin a command. The parser also reads a carriage return as a line
 * end.
 */
const CONTROLS = /(?![\n\t])\p{Cc}/gu

/** Marks on one letter. No script needs half of them, and a browser hangs on a letter with 100,000. */
const MOST_MARKS = 16
const TOO_MANY = new RegExp(`(\\p{M}{${MOST_MARKS}})\\p{M}+`, 'gu')

/** The part of `more` that is drawn. It comes after the text that is drawn already. */
export function legible(drawn: string, more: string): string {
  const marks = /\p{M}*$/u.exec(drawn.slice(-2 * MOST_MARKS))?.[0] ?? ''
  const text = marks + more.replace(CONTROLS, '')
  return text.replace(TOO_MANY, '$1').slice(marks.length)
}
