/**
 * The most tokens that a text can be: its UTF-8 bytes, each character in the longest form that a
 * tokenizer may give it before it cuts the text up (by Unicode NFKC `ﷺ` becomes 33 bytes). The text
 * is not normalised here, because a long run of marks would take time in the square of its length
 * (threats J1).
 */
export function worstBytes(text: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes === text.length) return bytes
  let sum = 0
  /** Bytes that the character before has more if it cannot be composed again. */
  let apart = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0
    if (code > 0xffff) at += 1
    if (code < 0x80) {
      sum += 1
      apart = 0
      continue
    }
    const entry = code < TABLE_END ? table[code] || look(code) : PLAIN_4
    if ((entry & MARK) !== 0) sum += apart + (entry & BYTES) + ((entry >> SHIFT) & BYTES)
    else sum += entry & BYTES
    apart = (entry & MARK) === 0 ? (entry >> SHIFT) & BYTES : 0
  }
  return sum
}

/** Bytes of a character that is written as an escape, `\\u003c`. */
const ESCAPED = 6
/** Bytes of white space that a template may put after a sign of JSON. */
const BEHIND: Readonly<Record<string, number>> = { '{': 1, '}': 1, '[': 1, ']': 1, ':': 1, ',': 2 }
/** Some backends write `1e+63` with all of its digits. No number has more. */
const WRITTEN_OUT = 64

/**
 * The most tokens that a template makes of a JSON text. Backends write the JSON anew, with space
 * after its signs; some escape everything that is not ASCII or has a meaning in HTML.
 */
export function jsonBytes(json: string): number {
  let around = 0
  let escaped = 0
  for (let at = 0; at < json.length; at += 1) {
    const entry = JSON_TABLE[json.charCodeAt(at)] ?? ESCAPED
    escaped += entry & BYTES
    around += entry >> SHIFT
    if (json[at] === '+' && json[at - 1] === 'e') around += WRITTEN_OUT
  }
  return Math.max(worstBytes(json), escaped) + around
}

/**
 * One entry for each code point that normalising can change: its most bytes (6 bits), the bytes
 * that it has more when it is decomposed (6 bits), whether it is a mark, and that the entry is
 * filled. An entry is filled when its code point comes for the first time.
 */
const TABLE_END = 0x2fa20
const table = new Uint16Array(TABLE_END)
const SHIFT = 6
const BYTES = 0x3f
const MARK = 0x1000
const KNOWN = 0x2000
const PLAIN_4 = KNOWN | 4

/**
 * A mark after a character can keep the parts of that character from being composed again, because
 * marks are reordered: `ǖ` and a dot below have more bytes together than each by itself. Then the
 * character counts as it is decomposed.
 */
function look(code: number): number {
  const text = String.fromCodePoint(code)
  const apart = text.normalize('NFKD')
  const worst = Math.max(Buffer.byteLength(text), Buffer.byteLength(text.normalize('NFKC')))
  const more = Math.max(0, Buffer.byteLength(apart) - worst)
  const entry = KNOWN | worst | (more << SHIFT) | (/^\p{M}/u.test(apart) ? MARK : 0)
  table[code] = entry
  return entry
}

/**
 * For each character of ASCII: its bytes if it is escaped (6 bits), and the white space after it.
 */
const JSON_TABLE: Uint16Array = Uint16Array.from({ length: 0x80 }, (_, code) => {
  const sign = String.fromCharCode(code)
  return ("<>&'".includes(sign) ? ESCAPED : 1) | ((BEHIND[sign] ?? 0) << SHIFT)
})
