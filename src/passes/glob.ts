/**
 * Whether text is of the pattern, where `*` stands for any run of characters and everything else
 * for itself. Linear: no pattern makes it slow, as a regular expression could be.
 */
export function globMatches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return pattern === text
  if (!text.startsWith(head)) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - tail.length >= at && text.endsWith(tail)
}

const PLAIN_PATH = /^\/[A-Za-z0-9._~:@!$&'()+=;/-]*$/
const STEPS = /\/\.{0,2}\/|\/\.{1,2}$/

/**
 * A path that means what it says: no escapes, no `..`, no empty segment, nothing behind `?` or `#`.
 * Another one could be inside `/v1/chat/*` by its letters and elsewhere by its meaning.
 */
export const isPlainPath = (path: string): boolean => PLAIN_PATH.test(path) && !STEPS.test(path)
