/** A whole number of 32 bits from a text (FNV-1a over its UTF-16 units). Equal texts give equal numbers. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  // The low bits choose a place in a table, so the high bits are mixed into them.
  return (hash ^ (hash >>> 15)) >>> 0
}
