/**
 * Tokens that a text is at most: UTF-8 bytes, each character at the worst of what tokenizers make of
 * it before they cut it up (Unicode NFKC: `ﷺ` is 33 bytes then). Nothing is normalised on the way, or
 * a stranger's long run of marks would cost the square of its length (threats J1).
 */
export function worstBytes(text: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes === text.length) return bytes
  let sum = 0
  /** Bytes more that the character before has where it may not be composed again. */
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

/** Of a character that is written as an escape, `\\u003c`. */
const ESCAPED = 6
/** White space and line ends that a template may put behind a sign of JSON; most behind a comma. */
const BEHIND: Readonly<Record<string, number>> = { '{': 1, '}': 1, '[': 1, ']': 1, ':': 1, ',': 2 }
/** Digits of `1e+63`, which some backends write out: no number has more of them. */
const WRITTEN_OUT = 64

/**
 * Tokens that a template makes of a JSON text at most. Backends write it anew: with space behind its
 * signs, and some of them with escapes for what is no ASCII or has a meaning in HTML.
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
 * One entry for each code point that normalising can change: bytes at worst (6 bits), bytes more
 * when it comes decomposed (6 bits), whether it is a mark, and that it is known. Filled as they come.
 */
const TABLE_END = 0x2fa20
const table = new Uint16Array(TABLE_END)
const SHIFT = 6
const BYTES = 0x3f
const MARK = 0x1000
const KNOWN = 0x2000
const PLAIN_4 = KNOWN | 4

/**
 * A mark behind a character can keep its parts from being composed again, in another order: `ǖ` and
 * a dot below are more bytes than each by itself. Then the character counts as it is decomposed.
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

/** For each character of ASCII: bytes as it may be escaped (6 bits), and what may stand behind it. */
const JSON_TABLE: Uint16Array = Uint16Array.from({ length: 0x80 }, (_, code) => {
  const sign = String.fromCharCode(code)
  return ("<>&'".includes(sign) ? ESCAPED : 1) | ((BEHIND[sign] ?? 0) << SHIFT)
})
