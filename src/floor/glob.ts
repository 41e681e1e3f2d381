/**
 * Whether the text matches the pattern. `*` stands for any run of characters, also none, and every
 * other character for itself; case counts. The time is linear: no pattern and no text of a stranger
 * makes it slow, as a regular expression could be.
 */
export function globMatches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return pattern === text
  const end = text.length - tail.length
  if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
