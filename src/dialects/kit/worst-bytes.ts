/**
 * The most tokens that a text can be: its UTF-8 bytes, each character in the longest form that a
 * tokenizer may give it before it cuts the text up (by Unicode NFKC `ﷺ` becomes 33 bytes). The text
 * is not normalised here, because a long run of marks would take time in the square of its length
 * (threats J1).
 */
export function worstBytes(text: string): number {
  const size = text.length
  const first = Math.min(size, SHORT)
  for (let at = 0; at < first; at += 1) if (text.charCodeAt(at) >= 0x80) return worstOf(text)
  return size === first || Buffer.byteLength(text) === size ? size : worstOf(text)
}

/** So many characters are looked at one by one: most texts are short, or not ASCII from the start. */
const SHORT = 24

/** The code units that are looked at next. A text is copied into it because a string is slower. */
const units = new Uint16Array(4_096)
const unitBytes = Buffer.from(units.buffer)

function worstOf(text: string): number {
  let sum = 0
  /** Bytes that the character before has more if it cannot be composed again. */
  let apart = 0
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + units.length)
    // The two halves of a surrogate pair stay together.
    if (to < text.length && isHigh(text.charCodeAt(to - 1))) to -= 1
    unitBytes.write(text.slice(from, to), 'utf16le')
    const count = to - from
    for (let at = 0; at < count; at += 1) {
      const unit = units[at] as number
      const bytes = plain[unit] as number
      if (bytes !== 0) {
        sum += bytes
        apart = 0
        continue
      }
      const next = at + 1 < count ? (units[at + 1] as number) : 0
      const paired = isHigh(unit) && isLow(next)
      const code = paired ? 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00) : unit
      if (paired) at += 1
      const entry = code < TABLE_END ? table[code] || look(code) : PLAIN_4
      if ((entry & MARK) !== 0) sum += apart + (entry & BYTES) + ((entry >> SHIFT) & BYTES)
      else sum += entry & BYTES
      apart = (entry & MARK) === 0 ? (entry >> SHIFT) & BYTES : 0
    }
    from = to
  }
  return sum
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** Bytes of a character that is written as an escape, `\\u003c`. */
const ESCAPED = 6
/** Bytes of white space that a template may put after a sign of JSON. */
const BEHIND: Readonly<Record<string, number>> = { '{': 1, '}': 1, '[': 1, ']': 1, ':': 1, ',': 2 }
/** Some backends write `1e+63` with all of its digits. No number has more. */
export const WRITTEN_OUT = 64

/**
 * The most tokens that a template makes of a JSON text. Backends write the JSON anew, with space
 * after its signs; some escape everything that is not ASCII or has a meaning in HTML.
 */
export function jsonBytes(json: string): number {
  let around = 0
  let escaped = 0
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    const entry = JSON_TABLE[code] ?? ESCAPED
    escaped += entry & BYTES
    around += entry >> SHIFT
    if (code === PLUS && json.charCodeAt(at - 1) === SMALL_E) around += WRITTEN_OUT
  }
  return Math.max(worstBytes(json), escaped) + around
}

const PLUS = 0x2b
const SMALL_E = 0x65
/**
 * One entry for each code point that normalising can change: its most bytes (6 bits), the bytes
 * that it has more when it is decomposed (6 bits), whether it is a mark, and that the entry is
 * filled. An entry is filled when its code point comes for the first time.
 */
const TABLE_END = 0x2fa20
const table = new Uint16Array(TABLE_END)
/** The bytes of a code unit if nothing else is known of it; 0 if there is, or if it did not come yet. */
const plain = new Uint8Array(0x10000).fill(1, 0, 0x80)
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
  const mark = /^\p{M}/u.test(apart)
  const entry = KNOWN | worst | (more << SHIFT) | (mark ? MARK : 0)
  table[code] = entry
  if (code < plain.length && !mark && more === 0 && !isHigh(code) && !isLow(code))
    plain[code] = worst
  return entry
}

/**
 * For each character of ASCII: its bytes if it is escaped (6 bits), and the white space after it.
 */
const JSON_TABLE: Uint16Array = Uint16Array.from({ length: 0x80 }, (_, code) => {
  const sign = String.fromCharCode(code)
  return ("<>&'".includes(sign) ? ESCAPED : 1) | ((BEHIND[sign] ?? 0) << SHIFT)
})

/**
 * The same for each byte of a string, in one sum. `ODD` where more must be known: of quotes,
 * backslashes, `e+` and what is not ASCII.
 */
export const ODD = 0xff
export const SUMS: Uint8Array = Uint8Array.from({ length: 0x100 }, (_, c) => {
  if (c >= 0x80 || '"\\+'.includes(String.fromCharCode(c))) return ODD
  const entry = JSON_TABLE[c] ?? 0
  return (entry & BYTES) + (entry >> SHIFT)
})
